//! What a fleet is to be made of.

use std::time::Duration;

use crate::clock::Clock;

/// Every server of a fleet. The same seed makes the same fleet.
#[derive(Debug, Clone)]
pub struct FleetPlan {
    pub seed: u64,
    pub clock: Clock,
    pub remotes: Vec<RemotePlan>,
}

#[derive(Debug, Clone)]
pub enum RemotePlan {
    Pve(PvePlan),
    Pbs(PbsPlan),
}

/// A cluster, or a standalone node.
#[derive(Debug, Clone)]
pub struct PvePlan {
    pub name: String,
    pub nodes: usize,
    /// How many of the nodes can be reached, each at an end-point of its own.
    pub endpoints: usize,
    pub guests: usize,
    /// Fraction of the guests that run.
    pub running: f64,
    /// Whether some guests start, stop and move with time.
    pub lively: bool,
    pub version: (u32, u32, u32),
    pub behaviour: Behaviour,
}

#[derive(Debug, Clone)]
pub struct PbsPlan {
    pub name: String,
    pub datastores: Vec<DatastorePlan>,
    pub version: (u32, u32, u32),
    pub behaviour: Behaviour,
}

#[derive(Debug, Clone)]
pub struct DatastorePlan {
    pub name: String,
    pub kind: DatastoreKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatastoreKind {
    Normal,
    ReadOnly,
    Offline,
    /// Removable, and not there.
    Unmounted,
    S3,
}

/// How a server answers, apart from what.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Before each answer.
    pub latency: Latency,
    /// Before a 401.
    pub refusal_delay: Duration,
}

/// Time before an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    Fixed(Duration),
    /// Half of the answers within `median`, all but one of twenty within `p95`.
    Spread { median: Duration, p95: Duration },
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { latency: Latency::Fixed(Duration::ZERO), refusal_delay: Duration::from_secs(3) }
    }
}

impl Latency {
    pub(crate) fn sample(self, fraction: f64) -> Duration {
        match self {
            Self::Fixed(latency) => latency,
            // A log-normal's tail is near enough to an exponential one between these two points.
            Self::Spread { median, p95 } => {
                let growth = (p95.as_secs_f64() / median.as_secs_f64().max(1e-6)).max(1.0).ln() / 0.45;
                median.mul_f64((growth * (fraction - 0.5)).exp())
            }
        }
    }
}

impl Default for PvePlan {
    fn default() -> Self {
        Self {
            name: "cluster".to_owned(),
            nodes: 3,
            endpoints: 1,
            guests: 20,
            running: 0.7,
            lively: true,
            version: (9, 1, 8),
            behaviour: Behaviour::default(),
        }
    }
}

impl Default for PbsPlan {
    fn default() -> Self {
        let datastore = |name: &str, kind| DatastorePlan { name: name.to_owned(), kind };
        Self {
            name: "backup".to_owned(),
            datastores: vec![
                datastore("main", DatastoreKind::Normal),
                datastore("offsite", DatastoreKind::Normal),
                datastore("archive", DatastoreKind::ReadOnly),
                datastore("moving", DatastoreKind::Offline),
                datastore("usb", DatastoreKind::Unmounted),
                datastore("bucket", DatastoreKind::S3),
            ],
            version: (4, 2, 1),
            behaviour: Behaviour::default(),
        }
    }
}

impl FleetPlan {
    /// The fleet of `proxfleet demo`: clusters of so many nodes, guests shared among them by their
    /// size, and backup servers.
    pub fn demo(clusters: &[usize], guests: usize, backup_servers: usize, seed: u64) -> Self {
        let nodes: usize = clusters.iter().sum();
        let letters = |index: usize| char::from(b'a' + (index % 26) as u8);
        let mut remotes = Vec::new();
        let mut left = guests;
        for (index, size) in clusters.iter().enumerate() {
            let last = index + 1 == clusters.len();
            let share = if last { left } else { (guests * size / nodes.max(1)).min(left) };
            left -= share;
            let number = if index < 26 { String::new() } else { (index / 26).to_string() };
            remotes.push(RemotePlan::Pve(PvePlan {
                name: format!("cluster-{}{number}", letters(index)),
                nodes: (*size).max(1),
                endpoints: (*size).clamp(1, 3),
                guests: share,
                ..PvePlan::default()
            }));
        }
        for index in 0..backup_servers {
            let number = if index < 26 { String::new() } else { (index / 26).to_string() };
            remotes.push(RemotePlan::Pbs(PbsPlan {
                name: format!("backup-{}{number}", letters(index)),
                ..PbsPlan::default()
            }));
        }
        Self { seed, clock: Clock::real(), remotes }
    }
}
