//! Ceph on the nodes of a cluster, and what is wrong with it.

/// Every node has its OSDs, the first three have a monitor and a manager each. What is down with a node that is down
/// is not said here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CephPlan {
    pub osds_per_node: usize,
    /// OSDs that do not run, by their number, which counts from 0 through the nodes.
    pub osds_down: Vec<usize>,
    /// OSDs that run and shall take no data: what is on them moves to others.
    pub osds_out: Vec<usize>,
    /// Flags of the OSD map that are set, as PVE names them: `noout`, `pause`.
    pub flags: Vec<String>,
    /// Health checks beside those that follow from the rest.
    pub checks: Vec<CephCheck>,
}

impl Default for CephPlan {
    fn default() -> Self {
        Self {
            osds_per_node: 4,
            osds_down: Vec::new(),
            osds_out: Vec::new(),
            flags: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// Something that `ceph health` complains of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CephCheck {
    /// `POOL_NEARFULL`, `MDS_ALL_DOWN` …
    pub code: String,
    pub severity: CephSeverity,
    pub message: String,
    /// It is reported, and says nothing of the health as a whole.
    pub is_muted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CephSeverity {
    Warning,
    Error,
}
