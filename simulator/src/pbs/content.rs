//! Backup groups and their snapshots, as functions of the time.

use std::collections::{BTreeSet, HashMap};

use super::schedule::Schedule;
use crate::plan::{BackupClient, BackupKind, BackupPlan, DatastoreKind, DatastorePlan, GroupPlan};
use crate::random::{Random, hash, noise};

/// The kinds of the guests of each PVE cluster, by vmid.
pub(crate) type GuestKinds = HashMap<String, HashMap<i64, BackupKind>>;

const DAY: i64 = 86_400;
/// Each verification job runs at this hour, and takes this long.
pub(super) const VERIFICATION: Schedule = Schedule::Daily(6);
pub(super) const VERIFICATION_SECONDS: i64 = 1_500;
/// The namespaces of a datastore with generated groups.
const NAMESPACES: [&str; 4] = ["", "prod", "prod/db", "test"];

pub(super) struct Group {
    pub(super) namespace: String,
    pub(super) kind: BackupKind,
    pub(super) id: String,
    pub(super) owner: String,
    backups: Backups,
}

enum Backups {
    /// Those of the plan, and the time their ages are counted from.
    Planned(Vec<BackupPlan>, i64),
    Nightly(Nightly),
}

/// A backup each night, of which the last ones are kept.
struct Nightly {
    /// Seconds after midnight.
    offset: i64,
    /// About how long one takes.
    seconds: i64,
    keep: i64,
    size: i64,
    encrypted: bool,
    /// What is odd about the backup of one night.
    oddity: Oddity,
    odd_night: i64,
    seed: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    Corrupt,
    Unfinished,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    pub(super) time: i64,
    pub(super) size: i64,
    pub(super) verification: Option<Verification>,
    pub(super) protected: bool,
    pub(super) finished: bool,
    pub(super) encrypted: bool,
    pub(super) comment: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Verification {
    pub(super) ok: bool,
    /// When the job that did it was started.
    pub(super) started: i64,
}

/// A backup as a task.
pub(super) struct Run {
    pub(super) start: i64,
    /// `None` while it runs, and for one that died.
    pub(super) end: Option<i64>,
}

impl Group {
    fn planned(plan: &GroupPlan, origin: i64) -> Self {
        let mut backups = plan.backups.clone();
        backups.sort_by_key(|backup| -backup.age_seconds);
        Self {
            namespace: plan.namespace.clone(),
            kind: plan.kind,
            id: plan.id.clone(),
            owner: plan.owner.clone(),
            backups: Backups::Planned(backups, origin),
        }
    }

    fn nightly(
        namespace: &str,
        kind: BackupKind,
        id: String,
        owner: &str,
        random: &mut Random,
    ) -> Self {
        Self {
            namespace: namespace.to_owned(),
            kind,
            id,
            owner: owner.to_owned(),
            backups: Backups::Nightly(Nightly {
                offset: random.between(0, 7_200) + 22 * 3_600,
                seconds: random.between(30, 900),
                keep: random.between(5, 14),
                size: random.between(2, 200) << 30,
                encrypted: false,
                oddity: Oddity::None,
                odd_night: 0,
                seed: random.between(1, 1 << 40),
            }),
        }
    }

    /// Oldest first.
    pub(super) fn snapshots(&self, now: i64) -> Vec<Snapshot> {
        match &self.backups {
            Backups::Planned(backups, origin) => backups
                .iter()
                .map(|backup| planned(backup, *origin))
                .collect(),
            Backups::Nightly(nightly) => nightly
                .nights(now, nightly.keep)
                .map(|night| nightly.snapshot(night, now))
                .collect(),
        }
    }

    /// What ran since `from`.
    pub(super) fn runs(&self, from: i64, now: i64) -> Vec<Run> {
        match &self.backups {
            Backups::Planned(backups, origin) => backups
                .iter()
                .map(|backup| {
                    let start = origin - backup.age_seconds;
                    Run {
                        start,
                        end: backup.finished.then_some(start + 60),
                    }
                })
                .filter(|run| run.start >= from)
                .collect(),
            Backups::Nightly(nightly) => nightly
                .nights(now, (now - from) / DAY + 1)
                .map(|night| {
                    let start = nightly.start(night);
                    let end = nightly.end(night);
                    Run {
                        start,
                        end: (end <= now && nightly.oddity(night) != Oddity::Unfinished)
                            .then_some(end),
                    }
                })
                .filter(|run| run.start >= from)
                .collect(),
        }
    }
}

fn planned(backup: &BackupPlan, origin: i64) -> Snapshot {
    let time = origin - backup.age_seconds;
    Snapshot {
        time,
        size: backup.size,
        verification: backup.verified.map(|ok| Verification {
            ok,
            started: VERIFICATION.last(origin),
        }),
        protected: backup.protected,
        finished: backup.finished,
        encrypted: backup.encrypted,
        comment: backup.comment.filter(|_| backup.finished),
    }
}

impl Nightly {
    /// The last `count` nights, by the day they began; oldest first.
    fn nights(&self, now: i64, count: i64) -> std::ops::RangeInclusive<i64> {
        let last = (now - self.offset).div_euclid(DAY);
        last - count + 1..=last
    }

