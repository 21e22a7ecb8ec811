//! What can be wrong with a remote.

use std::time::Duration;

use serde::Deserialize;

/// A fault. Those with a `path` hold for calls whose path below `/api2/json` begins with it, or
/// for all; those with an `endpoint` for that one, or for all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The node is dead from now on: frozen for 300 s, then forgotten.
    NodeOffline { node: String },
    /// The node lives, but pvestatd on it does not.
    StatusDaemonDead { node: String },
    /// The node of this end-point is cut off from its cluster.
    WithoutQuorum { endpoint: usize },
    /// Nothing listens.
    Refusing { endpoint: Option<usize> },
    /// TCP connects, and nothing ever comes.
    Hanging { endpoint: Option<usize> },
    /// The call is taken, and never answered.
    CallHangs { path: Option<String> },
    Slow { path: Option<String>, seconds: f64 },
    /// The connection ends in the middle of the body.
    Truncated { path: Option<String> },
    /// The body is not JSON.
    BrokenJson { path: Option<String> },
    /// A status with its text, in the product's form of errors.
    Status { path: Option<String>, status: u16, text: String },
    /// No token is accepted.
    Unauthorised,
    /// The end-point has another certificate than before.
    CertificateRotated { endpoint: usize },
    /// The end-point's clock is wrong.
    ClockSkew { endpoint: Option<usize>, seconds: f64 },
    /// A datastore's path has vanished while the server had it open.
    DatastoreBroken { store: String },
    /// The export leaves this node out without a word.
    ExportWithoutNode { node: String },
    /// This node makes the export wait for so long.
    ExportSlow { node: String, seconds: f64 },
    /// A part of this node's status daemon failed: its points have timestamp 0.
    ExportWithoutTimestamp { node: String },
}

/// A fault and when it began, by the fleet's clock.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) fault: Fault,
    pub(crate) since: f64,
}

/// The faults of one remote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(pub(crate) Vec<Active>);

impl Faults {
    fn any(&self, is: impl Fn(&Fault) -> bool) -> bool {
        self.0.iter().any(|active| is(&active.fault))
    }

    pub(crate) fn refuses(&self, endpoint: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::Refusing { endpoint: at } if concerns(*at, endpoint)))
    }

    pub(crate) fn hangs(&self, endpoint: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::Hanging { endpoint: at } if concerns(*at, endpoint)))
    }

    pub(crate) fn is_rotated(&self, endpoint: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::CertificateRotated { endpoint: at } if *at == endpoint))
    }

    pub(crate) fn refuses_tokens(&self) -> bool {
        self.any(|fault| matches!(fault, Fault::Unauthorised))
    }

    pub(crate) fn call_hangs(&self, path: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::CallHangs { path: of } if is_of(of, path)))
    }

    pub(crate) fn truncates(&self, path: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::Truncated { path: of } if is_of(of, path)))
    }

    pub(crate) fn breaks_json(&self, path: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::BrokenJson { path: of } if is_of(of, path)))
    }

    pub(crate) fn delay(&self, path: &str) -> Duration {
        let seconds = self.0.iter().filter_map(|active| match &active.fault {
            Fault::Slow { path: of, seconds } if is_of(of, path) => Some(*seconds),
            _ => None,
        });
        Duration::try_from_secs_f64(seconds.sum()).unwrap_or_default()
    }

    pub(crate) fn status(&self, path: &str) -> Option<(u16, String)> {
        self.0.iter().find_map(|active| match &active.fault {
            Fault::Status { path: of, status, text } if is_of(of, path) => Some((*status, text.clone())),
            _ => None,
        })
    }

    pub(crate) fn skew(&self, endpoint: usize) -> f64 {
        let seconds = self.0.iter().filter_map(|active| match &active.fault {
            Fault::ClockSkew { endpoint: at, seconds } if concerns(*at, endpoint) => Some(*seconds),
            _ => None,
        });
        seconds.sum()
    }

    pub(crate) fn offline_since(&self, node: &str) -> Option<f64> {
        self.since(|fault| matches!(fault, Fault::NodeOffline { node: of } if of == node))
    }

    pub(crate) fn silent_since(&self, node: &str) -> Option<f64> {
        self.since(|fault| matches!(fault, Fault::StatusDaemonDead { node: of } if of == node))
    }

    pub(crate) fn without_quorum_since(&self, endpoint: usize) -> Option<f64> {
        self.since(|fault| matches!(fault, Fault::WithoutQuorum { endpoint: at } if *at == endpoint))
    }

    pub(crate) fn breaks_store(&self, store: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::DatastoreBroken { store: of } if of == store))
    }

    pub(crate) fn breaks_any_store(&self) -> bool {
        self.any(|fault| matches!(fault, Fault::DatastoreBroken { .. }))
    }

    pub(crate) fn leaves_out_of_export(&self, node: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::ExportWithoutNode { node: of } if of == node))
    }

    pub(crate) fn has_no_timestamp(&self, node: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::ExportWithoutTimestamp { node: of } if of == node))
    }

    pub(crate) fn export_delay(&self, node: &str) -> Duration {
        let seconds = self.0.iter().filter_map(|active| match &active.fault {
            Fault::ExportSlow { node: of, seconds } if of == node => Some(*seconds),
            _ => None,
        });
        Duration::try_from_secs_f64(seconds.sum()).unwrap_or_default()
    }

    fn since(&self, is: impl Fn(&Fault) -> bool) -> Option<f64> {
        self.0.iter().find(|active| is(&active.fault)).map(|active| active.since)
    }
}

fn concerns(at: Option<usize>, endpoint: usize) -> bool {
    at.is_none_or(|at| at == endpoint)
}

fn is_of(of: &Option<String>, path: &str) -> bool {
    of.as_ref().is_none_or(|of| path.starts_with(of.as_str()))
}
