//! High availability: `/cluster/ha/status/current` with `/cluster/ha/status/manager_status`.
//!
//! The first has the times, the state of the watchdogs and the resources in words; only the second
//! has the mode and state of each node's resource manager (LRM), and what the cluster's resource
//! manager (CRM) holds of each node.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

const AUDIT: Privilege = Privilege::new("Sys.Audit", "/");

pub static HA_CURRENT_CALL: ApiCall = ApiCall::get("/cluster/ha/status/current").needs(&[AUDIT]);

pub static HA_MANAGER_CALL: ApiCall =
    ApiCall::get("/cluster/ha/status/manager_status").needs(&[AUDIT]);

pub static HA: Source<Ha> = Source::new(
    "ha",
    Scope::Remote,
    &[&HA_CURRENT_CALL, &HA_MANAGER_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Ha {
    pub current: Current,
    /// `None` where the call failed.
    pub manager: Option<Manager>,
}

/// What `/cluster/ha/status/current` tells.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Current {
    pub quorate: Option<bool>,
    /// Empty where high availability was never used.
    pub master: Box<str>,
    /// When the CRM last wrote its status, Unix seconds.
    pub manager_reported: Option<f64>,
    /// `armed`, `standby`, `disarming` or `disarmed`; empty before 9.1.
    pub armed_state: Box<str>,
    /// Sorted by name.
    pub lrms: Vec<Lrm>,
    /// Sorted by id.
    pub resources: Vec<Resource>,
}

/// The resource manager of one node.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Lrm {
    pub node: Box<str>,
    /// When it last wrote its status, Unix seconds; `None` where it never did.
    pub reported: Option<f64>,
}

/// What is kept available, in PVE's own words a service.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Resource {
    /// `vm:100`, `ct:101`.
    pub sid: Box<str>,
    /// The node that it is placed on.
    pub node: Box<str>,
    /// The state by the CRM, in more words: `starting`, `queued`, `deleting` beside its own.
    pub state: Box<str>,
    pub requested_state: Box<str>,
}

/// What `/cluster/ha/status/manager_status` tells, by name of the node or id of the resource.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Manager {
    /// `online`, `unknown`, `fence`, `maintenance`, `gone`.
    pub node_states: BTreeMap<Box<str>, Box<str>>,
    pub lrms: BTreeMap<Box<str>, LrmStatus>,
    /// Nodes that could not start the resource since it last ran.
    pub failed_nodes: BTreeMap<Box<str>, usize>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct LrmStatus {
    pub mode: Box<str>,
    /// Empty where the node never wrote one.
    pub state: Box<str>,
}

async fn fetch(asked: Asked<'_, Ha>) -> Result<Fetched<Ha>, CallError> {
    let session = asked.session;
    let answer = session.get(Request::of(&HA_CURRENT_CALL)).await?;
    let current = session
        .read(&answer, &HA_CURRENT_CALL, parse_current)
        .await?;
    let manager = match session.get(Request::of(&HA_MANAGER_CALL)).await {
        Ok(answer) => session.read(&answer, &HA_MANAGER_CALL, parse_manager).await,
        Err(error) => Err(error),
    };
    Ok(match manager {
        Ok(manager) => Fetched::whole(Ha {
            current,
            manager: Some(manager),
        }),
        Err(error) => {
            let manager = None;
            Fetched::with_problems(Ha { current, manager }, vec![error])
        }
    })
}

