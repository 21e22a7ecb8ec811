//! Walking a parsed document: typed values out, findings for all that does not fit.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml_edit::{Item, TableLike, Value};

use super::finding::{Finding, Severity};

/// The text, and what was found in it so far.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    text: &'a str,
    findings: RefCell<Vec<Finding>>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, findings: RefCell::default() }
    }

    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) {
        self.find(Severity::Error, span, message.into(), None, true);
    }

    pub(super) fn error_with(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.find(Severity::Error, span, message.into(), Some(help.into()), true);
    }

    /// For a value that is, or may be, a secret: its line is not shown.
    pub(super) fn error_of_secret(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.find(Severity::Error, span, message.into(), Some(help.into()), false);
    }

    pub(super) fn warning_of_secret(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.find(Severity::Warning, span, message.into(), Some(help.into()), false);
    }

    fn find(
        &self,
        severity: Severity,
        span: Range<usize>,
        message: String,
        help: Option<String>,
        shows_line: bool,
    ) {
        // A line with a secret on it is never shown, whatever the finding is about.
        let shows_line = shows_line && !self.line_of(&span).contains("secret")
            && !self.line_of(&span).contains("password");
        let mut finding = Finding::at(severity, self.path, self.text, span, message, shows_line);
        finding.help = help;
        self.findings.borrow_mut().push(finding);
    }

    fn line_of(&self, span: &Range<usize>) -> &str {
        let start = self.text.get(..span.start).and_then(|before| before.rfind('\n'));
        let line = self.text.get(start.map_or(0, |newline| newline + 1)..).unwrap_or_default();
        line.lines().next().unwrap_or_default()
    }

    /// About the file as a whole.
    pub(super) fn warning_of_file(&self, message: &str) {
        let finding = Finding::of_file(Severity::Warning, self.path, message.to_owned());
        self.findings.borrow_mut().push(finding);
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.borrow().iter().any(|finding| finding.severity == Severity::Error)
    }

    /// In the order of the text.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| (finding.line, finding.column));
        findings
    }

    pub(super) fn section(&'a self, name: &str, table: &'a dyn TableLike, span: Range<usize>) -> Section<'a> {
        Section { reader: self, name: name.to_owned(), table, span, known: RefCell::default() }
    }
}

/// Name of the table that is the document.
pub(super) const ROOT: &str = "the configuration";

