//! Traffic control: the configured rates and the current ones, `/admin/traffic-control`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

pub static TRAFFIC_CALL: ApiCall =
    ApiCall::get("/admin/traffic-control").needs(&[Privilege::new("Sys.Audit", "/")]);

pub static TRAFFIC: Source<Vec<Rule>> =
    Source::new("pbs_traffic", Scope::Remote, &[&TRAFFIC_CALL], |asked| {
        Box::pin(fetch(asked))
    });

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: Box<str>,
    /// Into the server.
    pub incoming: Traffic,
    pub outgoing: Traffic,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Traffic {
    /// Bytes per second; `None` where the rule sets none.
    pub limit: Option<f64>,
    /// Bytes that may pass above the limit at once; `None` where the rule sets none.
    pub burst: Option<f64>,
    /// Bytes per second.
    pub current: Option<f64>,
}

async fn fetch(asked: Asked<'_, Vec<Rule>>) -> Result<Fetched<Vec<Rule>>, CallError> {
    let answer = asked.session.get(Request::of(&TRAFFIC_CALL)).await?;
    let rules = asked.session.read(&answer, &TRAFFIC_CALL, parse).await?;
    Ok(Fetched::whole(rules))
}

/// Reads `/admin/traffic-control`: configured rates are texts with a unit, current ones numbers.
pub fn parse(text: &str) -> Result<Vec<Rule>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        rate_in: Text<'a>,
        rate_out: Text<'a>,
        burst_in: Text<'a>,
        burst_out: Text<'a>,
        cur_rate_in: Number,
        cur_rate_out: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut rules: Vec<Rule> = rows
        .iter()
        .filter(|row| row.name.known().is_some())
        .map(|row| Rule {
            name: row.name.to_boxed(),
            incoming: Traffic {
                limit: bytes(row.rate_in.as_str()),
                burst: bytes(row.burst_in.as_str()),
                current: row.cur_rate_in.quantity(),
            },
            outgoing: Traffic {
                limit: bytes(row.rate_out.as_str()),
                burst: bytes(row.burst_out.as_str()),
                current: row.cur_rate_out.quantity(),
            },
        })
        .collect();
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    rules.dedup_by(|a, b| a.name == b.name);
    Ok(rules)
}

/// Reads a size as PBS writes it: `100 MB` is decimal, `1.5 MiB` binary, and both the `B` and the
/// unit may be missing.
fn bytes(size: &str) -> Option<f64> {
    let size = size.trim();
    let size = size.strip_suffix(['b', 'B']).unwrap_or(size);
    let (size, base) = match size.strip_suffix('i') {
        Some(binary) => (binary, 1024.0_f64),
        None => (size, 1000.0),
    };
    let power = match size.chars().next_back()?.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        _ => 0,
    };
    let number = match power {
        0 => size,
        // The letter of the unit is one byte.
        _ => size.get(..size.len() - 1)?,
    };
    let number: f64 = number.trim().parse().ok()?;
    Some(number * base.powi(power)).filter(|bytes| bytes.is_finite() && *bytes >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_unit() {
        for (text, expected) in [
            ("100 MB", Some(100e6)),
            ("200 KB", Some(200e3)),
            ("1.5 MiB", Some(1.5 * 1024.0 * 1024.0)),
            ("2GiB", Some(2.0 * 1024.0 * 1024.0 * 1024.0)),
            ("3 T", Some(3e12)),
            ("1 PB", Some(1e15)),
            ("4ki", Some(4096.0)),
            ("512 B", Some(512.0)),
            ("1024", Some(1024.0)),
            ("0 B", Some(0.0)),
            ("", None),
            ("B", None),
            ("fast", None),
            ("10 mmm", None),
            ("-5 MB", None),
            ("inf", None),
            ("1 é", None),
        ] {
            assert_eq!(bytes(text), expected, "{text:?}");
        }
    }
}
