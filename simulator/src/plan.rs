//! What to simulate.

mod ceph;

use std::time::Duration;

pub use ceph::{CephCheck, CephPlan, CephSeverity};

use crate::clock::Clock;
use crate::random::Random;

/// A whole fleet.
#[derive(Debug, Clone, Default)]
pub struct FleetPlan {
    /// Decides every name, size and number; the same seed gives the same fleet.
    pub seed: u64,
    pub clock: Clock,
    pub remotes: Vec<RemotePlan>,
}

/// The vmid of a cluster's first guest.
pub(crate) const FIRST_VMID: i64 = 100;

impl FleetPlan {
    /// A healthy fleet to look at: one cluster per entry of `nodes_per_cluster` with `guests` guests in all,
    /// spread by the number of nodes, and `pbs` backup servers.
    pub fn demo(nodes_per_cluster: &[usize], guests: usize, pbs: usize, seed: u64) -> Self {
        let all_nodes = nodes_per_cluster.iter().sum::<usize>().max(1);
        let mut left = guests;
        let mut remotes = Vec::new();
        for (i, &nodes) in nodes_per_cluster.iter().enumerate() {
            let last = i + 1 == nodes_per_cluster.len();
            let share = if last {
                left
            } else {
                (guests * nodes / all_nodes).min(left)
            };
            left -= share;
            remotes.push(RemotePlan::Pve(PvePlan {
                name: format!("cluster-{}", letters(i)),
                nodes: nodes.max(1),
                guests: share,
                oddities: false,
                ..PvePlan::default()
            }));
        }
        let clients: Vec<BackupClient> = remotes.iter().filter_map(RemotePlan::client).collect();
        for (i, (remote, client)) in remotes.iter_mut().zip(&clients).enumerate() {
            if let (RemotePlan::Pve(pve), Some(server)) = (remote, i.checked_rem(pbs)) {
                pve.backup_servers.push(BackupStorage {
                    storage: "backup".into(),
                    server: format!("pbs-{}", letters(server)),
                    port: None,
                    datastore: PbsPlan::VAULT.into(),
                    namespace: Some(client.namespace.clone()),
                    username: client.owner.clone(),
                    fingerprint: None,
                });
            }
        }
        for i in 0..pbs {
            let mut datastores = PbsPlan::healthy();
            if let Some(first) = datastores.first_mut() {
                // Each cluster has one backup server.
                first.clients = clients.iter().skip(i).step_by(pbs).cloned().collect();
            }
            remotes.push(RemotePlan::Pbs(PbsPlan {
                name: format!("pbs-{}", letters(i)),
                datastores,
                oddities: false,
                ..PbsPlan::default()
            }));
        }
        Self {
            seed,
            clock: Clock::default(),
            remotes,
        }
    }
}

/// `a` … `z`, `aa` …: names of the remotes of a demo.
fn letters(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'a' + (index % 26) as u8));
        if index < 26 {
            return name;
        }
        index = index / 26 - 1;
    }
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one for each remote")]
pub enum RemotePlan {
    Pve(PvePlan),
    Pbs(PbsPlan),
}

impl RemotePlan {
    /// A cluster as what backs up all its guests.
    fn client(&self) -> Option<BackupClient> {
        let Self::Pve(pve) = self else { return None };
        Some(BackupClient {
            namespace: pve.name.clone(),
            owner: format!("backup@pbs!{}", pve.name),
            first_vmid: FIRST_VMID,
            count: pve.guests,
        })
    }
}