/// A table that is being read. Keys that nobody asked for are unknown.
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) name: String,
    pub(super) span: Range<usize>,
    table: &'a dyn TableLike,
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn item(&self, key: &'static str) -> Option<(&'a Item, Range<usize>)> {
        self.known.borrow_mut().insert(key);
        let (found, item) = self.table.get_key_value(key)?;
        let span = item.span().or(found.span()).unwrap_or_default();
        (!item.is_none()).then_some((item, span))
    }

    /// Every key with its value, for tables whose keys the operator chooses.
    pub(super) fn entries(&self) -> Vec<(Spanned<String>, &'a Item, Range<usize>)> {
        self.table
            .iter()
            .map(|(key, item)| {
                let key_span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
                let span = item.span().or(key_span.clone()).unwrap_or_default();
                let key = Spanned { value: key.to_owned(), span: key_span.unwrap_or_default() };
                (key, item, span)
            })
            .collect()
    }

    fn wrong_type(&self, key: &str, item: &Item, span: Range<usize>, wanted: &str) {
        self.reader.error(span, format!("{key} must be {wanted}, this is {}", kind(item)));
    }

    pub(super) fn string(&self, key: &'static str) -> Option<Spanned<String>> {
        let (item, span) = self.item(key)?;
        match item.as_str() {
            Some(text) => Some(Spanned { value: text.to_owned(), span }),
            None => {
                self.wrong_type(key, item, span, "a text in quotes");
                None
            }
        }
    }

    pub(super) fn required_string(&self, key: &'static str) -> Option<Spanned<String>> {
        if self.item(key).is_none() {
            self.reader.error(self.span.clone(), format!("{} has no {key}", self.name));
            return None;
        }
        self.string(key)
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let (item, span) = self.item(key)?;
        let value = item.as_bool();
        if value.is_none() {
            self.wrong_type(key, item, span, "true or false");
        }
        value
    }

    /// A whole number between two.
    pub(super) fn number(&self, key: &'static str, from: usize, to: usize) -> Option<usize> {
        let (item, span) = self.item(key)?;
        let Some(value) = item.as_integer() else {
            self.wrong_type(key, item, span, "a whole number");
            return None;
        };
        let value = usize::try_from(value).ok().filter(|value| (from..=to).contains(value));
        if value.is_none() {
            self.reader.error(span, format!("{key} must be between {from} and {to}"));
        }
        value
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Spanned<Duration>> {
        let (item, span) = self.item(key)?;
        duration(self.reader, key, item, span)
    }

    /// A list of texts; one text alone is a list of one.
    pub(super) fn strings(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let (item, span) = self.item(key)?;
        if let Some(text) = item.as_str() {
            return Some(vec![Spanned { value: text.to_owned(), span }]);
        }
        let Some(array) = item.as_array() else {
            self.wrong_type(key, item, span, "a list of texts");
            return None;
        };
        let mut strings = Vec::new();
        for value in array {
            let span = value.span().unwrap_or(span.clone());
            match value.as_str() {
                Some(text) => strings.push(Spanned { value: text.to_owned(), span }),
                None => self.reader.error(span, format!("{key} must be a list of texts, this is {}", value_kind(value))),
            }
        }
        Some(strings)
    }

    pub(super) fn table(&self, key: &'static str) -> Option<Section<'a>> {
        let (item, span) = self.item(key)?;
        match item.as_table_like() {
            Some(table) if self.is_root() => Some(self.reader.section(key, table, span)),
            Some(table) => Some(self.reader.section(&format!("{}.{key}", self.name), table, span)),
            None => {
                self.wrong_type(key, item, span, "a table");
                None
            }
        }
    }

    fn is_root(&self) -> bool {
        self.name == ROOT
    }

    /// Finds the keys that nobody has asked for.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (key, _, span) in self.entries() {
            if known.contains(key.value.as_str()) {
                continue;
            }
            let where_to = if key.span.is_empty() { span } else { key.span };
            let message = format!("unknown key {:?} in {}", key.value, self.name);
            match nearest(&key.value, known.iter().copied()) {
                Some(nearest) => self.reader.error_with(where_to, message, format!("did you mean {nearest:?}?")),
                None => {
                    let known: Vec<&str> = known.iter().copied().collect();
                    self.reader.error_with(where_to, message, format!("known are: {}", known.join(", ")));
                }
            }
        }
    }
}

pub(super) fn duration(
    reader: &Reader<'_>,
    key: &str,
    item: &Item,
    span: Range<usize>,
) -> Option<Spanned<Duration>> {
    const FORM: &str = "a time with its unit in quotes, such as \"30s\", \"5m\" or \"1h 30m\"";

    let Some(text) = item.as_str() else {
        let help = match item.as_integer() {
            Some(number) => format!("if seconds are meant: {key} = \"{number}s\""),
            None => format!("write {FORM}"),
        };
        reader.error_with(span, format!("{key} must be a time, this is {}", kind(item)), help);
        return None;
    };
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    match parsed.and_then(|duration| Duration::try_from(duration).ok()).filter(|d| !d.is_zero()) {
        Some(value) => Some(Spanned { value, span }),
        None => {
            reader.error_with(span, format!("{key}: {text:?} is no time"), format!("write {FORM}"));
            None
        }
    }
}

/// The known name that a misspelt one is likely to be.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let score = |candidate: &&str| strsim::jaro_winkler(name, candidate);
    known.max_by(|a, b| score(a).total_cmp(&score(b))).filter(|best| score(best) > 0.75)
}

pub(super) fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(value) => value_kind(value),
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
    }
}

fn value_kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}
