//! Is this guest protected? Every guest joined with every restore point that is known to be its.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::facts::{
    Cluster, Datastore, Group, Guest, Job, Point, Selection, Server, ServerLink, Unseen,
};
use crate::source::GuestKind;

/// Without a job that tells, backups are expected daily.
const USUAL_GAP: f64 = 86_400.0;

/// What is known of a guest's protection: exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The newest restore point is as new as the jobs promise.
    Protected,
    /// It is older than that.
    Stale,
    /// The last backup failed, or the newest restore point did not pass its verification.
    Failed,
    /// There is no restore point anywhere.
    Unprotected,
    /// A job leaves the guest out by name, and no other takes it.
    Excluded,
    /// A place where restore points may be cannot be read, or they may be another guest's.
    Unknown,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Protected,
        Self::Stale,
        Self::Failed,
        Self::Unprotected,
        Self::Excluded,
        Self::Unknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Unprotected => "unprotected",
            Self::Excluded => "excluded",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a restore point is: on a backup server, or on a storage of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The backup server's remote; empty for a storage.
    pub backup_remote: String,
    /// Of the backup server.
    pub datastore: String,
    pub backup_namespace: String,
    /// Of the cluster.
    pub storage: String,
}

/// The verdict on one guest.
#[derive(Debug, Clone, PartialEq)]
pub struct Protection {
    pub remote: String,
    pub vmid: u32,
    pub kind: GuestKind,
    pub name: String,
    pub state: State,
    /// Why, in words for the operator.
    pub reason: String,
    /// Unix seconds.
    pub newest: Option<f64>,
    pub newest_place: Option<Place>,
    /// Of the newest restore point.
    pub verified: Option<bool>,
    /// How many places have a restore point; `None` where there may be some and none is seen.
    pub places: Option<usize>,
    /// Ids of the enabled jobs that take the guest; `None` where the jobs could not be read.
    pub jobs: Option<Vec<String>>,
}

/// A group on a backup server that is known to be of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedGroup {
    pub remote: String,
    pub datastore: String,
    pub namespace: String,
    pub kind: GuestKind,
    pub vmid: u32,
    /// The cluster's guest is gone.
    pub orphaned: bool,
}

#[derive(Debug, Default)]
pub struct Judgement {
    /// By remote and number.
    pub guests: Vec<Protection>,
    pub groups: Vec<LinkedGroup>,
}

/// A group with its place, and the clusters whose storages lead to it.
struct Candidate<'a> {
    server: usize,
    datastore: &'a str,
    group: &'a Group,
    clusters: BTreeSet<usize>,
}

impl Candidate<'_> {
    fn owner(&self) -> Option<usize> {
        match self.clusters.len() {
            1 => self.clusters.first().copied(),
            _ => None,
        }
    }

    const fn number(&self) -> Number {
        (self.group.kind, self.group.vmid)
    }
}

/// What a guest is called inside its cluster; guests of other clusters may have the same.
type Number = (GuestKind, u32);

/// A storage whose backups nobody else tells, with its restore points by the guest's number.
struct OwnStorage<'a> {
    name: &'a str,
    /// `None` where they cannot be seen.
    points: Option<HashMap<u32, Vec<&'a Point>>>,
}

/// Judges every guest at a time, in Unix seconds.
pub(super) fn judge(clusters: &[Cluster], servers: &[Server], now: f64) -> Judgement {
    let candidates = candidates(clusters, servers);
    let mut by_number: HashMap<Number, Vec<&Candidate<'_>>> = HashMap::new();
    for candidate in &candidates {
        let of_number = by_number.entry(candidate.number()).or_default();
        of_number.push(candidate);
    }
    let mut judgement = Judgement::default();
    for (index, cluster) in clusters.iter().enumerate() {
        let storages = own_storages(cluster, servers);
        let unseen = cluster.unseen.as_ref().map(doubt_of_unseen);
        for guest in &cluster.guests {
            let of_number = by_number.get(&(guest.kind, guest.vmid));
            let of_number = of_number.map_or(&[][..], Vec::as_slice);
            let mut evidence = Evidence::default();
            evidence.add_groups(index, of_number, servers);
            for storage in &storages {
                evidence.add_storage(storage, guest);
            }
            evidence.doubts.extend(unseen.clone());
            judgement
                .guests
                .push(verdict(cluster, guest, evidence, now));
        }
    }
    let numbers_of = |cluster: &Cluster| {
        let guests = cluster.guests.iter();
        guests.map(|guest| (guest.kind, guest.vmid)).collect()
    };
    let numbers: Vec<HashSet<Number>> = clusters.iter().map(numbers_of).collect();
    for candidate in &candidates {
        let owner = candidate.owner().and_then(|owner| numbers.get(owner));
        if let (Some(numbers), Some(server)) = (owner, servers.get(candidate.server)) {
            judgement.groups.push(LinkedGroup {
                remote: server.remote.clone(),
                datastore: candidate.datastore.to_owned(),
                namespace: candidate.group.namespace.clone(),
                kind: candidate.group.kind,
                vmid: candidate.group.vmid,
                orphaned: !numbers.contains(&candidate.number()),
            });
        }
    }
    judgement
}

