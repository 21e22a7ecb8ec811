//! `[[remote]]`, and the `[defaults]` that hold for all.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::collectors::{self, Known};
use super::report::Report;
use super::section::{Section, Text, nearest, wrong_type};
use super::{endpoint, file, filter, shape, token};
use crate::config::{
    CertificateAuthority, CollectorKey, CollectorSettings, Credentials, GuestFilter, Origin,
    Product, Remote,
};

/// A wrong token is answered after 3 s: who waits for less takes it for a time-out.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(5);

/// pveproxy and pvedaemon have three workers each; far more calls than that wait for each other.
const MOST_IN_FLIGHT: usize = 32;

/// What the server itself says of a remote.
const RESERVED_LABELS: [&str; 4] = ["remote", "product", "job", "instance"];

pub(super) struct Defaults {
    pub timeout: Duration,
    pub max_in_flight: usize,
    pub max_in_flight_total: usize,
    pub background_calls_per_second: usize,
    collectors: CollectorSettings,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            max_in_flight: 3,
            max_in_flight_total: 64,
            background_calls_per_second: 5,
            collectors: CollectorSettings::default(),
        }
    }
}

impl Defaults {
    pub(super) fn read(
        section: &Section<'_>,
        known: &[CollectorKey],
        report: &mut Report<'_>,
    ) -> Self {
        let usual = Self::default();
        let known = Known {
            keys: known,
            product: None,
        };
        let mut settings = CollectorSettings::default();
        if let Some(item) = section.get("intervals") {
            collectors::intervals(item, &known, &mut settings, report);
        }
        if let Some(item) = section.get("collectors") {
            collectors::switches(item, &known, &mut settings, report);
        }
        Self {
            timeout: timeout(section, report).unwrap_or(usual.timeout),
            max_in_flight: in_flight(section, report).unwrap_or(usual.max_in_flight),
            max_in_flight_total: section
                .number("max_in_flight_total", 1..=4096, report)
                .unwrap_or(usual.max_in_flight_total),
            background_calls_per_second: calls_per_second(section, report)
                .unwrap_or(usual.background_calls_per_second),
            collectors: settings,
        }
    }
}

pub(super) fn in_flight(section: &Section<'_>, report: &mut Report<'_>) -> Option<usize> {
    section.number("max_in_flight", 1..=MOST_IN_FLIGHT, report)
}

fn calls_per_second(section: &Section<'_>, report: &mut Report<'_>) -> Option<usize> {
    section.number("background_calls_per_second", 1..=1000, report)
}

pub(super) fn read(
    section: &Section<'_>,
    defaults: &Defaults,
    known: &[CollectorKey],
    report: &mut Report<'_>,
) -> Option<Remote> {
    let name = name(section, report);
    let product = product(section, report);
    let endpoints = endpoint::list(section, product, report);
    let token = token::read(section, report);
    let ca = authority(section, report);
    let labels = labels(section, report);
    let filter = match section.table("filter", &shape::FILTER, report) {
        Some(section) => filter::read(&section, report),
        None => GuestFilter::default(),
    };
    let timeout = timeout(section, report).unwrap_or(defaults.timeout);
    let max_in_flight = in_flight(section, report).unwrap_or(defaults.max_in_flight);
    let background_calls_per_second =
        calls_per_second(section, report).unwrap_or(defaults.background_calls_per_second);
    let mut collectors = defaults.collectors.clone();
    if let Some(item) = section.get("collectors") {
        collectors::switches(
            item,
            &Known {
                keys: known,
                product,
            },
            &mut collectors,
            report,
        );
    }
    let product = product?;
    // A setting for the other product must not make this remote a changed one.
    collectors.retain(|name| {
        known
            .iter()
            .any(|key| key.name == name && key.product == product)
    });
    Some(Remote {
        name: name?,
        origin: Origin::Configured,
        product,
        endpoints: endpoints?,
        credentials: Credentials::Token(token?),
        ca,
        labels,
        filter,
        timeout,
        max_in_flight,
        background_calls_per_second,
        collectors,
    })
}

fn name(section: &Section<'_>, report: &mut Report<'_>) -> Option<String> {
    let item = section.required(
        "name",
        "name = \"cluster-a\": the label `remote` of all its series",
        report,
    )?;
    let name = Text::of(item, "a string", report)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.value.is_empty() || !name.value.bytes().all(allowed) {
        report
            .error(name.span, "this cannot be the name of a remote")
            .help("use letters, digits, \"_\", \".\" and \"-\"");
        return None;
    }
    Some(name.value.to_owned())
}

pub(super) fn product(section: &Section<'_>, report: &mut Report<'_>) -> Option<Product> {
    let item = section.required(
        "type",
        "type = \"pve\", or \"pbs\" for a Backup Server",
        report,
    )?;
    let text = Text::of(item, "\"pve\" or \"pbs\"", report)?;
    match text.value {
        "pve" => Some(Product::Pve),
        "pbs" => Some(Product::Pbs),
        other => {
            let help = match nearest(other, ["pve", "pbs"]) {
                Some(nearest) => format!("did you mean \"{nearest}\"?"),
                None => "\"pve\" is Virtual Environment, \"pbs\" is Backup Server".to_owned(),
            };
            report
                .error(text.span, "the type must be \"pve\" or \"pbs\"")
                .help(help);
            None
        }
    }
}

pub(super) fn timeout(section: &Section<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let (timeout, span) = section.duration("timeout", report)?;
    if timeout < SHORTEST_TIMEOUT {
        report
            .error(
                span,
                "a time-out below 5 s hides a wrong token, which is answered after 3 s",
            )
            .help("write \"5s\" or more");
        return None;
    }
    Some(timeout)
}

pub(super) fn authority(
    section: &Section<'_>,
    report: &mut Report<'_>,
) -> Option<CertificateAuthority> {
    let text = section.string("ca_file", report)?.not_empty(report)?;
    let path = report.relative(text.value);
    let bytes = file::read(&path, &text.span, report)?;
    match CertificateAuthority::from_pem(path, &bytes) {
        Ok(authority) => Some(authority),
        Err(problem) => {
            report
                .error(text.span, problem)
                .help("the authority of a PVE cluster is /etc/pve/pve-root-ca.pem on each node");
            None
        }
    }
}

fn labels(section: &Section<'_>, report: &mut Report<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let Some(item) = section.get("labels") else {
        return labels;
    };
    let DeValue::Table(table) = item.get_ref() else {
        wrong_type::<()>(item, "a table such as { site = \"ams\" }", report);
        return labels;
    };
    for (key, item) in table.iter() {
        let name: &str = key.get_ref();
        let head = |first: char| first.is_ascii_alphabetic() || first == '_';
        let tail = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !name.starts_with(head) || !name.bytes().all(tail) {
            report
                .error(key.span(), "this cannot be the name of a label")
                .help("use letters, digits and \"_\", and no digit first");
        } else if RESERVED_LABELS.contains(&name) || name.starts_with("__") {
            report
                .error(key.span(), format!("the label `{name}` is reserved"))
                .help("proxfleet and Prometheus set it themselves: choose another name");
        } else if let Some(value) = Text::of(item, "a string", report) {
            labels.insert(name.to_owned(), value.value.to_owned());
        }
    }
    labels
}
