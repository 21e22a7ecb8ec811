//! The encoder as a whole: its bodies pass the strict reader and say what `prometheus-client` says
//! of the same samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use proptest::prelude::*;

use super::parse::{Problem, duplicate_series, parse};
use super::{Block, Family, Format, LabelBlock, Lines, assemble};

static RATIO: Family = Family::gauge(
    "cpu_usage_ratio",
    "Share of the CPUs in use",
    &["id", "name"],
);
static SIGNED: Family = Family::gauge("offset", "A signed number", &["id", "name"]);
static BYTES: Family = Family::counter("sent_bytes_total", "Bytes sent", &["id", "name"]);
static EVENTS: Family = Family::counter("events_total", "What happened", &["id", "name"]);
static INFO: Family = Family::gauge("guest_info", "What a guest is", &["id", "name"]);
static ORDER: [&Family; 5] = [&RATIO, &SIGNED, &BYTES, &EVENTS, &INFO];

/// The samples of one entity.
#[derive(Clone, Debug)]
struct Entity {
    id: String,
    name: String,
    ratio: f64,
    signed: i64,
    bytes: u64,
    events: f64,
}

impl Entity {
    fn labels(&self) -> [(&str, &str); 2] {
        [("id", &self.id), ("name", &self.name)]
    }
}

fn block(entities: &[Entity]) -> Block {
    let mut labels = LabelBlock::new();
    let mut lines = ORDER.map(Lines::of);
    let [ratio, signed, bytes, events, info] = &mut lines;
    for entity in entities {
        labels.clear();
        labels.push("id", &entity.id);
        info.push_with(&labels, "name", &entity.name, true);
        labels.push("name", &entity.name);
        ratio.push(&labels, entity.ratio);
        signed.push(&labels, entity.signed);
        bytes.push(&labels, entity.bytes);
        events.push(&labels, entity.events);
    }
    Block::from_lines(lines)
}

#[derive(Debug)]
struct Reference(Vec<Entity>);

impl Collector for Reference {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (position, family) in ORDER.into_iter().enumerate() {
            let unit = family.unit().map(|unit| Unit::Other(unit.to_owned()));
            let name = family.open_metrics_name();
            let name = family
                .unit()
                .map_or(name, |unit| &name[..name.len() - unit.len() - 1]);
            let kind = match position {
                2 | 3 => ConstCounter::new(0_u64).metric_type(),
                _ => ConstGauge::new(0_i64).metric_type(),
            };
            let mut samples = encoder.encode_descriptor(name, family.help, unit.as_ref(), kind)?;
            for entity in &self.0 {
                let labels = entity.labels();
                let sample = samples.encode_family(&labels)?;
                match position {
                    0 => ConstGauge::new(entity.ratio).encode(sample)?,
                    1 => ConstGauge::new(entity.signed).encode(sample)?,
                    2 => ConstCounter::new(entity.bytes).encode(sample)?,
                    3 => ConstCounter::new(entity.events).encode(sample)?,
                    _ => ConstGauge::new(1_i64).encode(sample)?,
                }
            }
        }
        Ok(())
    }
}

fn reference(entities: Vec<Entity>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reference(entities)));
    let mut body = String::new();
    text::encode(&mut body, &registry).unwrap();
    body
}

fn assembled(format: Format, blocks: &[Block]) -> String {
    String::from_utf8(assemble(format, &ORDER, blocks, "").to_vec()).unwrap()
}

/// Any text, with much of what an escape may go wrong on.
fn label_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\\\\"\n\r\t{}=, #\u{0}\u{7f}\u{2028}]{0,12}",
        "(qemu|lxc)/[0-9]{3}",
    ]
}

