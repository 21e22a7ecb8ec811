//! The live numbers of a server and its datastores: `/status/metrics`, and before 3.2.8 what the
//! older calls know of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{datastores, node_status};
use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::remote::version::Version;
use crate::source::json::{self, Number, Unreadable};
use crate::source::points;
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// Open to every token, filtered to what it may see: without rights 200 and an empty list.
pub static METRICS_CALL: ApiCall = ApiCall::get("/status/metrics")
    .since(Version::new(3, 2, 8))
    .filtered_by(&[SERVER, Privilege::new("Datastore.Audit", "/datastore")]);

/// Without Datastore.Audit or Datastore.Backup on the store: 200 with zeros for sizes.
pub static DATASTORE_STATUS_CALL: ApiCall = ApiCall::get("/admin/datastore/{store}/status")
    .needs(&[Privilege::new("Datastore.Audit", "/datastore")]);

pub static METRICS: Source<Metrics> = Source::new(
    "metrics",
    Scope::Remote,
    &[
        &METRICS_CALL,
        &node_status::NODE_STATUS_CALL,
        &datastores::DATASTORES_CALL,
        &DATASTORE_STATUS_CALL,
    ],
    |asked| Box::pin(fetch(asked)),
);

const SERVER: Privilege = Privilege::new("Sys.Audit", "/system/status");

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Metrics {
    pub host: Host,
    /// By name.
    pub datastores: BTreeMap<Box<str>, Datastore>,
}

/// The server. Fractions, loads, bytes; counters count since boot.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Host {
    pub cpu: Option<f64>,
    pub iowait: Option<f64>,
    pub load1: Option<f64>,
    pub load5: Option<f64>,
    pub load15: Option<f64>,
    pub memory_size: Option<f64>,
    pub memory_used: Option<f64>,
    pub swap_size: Option<f64>,
    pub swap_used: Option<f64>,
    pub root_size: Option<f64>,
    pub root_used: Option<f64>,
    pub root_available: Option<f64>,
    pub network_in: Option<f64>,
    pub network_out: Option<f64>,
    pub disk_read: Option<f64>,
    pub disk_written: Option<f64>,
}

/// A datastore; bytes.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Datastore {
    pub size: Option<f64>,
    pub used: Option<f64>,
    pub available: Option<f64>,
    /// Counters of the device below.
    pub disk_read: Option<f64>,
    pub disk_written: Option<f64>,
    /// Totals that an administrator can set back.
    pub s3_uploaded: Option<f64>,
    pub s3_downloaded: Option<f64>,
}

async fn fetch(asked: Asked<'_, Metrics>) -> Result<Fetched<Metrics>, CallError> {
    let session = asked.session;
    let mut fetched = match session.get(Request::of(&METRICS_CALL)).await {
        Ok(answer) => {
            let metrics = session.read(&answer, &METRICS_CALL, parse).await?;
            if metrics == Metrics::default() {
                return Err(session.nothing_visible(&answer, &METRICS_CALL, SERVER));
            }
            Fetched::whole(metrics)
        }
        Err(error) if error.is_not_implemented() => fetch_older(session).await?,
        Err(error) => return Err(error),
    };
    for datastore in fetched.value.datastores.values_mut() {
        datastore.forget_nothing_of_nothing();
    }
    Ok(fetched)
}

/// The same from the calls that every version has.
async fn fetch_older(session: &Session) -> Result<Fetched<Metrics>, CallError> {
    let status = node_status::ask(session).await?;
    let mut metrics = Metrics {
        host: Host {
            cpu: status.cpu,
            iowait: status.iowait,
            load1: status.load[0],
            load5: status.load[1],
            load15: status.load[2],
            memory_size: status.memory.size,
            memory_used: status.memory.used,
            swap_size: status.swap.size,
            swap_used: status.swap.used,
            root_size: status.root.size,
            root_used: status.root.used,
            root_available: status.root.available,
            ..Host::default()
        },
        ..Metrics::default()
    };
    let mut problems = Vec::new();
    for datastore in datastores::ask(session).await? {
        if datastore.is_open() {
            match ask_status(session, &datastore.name).await {
                Ok(status) => {
                    metrics.datastores.insert(datastore.name, status);
                }
                // A store that cannot be opened has no size; that it is broken is told elsewhere.
                Err(error) if error.outcome() == Outcome::Invalid => {}
                Err(error) => problems.push(error),
            }
        }
    }
    Ok(Fetched {
        value: metrics,
        problems,
        coverage: None,
    })
}