/// A PVE cluster, or a single node.
#[derive(Debug, Clone)]
pub struct PvePlan {
    /// The remote's name, and the cluster's.
    pub name: String,
    pub nodes: usize,
    /// How many of the nodes listen on an address of their own; at least one.
    pub endpoints: usize,
    pub guests: usize,
    /// The part of the guests that runs. With 1.0 all run and none is a template.
    pub running_ratio: f64,
    /// The part of the guests that are virtual machines; the others are containers.
    pub qemu_ratio: f64,
    pub version: PveVersion,
    /// Unnamed guests, hostile and numeric names, locks, pauses, an unreachable storage.
    pub oddities: bool,
    /// All nodes report in the same second, so that the big answers change once in 10 s and not once per node.
    pub report_together: bool,
    /// A QDevice, which has a vote of its own; a single node has none.
    pub qdevice: bool,
    /// Keys for the first two nodes: one is active, one has expired. Without them no node has any.
    pub subscriptions: bool,
    /// Ceph, where it is installed.
    pub ceph: Option<CephPlan>,
    /// Storages of type `pbs`, on every node.
    pub backup_servers: Vec<BackupStorage>,
    /// Storages that are enabled, and that no node can reach.
    pub unreachable_storages: Vec<String>,
    /// Exactly these jobs, backup tasks and archives. Without them a job backs up most guests each night.
    pub backups: Option<ClusterBackups>,
    pub latency: Latency,
    /// Latency of single calls, by path: the first that covers the path wins over `latency`.
    pub call_latency: Vec<(String, Latency)>,
    /// How long a refused login waits for its 401; 3 s on real servers.
    pub auth_delay: Duration,
}

impl Default for PvePlan {
    fn default() -> Self {
        Self {
            name: "cluster-a".into(),
            nodes: 3,
            endpoints: usize::MAX,
            guests: 60,
            running_ratio: 0.7,
            qemu_ratio: 0.7,
            version: PveVersion::default(),
            oddities: true,
            report_together: false,
            qdevice: false,
            subscriptions: false,
            ceph: None,
            backup_servers: Vec::new(),
            unreachable_storages: Vec::new(),
            backups: None,
            latency: Latency::default(),
            call_latency: Vec::new(),
            auth_delay: Duration::from_secs(3),
        }
    }
}

/// A storage of type `pbs`: a datastore of a backup server as a cluster knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupStorage {
    pub storage: String,
    /// An address, or the name of a backup server of the fleet, whose port and fingerprint it then gets.
    pub server: String,
    /// Absent for the default, 8007.
    pub port: Option<u16>,
    pub datastore: String,
    pub namespace: Option<String>,
    pub username: String,
    pub fingerprint: Option<String>,
}

/// How a cluster backs up its guests. What stands on a backup server is planned there, as groups.
#[derive(Debug, Clone, Default)]
pub struct ClusterBackups {
    pub jobs: Vec<BackupJobPlan>,
    pub tasks: Vec<BackupTaskPlan>,
    pub archives: Vec<ArchivePlan>,
}

impl ClusterBackups {
    /// Whether an enabled job takes a guest.
    pub(crate) fn cover(&self, vmid: i64) -> bool {
        let takes = |job: &BackupJobPlan| match &job.selection {
            JobSelection::AllBut(left_out) => !left_out.contains(&vmid),
            JobSelection::These(taken) => taken.contains(&vmid),
        };
        self.jobs.iter().any(|job| job.enabled && takes(job))
    }
}

/// A backup job of a cluster.
#[derive(Debug, Clone)]
pub struct BackupJobPlan {
    pub id: String,
    /// Calendar event, `sat 23:30`.
    pub schedule: String,
    pub storage: String,
    pub enabled: bool,
    pub selection: JobSelection,
}

/// Which guests a job takes, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSelection {
    AllBut(Vec<i64>),
    These(Vec<i64>),
}

/// A task that backs up one guest, on the node where the guest is. It runs if it ends after the fleet starts.
#[derive(Debug, Clone)]
pub struct BackupTaskPlan {
    pub vmid: i64,
    /// The time since its begin when the fleet starts.
    pub age_seconds: i64,
    pub duration_seconds: i64,
    pub fails: bool,
}

/// A backup of a guest on a storage of its cluster.
#[derive(Debug, Clone)]
pub struct ArchivePlan {
    pub vmid: i64,
    pub storage: String,
    /// Its age when the fleet starts.
    pub age_seconds: i64,
}

