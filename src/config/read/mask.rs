//! Which parts of the text are secrets, or look like them, so that no finding shows them.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::report::Report;

/// Keys whose values are secrets.
const SECRET_KEYS: [&str; 2] = ["token_secret", "password"];

/// Masks the secrets of a document, those under misspelt keys and at wrong places included.
/// Where the syntax is `broken`, keys are looked for in the text as well.
pub(super) fn add(text: &str, document: &DeTable<'_>, broken: bool, report: &mut Report<'_>) {
    table(document, report);
    identifier_spans(text)
        .into_iter()
        .for_each(|span| report.mask(span));
    user_information(text)
        .into_iter()
        .for_each(|span| report.mask(span));
    if broken {
        assignments(text)
            .into_iter()
            .for_each(|span| report.mask(span));
    }
}

/// Every token secret of PVE and PBS is a UUID; one that got into a message is masked.
pub(super) fn identifiers(message: &str) -> String {
    let mut masked = String::with_capacity(message.len());
    let mut at = 0;
    for span in identifier_spans(message) {
        masked.push_str(message.get(at..span.start).unwrap_or_default());
        masked.push_str("***");
        at = span.end;
    }
    masked.push_str(message.get(at..).unwrap_or_default());
    masked
}

/// Whether a text has the form of a token's secret.
pub(super) fn is_identifier(text: &str) -> bool {
    identifier_spans(text).first() == Some(&(0..text.len()))
}

/// Whether what stands under a key has to be taken for a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    if key.ends_with("_file") || key.ends_with("_env") || key == "token_id" {
        return false;
    }
    key.contains("secret")
        || key.contains("passw")
        || key == "token"
        || SECRET_KEYS
            .iter()
            .any(|secret| strsim::damerau_levenshtein(&key, secret) <= 3)
}

fn table(table: &DeTable<'_>, report: &mut Report<'_>) {
    for (key, item) in table.iter() {
        // The span of a table under its own header is the header's.
        if is_secret_key(key.get_ref()) && !item.get_ref().is_table() {
            report.mask(item.span());
        } else if key.get_ref() == "token_id" {
            glued_secret(item.span(), report);
        }
        value(item.get_ref(), report);
    }
}

fn value(value_: &DeValue<'_>, report: &mut Report<'_>) {
    match value_ {
        DeValue::Table(inner) => table(inner, report),
        DeValue::Array(items) => items.iter().for_each(|item| value(item.get_ref(), report)),
        _ => {}
    }
}

/// `user@realm!name=secret`, as it stands in the header of a request.
fn glued_secret(span: Range<usize>, report: &mut Report<'_>) {
    let raw = report.raw(&span);
    let name = raw.find('!').unwrap_or(0);
    let separator = raw.get(name..).and_then(|rest| rest.find(['=', ':']));
    if let Some(separator) = separator {
        let quotes = usize::from(raw.ends_with(['"', '\'']));
        report.mask(span.start + name + separator + 1..span.end - quotes);
    }
}

/// Where UUIDs stand.
fn identifier_spans(text: &str) -> Vec<Range<usize>> {
    const LENGTH: usize = 36;
    let is_identifier = |window: &[u8]| {
        window.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, window) in text.as_bytes().windows(LENGTH).enumerate() {
        if spans.last().is_none_or(|last| last.end <= at) && is_identifier(window) {
            spans.push(at..at + LENGTH);
        }
    }
    spans
}

/// The `user:password` of `https://user:password@host`.
fn user_information(text: &str) -> Vec<Range<usize>> {
    text.match_indices("://")
        .filter_map(|(at, separator)| {
            let start = at + separator.len();
            let rest = text.get(start..)?;
            let end = rest.find(['"', '\'', '\n', '/', ' ']).unwrap_or(rest.len());
            let at_sign = rest.get(..end)?.rfind('@')?;
            Some(start..start + at_sign)
        })
        .collect()
}

/// What stands behind `token_secret =`, to the end of its line or of its multi-line string.
fn assignments(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for (at, _) in text.match_indices('=') {
        let key = text
            .get(..at)
            .unwrap_or_default()
            .trim_end_matches([' ', '\t', '"', '\'']);
        let start = key
            .rfind(|character: char| {
                !(character.is_ascii_alphanumeric() || "_-".contains(character))
            })
            .map_or(0, |before| {
                before + key[before..].chars().next().map_or(1, char::len_utf8)
            });
        if !key
            .get(start..)
            .is_some_and(|key| !key.is_empty() && is_secret_key(key))
        {
            continue;
        }
        let value = text.get(at + 1..).unwrap_or_default();
        let trimmed = value.trim_start();
        let quote = ["\"\"\"", "'''"]
            .into_iter()
            .find(|quote| trimmed.starts_with(quote));
        let length = match quote {
            Some(quote) => {
                let open = value.len() - trimmed.len() + quote.len();
                value
                    .get(open..)
                    .and_then(|rest| rest.find(quote))
                    .map(|close| open + close)
            }
            None => value.find('\n'),
        };
        let blank = value.len() - value.trim_start_matches([' ', '\t']).len();
        spans.push(at + 1 + blank..at + 1 + length.unwrap_or(value.len()).max(blank));
    }
    spans
}
