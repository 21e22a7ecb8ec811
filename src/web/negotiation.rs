//! What a scraper accepts: the format of a body (`Accept`) and its compression
//! (`Accept-Encoding`), read as RFC 9110 has it.
//!
//! A header of several lines is one list: the caller joins them with commas.

use crate::metric::Format;

/// A weight in thousandths, as exact as the grammar allows one to be.
type Weight = u16;
const FULL: Weight = 1000;

/// The format to answer in. Text unless OpenMetrics is wanted more, or as much and named rather
/// than matched by a wildcard, or named first. Who accepts neither gets text as well: a scrape
/// that may be read is worth more than a 406.
///
/// The version decides: text is 0.0.4 (Prometheus 3 also asks for a text 1.0.0, which is another
/// format). OpenMetrics 0.0.1, which Prometheus asks for up to 2.33, is answered with OpenMetrics,
/// as `client_golang` does; it repeats the number, this program says 1.0.0. Samples without
/// timestamps and exemplars are the same in both, and scrapers choose their parser by the media type.
/// `escaping` is met in every form, since all names are plain.
pub fn format(accept: Option<&str>) -> Format {
    let ranges: Vec<_> = elements(accept.unwrap_or_default())
        .enumerate()
        .filter_map(|(position, element)| MediaRange::read(position, element))
        .collect();
    let open_metrics = Match::best(&ranges, MediaRange::closeness_to_open_metrics);
    let text = Match::best(&ranges, MediaRange::closeness_to_text);
    match (open_metrics, text) {
        (Some(open_metrics), _) if open_metrics.weight == 0 => Format::Text,
        (Some(_), None) => Format::OpenMetrics,
        (Some(open_metrics), Some(text)) if open_metrics.is_preferred_to(&text) => {
            Format::OpenMetrics
        }
        _ => Format::Text,
    }
}

/// Whether to answer compressed. Without a header, or when everything is refused, the answer is
/// plain: unlike a compressed one, it can always be read.
pub fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let mut gzip = None;
    let mut identity = None;
    let mut any = None;
    for element in elements(accept_encoding.unwrap_or_default()) {
        let mut parameters = split_outside_quotes(element, b';');
        let coding = parameters.next().unwrap_or_default();
        let Some(weight) = weight(parameters) else {
            continue;
        };
        // What is named twice is refused if it is refused once.
        let named = if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")
        {
            &mut gzip
        } else if coding.eq_ignore_ascii_case("identity") {
            &mut identity
        } else if coding == "*" {
            &mut any
        } else {
            continue;
        };
        *named = Some(named.map_or(weight, |known: Weight| known.min(weight)));
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// One element of `Accept`.
struct MediaRange<'a> {
    position: usize,
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    weight: Weight,
}

impl<'a> MediaRange<'a> {
    /// None for what is no media range, or has no valid weight.
    fn read(position: usize, element: &'a str) -> Option<Self> {
        let mut parameters = split_outside_quotes(element, b';');
        let (kind, subtype) = parameters.next()?.split_once('/')?;
        let version = parameters
            .clone()
            .filter_map(|parameter| parameter.split_once('='))
            .take_while(|(name, _)| !name.trim().eq_ignore_ascii_case("q"))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("version"))
            .map(|(_, version)| version.trim().trim_matches('"'));
        Some(Self {
            position,
            kind: kind.trim(),
            subtype: subtype.trim(),
            version,
            weight: weight(parameters)?,
        })
    }

    fn closeness_to_text(&self) -> Option<Closeness> {
        self.closeness("text", "plain", |version| {
            (version == "0.0.4").then_some(Closeness::Version)
        })
    }

    fn closeness_to_open_metrics(&self) -> Option<Closeness> {
        self.closeness("application", "openmetrics-text", |version| match version {
            "1.0.0" => Some(Closeness::Version),
            "0.0.1" => Some(Closeness::OlderVersion),
            _ => None,
        })
    }

    fn closeness(
        &self,
        kind: &str,
        subtype: &str,
        version: impl FnOnce(&str) -> Option<Closeness>,
    ) -> Option<Closeness> {
        if self.kind == "*" && self.subtype == "*" {
            return Some(Closeness::Anything);
        }
        if !self.kind.eq_ignore_ascii_case(kind) {
            return None;
        }
        if self.subtype == "*" {
            return Some(Closeness::Type);
        }
        if !self.subtype.eq_ignore_ascii_case(subtype) {
            return None;
        }
        self.version.map_or(Some(Closeness::MediaType), version)
    }
}

/// How precisely a media range names a format. The most precise range decides on its weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    Type,
    MediaType,
    OlderVersion,
    Version,
}

/// What the header says of one format.
struct Match {
    closeness: Closeness,
    weight: Weight,
    position: usize,
}

impl Match {
    fn best<'a, 'b>(
        ranges: &'b [MediaRange<'a>],
        closeness: impl Fn(&'b MediaRange<'a>) -> Option<Closeness>,
    ) -> Option<Self> {
        ranges
            .iter()
            .filter_map(|range| {
                Some(Self {
                    closeness: closeness(range)?,
                    weight: range.weight,
                    position: range.position,
                })
            })
            // The first of equals, which `max_by_key` would not give.
            .reduce(|best, next| {
                if next.closeness > best.closeness {
                    next
                } else {
                    best
                }
            })
    }

    fn is_preferred_to(&self, other: &Self) -> bool {
        let named = |candidate: &Self| candidate.closeness >= Closeness::MediaType;
        match self.weight.cmp(&other.weight) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => {
                named(self) && (!named(other) || self.position < other.position)
            }
        }
    }
}

