//! The declaration of a family: the one place that says its name, kind, help and labels.

use super::exposition::Format;

/// What `# TYPE` says. Info families and state sets are gauges in both formats: the text format
/// 0.0.4 has no word for them, and Prometheus refuses a scrape with one it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Gauge,
    Counter,
    /// Only for the program's own metrics ([`OwnRegistry`](super::OwnRegistry)); no
    /// [`Lines`](super::Lines) carry one.
    Histogram,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A family of series, declared as a `static` by the collector that fills it.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The full name of its samples; a counter's ends in `_total`.
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence without quotes and without a final full stop.
    pub help: &'static str,
    /// The names of the labels that every sample carries.
    pub labels: &'static [&'static str],
    /// Whether the answers that it is read from have been recorded from a real server.
    pub recorded: bool,
}

/// The suffixes that OpenMetrics may be told as a unit. Anything else (`_info`, `_timestamp`,
/// plain counts) has none.
const UNITS: [&str; 10] = [
    "bytes", "seconds", "ratio", "celsius", "volts", "amperes", "watts", "joules", "hertz",
    "meters",
];

impl Family {
    pub const fn gauge(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            kind: Kind::Gauge,
            help,
            labels,
            recorded: true,
        }
    }

    /// `name` ends in `_total`.
    pub const fn counter(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            kind: Kind::Counter,
            help,
            labels,
            recorded: true,
        }
    }

    /// `name` is without `_bucket`, `_sum` and `_count`, `labels` without `le`.
    pub const fn histogram(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            kind: Kind::Histogram,
            help,
            labels,
            recorded: true,
        }
    }

    /// The shape that it is read from comes from the sources of the product, and no recording.
    pub const fn unrecorded(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// The name of the family in OpenMetrics, where a counter's lacks the `_total` of its samples.
    pub fn open_metrics_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// The base unit that the name ends in, as OpenMetrics demands of a `# UNIT`.
    pub fn unit(&self) -> Option<&'static str> {
        let (_, suffix) = self.open_metrics_name().rsplit_once('_')?;
        UNITS.into_iter().find(|unit| *unit == suffix)
    }

    /// Appends `# HELP`, `# TYPE` and, in OpenMetrics, `# UNIT`.
    pub fn write_header(&self, format: Format, out: &mut Vec<u8>) {
        let name = match format {
            Format::Text => self.name,
            Format::OpenMetrics => self.open_metrics_name(),
        };
        out.extend_from_slice(b"# HELP ");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        write_escaped_help(self.help, format, out);
        out.extend_from_slice(b"\n# TYPE ");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.kind.as_str().as_bytes());
        out.push(b'\n');
        if format == Format::OpenMetrics
            && let Some(unit) = self.unit()
        {
            out.extend_from_slice(b"# UNIT ");
            out.extend_from_slice(name.as_bytes());
            out.push(b' ');
            out.extend_from_slice(unit.as_bytes());
            out.push(b'\n');
        }
    }
}

/// The text format escapes backslash and line feed in help texts, OpenMetrics the quote as well.
fn write_escaped_help(help: &str, format: Format, out: &mut Vec<u8>) {
    for &byte in help.as_bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if format == Format::OpenMetrics => out.extend_from_slice(b"\\\""),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(family: &Family, format: Format) -> String {
        let mut out = Vec::new();
        family.write_header(format, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn counter_is_named_with_total_in_text_and_without_in_open_metrics() {
        let family = Family::counter("sent_bytes_total", "Bytes sent", &["id"]);
        assert_eq!(
            header(&family, Format::Text),
            "# HELP sent_bytes_total Bytes sent\n# TYPE sent_bytes_total counter\n"
        );
        assert_eq!(
            header(&family, Format::OpenMetrics),
            "# HELP sent_bytes Bytes sent\n# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\n"
        );
    }

    #[test]
    fn gauge_keeps_its_name_even_when_it_ends_in_total() {
        let family = Family::gauge("not_backed_up_total", "Guests", &[]);
        for format in [Format::Text, Format::OpenMetrics] {
            assert_eq!(
                header(&family, format),
                "# HELP not_backed_up_total Guests\n# TYPE not_backed_up_total gauge\n"
            );
        }
    }

    #[test]
    fn unit_is_read_from_the_last_part_of_the_name_only() {
        let unit = |name| Family::gauge(name, "", &[]).unit();
        assert_eq!(unit("end_timestamp_seconds"), Some("seconds"));
        assert_eq!(unit("cpu_usage_ratio"), Some("ratio"));
        assert_eq!(unit("version_info"), None);
        assert_eq!(unit("guests"), None);
        assert_eq!(unit("bytes"), None, "OpenMetrics wants `_unit` as a suffix");
        assert_eq!(unit("megabytes_used"), None);
        assert_eq!(
            Family::counter("cpu_seconds_total", "", &[]).unit(),
            Some("seconds")
        );
    }

    #[test]
    fn help_is_escaped_as_each_format_wants() {
        let family = Family::gauge("a", "x \\ y\nz \"q\"", &[]);
        assert!(header(&family, Format::Text).contains("x \\\\ y\\nz \"q\"\n"));
        assert!(header(&family, Format::OpenMetrics).contains("x \\\\ y\\nz \\\"q\\\"\n"));
    }
}
