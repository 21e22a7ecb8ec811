//! What is joined: clusters with their guests, jobs and storages, and backup servers with their
//! groups. Plain values, so that the join can be tested without any of them.

use crate::config::Fingerprint;
use crate::source::GuestKind;

/// A PVE remote.
#[derive(Debug, Clone, Default)]
pub(super) struct Cluster {
    pub(super) remote: String,
    pub(super) guests: Vec<Guest>,
    /// `None` where the jobs could not be read.
    pub(super) jobs: Option<Vec<Job>>,
    /// The storages that take backups, as far as they can be seen.
    pub(super) storages: Vec<Storage>,
    /// Why there may be more of them.
    pub(super) unseen: Option<Unseen>,
}

/// A sign of storages that are not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unseen {
    /// The token may not read the storages, or they have not been read yet.
    All,
    /// The token may read only some.
    Others,
    /// A job that is enabled writes to a storage that is not listed.
    TargetOf { job: String, storage: String },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Guest {
    pub(super) vmid: u32,
    pub(super) kind: GuestKind,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) pool: String,
    /// The last backup task that this guest was in.
    pub(super) last_task: Option<Task>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Task {
    /// Unix seconds.
    pub(super) end: f64,
    /// Seconds.
    pub(super) duration: Option<f64>,
    pub(super) failed: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) enabled: bool,
    pub(super) selection: Selection,
    /// Only guests on this node, where it names one.
    pub(super) node: String,
    /// Between two runs, seconds.
    pub(super) largest_gap: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    AllBut(Vec<u32>),
    These(Vec<u32>),
    Pool(String),
}

impl Default for Selection {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// A storage of a cluster that takes backups.
#[derive(Debug, Clone, Default)]
pub(super) struct Storage {
    pub(super) name: String,
    /// Where the backups are kept by a backup server.
    pub(super) server: Option<ServerLink>,
    /// `None` where neither way of asking is open to the token, or it has not been asked yet.
    pub(super) points: Option<Vec<Point>>,
}

/// What PVE's storage configuration says of a backup server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerLink {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) datastore: String,
    pub(super) namespace: String,
    pub(super) username: String,
}

/// A restore point of a guest.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Point {
    pub(super) vmid: u32,
    /// `None` where the storage does not tell.
    pub(super) kind: Option<GuestKind>,
    /// Unix seconds.
    pub(super) time: f64,
    pub(super) verified: Option<bool>,
}

/// A PBS remote.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    pub(super) remote: String,
    /// Host and port of its end-points.
    pub(super) addresses: Vec<(String, u16)>,
    /// Of the certificates that our own connections have seen, and of the pins.
    pub(super) fingerprints: Vec<Fingerprint>,
    /// By datastore; one that could not be read is not among them.
    pub(super) datastores: Vec<Datastore>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Datastore {
    pub(super) name: String,
    /// Those that could be read.
    pub(super) namespaces: Vec<String>,
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) namespace: String,
    pub(super) kind: GuestKind,
    pub(super) vmid: u32,
    pub(super) owner: String,
    /// Of its finished backups, newest first.
    pub(super) points: Vec<Point>,
}
