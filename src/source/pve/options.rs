//! The settings of a cluster: `/cluster/options`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Without the privilege the answer is 200 with the looks of the web interface only, which is not
/// worth asking for.
pub static OPTIONS_CALL: ApiCall =
    ApiCall::get("/cluster/options").needs(&[Privilege::new("Sys.Audit", "/")]);

pub static OPTIONS: Source<Options> =
    Source::new("options", Scope::Remote, &[&OPTIONS_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// What is not set is empty: PVE's default holds.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Options {
    /// `secure` or `insecure`.
    pub migration_type: Box<str>,
    /// Network of the migrations, in CIDR notation.
    pub migration_network: Box<str>,
    /// What becomes of guests that are kept available when their node is shut down: `freeze`,
    /// `failover`, `conditional` or `migrate`.
    pub ha_shutdown_policy: Box<str>,
    /// How a node is found for a guest that is kept available: `basic`, `static` ….
    pub ha_scheduling: Box<str>,
    /// Bytes a second by operation; 0 is no limit.
    pub bandwidth_limits: BTreeMap<Box<str>, f64>,
    /// Tasks that a bulk operation runs at once on a node.
    pub max_workers: Option<f64>,
}

/// The operations that can be limited; `default` holds for those that are not.
const LIMITED: [&str; 5] = ["clone", "default", "migration", "move", "restore"];

/// Limits come in KiB a second.
const KIB: f64 = 1024.0;

async fn fetch(asked: Asked<'_, Options>) -> Result<Fetched<Options>, CallError> {
    let answer = asked.session.get(Request::of(&OPTIONS_CALL)).await?;
    let options = asked.session.read(&answer, &OPTIONS_CALL, parse).await?;
    Ok(Fetched::whole(options))
}

/// Reads `/cluster/options`.
pub fn parse(text: &str) -> Result<Options, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row {
        migration: Settings,
        ha: Settings,
        crs: Settings,
        bwlimit: Settings,
        max_workers: Number,
    }

    let row = json::envelope::<Object<Row>>(text)?.0;
    let limit = |operation: &str| {
        let kib = row.bwlimit.get(operation).parse::<f64>().ok()?;
        let limit = Number(Some(kib * KIB)).quantity()?;
        Some((Box::from(operation), limit))
    };
    Ok(Options {
        migration_type: Box::from(row.migration.get("type")),
        migration_network: Box::from(row.migration.get("network")),
        ha_shutdown_policy: Box::from(row.ha.get("shutdown_policy")),
        ha_scheduling: Box::from(row.crs.get("ha")),
        bandwidth_limits: LIMITED.into_iter().filter_map(limit).collect(),
        max_workers: row.max_workers.quantity(),
    })
}

/// An option with settings of its own. PVE answers some as objects, and others, `bwlimit` among
/// them, as they stand in its configuration: `default=1000,restore=500`.
#[derive(Default, Deserialize)]
#[serde(from = "Value")]
struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Empty where it is not set.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl From<Value> for Settings {
    fn from(written: Value) -> Self {
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Self(match written {
            Value::Object(settings) => settings
                .into_iter()
                .filter_map(|(name, value)| Some((name, text(value)?)))
                .collect(),
            Value::String(line) => line
                .split(',')
                .filter_map(|setting| setting.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            _ => BTreeMap::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_as_objects_or_as_a_line() {
        let line = parse(
            r#"{"data":{"migration":"type=insecure,network=10.0.0.0/24","ha":"shutdown_policy=migrate",
            "bwlimit":{"default":1000,"move":"x","restore":-1},"crs":"ha=static"}}"#,
        );
        let object = parse(
            r#"{"data":{"migration":{"type":"insecure","network":"10.0.0.0/24"},
            "ha":{"shutdown_policy":"migrate"},"bwlimit":"default=1000,other=5","crs":{"ha":"static","x":1}}}"#,
        );
        let options = line.unwrap();
        assert_eq!(options, object.unwrap());
        assert_eq!(&*options.migration_type, "insecure");
        assert_eq!(&*options.migration_network, "10.0.0.0/24");
        assert_eq!(&*options.ha_shutdown_policy, "migrate");
        assert_eq!(&*options.ha_scheduling, "static");
        let limits = BTreeMap::from([(Box::from("default"), 1_024_000.0)]);
        assert_eq!(options.bandwidth_limits, limits);
    }

    #[test]
    fn whatever_else_stands_there_is_not_set() {
        for text in [
            r#"{"data":null}"#,
            r#"{"data":[]}"#,
            r#"{"data":{"migration":null,"ha":7,"bwlimit":["x"],"crs":true,"max_workers":{}}}"#,
        ] {
            assert_eq!(parse(text).unwrap(), Options::default(), "{text}");
        }
    }
}
