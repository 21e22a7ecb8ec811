//! Subscriptions as both products tell them.

use serde::Deserialize;

use super::json::{self, Object, Text, Unreadable};

/// The states of a subscription key, of which `notfound` is that there is none.
pub const STATUSES: &[&str] = &[
    "new",
    "notfound",
    "active",
    "invalid",
    "expired",
    "suspended",
];

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Subscription {
    /// One of [`STATUSES`], or empty.
    pub status: Box<str>,
    /// `c` for community, `b`, `s`, `p`. Only PVE has one.
    pub level: Box<str>,
    pub product: Box<str>,
    /// Midnight UTC of the day, Unix seconds.
    pub next_due: Option<i64>,
}

/// Reads `/nodes/{node}/subscription`.
pub fn parse(text: &str) -> Result<Subscription, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        status: Text<'a>,
        level: Text<'a>,
        productname: Text<'a>,
        nextduedate: Text<'a>,
    }

    let Object(row): Object<Row<'_>> = json::envelope(text)?;
    let status = STATUSES
        .iter()
        .find(|status| **status == row.status.as_str());
    Ok(Subscription {
        status: status.copied().map(Box::from).unwrap_or_default(),
        level: row.level.to_boxed(),
        product: row.productname.to_boxed(),
        next_due: row.nextduedate.known().and_then(midnight),
    })
}

/// `2027-01-31`
fn midnight(date: &str) -> Option<i64> {
    let date: jiff::civil::Date = date.trim().parse().ok()?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_that_there_is_and_a_date_is_a_day() {
        let read = |data: &str| parse(&format!("{{\"data\":{data}}}")).unwrap();
        let active = read(r#"{"status":"active","level":"c","nextduedate":"2027-01-31"}"#);
        assert_eq!((&*active.status, &*active.level), ("active", "c"));
        assert_eq!(active.next_due, Some(1_801_353_600));
        let odd = read(r#"{"status":"x\"y","level":null,"nextduedate":"soon"}"#);
        assert_eq!(odd, Subscription::default());
        assert_eq!(read("null"), Subscription::default());
        assert!(parse("[]").is_err());
    }
}