/// The elements of a list, trimmed; empty ones do not count.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    split_outside_quotes(list, b',').filter(|element| !element.is_empty())
}

/// Splits at an ASCII separator, but not inside a quoted string, and trims the parts.
fn split_outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> + Clone {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        let splits = !quoted && character == char::from(separator);
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
        }
        splits
    })
    .map(str::trim)
}

/// The `q` among the parameters; the full weight without one, none for one that is no weight.
fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<Weight> {
    let written = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then_some(value.trim())
    });
    let Some(written) = written else {
        return Some(FULL);
    };
    let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "1" => fraction.bytes().all(|byte| byte == b'0').then_some(FULL),
        // A weight too small for thousandths is still not zero.
        "0" | "" if !(whole.is_empty() && fraction.is_empty()) => {
            let thousandths = format!("{fraction:0<3}");
            let weight: Weight = thousandths.get(..3)?.parse().ok()?;
            let refused = fraction.bytes().all(|byte| byte == b'0');
            Some(if refused { 0 } else { weight.max(1) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Format::{OpenMetrics, Text};

    #[test]
    fn real_scrapers_get_what_they_ask_for() {
        for (accept, expected) in [
            // Prometheus 3 by default.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 3 that prefers protobuf and was told to use underscores.
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                 encoding=delimited;escaping=underscores;q=0.6,\
                 application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 2.34 and later.
            (
                "application/openmetrics-text;version=1.0.0,\
                 application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus up to 2.33.
            (
                "application/openmetrics-text; version=0.0.1,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 3 with the text protocol alone; VictoriaMetrics; curl; a browser.
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.4",
                Text,
            ),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Text),
            ("*/*", Text),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
                Text,
            ),
        ] {
            assert_eq!(format(Some(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn who_asks_for_nothing_or_the_impossible_gets_text() {
        assert_eq!(format(None), Text);
        for accept in [
            "",
            " , ,",
            "garbage",
            "image/png",
            "application/vnd.google.protobuf",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=two",
            "*/*;q=0",
        ] {
            assert_eq!(format(Some(accept)), Text, "{accept}");
        }
    }

    #[test]
    fn weights_and_precision_decide_rather_than_order() {
        for (accept, expected) in [
            (
                "text/plain;q=0.2, application/openmetrics-text;q=0.3",
                OpenMetrics,
            ),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.3", Text),
            (
                "application/openmetrics-text;q=0.001, text/plain;q=0",
                OpenMetrics,
            ),
            ("application/openmetrics-text;q=0, */*;q=1", Text),
            ("application/openmetrics-text, */*", OpenMetrics),
            ("*/*, application/openmetrics-text", OpenMetrics),
            ("text/plain, application/openmetrics-text", Text),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            ("application/*", OpenMetrics),
            ("application/*, text/*", Text),
            ("text/plain;q=0, */*", OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.1, \
                 application/openmetrics-text;version=0.0.1;q=0.9, text/plain;q=0.5",
                Text,
            ),
            (
                "APPLICATION/OpenMetrics-Text ; VERSION=\"1.0.0\" ; Q=0.9 , text/plain;q=0.8",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;note=\"a,b;q=0\";q=0.9, text/plain;q=0.8",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.9;version=7, text/plain;q=0.8",
                OpenMetrics,
            ),
        ] {
            assert_eq!(format(Some(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_only_where_it_is_accepted() {
        for accepted in [
            "gzip",
            "GZIP",
            "x-gzip",
            "deflate, gzip;q=1.0, *;q=0.5",
            "*",
            "br, *;q=0.1",
            "identity;q=0, *",
            "gzip;q=0.001",
            "gzip;q=0.0001",
            "identity;q=0.5, gzip;q=0.5",
            "gzip;q=.5",
        ] {
            assert!(accepts_gzip(Some(accepted)), "{accepted}");
        }
        for refused in [
            "",
            "gzip;q=0",
            "gzip;q=0.000",
            "gzip ; Q=0",
            "gzip;q=0, *",
            "gzip, x-gzip;q=0",
            "*;q=0",
            "identity",
            "identity;q=0",
            "identity;q=1, gzip;q=0.5",
            "br, zstd",
            "gzipped",
            "gzip;q=",
            "gzip;q=1.5",
            "gzip;q=-1",
        ] {
            assert!(!accepts_gzip(Some(refused)), "{refused}");
        }
        assert!(!accepts_gzip(None));
    }

    proptest! {
        #[test]
        fn no_header_panics(header in any::<String>(), near in "([a-z/*;=,\" \\\\.]|q=|0|1|gzip|\u{e9})*") {
            for header in [&header, &near] {
                format(Some(header));
                accepts_gzip(Some(header));
            }
        }

        #[test]
        fn zero_is_a_refusal_wherever_it_stands(
            before in "((br|zstd|deflate)(;q=0\\.[1-9])?, ){0,3}",
            after in "(, (br|zstd|\\*)(;q=0\\.[1-9])?){0,3}",
            zero in "0(\\.0{0,3})?",
        ) {
            let header = format!("{before}gzip;q={zero}{after}");
            prop_assert!(!accepts_gzip(Some(&header)), "{}", header);
            let header = format!(
                "text/html;q=0.9, application/openmetrics-text;version=1.0.0;q={zero}, */*;q=0.3"
            );
            prop_assert_eq!(super::format(Some(&header)), Text, "{}", header);
        }
    }
}