/// The link is what the storage says: server, datastore, namespace and user. The number alone would
/// take one cluster's guest for another's.
fn candidates<'a>(clusters: &[Cluster], servers: &'a [Server]) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        for datastore in &server.datastores {
            let mut links = Vec::new();
            for (cluster, facts) in clusters.iter().enumerate() {
                let to_servers = facts.storages.iter();
                let to_servers = to_servers.filter_map(|storage| storage.server.as_ref());
                let here = to_servers
                    .filter(|link| link.datastore == datastore.name && is_server(link, server));
                links.extend(here.map(|link| (cluster, link)));
            }
            for group in &datastore.groups {
                let leads_to = |link: &ServerLink| {
                    link.namespace == group.namespace && link.username == group.owner
                };
                let links = links.iter().filter(|(_, link)| leads_to(link));
                candidates.push(Candidate {
                    server: index,
                    datastore: &datastore.name,
                    group,
                    clusters: links.map(|(cluster, _)| *cluster).collect(),
                });
            }
        }
    }
    candidates
}

/// A storage on a backup server that is a remote as well has been seen there, with more detail, if its
/// namespace is open to our token.
fn own_storages<'a>(cluster: &'a Cluster, servers: &[Server]) -> Vec<OwnStorage<'a>> {
    let is_on_a_remote = |link: &ServerLink| {
        servers.iter().any(|server| {
            let mut datastores = server.datastores.iter();
            let is_read = |datastore: &Datastore| {
                datastore.name == link.datastore && datastore.namespaces.contains(&link.namespace)
            };
            datastores.any(is_read) && is_server(link, server)
        })
    };
    let storages = cluster.storages.iter();
    storages
        .filter(|storage| !storage.server.as_ref().is_some_and(is_on_a_remote))
        .map(|storage| OwnStorage {
            name: &storage.name,
            points: storage.points.as_ref().map(|points| {
                let mut by_vmid: HashMap<u32, Vec<&Point>> = HashMap::new();
                for point in points {
                    by_vmid.entry(point.vmid).or_default().push(point);
                }
                by_vmid
            }),
        })
        .collect()
}

fn doubt_of_unseen(unseen: &Unseen) -> String {
    match unseen {
        Unseen::All => "the cluster's storages cannot be read".to_owned(),
        Unseen::Others => {
            "the token may read only some of the cluster's storages, and there may be others"
                .to_owned()
        }
        Unseen::TargetOf { job, storage } => {
            format!("backup job {job} writes to storage {storage}, which the token does not see")
        }
    }
}

/// By the certificate, else by address.
fn is_server(link: &ServerLink, server: &Server) -> bool {
    if let Some(fingerprint) = link.fingerprint
        && server.fingerprints.contains(&fingerprint)
    {
        return true;
    }
    server
        .addresses
        .iter()
        .any(|(host, port)| host.eq_ignore_ascii_case(&link.host) && *port == link.port)
}

/// What speaks for a guest.
#[derive(Default)]
struct Evidence {
    points: Vec<(Place, Point)>,
    /// Why there may be more that is not seen.
    doubts: Vec<String>,
}

fn shares_a_time(a: &Group, b: &Group) -> bool {
    a.points
        .iter()
        .any(|point| b.points.iter().any(|other| other.time == point.time))
}

impl Evidence {
    /// Of the groups with the number of a guest of this cluster those that are the guest's.
    fn add_groups(&mut self, cluster: usize, of_number: &[&Candidate<'_>], servers: &[Server]) {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for candidate in of_number {
            if candidate.owner() == Some(cluster) {
                own.push(candidate);
            } else if candidate.clusters.contains(&cluster) {
                self.doubts.push(format!(
                    "the group in {} is reached by the storages of more than one cluster with the same user",
                    candidate.datastore
                ));
            } else if candidate.clusters.is_empty() {
                others.push(candidate);
            }
        }
        for candidate in &own {
            self.add_group(candidate, servers);
        }
        // A sync keeps the times of its backups: a group that nobody's storage leads to, with a backup
        // of the very second, is a copy. Unless another cluster has one of that second, too.
        for copy in others {
            let is_copy_of = |original: &Candidate<'_>| shares_a_time(original.group, copy.group);
            let foreign = of_number.iter().any(|other| {
                other.owner().is_some_and(|owner| owner != cluster) && is_copy_of(other)
            });
            if !foreign && own.iter().any(|original| is_copy_of(original)) {
                self.add_group(copy, servers);
            }
        }
    }

    fn add_group(&mut self, candidate: &Candidate<'_>, servers: &[Server]) {
        let Some(server) = servers.get(candidate.server) else {
            return;
        };
        let place = Place {
            backup_remote: server.remote.clone(),
            datastore: candidate.datastore.to_owned(),
            backup_namespace: candidate.group.namespace.clone(),
            storage: String::new(),
        };
        let points = candidate.group.points.iter();
        self.points
            .extend(points.map(|point| (place.clone(), *point)));
    }