    fn start(&self, night: i64) -> i64 {
        night * DAY + self.offset
    }

    fn end(&self, night: i64) -> i64 {
        self.start(night) + (self.seconds as f64 * (0.8 + 0.4 * noise(&[self.seed, night]))) as i64
    }

    fn oddity(&self, night: i64) -> Oddity {
        if night == self.odd_night {
            self.oddity
        } else {
            Oddity::None
        }
    }

    fn snapshot(&self, night: i64, now: i64) -> Snapshot {
        let time = self.start(night);
        let oldest = night == *self.nights(now, self.keep).start();
        let oddity = self.oddity(night);
        let finished = self.end(night) <= now && oddity != Oddity::Unfinished;
        let started = VERIFICATION.next(time);
        let verified = finished && started + VERIFICATION_SECONDS <= now;
        Snapshot {
            time,
            size: (self.size as f64 * (1.0 + 0.02 * noise(&[self.seed, 1, night]))) as i64,
            verification: verified.then_some(Verification {
                ok: oddity != Oddity::Corrupt,
                started,
            }),
            protected: finished && oldest && self.seed % 7 == 0,
            finished,
            encrypted: self.encrypted,
            comment: (finished && self.seed % 5 == 0).then_some("nightly"),
        }
    }
}

/// The groups of a datastore, in the order of its directory.
pub(super) fn groups(
    plan: &DatastorePlan,
    guests: &GuestKinds,
    oddities: bool,
    origin: i64,
    random: &mut Random,
) -> Vec<Group> {
    if let Some(groups) = &plan.groups {
        return groups
            .iter()
            .map(|group| Group::planned(group, origin))
            .collect();
    }
    if !plan.clients.is_empty() {
        return plan
            .clients
            .iter()
            .flat_map(|client| of_client(client, guests, random))
            .collect();
    }
    if plan.kind != DatastoreKind::Normal {
        return Vec::new();
    }
    let mut groups = generated(random);
    if oddities {
        for (group, oddity) in
            groups
                .iter_mut()
                .zip([Oddity::Corrupt, Oddity::None, Oddity::Unfinished])
        {
            if let Backups::Nightly(nightly) = &mut group.backups {
                nightly.oddity = oddity;
                nightly.odd_night = (origin - nightly.offset).div_euclid(DAY) - 2;
                nightly.encrypted = oddity == Oddity::None;
            }
        }
    }
    groups
}

fn of_client(client: &BackupClient, guests: &GuestKinds, random: &mut Random) -> Vec<Group> {
    let kinds = guests.get(&client.namespace);
    (client.first_vmid..)
        .take(client.count)
        .map(|vmid| {
            let known = kinds.and_then(|kinds| kinds.get(&vmid)).copied();
            let kind = known.unwrap_or(BackupKind::Vm);
            Group::nightly(
                &client.namespace,
                kind,
                vmid.to_string(),
                &client.owner,
                random,
            )
        })
        .collect()
}

fn generated(random: &mut Random) -> Vec<Group> {
    let mut groups = Vec::new();
    for (kind, namespace, prefix, owner, few, many) in [
        (BackupKind::Host, "", "web0", "hosts@pbs", 3, 6),
        (BackupKind::Vm, "prod", "10", "backup@pbs!pve", 4, 9),
        (BackupKind::Ct, "prod", "20", "backup@pbs!pve", 2, 9),
        (BackupKind::Host, "prod/db", "db0", "hosts@pbs!db", 1, 3),
    ] {
        for number in 0..random.between(few, many) {
            groups.push(Group::nightly(
                namespace,
                kind,
                format!("{prefix}{number}"),
                owner,
                random,
            ));
        }
    }
    groups
}

/// All namespaces with their parents; the root first.
pub(super) fn namespaces(plan: &DatastorePlan, groups: &[Group]) -> Vec<String> {
    let mut found = BTreeSet::from([String::new()]);
    if plan.groups.is_none() && plan.clients.is_empty() && !groups.is_empty() {
        found.extend(NAMESPACES.map(str::to_owned));
    }
    for group in groups {
        let name = &group.namespace;
        found.extend(
            name.match_indices('/')
                .filter_map(|(end, _)| name.get(..end))
                .map(str::to_owned),
        );
        found.insert(name.clone());
    }
    found.into_iter().collect()
}

/// A number of its own for a task, as the daemon counts them.
pub(super) fn task_number(kind: &str, id: &str, start: i64) -> u64 {
    let parts: Vec<i64> = kind.bytes().chain(id.bytes()).map(i64::from).collect();
    hash(&[hash(&parts).cast_signed(), start]) & 0xFFFF
}
