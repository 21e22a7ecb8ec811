//! How the old exporters' endpoints answer.

use std::collections::BTreeSet;

/// The collectors of prometheus-pve-exporter, as its flags name them.
pub const PVE_EXPORTER_COLLECTORS: &[&str] = &[
    "status",
    "version",
    "node",
    "cluster",
    "resources",
    "backup-info",
    "qdevice",
    "config",
    "replication",
    "subscription",
];

/// `[drop_in]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DropIn {
    /// Whether `/pve` answers 500 where any part is missing, as prometheus-pve-exporter does.
    pub strict: bool,
    /// Of [`PVE_EXPORTER_COLLECTORS`], those that `/pve` leaves out.
    pub without: BTreeSet<&'static str>,
}
