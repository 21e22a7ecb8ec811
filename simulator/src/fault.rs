//! What can go wrong, on a whole remote or on one of its endpoints.

use serde::{Deserialize, Serialize};

/// A fault of the simulated fleet. In JSON: `{"fault": "node_offline", "node": "pve2"}`.
///
/// `path` is an API path without the prefix and the query (`/cluster/resources`) and means the paths below it too;
/// without it all calls are meant. `node` and `store` name a node and a datastore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// PVE: the node is dead. Its endpoint refuses; the others report its last numbers for 300 s.
    NodeOffline { node: String },
    /// PVE: pvestatd of the node stopped; the node stays online and its numbers stand still.
    StatusDaemonDead { node: String },
    /// PVE: the endpoint has lost its cluster: it sees the other nodes offline and itself without quorum.
    NoQuorum,
    /// PVE: `/cluster/metrics/export` silently lacks the node.
    ExportWithout { node: String },
    /// PVE: `/cluster/metrics/export` waits this long for the node.
    ExportSlow { node: String, milliseconds: u64 },
    /// PVE: the node's points in `/cluster/metrics/export` carry timestamp 0.
    ExportTimestampZero { node: String },
    /// PVE: one running container of the node is sick, and the node's list of containers is a 500 as a whole.
    ListBroken { node: String },
    /// PBS: a datastore's path vanished while the daemon had it open: `/status/datastore-usage` fails as a whole.
    DatastoreBroken { store: String },
    /// The endpoint's port is closed.
    Refusing,
    /// The endpoint accepts connections, and never answers anything, TLS included.
    Hanging,
    /// The call never gets an answer.
    CallHanging {
        #[serde(default)]
        path: Option<String>,
    },
    /// The call takes longer by this much.
    Slow {
        #[serde(default)]
        path: Option<String>,
        milliseconds: u64,
    },
    /// The connection ends in the middle of the body.
    Truncated {
        #[serde(default)]
        path: Option<String>,
    },
    /// A body that is no JSON, with status 200.
    BrokenJson {
        #[serde(default)]
        path: Option<String>,
    },
    /// 401 for every token.
    Unauthorised,
    /// 403 for every token.
    Forbidden {
        #[serde(default)]
        path: Option<String>,
    },
    /// Any other status, with its reason (PVE: the error text).
    Error {
        #[serde(default)]
        path: Option<String>,
        status: u16,
        #[serde(default)]
        reason: Option<String>,
    },
    /// The endpoint presents another certificate than the one it started with.
    CertificateRotated,
    /// The endpoint's clock is wrong by this much: `Date` and timestamps.
    ClockSkew { seconds: i64 },
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveFault {
    #[serde(flatten)]
    pub fault: Fault,
    /// The endpoint it is set on; all of them when absent.
    pub endpoint: Option<usize>,
    /// When it was set, by the fleet's clock.
    pub since: f64,
}

/// The faults of one remote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) active: Vec<ActiveFault>,
    /// Times during which a node's status daemon did not run, kept since the history has a hole there for ever.
    pub(crate) outages: Vec<Outage>,
}

#[derive(Debug, Clone)]
pub(crate) struct Outage {
    pub(crate) node: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Faults {
    pub(crate) fn set(&mut self, fault: Fault, endpoint: Option<usize>, now: f64) {
        if !self
            .active
            .iter()
            .any(|active| active.fault == fault && active.endpoint == endpoint)
        {
            self.active.push(ActiveFault {
                fault,
                endpoint,
                since: now,
            });
        }
    }

    /// Takes away the faults that `chosen` names.
    pub(crate) fn clear(&mut self, now: f64, chosen: impl Fn(&ActiveFault) -> bool) {
        let (gone, kept) = self.active.drain(..).partition(|active| chosen(active));
        self.active = kept;
        for ActiveFault { fault, since, .. } in gone {
            if let Fault::StatusDaemonDead { node } | Fault::NodeOffline { node } = fault {
                self.outages.push(Outage {
                    node,
                    from: since,
                    to: now,
                });
            }
        }
    }

    pub(crate) fn at(&self, endpoint: usize) -> impl Iterator<Item = &ActiveFault> {
        self.active
            .iter()
            .filter(move |active| active.endpoint.is_none_or(|only| only == endpoint))
    }

    pub(crate) fn has(&self, endpoint: usize, chosen: impl Fn(&Fault) -> bool) -> bool {
        self.at(endpoint).any(|active| chosen(&active.fault))
    }

    pub(crate) fn node_since(&self, chosen: impl Fn(&Fault) -> bool) -> Option<f64> {
        self.active
            .iter()
            .find(|active| chosen(&active.fault))
            .map(|active| active.since)
    }

    pub(crate) fn clock_skew(&self, endpoint: usize) -> i64 {
        self.at(endpoint)
            .map(|active| {
                if let Fault::ClockSkew { seconds } = active.fault {
                    seconds
                } else {
                    0
                }
            })
            .sum()
    }
}

/// Whether a fault's `path` means this call.
pub(crate) fn covers(wanted: Option<&str>, path: &str) -> bool {
    wanted.is_none_or(|wanted| {
        path.strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || wanted.ends_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_itself_and_what_is_below() {
        assert!(covers(None, "/version"));
        assert!(covers(Some("/nodes"), "/nodes/pve1/status"));
        assert!(!covers(Some("/nodes"), "/nodes2"));
        assert!(!covers(Some("/cluster/resources"), "/cluster/status"));
    }

    #[test]
    fn the_json_form_is_flat() {
        let fault: Fault = serde_json::from_str(r#"{"fault":"slow","milliseconds":20}"#).unwrap();
        assert_eq!(
            fault,
            Fault::Slow {
                path: None,
                milliseconds: 20
            }
        );
        let fault: Fault = serde_json::from_str(r#"{"fault":"refusing"}"#).unwrap();
        assert_eq!(fault, Fault::Refusing);
    }

    #[test]
    fn a_cleared_outage_is_remembered() {
        let mut faults = Faults::default();
        faults.set(
            Fault::StatusDaemonDead {
                node: "pve1".into(),
            },
            None,
            10.0,
        );
        faults.clear(70.0, |_| true);
        assert!(faults.active.is_empty());
        assert_eq!(faults.outages.len(), 1);
    }
}