fn entities() -> impl Strategy<Value = Vec<Entity>> {
    let finite = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    let entity = (
        label_value(),
        finite,
        any::<i64>(),
        any::<u64>(),
        prop_oneof![
            0.0..1e18_f64,
            (0..1_u64 << 60).prop_map(|whole| whole as f64)
        ],
    );
    prop::collection::vec(entity, 1..20).prop_map(|entities| {
        entities
            .into_iter()
            .enumerate()
            .map(|(number, (name, ratio, signed, bytes, events))| Entity {
                id: format!("qemu/{number}"),
                name,
                ratio,
                signed,
                bytes,
                events,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn says_what_prometheus_client_says(entities in entities()) {
        let ours = assembled(Format::OpenMetrics, &[block(&entities)]);
        let ours = parse(Format::OpenMetrics, &ours).unwrap();
        let theirs = parse(Format::OpenMetrics, &reference(entities.clone())).unwrap();
        prop_assert_eq!(&ours, &theirs.with_written_of(&ours));

        for entity in &entities {
            let is = |sample: &&&super::parse::ParsedSample| sample.labels["id"] == entity.id;
            let bytes = ours.samples_named("sent_bytes_total");
            let bytes = bytes.iter().find(is).unwrap();
            prop_assert_eq!(bytes.written.parse::<u64>().unwrap(), entity.bytes);
            let signed = ours.samples_named("offset");
            let signed = signed.iter().find(is).unwrap();
            prop_assert_eq!(signed.written.parse::<i64>().unwrap(), entity.signed);
            prop_assert_eq!(&signed.labels["name"], &entity.name);
        }
    }

    #[test]
    fn both_formats_say_the_same_of_many_blocks(entities in entities()) {
        let blocks: Vec<_> = entities
            .chunks(3)
            .map(block)
            .collect();
        let text = assembled(Format::Text, &blocks);
        let open_metrics = assembled(Format::OpenMetrics, &blocks);
        prop_assert_eq!(duplicate_series(&text), None);
        let text = parse(Format::Text, &text).unwrap();
        let open_metrics = parse(Format::OpenMetrics, &open_metrics).unwrap();
        prop_assert!(text.samples().eq(open_metrics.samples()));
        prop_assert_eq!(text.samples().count(), entities.len() * ORDER.len());
    }

    #[test]
    fn the_reader_never_panics(body in "([a-z_#{}=\",\\\\ 0-9]|\n|# (HELP|TYPE|UNIT) a |# EOF\n|[^a])*") {
        for format in [Format::Text, Format::OpenMetrics] {
            drop(parse(format, &body));
        }
    }
}

impl super::parse::Exposition {
    /// Takes over how values are spelled, which is free, so that only what they say is compared.
    fn with_written_of(mut self, other: &Self) -> Self {
        let written: BTreeMap<_, _> = other
            .samples()
            .map(|sample| ((&sample.name, &sample.labels), &sample.written))
            .collect();
        for sample in self
            .families
            .iter_mut()
            .flat_map(|family| &mut family.samples)
        {
            if let Some(written) = written.get(&(&sample.name, &sample.labels)) {
                sample.written.clone_from(written);
            }
        }
        self
    }
}

#[test]
fn special_values_are_written_as_both_formats_spell_them() {
    let mut lines = Lines::of(&RATIO);
    let mut labels = LabelBlock::new();
    for (name, value) in [
        ("up", f64::INFINITY),
        ("down", f64::NEG_INFINITY),
        ("none", f64::NAN),
    ] {
        labels.clear().push("id", "a").push("name", name);
        lines.push(&labels, value);
    }
    let blocks = [Arc::new(Block::from_lines([lines]))];
    for format in [Format::Text, Format::OpenMetrics] {
        let body = assemble(format, &ORDER, &blocks, "");
        let read = parse(format, std::str::from_utf8(&body).unwrap()).unwrap();
        let written: Vec<_> = read.samples().map(|sample| &sample.written).collect();
        assert_eq!(written, ["+Inf", "-Inf", "NaN"]);
    }
}

fn problem(format: Format, body: &str) -> Problem {
    parse(format, body).unwrap_err().problem
}

#[test]
fn the_reader_refuses_what_breaks_the_formats() {
    use Format::{OpenMetrics, Text};
    let head = "# HELP a b\n# TYPE a gauge\n";
    let text = |rest: &str| problem(Text, &format!("{head}{rest}"));
    assert_eq!(text("a 1"), Problem::Unterminated);
    assert_eq!(text("a 1\n\n"), Problem::EmptyLine);
    assert_eq!(text("a 1\n# EOF\n"), Problem::UnexpectedEof);
    assert_eq!(text("a 1\na 2\n"), Problem::DuplicateSeries);
    assert_eq!(
        text("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n"),
        Problem::DuplicateSeries
    );
    assert_eq!(text("a{x=\"\\t\"} 1\n"), Problem::Escape);
    assert_eq!(text("a{x=\"1} 1\n"), Problem::Labels);
    assert_eq!(text("a{x=\"1\",} 1\n"), Problem::Labels);
    assert_eq!(text("a{x=\"1\"y=\"2\"} 1\n"), Problem::Labels);
    assert_eq!(
        text("a{x=\"1\",x=\"2\"} 1\n"),
        Problem::DuplicateLabel("x".into())
    );
    assert_eq!(text("a{0=\"1\"} 1\n"), Problem::LabelName("0".into()));
    assert_eq!(
        text("a 1 1764000000\n"),
        Problem::Value("1 1764000000".into())
    );
    assert_eq!(text("a inf\n"), Problem::Value("inf".into()));
    assert_eq!(text("b 1\n"), Problem::ForeignSample("b".into()));
    assert_eq!(text("# TYPE a gauge\n"), Problem::DuplicateHeader("TYPE"));
    assert_eq!(text("# UNIT a b\n"), Problem::Comment);
    assert_eq!(
        text("a 1\n# HELP a b\n"),
        Problem::NotContiguous("a".into())
    );
    assert_eq!(
        text("a 1\n# HELP b b\n# TYPE b gauge\nb 1\n# HELP a b\n"),
        Problem::NotContiguous("a".into())
    );
    assert_eq!(problem(Text, "a 1\n"), Problem::ForeignSample("a".into()));
    assert_eq!(
        problem(Text, "# HELP a b\na 1\n"),
        Problem::IncompleteHeader("a".into(), "TYPE")
    );
    assert_eq!(
        problem(Text, "# HELP a b\n# TYPE a info\n"),
        Problem::Type("info".into())
    );
    let counter = "# HELP a b\n# TYPE a counter\n";
    assert_eq!(
        problem(OpenMetrics, &format!("{counter}a 1\n# EOF\n")),
        Problem::ForeignSample("a".into())
    );
    assert_eq!(
        problem(OpenMetrics, &format!("{counter}a_total -1\n# EOF\n")),
        Problem::CounterValue
    );
    assert_eq!(
        problem(
            OpenMetrics,
            &format!("{counter}# HELP a_total b\n# TYPE a_total gauge\n# EOF\n")
        ),
        Problem::NameClash("a_total".into())
    );
    assert_eq!(problem(OpenMetrics, counter), Problem::NoEof);
    assert_eq!(
        problem(OpenMetrics, "# EOF\n# EOF\n"),
        Problem::UnexpectedEof
    );
    assert_eq!(
        problem(OpenMetrics, "# UNIT a_bytes seconds\n"),
        Problem::Unit("seconds".into())
    );
}

#[test]
fn the_reader_holds_buckets_against_each_other() {
    let histogram = |samples: &str| {
        parse(
            Format::Text,
            &format!("# HELP h b\n# TYPE h histogram\n{samples}"),
        )
    };
    assert!(
        histogram("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n").is_ok()
    );
    for bad in [
        "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\n",
        "h_bucket{le=\"1\"} 1\n",
        "h_bucket 1\n",
        "h_sum{le=\"1\"} 1\n",
    ] {
        assert_eq!(
            histogram(bad).unwrap_err().problem,
            Problem::Buckets,
            "{bad}"
        );
    }
}

#[test]
fn duplicate_series_are_found() {
    assert_eq!(duplicate_series("a 1\nb 1\na{x=\" \"} 1\n"), None);
    assert_eq!(
        duplicate_series("# a\n# a\na{x=\"1\"} 1\na{x=\"1\"} 2\n"),
        Some("a{x=\"1\"}")
    );
}
