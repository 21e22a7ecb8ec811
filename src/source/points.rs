//! The metric points that both products export: `/cluster/metrics/export` of PVE and
//! `/status/metrics` of PBS answer with one shape.

use serde::de::{DeserializeSeed, Deserializer};

use super::json::{self, Field, Fields, Nested, Number, Text, Unreadable};

/// One value of one object at one time.
#[derive(Debug)]
pub struct Point<'a> {
    /// `node/NAME`, `qemu/VMID`, `storage/NODE/NAME` …; `host`, `datastore/NAME`.
    pub id: &'a str,
    pub metric: &'a str,
    /// Unix seconds in the clock of the object's node; 0 where a part of its status daemon failed.
    pub timestamp: i64,
    pub value: f64,
}

/// Calls `each` with every point of `{"data":{"data":[…]}}`. Points without a number are passed
/// over.
pub fn each_point(text: &str, each: impl FnMut(Point<'_>)) -> Result<(), Unreadable> {
    #[derive(Default)]
    struct Row<'a> {
        id: Text<'a>,
        metric: Text<'a>,
        timestamp: Number,
        value: Number,
    }

    impl<'de> Fields<'de> for Row<'de> {
        fn field(&mut self, name: &str) -> Field<'_, 'de> {
            match name {
                "id" => (&mut self.id).into(),
                "metric" => (&mut self.metric).into(),
                "timestamp" => (&mut self.timestamp).into(),
                "value" => (&mut self.value).into(),
                _ => Field::Other,
            }
        }
    }

    struct Reading<F>(F);

    impl<'de, F: FnMut(Point<'_>)> DeserializeSeed<'de> for Reading<F> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
            json::each_row(deserializer, |row: &Row<'de>| {
                if let Some(value) = row.value.0 {
                    self.0(Point {
                        id: row.id.as_str(),
                        metric: row.metric.as_str(),
                        timestamp: row.timestamp.quantity().unwrap_or(0.0) as i64,
                        value,
                    });
                }
            })
        }
    }

    json::envelope_into(text, Nested(Reading(each)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_whatever_their_numbers_look_like() {
        let text = r#"{"data":{"data":[
            {"id":"node/a","metric":"uptime","timestamp":17,"type":"gauge","value":3},
            {"id":"host","metric":"mem_total","timestamp":17,"type":"gauge","value":71631880192.0},
            {"id":"node/a","metric":"cpu_avg1","timestamp":"18","value":"0.5"},
            {"id":"node/a","metric":"cpu_avg1","timestamp":18,"value":null}]}}"#;
        let mut seen = Vec::new();
        each_point(text, |point| {
            seen.push((point.id.to_owned(), point.timestamp, point.value));
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                ("node/a".to_owned(), 17, 3.0),
                ("host".to_owned(), 17, 71_631_880_192.0),
                ("node/a".to_owned(), 18, 0.5),
            ]
        );
        assert!(each_point(r#"{"data":{"data":[]}}"#, |_| {}).is_ok());
        assert!(each_point(r#"{"data":[]}"#, |_| {}).is_err());
    }
}