/// Reads `/cluster/ha/status/current`.
pub fn parse_current(text: &str) -> Result<Current, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        r#type: Text<'a>,
        node: Text<'a>,
        sid: Text<'a>,
        state: Text<'a>,
        crm_state: Text<'a>,
        request_state: Text<'a>,
        #[serde(rename = "armed-state")]
        armed_state: Text<'a>,
        quorate: Number,
        timestamp: Number,
    }

    let time = |number: Number| number.quantity().filter(|time| *time > 0.0);
    let mut current = Current::default();
    for row in json::envelope::<Rows<Row<'_>>>(text)?.0 {
        match row.r#type.as_str() {
            "quorum" => current.quorate = row.quorate.flag(),
            "master" => {
                current.master = row.node.to_boxed();
                current.manager_reported = time(row.timestamp);
            }
            "fencing" => current.armed_state = row.armed_state.to_boxed(),
            "lrm" if row.node.known().is_some() => current.lrms.push(Lrm {
                node: row.node.to_boxed(),
                reported: time(row.timestamp),
            }),
            "service" if row.sid.known().is_some() => current.resources.push(Resource {
                sid: row.sid.to_boxed(),
                node: row.node.to_boxed(),
                state: Box::from(row.state.known().unwrap_or(row.crm_state.as_str())),
                requested_state: row.request_state.to_boxed(),
            }),
            _ => {}
        }
    }
    current.lrms.sort_by(|a, b| a.node.cmp(&b.node));
    current.lrms.dedup_by(|a, b| a.node == b.node);
    current.resources.sort_by(|a, b| a.sid.cmp(&b.sid));
    current.resources.dedup_by(|a, b| a.sid == b.sid);
    Ok(current)
}

/// Reads `/cluster/ha/status/manager_status`.
pub fn parse_manager(text: &str) -> Result<Manager, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow)]
        manager_status: Object<Status<'a>>,
        #[serde(borrow)]
        lrm_status: Object<BTreeMap<String, Object<LrmRow<'a>>>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status<'a> {
        #[serde(borrow)]
        node_status: Object<BTreeMap<String, Text<'a>>>,
        service_status: Object<BTreeMap<String, Object<ServiceRow>>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct LrmRow<'a> {
        #[serde(borrow)]
        mode: Text<'a>,
        state: Text<'a>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ServiceRow {
        failed_nodes: json::List<serde::de::IgnoredAny>,
    }

    let Answer {
        manager_status: Object(status),
        lrm_status: Object(lrms),
    } = json::envelope::<Object<Answer<'_>>>(text)?.0;
    let states = status.node_status.0.into_iter();
    let services = status.service_status.0.into_iter();
    let lrm_status = |row: LrmRow<'_>| LrmStatus {
        mode: row.mode.to_boxed(),
        state: row.state.to_boxed(),
    };
    Ok(Manager {
        node_states: states
            .map(|(node, state)| (Box::from(node), state.to_boxed()))
            .collect(),
        lrms: lrms
            .into_iter()
            .map(|(node, Object(row))| (Box::from(node), lrm_status(row)))
            .collect(),
        failed_nodes: services
            .map(|(sid, Object(row))| (Box::from(sid), row.failed_nodes.0.len()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_expected_is_not_known() {
        for text in [
            r#"{"data":null}"#,
            r#"{"data":[]}"#,
            r#"{"data":{"manager_status":[],"lrm_status":"x"}}"#,
            r#"{"data":{"manager_status":{"node_status":null,"service_status":{}}}}"#,
        ] {
            assert_eq!(parse_manager(text).unwrap(), Manager::default(), "{text}");
        }
        let text = r#"{"data":[{"type":"lrm"},{"type":"service","node":"a"},{"type":"new"},null,3,
            {"type":"quorum","quorate":"1"}]}"#;
        let current = parse_current(text).unwrap();
        let expected = Current {
            quorate: Some(true),
            ..Current::default()
        };
        assert_eq!(current, expected);
        let odd = r#"{"data":{"lrm_status":{"a":7,"b":{"mode":["x"],"state":null}},
            "manager_status":{"service_status":{"vm:1":{"failed_nodes":"a"},"vm:2":null}}}}"#;
        let manager = parse_manager(odd).unwrap();
        assert_eq!(manager.lrms.len(), 2);
        assert!(manager.failed_nodes.values().all(|failed| *failed == 0));
    }
}
