//! The naming rules that a catalogue of families is held against; `promtool check metrics` knows
//! most of them, OpenMetrics and the operator of Prometheus the others.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::family::{Family, Kind};
use super::labels::is_label_name;

/// Labels that Prometheus or its operator attach to a target. In a sample they would be renamed
/// to `exported_…`, or hide where the sample came from.
pub const TARGET_LABELS: [&str; 7] = [
    "job",
    "instance",
    "namespace",
    "service",
    "endpoint",
    "pod",
    "container",
];

/// Suffixes of the samples that a format makes of one metric.
const RESERVED_SUFFIXES: [&str; 4] = ["_bucket", "_count", "_sum", "_created"];

/// Parts of a name that say a unit which is not the base unit, or only a letter of it.
const NOT_BASE_UNITS: [&str; 36] = [
    "minutes",
    "hours",
    "days",
    "weeks",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "bits",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "terabytes",
    "kibibytes",
    "mebibytes",
    "gibibytes",
    "fahrenheit",
    "kelvin",
    "percent",
    "percentage",
    "millivolts",
    "milliwatts",
    "kilowatts",
    "megahertz",
    "s",
    "ms",
    "us",
    "ns",
    "sec",
    "b",
    "kb",
    "mb",
    "gb",
    "tb",
    "pb",
    "m",
    "h",
];

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{family}: {problem}")]
pub struct Finding {
    pub family: &'static str,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("the name is not snake_case")]
    NotSnakeCase,
    #[error("`{0}` is not a base unit: use bytes, seconds, ratio, celsius …")]
    NotBaseUnit(String),
    #[error("a counter's name ends in `_total`")]
    CounterWithoutTotal,
    #[error("only a counter's name ends in `_total`")]
    TotalWithoutCounter,
    #[error("`{0}` is a suffix of histograms and counters")]
    ReservedSuffix(&'static str),
    #[error("the name says the type `{0}`")]
    TypeInName(String),
    #[error("the help is missing")]
    NoHelp,
    #[error("the help is not one sentence without quotes, backslashes and a final full stop")]
    Help,
    #[error("`{0}` is no label name in snake_case")]
    LabelName(&'static str),
    #[error("`{0}` is reserved to histograms and summaries")]
    ReservedLabel(&'static str),
    #[error("`{0}` is a label of targets")]
    TargetLabel(&'static str),
    #[error("label `{0}` is declared twice")]
    DuplicateLabel(&'static str),
    #[error("the name is declared twice")]
    DuplicateName,
    #[error("in OpenMetrics its names are also those of `{0}`")]
    Clash(&'static str),
}

/// Holds a catalogue against all rules. The names in `inherited`, which other exporters gave, are
/// free of the rules on names, not of those on labels, helps and clashes.
pub fn lint(catalogue: &[&'static Family], inherited: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for family in catalogue {
        let mut problems = help(family.help);
        if !inherited.contains(&family.name) {
            problems.extend(name(family));
        }
        problems.extend(labels(family.labels));
        findings.extend(problems.into_iter().map(|problem| Finding {
            family: family.name,
            problem,
        }));
    }
    findings.extend(clashes(catalogue));
    findings
}

/// The rules on the name of one family.
pub fn name(family: &Family) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_snake_case(family.name) {
        problems.push(Problem::NotSnakeCase);
    }
    match (family.kind, family.name.ends_with("_total")) {
        (Kind::Counter, false) => problems.push(Problem::CounterWithoutTotal),
        (Kind::Gauge | Kind::Histogram, true) => problems.push(Problem::TotalWithoutCounter),
        _ => {}
    }
    let suffix = RESERVED_SUFFIXES
        .into_iter()
        .find(|suffix| family.open_metrics_name().ends_with(suffix));
    problems.extend(suffix.map(Problem::ReservedSuffix));
    for part in family.name.split('_') {
        if NOT_BASE_UNITS.contains(&part) {
            problems.push(Problem::NotBaseUnit(part.to_owned()));
        }
        if ["gauge", "counter", "histogram", "summary"].contains(&part) {
            problems.push(Problem::TypeInName(part.to_owned()));
        }
    }
    problems
}

/// One sentence, as every help of the catalogue is written: no full stop at its end, since
/// `prometheus-client` adds one of its own, and nothing that either format would escape.
pub fn help(help: &str) -> Vec<Problem> {
    if help.trim().is_empty() {
        return vec![Problem::NoHelp];
    }
    let sentence = help.trim() == help
        && !help.contains(['"', '\\', '\n', '\r'])
        && !starts_another_sentence(help)
        && !help.ends_with('.');
    if sentence {
        vec![]
    } else {
        vec![Problem::Help]
    }
}

/// A full stop and a capital; `e.g. this` goes on with the same sentence.
fn starts_another_sentence(help: &str) -> bool {
    help.split(". ")
        .skip(1)
        .any(|rest| rest.starts_with(char::is_uppercase))
}

/// The rules on the labels of one family.
pub fn labels(labels: &[&'static str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for label in labels {
        if !is_label_name(label) || !is_snake_case(label) {
            problems.push(Problem::LabelName(label));
        }
        if ["le", "quantile"].contains(label) {
            problems.push(Problem::ReservedLabel(label));
        }
        if TARGET_LABELS.contains(label) {
            problems.push(Problem::TargetLabel(label));
        }
        if !seen.insert(label) {
            problems.push(Problem::DuplicateLabel(label));
        }
    }
    problems
}

/// Names that two families of a catalogue share, as declared or in OpenMetrics, where `a` is the
/// family of the counter `a_total` and a histogram owns three more names.
pub fn clashes(catalogue: &[&'static Family]) -> Vec<Finding> {
    let mut owners: HashMap<String, usize> = HashMap::new();
    let mut findings = Vec::new();
    for (position, family) in catalogue.iter().enumerate() {
        let suffixes: &[&str] = match family.kind {
            Kind::Gauge => &[""],
            Kind::Counter => &["", "_total", "_created"],
            Kind::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        };
        let owner = suffixes.iter().find_map(|suffix| {
            let name = format!("{}{suffix}", family.open_metrics_name());
            let owner = *owners.entry(name).or_insert(position);
            (owner != position).then_some(owner)
        });
        if let Some(other) = owner.and_then(|owner| catalogue.get(owner)) {
            findings.push(Finding {
                family: family.name,
                problem: if other.name == family.name {
                    Problem::DuplicateName
                } else {
                    Problem::Clash(other.name)
                },
            });
        }
    }
    findings
}

fn is_snake_case(name: &str) -> bool {
    name.split('_').all(|part| !part.is_empty())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of_gauge(gauge: &'static str) -> Vec<Problem> {
        name(&Family::gauge(gauge, "Help", &[]))
    }

    #[test]
    fn good_families_pass() {
        static CATALOGUE: [Family; 4] = [
            Family::gauge("pve_up", "Whether the guest is running", &["remote", "id"]),
            Family::gauge("pve_disk_size_bytes", "Size of the disk", &["remote", "id"]),
            Family::counter(
                "pve_sent_bytes_total",
                "Bytes sent, e.g. to a client",
                &["id"],
            ),
            Family::histogram("proxfleet_scrape_duration_seconds", "Time taken", &[]),
        ];
        let catalogue: Vec<_> = CATALOGUE.iter().collect();
        assert_eq!(lint(&catalogue, &[]), []);
    }

    #[test]
    fn names_are_snake_case_in_base_units() {
        for bad in [
            "Pve_up", "pve__up", "pve_up_", "_pve", "9up", "pve:up", "pveUp",
        ] {
            assert_eq!(problems_of_gauge(bad), [Problem::NotSnakeCase], "{bad}");
        }
        for (bad, unit) in [
            ("a_hours", "hours"),
            ("uptime_ms", "ms"),
            ("a_mb_used", "mb"),
        ] {
            assert_eq!(
                problems_of_gauge(bad),
                [Problem::NotBaseUnit(unit.to_owned())]
            );
        }
        assert_eq!(
            problems_of_gauge("a_gauge"),
            [Problem::TypeInName("gauge".to_owned())]
        );
    }

    #[test]
    fn total_belongs_to_counters_and_reserved_suffixes_to_none() {
        assert_eq!(
            problems_of_gauge("guests_total"),
            [Problem::TotalWithoutCounter]
        );
        assert_eq!(
            name(&Family::counter("sent_bytes", "", &[])),
            [Problem::CounterWithoutTotal]
        );
        assert_eq!(
            problems_of_gauge("snapshot_count"),
            [Problem::ReservedSuffix("_count")]
        );
        static INHERITED: Family = Family::gauge("guests_total", "Guests", &[]);
        assert_eq!(lint(&[&INHERITED], &["guests_total"]), []);
    }

    #[test]
    fn helps_are_one_plain_sentence() {
        assert_eq!(help(" "), [Problem::NoHelp]);
        for bad in [
            "Two. Sentences",
            "Stop.",
            "A \"quote\"",
            "a\\b",
            "a\nb",
            " a",
        ] {
            assert_eq!(help(bad), [Problem::Help], "{bad}");
        }
    }

    #[test]
    fn labels_are_valid_unique_and_not_those_of_targets() {
        assert_eq!(
            labels(&["id", "id", "le", "Node", "a-b", "job"]),
            [
                Problem::DuplicateLabel("id"),
                Problem::ReservedLabel("le"),
                Problem::LabelName("Node"),
                Problem::LabelName("a-b"),
                Problem::TargetLabel("job"),
            ]
        );
    }

    #[test]
    fn names_do_not_clash_in_open_metrics() {
        static GAUGE: Family = Family::gauge("sent_bytes", "Bytes", &[]);
        static COUNTER: Family = Family::counter("sent_bytes_total", "Bytes", &[]);
        let problems = |catalogue: &[&'static Family]| -> Vec<_> {
            clashes(catalogue)
                .into_iter()
                .map(|finding| finding.problem)
                .collect()
        };
        assert_eq!(
            problems(&[&GAUGE, &COUNTER]),
            [Problem::Clash("sent_bytes")]
        );
        assert_eq!(
            problems(&[&COUNTER, &GAUGE]),
            [Problem::Clash("sent_bytes_total")]
        );
        assert_eq!(problems(&[&GAUGE, &GAUGE]), [Problem::DuplicateName]);
    }
}
