//! Tables and their values, read with the type that is wanted.

use std::ops::Range;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::Report;
use super::shape::{self, Shape};

pub(super) type Item<'d> = &'d Spanned<DeValue<'d>>;

/// Longer times are mistakes, and sums with the clock must not overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A table of a known shape.
pub(super) struct Section<'d> {
    pub shape: &'static Shape,
    /// Its header, or the whole of an inline table.
    pub span: Range<usize>,
    table: &'d DeTable<'d>,
}

/// A string with its place.
#[derive(Clone)]
pub(super) struct Text<'d> {
    pub value: &'d str,
    pub span: Range<usize>,
}

impl<'d> Text<'d> {
    pub(super) fn of(item: Item<'d>, wanted: &str, report: &mut Report<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::String(value) => Some(Self {
                value,
                span: item.span(),
            }),
            _ => wrong_type(item, wanted, report),
        }
    }

    pub(super) fn not_empty(self, report: &mut Report<'_>) -> Option<Self> {
        if self.value.trim().is_empty() {
            report.error(self.span, "this is empty");
            return None;
        }
        Some(self)
    }
}

/// Reports a value of another type.
pub(super) fn wrong_type<T>(item: Item<'_>, wanted: &str, report: &mut Report<'_>) -> Option<T> {
    let found = match item.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let draft = report.error(item.span(), format!("expected {wanted}, found {found}"));
    if wanted.starts_with("a list") && item.get_ref().is_str() {
        draft.help("put it in brackets: [\"…\"]");
    }
    None
}

impl<'d> Section<'d> {
    pub(super) fn root(table: &'d DeTable<'d>, report: &mut Report<'_>) -> Self {
        let section = Self {
            shape: &shape::ROOT,
            span: 0..0,
            table,
        };
        section.report_unknown_keys(report);
        section
    }

    pub(super) fn open(
        shape: &'static Shape,
        item: Item<'d>,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let DeValue::Table(table) = item.get_ref() else {
            return wrong_type(item, "a table", report);
        };
        let section = Self {
            shape,
            span: item.span(),
            table,
        };
        section.report_unknown_keys(report);
        Some(section)
    }

    pub(super) fn get(&self, key: &'static str) -> Option<Item<'d>> {
        debug_assert!(
            self.shape.keys.contains(&key),
            "{key} is not declared in {}",
            self.shape.name
        );
        self.table.get(key)
    }

    /// Where a key stands; the section, if it does not.
    pub(super) fn key_span(&self, key: &str) -> Range<usize> {
        self.table
            .get_key_value(key)
            .map_or_else(|| self.span.clone(), |(key, _)| key.span())
    }

    pub(super) fn table(
        &self,
        key: &'static str,
        shape: &'static Shape,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        Self::open(shape, self.get(key)?, report)
    }

    pub(super) fn string(&self, key: &'static str, report: &mut Report<'_>) -> Option<Text<'d>> {
        Text::of(self.get(key)?, "a string", report)
    }

    /// Reports a key that is not there.
    pub(super) fn required(
        &self,
        key: &'static str,
        what: &str,
        report: &mut Report<'_>,
    ) -> Option<Item<'d>> {
        let item = self.get(key);
        if item.is_none() {
            report
                .error(
                    self.span.clone(),
                    format!("{} lacks `{key}`", self.shape.name),
                )
                .help(what)
                .is_absence();
        }
        item
    }

    pub(super) fn boolean(&self, key: &'static str, report: &mut Report<'_>) -> Option<bool> {
        let item = self.get(key)?;
        item.get_ref()
            .as_bool()
            .or_else(|| wrong_type(item, "true or false", report))
    }

    pub(super) fn list(
        &self,
        key: &'static str,
        wanted: &str,
        report: &mut Report<'_>,
    ) -> Option<Vec<Item<'d>>> {
        let item = self.get(key)?;
        match item.get_ref() {
            DeValue::Array(items) => Some(items.iter().collect()),
            _ => wrong_type(item, wanted, report),
        }
    }

    pub(super) fn strings(&self, key: &'static str, report: &mut Report<'_>) -> Vec<Text<'d>> {
        self.list(key, "a list of strings", report)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| Text::of(item, "a string", report))
            .collect()
    }

    pub(super) fn number(
        &self,
        key: &'static str,
        allowed: std::ops::RangeInclusive<usize>,
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let item = self.get(key)?;
        let DeValue::Integer(integer) = item.get_ref() else {
            return wrong_type(item, "a whole number", report);
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|number| allowed.contains(number));
        if number.is_none() {
            let (least, most) = (allowed.start(), allowed.end());
            report.error(
                item.span(),
                format!("`{key}` must be from {least} to {most}"),
            );
        }
        number
    }

    pub(super) fn duration(
        &self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<(Duration, Range<usize>)> {
        let item = self.get(key)?;
        Some((duration(item, report)?, item.span()))
    }

    fn report_unknown_keys(&self, report: &mut Report<'_>) {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if self.shape.keys.contains(&name) {
                continue;
            }
            let help = self.where_it_belongs(name);
            report
                .error(
                    key.span(),
                    format!(
                        "unknown key \"{}\" in {}",
                        name.escape_debug(),
                        self.shape.name
                    ),
                )
                .help(help);
        }
    }

    fn where_it_belongs(&self, key: &str) -> String {
        if let Some(nearest) = nearest(key, self.shape.keys.iter().copied()) {
            return format!("did you mean `{nearest}`?");
        }
        let owners: Vec<&str> = shape::ALL
            .iter()
            .filter(|shape| shape.keys.contains(&key))
            .map(|shape| shape.name)
            .collect();
        if !owners.is_empty() {
            return format!("`{key}` belongs to {}", owners.join(" or "));
        }
        format!("known are: {}", self.shape.keys.join(", "))
    }
}

/// Reads a time such as "30s" or "1h 30m": more than zero, at most a day.
pub(super) fn duration(item: Item<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let text = match item.get_ref() {
        DeValue::String(text) => text,
        DeValue::Integer(number) => {
            report
                .error(item.span(), "a time needs a unit")
                .help(format!(
                    "write \"{}s\" for seconds; \"1m\" and \"1h 30m\" work too",
                    number.as_str()
                ));
            return None;
        }
        _ => return wrong_type(item, "a time such as \"30s\"", report),
    };
    let Ok(read) = text.parse::<SignedDuration>() else {
        let draft = report.error(item.span(), "this is not a time");
        let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        draft.help(if bare {
            format!("a time needs a unit: \"{text}s\" for seconds")
        } else {
            "write \"30s\", \"5m\" or \"1h 30m\"; a day is \"24h\"".to_owned()
        });
        return None;
    };
    match Duration::try_from(read) {
        Ok(time) if time > LONGEST => {
            report.error(item.span(), "a time may be at most \"24h\"");
            None
        }
        Ok(time) if !time.is_zero() => Some(time),
        _ => {
            report.error(item.span(), "a time must be more than zero");
            None
        }
    }
}

/// The most similar of the known names, where any is similar.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let tolerated = (name.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
