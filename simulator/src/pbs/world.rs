//! What a backup server is made of. As with a cluster, nothing here changes: numbers are functions of the time.

use super::content::{self, Group, GuestKinds};
use super::jobs::{self, Job, OWNER};
use super::task::Task;
use crate::fault::{Fault, Faults};
use crate::plan::{DatastoreKind, DatastorePlan, PbsPlan, PbsVersion};
use crate::random::{Random, noise};

/// The proxy measures once in this many seconds.
pub(super) const CYCLE: i64 = 10;

pub(crate) struct Server {
    pub(super) host: String,
    pub(super) version: PbsVersion,
    pub(super) repository_id: String,
    pub(super) cpus: i64,
    pub(super) memory: i64,
    pub(super) swap: i64,
    pub(super) root_size: i64,
    pub(super) datastores: Vec<Datastore>,
    pub(super) jobs: Vec<Job>,
    pub(super) oddities: bool,
    pub(super) tape: bool,
    phase: i64,
    booted: i64,
    load: f64,
    rates: [f64; 2],
    seed: i64,
}

pub(super) struct Datastore {
    pub(super) name: String,
    pub(super) kind: DatastoreKind,
    pub(super) comment: Option<&'static str>,
    /// Whether garbage was ever collected.
    pub(super) collected: bool,
    /// Whether collecting garbage finds something to warn of.
    warns: bool,
    pub(super) groups: Vec<Group>,
    pub(super) namespaces: Vec<String>,
    size: i64,
    /// Bytes that are added per day.
    growth: f64,
    fill: f64,
    seed: i64,
}

pub(super) struct HostNumbers {
    pub(super) uptime: i64,
    pub(super) cpu: f64,
    pub(super) iowait: f64,
    pub(super) load: [f64; 3],
    pub(super) memory_used: i64,
    pub(super) swap_used: i64,
    pub(super) root: Space,
    pub(super) received: i64,
    pub(super) transmitted: i64,
}

/// A file system keeps some blocks to itself: `total - used` is more than `available`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    pub(super) total: i64,
    pub(super) used: i64,
    pub(super) available: i64,
}

impl Space {
    fn new(total: i64, used: i64) -> Self {
        Self {
            total,
            used,
            available: (total - used - total / 20).max(0),
        }
    }
}