/// The PVE releases whose answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum PveVersion {
    V8_4,
    #[default]
    V9_1,
    V9_2,
}

impl PveVersion {
    pub fn version(self) -> &'static str {
        match self {
            Self::V8_4 => "8.4.5",
            Self::V9_1 => "9.1.8",
            Self::V9_2 => "9.2.11",
        }
    }

    pub fn release(self) -> &'static str {
        match self {
            Self::V8_4 => "8.4",
            Self::V9_1 => "9.1",
            Self::V9_2 => "9.2",
        }
    }
}

/// One Proxmox Backup Server.
#[derive(Debug, Clone)]
pub struct PbsPlan {
    pub name: String,
    pub version: PbsVersion,
    pub datastores: Vec<DatastorePlan>,
    /// The verification, prune and sync jobs; generated for its datastores when absent.
    pub jobs: Option<Vec<JobPlan>>,
    /// Failed, disabled and never run jobs, a failed verification, an unfinished and an encrypted backup, updates
    /// that wait, a failed service, a failing disk and its degraded pool.
    pub oddities: bool,
    /// A tape library with a drive, media and a job.
    pub tape: bool,
    pub latency: Latency,
    /// As in [`PvePlan::call_latency`].
    pub call_latency: Vec<(String, Latency)>,
    pub auth_delay: Duration,
}

impl Default for PbsPlan {
    fn default() -> Self {
        Self {
            name: "pbs-a".into(),
            version: PbsVersion::default(),
            datastores: Self::every_kind(),
            jobs: None,
            oddities: true,
            tape: false,
            latency: Latency::default(),
            call_latency: Vec::new(),
            auth_delay: Duration::from_secs(3),
        }
    }
}

impl PbsPlan {
    /// The datastore that every server has first.
    pub const VAULT: &str = "vault";

    /// Three datastores without trouble.
    pub fn healthy() -> Vec<DatastorePlan> {
        [Self::VAULT, "archive", "offsite"]
            .map(|name| DatastorePlan::new(name, DatastoreKind::Normal))
            .to_vec()
    }

    /// One datastore of each kind.
    pub fn every_kind() -> Vec<DatastorePlan> {
        vec![
            DatastorePlan::new(Self::VAULT, DatastoreKind::Normal),
            DatastorePlan::new("archive", DatastoreKind::Normal),
            DatastorePlan::new("frozen", DatastoreKind::ReadOnly),
            DatastorePlan::new("closed", DatastoreKind::Offline),
            DatastorePlan::new("usbdisk", DatastoreKind::Unmounted),
            DatastorePlan::new("lost", DatastoreKind::Broken),
            DatastorePlan::new("bucket", DatastoreKind::S3),
        ]
    }
}

#[derive(Debug, Clone)]
pub struct DatastorePlan {
    pub name: String,
    pub kind: DatastoreKind,
    /// Exactly these groups. Without them and without `clients` a normal datastore gets groups by the seed.
    pub groups: Option<Vec<GroupPlan>>,
    /// PVE clusters that back up their guests to it each night.
    pub clients: Vec<BackupClient>,
}

impl DatastorePlan {
    pub fn new(name: &str, kind: DatastoreKind) -> Self {
        Self {
            name: name.into(),
            kind,
            groups: None,
            clients: Vec::new(),
        }
    }
}

/// A backup group of a datastore.
#[derive(Debug, Clone)]
pub struct GroupPlan {
    /// Empty for the root.
    pub namespace: String,
    pub kind: BackupKind,
    pub id: String,
    /// A user or a token.
    pub owner: String,
    pub backups: Vec<BackupPlan>,
}

/// One backup of a group.
#[derive(Debug, Clone, Copy)]
pub struct BackupPlan {
    /// Its age when the fleet starts.
    pub age_seconds: i64,
    pub size: i64,
    /// How its verification ended; `None` when it was never verified.
    pub verified: Option<bool>,
    pub protected: bool,
    pub finished: bool,
    pub encrypted: bool,
    /// The first line of its notes; an unfinished one has none.
    pub comment: Option<&'static str>,
}

