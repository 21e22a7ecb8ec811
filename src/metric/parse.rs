//! The strict reader of both text formats, for tests: it refuses what a lenient scraper lets pass.
//!
//! Beyond the grammar it demands what every body of this program keeps: each family has help and
//! type before its samples and appears once, no series appears twice, no sample has a timestamp or
//! an exemplar, only the three escapes are used.

use std::collections::{BTreeMap, HashMap, HashSet};

use thiserror::Error;

use super::exposition::Format;
use super::labels::is_label_name;

/// A body, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    pub families: Vec<ParsedFamily>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedFamily {
    /// As `# TYPE` says it: in OpenMetrics a counter's lacks `_total`.
    pub name: String,
    pub kind: String,
    /// Unescaped.
    pub help: String,
    pub unit: Option<String>,
    pub samples: Vec<ParsedSample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ParsedSample {
    pub name: String,
    /// Unescaped.
    pub labels: BTreeMap<String, String>,
    pub value: f64,
    /// The value as it stands there: integers above 2^53 do not survive in `value`.
    pub written: String,
}

impl Exposition {
    pub fn family(&self, name: &str) -> Option<&ParsedFamily> {
        self.families.iter().find(|family| family.name == name)
    }

    pub fn samples(&self) -> impl Iterator<Item = &ParsedSample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    pub fn samples_named(&self, name: &str) -> Vec<&ParsedSample> {
        self.samples()
            .filter(|sample| sample.name == name)
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    /// From 1; the last one for what is missing at the end, 0 in an empty body.
    pub line: usize,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("the last line does not end with a line feed")]
    Unterminated,
    #[error("`# EOF` is missing")]
    NoEof,
    #[error("`# EOF` does not belong here")]
    UnexpectedEof,
    #[error("empty line")]
    EmptyLine,
    #[error("neither HELP, TYPE, UNIT nor EOF")]
    Comment,
    #[error("`{0}` is no metric name")]
    MetricName(String),
    #[error("`{0}` is no label name")]
    LabelName(String),
    #[error("label `{0}` appears twice")]
    DuplicateLabel(String),
    #[error("labels are malformed")]
    Labels,
    #[error("unknown escape")]
    Escape,
    #[error("`{0}` is no type of this format")]
    Type(String),
    #[error("unit `{0}` is not the suffix of its family's name")]
    Unit(String),
    #[error("a second {0} of one family")]
    DuplicateHeader(&'static str),
    #[error("header of `{0}` after its samples, or its family appeared before")]
    NotContiguous(String),
    #[error("`{0}` has no {1}")]
    IncompleteHeader(String, &'static str),
    #[error("sample `{0}` does not belong to the family before it")]
    ForeignSample(String),
    #[error("the names of `{0}` clash with those of another family")]
    NameClash(String),
    #[error("`{0}` is no value, or something follows it")]
    Value(String),
    #[error("a counter is negative or not a number")]
    CounterValue,
    #[error("series appears twice")]
    DuplicateSeries,
    #[error("buckets are not cumulative, or lack `le` or `+Inf`")]
    Buckets,
}

/// Reads a whole body.
///
/// # Errors
///
/// The first thing that is wrong, with its line.
pub fn parse(format: Format, body: &str) -> Result<Exposition, ParseError> {
    let mut reader = Reader::new(format);
    let mut rest = body;
    let mut line = 0;
    while !rest.is_empty() {
        line += 1;
        let at = |problem| ParseError { line, problem };
        let (text, after) = rest
            .split_once('\n')
            .ok_or_else(|| at(Problem::Unterminated))?;
        rest = after;
        reader.line(text).map_err(at)?;
    }
    reader
        .finish()
        .map_err(|problem| ParseError { line, problem })
}

/// The first series of a body that appears a second time. Compares lines up to the value, so it
/// needs no valid body.
pub fn duplicate_series(body: &str) -> Option<&str> {
    let mut seen = HashSet::new();
    body.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series)
        .find(|series| !seen.insert(*series))
}

struct Reader {
    format: Format,
    read: Exposition,
    current: Option<Open>,
    /// The names of families and of their samples, and whose they are.
    names: HashMap<String, usize>,
    ended: bool,
}

/// The family whose lines are being read.
#[derive(Default)]
struct Open {
    name: String,
    help: Option<String>,
    kind: Option<String>,
    unit: Option<String>,
    samples: Vec<ParsedSample>,
    series: HashSet<(String, BTreeMap<String, String>)>,
}

impl Reader {
    fn new(format: Format) -> Self {
        Self {
            format,
            read: Exposition::default(),
            current: None,
            names: HashMap::new(),
            ended: false,
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Problem> {
        if self.ended {
            return Err(Problem::UnexpectedEof);
        }
        if line.is_empty() {
            return Err(Problem::EmptyLine);
        }
        if line == "# EOF" {
            if self.format == Format::Text {
                return Err(Problem::UnexpectedEof);
            }
            self.ended = true;
            return Ok(());
        }
        let Some(comment) = line.strip_prefix('#') else {
            return self.sample(line);
        };
        let mut words = comment.splitn(4, ' ');
        let header = (words.next(), words.next(), words.next(), words.next());
        let (Some(""), Some(keyword), Some(name), Some(text)) = header else {
            return Err(Problem::Comment);
        };
        let format = self.format;
        let open = self.open(name)?;
        let (field, keyword, value) = match keyword {
            "HELP" => (&mut open.help, "HELP", unescaped(text, format)?),
            "TYPE" if suffixes(format, text).is_some() => (&mut open.kind, "TYPE", text.to_owned()),
            "TYPE" => return Err(Problem::Type(text.to_owned())),
            "UNIT" if format == Format::OpenMetrics => {
                if !name.ends_with(&format!("_{text}")) {
                    return Err(Problem::Unit(text.to_owned()));
                }
                (&mut open.unit, "UNIT", text.to_owned())
            }
            _ => return Err(Problem::Comment),
        };
        if field.replace(value).is_some() {
            return Err(Problem::DuplicateHeader(keyword));
        }
        Ok(())
    }

    /// The family that the header line of `name` belongs to.
    fn open(&mut self, name: &str) -> Result<&mut Open, Problem> {
        if !is_metric_name(name) {
            return Err(Problem::MetricName(name.to_owned()));
        }
        let continues = self.current.as_ref().is_some_and(|open| open.name == name);
        if !continues {
            self.close()?;
            if self.read.families.iter().any(|family| family.name == name) {
                return Err(Problem::NotContiguous(name.to_owned()));
            }
        }
        let open = self.current.get_or_insert_with(|| Open {
            name: name.to_owned(),
            ..Open::default()
        });
        if !open.samples.is_empty() {
            return Err(Problem::NotContiguous(name.to_owned()));
        }
        Ok(open)
    }

    fn sample(&mut self, line: &str) -> Result<(), Problem> {
        let sample = read_sample(line)?;
        let foreign = || Problem::ForeignSample(sample.name.clone());
        let open = self.current.as_mut().ok_or_else(foreign)?;
        let kind = open
            .kind
            .as_deref()
            .ok_or_else(|| Problem::IncompleteHeader(open.name.clone(), "TYPE"))?;
        let suffix = sample.name.strip_prefix(&open.name).ok_or_else(foreign)?;
        if !suffixes(self.format, kind).is_some_and(|known| known.contains(&suffix)) {
            return Err(foreign());
        }
        if matches!(suffix, "_bucket") != sample.labels.contains_key("le") && kind == "histogram" {
            return Err(Problem::Buckets);
        }
        if kind == "counter" && (sample.value.is_nan() || sample.value < 0.0) {
            return Err(Problem::CounterValue);
        }
        if !open
            .series
            .insert((sample.name.clone(), sample.labels.clone()))
        {
            return Err(Problem::DuplicateSeries);
        }
        open.samples.push(sample);
        Ok(())
    }

    /// Takes the family in, now that all its lines are read.
    fn close(&mut self) -> Result<(), Problem> {
        let Some(open) = self.current.take() else {
            return Ok(());
        };
        let (Some(help), Some(kind)) = (open.help, open.kind) else {
            return Err(Problem::IncompleteHeader(open.name, "HELP or TYPE"));
        };
        if kind == "histogram" {
            check_buckets(&open.samples)?;
        }
        let position = self.read.families.len();
        let suffixes = suffixes(self.format, &kind).unwrap_or_default();
        for suffix in suffixes.iter().chain([&""]) {
            let name = format!("{}{suffix}", open.name);
            let owner = *self.names.entry(name).or_insert(position);
            if owner != position {
                return Err(Problem::NameClash(open.name));
            }
        }
        self.read.families.push(ParsedFamily {
            name: open.name,
            kind,
            help,
            unit: open.unit,
            samples: open.samples,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Exposition, Problem> {
        self.close()?;
        if self.format == Format::OpenMetrics && !self.ended {
            return Err(Problem::NoEof);
        }
        Ok(self.read)
    }
}

/// What the names of a type's samples add to the name of their family; none for a type that the
/// format does not know.
fn suffixes(format: Format, kind: &str) -> Option<&'static [&'static str]> {
    Some(match (format, kind) {
        (Format::Text, "counter") => &[""],
        (Format::OpenMetrics, "counter") => &["_total", "_created"],
        (_, "gauge") | (Format::Text, "untyped") => &[""],
        (Format::OpenMetrics, "unknown" | "stateset") => &[""],
        (Format::OpenMetrics, "info") => &["_info"],
        (Format::Text, "histogram") => &["_bucket", "_sum", "_count"],
        (Format::OpenMetrics, "histogram") => &["_bucket", "_sum", "_count", "_created"],
        (Format::Text, "summary") => &["", "_sum", "_count"],
        (Format::OpenMetrics, "summary") => &["", "_sum", "_count", "_created"],
        _ => return None,
    })
}

/// Buckets of one series count upwards and end with `+Inf`.
fn check_buckets(samples: &[ParsedSample]) -> Result<(), Problem> {
    let mut last: HashMap<BTreeMap<&str, &str>, (f64, f64)> = HashMap::new();
    for sample in samples {
        let Some(bound) = sample.labels.get("le") else {
            continue;
        };
        let bound = read_number(bound).ok_or(Problem::Buckets)?;
        let series = sample
            .labels
            .iter()
            .filter(|(name, _)| *name != "le")
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let reached = last.insert(series, (bound, sample.value));
        if reached.is_some_and(|(below, count)| below >= bound || count > sample.value) {
            return Err(Problem::Buckets);
        }
    }
    if last.values().any(|(bound, _)| *bound != f64::INFINITY) {
        return Err(Problem::Buckets);
    }
    Ok(())
}

fn read_sample(line: &str) -> Result<ParsedSample, Problem> {
    let end = line.find(['{', ' ']).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(end);
    if !is_metric_name(name) {
        return Err(Problem::MetricName(name.to_owned()));
    }
    let mut labels = BTreeMap::new();
    if let Some(after) = rest.strip_prefix('{') {
        rest = read_labels(after, &mut labels)?;
    }
    let written = rest.strip_prefix(' ').ok_or(Problem::Labels)?;
    let value = read_number(written).ok_or_else(|| Problem::Value(written.to_owned()))?;
    Ok(ParsedSample {
        name: name.to_owned(),
        labels,
        value,
        written: written.to_owned(),
    })
}

/// Reads labels from after the opening brace and gives back what follows the closing one.
fn read_labels<'a>(
    text: &'a str,
    labels: &mut BTreeMap<String, String>,
) -> Result<&'a str, Problem> {
    let mut rest = text;
    if let Some(after) = rest.strip_prefix('}') {
        return Ok(after);
    }
    loop {
        let (name, after) = rest.split_once("=\"").ok_or(Problem::Labels)?;
        if !is_label_name(name) {
            return Err(Problem::LabelName(name.to_owned()));
        }
        let mut value = String::new();
        let mut characters = after.chars();
        loop {
            match characters.next().ok_or(Problem::Labels)? {
                '"' => break,
                '\\' => value.push(match characters.next() {
                    Some('\\') => '\\',
                    Some('"') => '"',
                    Some('n') => '\n',
                    _ => return Err(Problem::Escape),
                }),
                character => value.push(character),
            }
        }
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(Problem::DuplicateLabel(name.to_owned()));
        }
        rest = characters.as_str();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        rest = rest.strip_prefix(',').ok_or(Problem::Labels)?;
    }
}

fn unescaped(help: &str, format: Format) -> Result<String, Problem> {
    let mut text = String::with_capacity(help.len());
    let mut characters = help.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if format == Format::OpenMetrics => '"',
                _ => return Err(Problem::Escape),
            },
            '"' if format == Format::OpenMetrics => return Err(Problem::Escape),
            character => character,
        });
    }
    Ok(text)
}

/// A decimal number, `+Inf`, `-Inf` or `NaN`. Rust reads more spellings than the formats know.
fn read_number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => return Some(f64::INFINITY),
        "-Inf" => return Some(f64::NEG_INFINITY),
        "NaN" => return Some(f64::NAN),
        _ => {}
    }
    let decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes()
        .all(decimal)
        .then(|| text.parse().ok())
        .flatten()
}

fn is_metric_name(name: &str) -> bool {
    is_label_name(&name.replace(':', "_"))
}