impl Server {
    pub(crate) fn new(plan: &PbsPlan, seed: u64, origin: i64, guests: &GuestKinds) -> Self {
        let mut random = Random::new(seed);
        let gib = 1 << 30;
        let repository_id = format!("{}{}", random.uuid(), random.uuid())
            .replace('-', "")
            .chars()
            .take(40)
            .collect();
        Self {
            host: plan.name.clone(),
            version: plan.version,
            repository_id,
            cpus: *random.pick(&[8, 16, 32]).unwrap_or(&8),
            memory: random.pick(&[32, 64]).unwrap_or(&32) * gib,
            swap: 8 * gib,
            root_size: 64 * gib,
            datastores: plan
                .datastores
                .iter()
                .enumerate()
                .map(|(i, store)| {
                    let oddities = plan.oddities && i == 0;
                    let groups = content::groups(store, guests, oddities, origin, &mut random);
                    Datastore::new(i, store, groups, oddities, &mut random)
                })
                .collect(),
            oddities: plan.oddities,
            tape: plan.tape,
            jobs: match &plan.jobs {
                Some(jobs) => jobs.iter().map(Job::new).collect(),
                None => jobs::generated(plan),
            },
            phase: random.between(0, CYCLE - 1),
            booted: origin - random.between(86_400, 60 * 86_400),
            load: 0.05 + 0.4 * random.unit(),
            rates: [random.unit() * 3e7, random.unit() * 1e7],
            seed: random.between(1, 1 << 40),
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The stamp of the last measurement at or before `time`.
    pub(super) fn cycle(&self, time: i64) -> i64 {
        time - (time - self.phase).rem_euclid(CYCLE)
    }

    pub(super) fn numbers(&self, time: i64) -> HostNumbers {
        let uptime = (time - self.booted).max(1);
        let cycle = time.div_euclid(CYCLE);
        let share = |kind: i64| noise(&[self.seed, kind, cycle]);
        let steady = |minute: i64| self.load * (0.8 + 0.4 * noise(&[self.seed, 1, minute]));
        let load = |minutes: i64| {
            let sum: f64 = (0..minutes)
                .map(|back| steady(time.div_euclid(60) - back))
                .sum();
            (sum / minutes as f64 * self.cpus as f64 * 100.0).round() / 100.0
        };
        let total = |rate: f64| (rate * uptime as f64) as i64;
        let [receive, transmit] = self.rates;
        HostNumbers {
            uptime,
            cpu: (steady(time.div_euclid(60)) * (0.7 + 0.6 * share(2))).min(1.0),
            iowait: share(3) * 0.05,
            load: [load(1), load(5), load(15)],
            memory_used: (self.memory as f64 * (0.3 + 0.02 * share(4))) as i64,
            swap_used: 0,
            root: Space::new(
                self.root_size,
                (self.root_size as f64 * (0.15 + 0.001 * share(5))) as i64,
            ),
            received: total(receive),
            transmitted: total(transmit),
        }
    }
}

impl Datastore {
    fn new(
        index: usize,
        plan: &DatastorePlan,
        groups: Vec<Group>,
        warns: bool,
        random: &mut Random,
    ) -> Self {
        let tib: i64 = 1 << 40;
        Self {
            name: plan.name.clone(),
            kind: plan.kind,
            comment: [Some("main backups"), None, Some("copied every night")]
                .get(index % 3)
                .copied()
                .flatten(),
            collected: plan.kind == DatastoreKind::Normal,
            warns,
            namespaces: content::namespaces(plan, &groups),
            groups,
            size: random.pick(&[4, 10, 40]).unwrap_or(&4) * tib,
            growth: random.unit() * 2e10,
            fill: 0.2 + 0.4 * random.unit(),
            seed: random.between(1, 1 << 40),
        }
    }

    pub(super) fn space(&self, time: i64) -> Space {
        // Grows from week to week, and garbage collection takes part of it away again.
        let week = 7.0 * 86_400.0;
        let since = (time as f64).rem_euclid(week);
        let used =
            self.size as f64 * (self.fill + 0.0001 * noise(&[self.seed, time.div_euclid(CYCLE)]));
        Space::new(self.size, (used + self.growth * since / 86_400.0) as i64)
    }

    /// Snapshots of all its groups.
    pub(super) fn snapshots(&self, time: i64) -> i64 {
        let count = |group: &Group| group.snapshots(time).len() as i64;
        self.groups.iter().map(count).sum()
    }

    /// How its garbage collections end.
    pub(super) fn collection_status(&self) -> &'static str {
        if self.warns { "WARNINGS: 1" } else { "OK" }
    }

    /// The run of its verification job that began at this time.
    pub(super) fn verification(&self, start: i64) -> Task {
        let id = format!("{}:v-{}", self.name, self.name);
        Task::new("verificationjob", &id, OWNER, start)
    }

    /// Whether the path vanished while the daemon had it open.
    pub(super) fn vanished(&self, faults: &Faults) -> bool {
        faults.active.iter().any(|active| matches!(&active.fault, Fault::DatastoreBroken { store } if *store == self.name))
    }

    /// Why its content cannot be read, as the API words it.
    pub(super) fn obstacle(&self) -> Option<String> {
        match self.kind {
            DatastoreKind::Normal | DatastoreKind::ReadOnly | DatastoreKind::S3 => None,
            DatastoreKind::Offline => Some(format!(
                "datastore '{}' is unavailable: offline maintenance mode: ",
                self.name
            )),
            DatastoreKind::Unmounted => Some(format!("datastore '{}' is not mounted", self.name)),
            DatastoreKind::Broken => Some(format!(
                "unable to open chunk store at \"/mnt/datastore/{}/.chunks\" - No such file or directory (os error 2)",
                self.name
            )),
        }
    }

    pub(super) fn mount_status(&self) -> &'static str {
        if self.kind == DatastoreKind::Unmounted {
            "notmounted"
        } else {
            "nonremovable"
        }
    }

    pub(super) fn backend(&self) -> &'static str {
        if self.kind == DatastoreKind::S3 {
            "s3"
        } else {
            "filesystem"
        }
    }
}
