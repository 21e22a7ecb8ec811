//! What is not TOML at all.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::report::Report;

/// Reports the errors of the parser. It goes on behind each, and so trips again and again over one
/// bracket that was not closed: of the errors within one value, one is told.
pub(super) fn report(errors: &[Error], document: &DeTable<'_>, report: &mut Report<'_>) {
    let mut spans = Vec::new();
    table(document, &mut spans);
    let mut errors: Vec<(Range<usize>, &str)> = errors
        .iter()
        .map(|error| (error.span().unwrap_or(0..0), error.message()))
        .collect();
    errors.sort_by_key(|(span, _)| span.start);

    let mut told_until = None;
    let mut told_line = 0;
    for (span, message) in &errors {
        let line = report.line_of(span.start);
        if told_until.is_some_and(|end| span.start <= end) || told_line == line {
            continue;
        }
        let holder = spans
            .iter()
            .filter(|holder| holder.start <= span.start && span.start <= holder.end)
            .max_by_key(|holder| holder.len());
        let within = |other: &&(Range<usize>, &str)| {
            holder
                .is_some_and(|holder| holder.start <= other.0.start && other.0.start <= holder.end)
        };
        let unclosed = errors
            .iter()
            .filter(within)
            .find(|(_, message)| message.starts_with("unclosed"));
        match (holder, unclosed) {
            (Some(holder), Some((_, message))) => {
                report.syntax_error(holder.start..holder.start + 1, message);
            }
            _ => report.syntax_error(span.clone(), message),
        }
        told_until = holder.map(|holder| holder.end);
        told_line = line;
    }
}

fn table(table_: &DeTable<'_>, spans: &mut Vec<Range<usize>>) {
    for (_, item) in table_.iter() {
        value(item.get_ref(), item.span(), spans);
    }
}

fn value(value_: &DeValue<'_>, span: Range<usize>, spans: &mut Vec<Range<usize>>) {
    spans.push(span);
    match value_ {
        DeValue::Table(inner) => table(inner, spans),
        DeValue::Array(items) => {
            items
                .iter()
                .for_each(|item| value(item.get_ref(), item.span(), spans));
        }
        _ => {}
    }
}