impl Default for BackupPlan {
    fn default() -> Self {
        Self {
            age_seconds: 86_400,
            size: 8 << 30,
            verified: Some(true),
            protected: false,
            finished: true,
            encrypted: false,
            comment: None,
        }
    }
}

/// The guests of a PVE cluster as groups of a datastore.
///
/// Where the fleet has a PVE remote with the name of the namespace, its guests have their kinds there as well.
#[derive(Debug, Clone)]
pub struct BackupClient {
    pub namespace: String,
    pub owner: String,
    pub first_vmid: i64,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKind {
    Vm,
    Ct,
    Host,
}

impl BackupKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Ct => "ct",
            Self::Host => "host",
        }
    }
}

/// A job of a backup server. Each runs once a day, but for the one that has no schedule.
#[derive(Debug, Clone)]
pub struct JobPlan {
    pub kind: JobKind,
    pub id: String,
    pub store: String,
    /// Sync jobs: the other server; without one the source is another datastore of the same server.
    pub remote: Option<String>,
    /// Sync jobs: to the remote, not from it.
    pub push: bool,
    pub state: JobState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Verify,
    Prune,
    Sync,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Its last run went well.
    Healthy,
    /// Its last run has not ended.
    Running,
    /// It ends with this error each time.
    Failing(String),
    NeverRun,
    /// It has a schedule that is not followed, and never ran.
    Disabled,
    /// It has no schedule, and never ran.
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatastoreKind {
    Normal,
    /// In maintenance mode `read-only`.
    ReadOnly,
    /// In maintenance mode `offline`.
    Offline,
    /// Removable, and its disk is not there.
    Unmounted,
    /// Its path is missing since before the daemon started.
    Broken,
    S3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum PbsVersion {
    V3_4,
    #[default]
    V4_2,
}

/// How long an answer takes, beyond what it takes to make it.
#[derive(Debug, Clone, Copy, Default)]
pub enum Latency {
    #[default]
    None,
    Fixed(Duration),
    /// Log-normal by its median and its 95th percentile.
    Spread {
        median: Duration,
        p95: Duration,
    },
}

impl Latency {
    pub(crate) fn draw(self, random: &mut Random) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(duration) => duration,
            Self::Spread { median, p95 } => {
                let sigma = (p95.as_secs_f64() / median.as_secs_f64().max(1e-6))
                    .max(1.0)
                    .ln()
                    / 1.645;
                // A sum of twelve uniform numbers less six is close enough to a normal one.
                let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                median.mul_f64((sigma * normal).exp())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_latency_has_the_median_and_the_tail_it_says() {
        let latency = Latency::Spread {
            median: Duration::from_millis(20),
            p95: Duration::from_millis(60),
        };
        let mut random = Random::new(1);
        let mut drawn: Vec<_> = (0..10_000)
            .map(|_| latency.draw(&mut random).as_secs_f64() * 1000.0)
            .collect();
        drawn.sort_by(f64::total_cmp);
        assert!((18.0..22.0).contains(&drawn[5_000]), "{}", drawn[5_000]);
        assert!((50.0..70.0).contains(&drawn[9_500]), "{}", drawn[9_500]);
    }

    #[test]
    fn a_demo_has_the_guests_it_was_asked_for() {
        let plan = FleetPlan::demo(&[3, 5, 1], 200, 2, 1);
        let guests: usize = plan
            .remotes
            .iter()
            .map(|remote| {
                if let RemotePlan::Pve(pve) = remote {
                    pve.guests
                } else {
                    0
                }
            })
            .sum();
        assert_eq!((plan.remotes.len(), guests), (5, 200));
        assert_eq!(letters(0), "a");
        assert_eq!(letters(26), "aa");
    }
}