/// Asks one datastore for its sizes.
pub(super) async fn ask_status(session: &Session, store: &str) -> Result<Datastore, CallError> {
    let answer = session
        .get(Request::of(&DATASTORE_STATUS_CALL).fill("store", store))
        .await?;
    session
        .read(&answer, &DATASTORE_STATUS_CALL, parse_status)
        .await
}

impl Datastore {
    /// 0 of 0 is what a token without rights on the whole store is told, not a size.
    fn forget_nothing_of_nothing(&mut self) {
        if self.size.unwrap_or_default() <= 0.0 {
            self.size = None;
            self.used = None;
            self.available = None;
        }
    }
}

/// Reads `/status/metrics`.
pub fn parse(text: &str) -> Result<Metrics, Unreadable> {
    let mut metrics = Metrics::default();
    points::each_point(text, |point| {
        let value = Some(point.value).filter(|value| *value >= 0.0);
        if point.id == "host" {
            metrics.host.take(point.metric, value);
        } else if let Some(id) = point.id.strip_prefix("datastore/") {
            let (name, part) = id.split_once('/').unwrap_or((id, ""));
            if !name.is_empty() {
                let datastore = metrics.datastores.entry(Box::from(name)).or_default();
                datastore.take(part, point.metric, value);
            }
        }
    })?;
    Ok(metrics)
}

impl Host {
    fn take(&mut self, metric: &str, value: Option<f64>) {
        let field = match metric {
            "cpu_current" => &mut self.cpu,
            "cpu_iowait" => &mut self.iowait,
            "cpu_avg1" => &mut self.load1,
            "cpu_avg5" => &mut self.load5,
            "cpu_avg15" => &mut self.load15,
            "mem_total" => &mut self.memory_size,
            "mem_used" => &mut self.memory_used,
            "swap_total" => &mut self.swap_size,
            "swap_used" => &mut self.swap_used,
            "disk_total" => &mut self.root_size,
            "disk_used" => &mut self.root_used,
            "disk_available" => &mut self.root_available,
            "net_in" => &mut self.network_in,
            "net_out" => &mut self.network_out,
            "disk_read" => &mut self.disk_read,
            "disk_write" => &mut self.disk_written,
            _ => return,
        };
        *field = value;
    }
}

impl Datastore {
    fn take(&mut self, part: &str, metric: &str, value: Option<f64>) {
        let field = match (part, metric) {
            ("", "disk_total") => &mut self.size,
            ("", "disk_used") => &mut self.used,
            ("", "disk_available") => &mut self.available,
            ("", "disk_read") => &mut self.disk_read,
            ("", "disk_write") => &mut self.disk_written,
            ("s3", "uploaded") => &mut self.s3_uploaded,
            ("s3", "downloaded") => &mut self.s3_downloaded,
            _ => return,
        };
        *field = value;
    }
}

/// Reads `/admin/datastore/{store}/status`.
pub fn parse_status(text: &str) -> Result<Datastore, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row {
        total: Number,
        used: Number,
        avail: Number,
    }

    let row: Row = json::envelope(text)?;
    Ok(Datastore {
        size: row.total.quantity(),
        used: row.used.quantity(),
        available: row.avail.quantity(),
        ..Datastore::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_become_the_host_and_its_datastores() {
        let text = r#"{"data":{"data":[
            {"id":"host","metric":"cpu_current","timestamp":1,"type":"gauge","value":0.5},
            {"id":"host","metric":"net_in","timestamp":1,"type":"derive","value":7.0},
            {"id":"datastore/a","metric":"disk_total","timestamp":1,"value":100.0},
            {"id":"datastore/a","metric":"disk_used","timestamp":1,"value":40.0},
            {"id":"datastore/a/s3","metric":"uploaded","timestamp":1,"value":9.0},
            {"id":"datastore/","metric":"disk_total","timestamp":1,"value":1.0},
            {"id":"tape/x","metric":"disk_total","timestamp":1,"value":1.0}]}}"#;
        let metrics = parse(text).unwrap();
        assert_eq!(metrics.host.cpu, Some(0.5));
        assert_eq!(metrics.host.network_in, Some(7.0));
        let names: Vec<_> = metrics.datastores.keys().map(|name| &**name).collect();
        assert_eq!(names, ["a"]);
        assert_eq!(metrics.datastores["a"].used, Some(40.0));
        assert_eq!(metrics.datastores["a"].s3_uploaded, Some(9.0));
    }

    #[test]
    fn nothing_of_nothing_is_not_a_size() {
        let mut datastore = parse_status(r#"{"data":{"avail":0,"total":0,"used":0}}"#).unwrap();
        datastore.forget_nothing_of_nothing();
        assert_eq!(datastore, Datastore::default());
    }
}