    fn add_storage(&mut self, storage: &OwnStorage<'_>, guest: &Guest) {
        let Some(points) = &storage.points else {
            self.doubts.push(format!(
                "the backups on storage {} cannot be seen",
                storage.name
            ));
            return;
        };
        let place = Place {
            backup_remote: String::new(),
            datastore: String::new(),
            backup_namespace: String::new(),
            storage: storage.name.to_owned(),
        };
        let of_number = points.get(&guest.vmid).into_iter().flatten();
        let own = of_number.filter(|point| point.kind.is_none_or(|kind| kind == guest.kind));
        self.points
            .extend(own.map(|point| (place.clone(), **point)));
    }
}

fn verdict(cluster: &Cluster, guest: &Guest, evidence: Evidence, now: f64) -> Protection {
    // Of equals the first: the original stands before its copies.
    let newest = evidence.points.iter().reduce(|newest, next| {
        if next.1.time > newest.1.time {
            next
        } else {
            newest
        }
    });
    let places: BTreeSet<&Place> = evidence.points.iter().map(|(place, _)| place).collect();
    let jobs: Option<Vec<&Job>> = cluster.jobs.as_ref().map(|jobs| {
        let takes = |job: &&Job| job.enabled && takes(job, guest);
        jobs.iter().filter(takes).collect()
    });
    let (state, reason) = state(
        cluster,
        guest,
        newest.map(|(_, point)| point),
        &evidence,
        jobs.as_deref(),
        now,
    );
    Protection {
        remote: cluster.remote.clone(),
        vmid: guest.vmid,
        kind: guest.kind,
        name: guest.name.clone(),
        state,
        reason,
        newest: newest.map(|(_, point)| point.time),
        newest_place: newest.map(|(place, _)| place.clone()),
        verified: newest.and_then(|(_, point)| point.verified),
        places: (state != State::Unknown || !places.is_empty()).then_some(places.len()),
        jobs: jobs.map(|jobs| jobs.iter().map(|job| job.id.clone()).collect()),
    }
}

fn state(
    cluster: &Cluster,
    guest: &Guest,
    newest: Option<&Point>,
    evidence: &Evidence,
    jobs: Option<&[&Job]>,
    now: f64,
) -> (State, String) {
    let allowed = allowed_age(guest, jobs);
    let is_fresh = newest.is_some_and(|point| now - point.time <= allowed);
    let failed_since =
        |task: &super::facts::Task| task.failed && newest.is_none_or(|point| task.end > point.time);
    if newest.is_some_and(|point| point.verified == Some(false)) {
        return (
            State::Failed,
            "the newest restore point failed its verification".to_owned(),
        );
    }
    if guest.last_task.as_ref().is_some_and(failed_since) {
        return (State::Failed, "the last backup failed".to_owned());
    }
    if is_fresh {
        return (State::Protected, String::new());
    }
    // What is not fresh where one can see may be fresh where one cannot.
    if let Some(doubt) = evidence.doubts.first() {
        return (State::Unknown, doubt.clone());
    }
    if newest.is_some() {
        let hours = (allowed / 3600.0).ceil();
        return (
            State::Stale,
            format!(
                "the newest restore point is older than {hours} h, which is twice what the jobs promise"
            ),
        );
    }
    let Some(jobs) = jobs else {
        return (State::Unknown, "the backup jobs cannot be read".to_owned());
    };
    if jobs.is_empty() && is_left_out(cluster, guest) {
        return (State::Excluded, "a backup job leaves it out".to_owned());
    }
    let reason = match jobs.is_empty() {
        true => "no backup job takes it, and there is no restore point",
        false => "there is no restore point yet",
    };
    (State::Unprotected, reason.to_owned())
}

/// Twice the largest gap between the runs of the jobs that take the guest, and as long as its last
/// backup took.
fn allowed_age(guest: &Guest, jobs: Option<&[&Job]>) -> f64 {
    let gaps = jobs
        .unwrap_or_default()
        .iter()
        .filter_map(|job| job.largest_gap);
    // The most frequent of its jobs decides: the others are for other purposes.
    let gap = gaps.min_by(f64::total_cmp).unwrap_or(USUAL_GAP);
    2.0 * gap
        + guest
            .last_task
            .and_then(|task| task.duration)
            .unwrap_or(0.0)
}

fn takes(job: &Job, guest: &Guest) -> bool {
    if !job.node.is_empty() && job.node != guest.node {
        return false;
    }
    match &job.selection {
        Selection::AllBut(left_out) => !left_out.contains(&guest.vmid),
        Selection::These(taken) => taken.contains(&guest.vmid),
        // Pools nest: a job on `prod` takes the guests of `prod/web`, too.
        Selection::Pool(pool) => {
            guest.pool == *pool
                || guest
                    .pool
                    .strip_prefix(pool.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        }
    }
}

fn is_left_out(cluster: &Cluster, guest: &Guest) -> bool {
    let names = |job: &Job| {
        job.enabled
            && matches!(&job.selection, Selection::AllBut(left_out) if left_out.contains(&guest.vmid))
    };
    cluster.jobs.iter().flatten().any(names)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
