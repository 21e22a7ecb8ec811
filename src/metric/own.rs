//! The program's own metrics: kept by `prometheus-client`, which no other module names.
//!
//! `prometheus-client` writes OpenMetrics only. Prometheus refuses some of it as text 0.0.4
//! (`# TYPE … info`), so headers are rewritten for that format.

use std::fmt;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Metric, Registry, Unit};

pub use prometheus_client::collector::Collector;
pub use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder,
};
pub use prometheus_client::metrics::counter::Counter;
/// One metric a set of labels; the set derives [`EncodeLabelSet`].
pub use prometheus_client::metrics::family::Family as Labelled;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::exposition::Format;
use super::family::{Family, Kind};

/// What the program counts about itself, by the same declarations as everything else it exposes.
#[derive(Debug, Default)]
pub struct OwnRegistry {
    registry: Registry,
    families: Vec<&'static Family>,
}

impl OwnRegistry {
    pub fn new() -> Self {
        Self::default()
    }

    /// Exposes `metric` as `family` and gives it back, to be counted with.
    ///
    /// `metric` is a [`Counter`], [`Gauge`] or [`Histogram`], alone or [`Labelled`]. Its kind and
    /// labels are those of the declaration.
    pub fn register<M: Metric + Clone>(&mut self, family: &'static Family, metric: M) -> M {
        debug_assert!(
            matches!(
                (family.kind, metric.metric_type()),
                (Kind::Counter, MetricType::Counter)
                    | (Kind::Gauge, MetricType::Gauge)
                    | (Kind::Histogram, MetricType::Histogram)
            ),
            "{}: the metric is of another kind than the family",
            family.name
        );
        // The library puts the unit and a counter's `_total` back.
        let name = family.open_metrics_name();
        let in_unit = family
            .unit()
            .and_then(|unit| Some((name.strip_suffix(unit)?.strip_suffix('_')?, unit)));
        match in_unit {
            Some((name, unit)) => self.registry.register_with_unit(
                name,
                family.help,
                Unit::Other(unit.to_owned()),
                metric.clone(),
            ),
            None => self.registry.register(name, family.help, metric.clone()),
        }
        self.families.push(family);
        metric
    }

    /// Exposes what `collector` reads when scraped; `families` are the ones it encodes.
    pub fn register_collector(
        &mut self,
        families: &[&'static Family],
        collector: Box<dyn Collector>,
    ) {
        self.registry.register_collector(collector);
        self.families.extend_from_slice(families);
    }

    /// The declarations of all that is registered.
    pub fn families(&self) -> &[&'static Family] {
        &self.families
    }

    /// The metrics as text, without `# EOF`, as [`assemble`](super::assemble) takes them.
    ///
    /// # Errors
    ///
    /// Only what a registered collector returns.
    pub fn encode(&self, format: Format) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Text => to_text_format(&text),
        })
    }
}

/// Rewrites OpenMetrics without `# EOF`, exemplars and timestamps as text 0.0.4: counters and
/// infos get the name of their samples, the kinds it does not know become ones it does, and
/// units go. Sample lines are the same in both.
fn to_text_format(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + open_metrics.len() / 16);
    // The name to declare is known from `# TYPE` only, which comes after `# HELP`.
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, help)| help);
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "stateset" => ("", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some(help) = help.take() {
                text.extend(["# HELP ", name, suffix, " ", help, "\n"]);
            }
            text.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with("# UNIT ") {
            text.extend([line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::info::Info;

    use super::super::{Block, assemble, parse};
    use super::*;

    static REQUESTS: Family = Family::counter(
        "own_http_requests_total",
        "Requests by path and status",
        &["path", "status"],
    );
    static SENT: Family = Family::counter("own_sent_bytes_total", "Bytes sent", &[]);
    static OPEN: Family = Family::gauge("own_connections", "Open connections", &[]);
    static DURATION: Family =
        Family::histogram("own_scrape_duration_seconds", "Time a scrape took", &[]);

    #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Request {
        path: String,
        status: u16,
    }

    fn filled() -> OwnRegistry {
        let mut own = OwnRegistry::new();
        let requests = own.register(&REQUESTS, Labelled::<Request, Counter>::default());
        let hostile = Request {
            path: "/\"a\\\nb".to_owned(),
            status: 200,
        };
        requests.get_or_create(&hostile).inc_by(3);
        own.register(&SENT, Counter::<u64>::default()).inc_by(7);
        own.register(&OPEN, Gauge::<i64>::default()).set(-1);
        let duration = own.register(&DURATION, Histogram::new([0.1, 1.0]));
        duration.observe(0.05);
        duration.observe(3.0);
        own
    }

    #[test]
    fn own_metrics_pass_the_strict_reader_in_both_formats() {
        for format in [Format::Text, Format::OpenMetrics] {
            let own = filled().encode(format).unwrap();
            let body = assemble::<Block>(format, &[], &[], &own);
            let read = parse::parse(format, std::str::from_utf8(&body).unwrap()).unwrap();
            let requests = read.samples_named("own_http_requests_total");
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].labels["path"], "/\"a\\\nb");
            assert_eq!(requests[0].value, 3.0);
            assert_eq!(read.samples_named("own_connections")[0].value, -1.0);
            assert_eq!(
                read.samples_named("own_scrape_duration_seconds_count")[0].value,
                2.0
            );
        }
        assert_eq!(filled().families().len(), 4);
    }

    #[test]
    fn each_format_has_its_own_headers() {
        let text = filled().encode(Format::Text).unwrap();
        assert!(text.contains("# HELP own_sent_bytes_total Bytes sent.\n"));
        assert!(text.contains("# TYPE own_sent_bytes_total counter\n"));
        assert!(!text.contains("# UNIT"));
        let open_metrics = filled().encode(Format::OpenMetrics).unwrap();
        assert!(open_metrics.contains("# TYPE own_sent_bytes counter\n"));
        assert!(open_metrics.contains("# UNIT own_sent_bytes bytes\n"));
        assert!(!open_metrics.contains("# EOF"));
    }

    #[test]
    fn kinds_that_text_does_not_know_become_ones_it_does() {
        let mut own = OwnRegistry::new();
        own.registry
            .register("build", "The build", Info::new([("version", "1")]));
        assert_eq!(
            own.encode(Format::Text).unwrap(),
            "# HELP build_info The build.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n"
        );
        assert_eq!(
            to_text_format("# HELP a b\n# TYPE a unknown\na 1\n# TYPE c stateset\n"),
            "# HELP a b\n# TYPE a untyped\na 1\n# TYPE c gauge\n"
        );
    }
}
