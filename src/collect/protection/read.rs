//! From the values of sources to what is joined.

use std::collections::{HashMap, HashSet};

use super::facts::{
    Cluster, Datastore, Group, Guest, Job, Point, Selection, Server, ServerLink, Storage, Task,
    Unseen,
};
use crate::collect::{Inputs, RemoteInputs};
use crate::config::Product;
use crate::source::pbs::group::{GROUPS, GroupId};
use crate::source::pbs::snapshot::{GroupSnapshots, SNAPSHOTS, Verification};
use crate::source::pve::backup_content::BACKUP_CONTENT;
use crate::source::pve::backup_jobs::{self, BACKUP_JOBS, BackupJob};
use crate::source::pve::resources::{self, RESOURCES};
use crate::source::pve::storage::{BackupServer, STORAGES, Storages};
use crate::source::pve::tasks::TASKS;
use crate::source::{AnySource, GuestKind, Item};

pub(super) const SOURCES: &[&dyn AnySource] = &[
    &RESOURCES,
    &STORAGES,
    &BACKUP_CONTENT,
    &BACKUP_JOBS,
    &TASKS,
    &GROUPS,
    &SNAPSHOTS,
];

/// As a backup server calls it.
pub const fn backup_type(kind: GuestKind) -> &'static str {
    match kind {
        GuestKind::Qemu => "vm",
        GuestKind::Lxc => "ct",
    }
}

pub(super) fn clusters(remotes: &[RemoteInputs<'_>]) -> Vec<Cluster> {
    remotes
        .iter()
        .filter(|remote| remote.config.product == Product::Pve)
        .filter_map(|remote| cluster(&remote.inputs))
        .collect()
}

/// `None` while nothing is known of the cluster.
fn cluster(inputs: &Inputs<'_>) -> Option<Cluster> {
    let picture = inputs.get(&RESOURCES)?;
    let filter = inputs.filter;
    let tasks = last_tasks(inputs);
    let guests = picture
        .guests
        .iter()
        .filter(|guest| filter.is_empty() || filter.admits(&guest.facts()))
        .map(|guest| Guest {
            vmid: guest.vmid,
            kind: guest.kind,
            name: guest.name.to_string(),
            node: guest.node.to_string(),
            pool: guest.pool.to_string(),
            last_task: tasks.get(&(guest.kind, guest.vmid)).copied(),
        });
    let jobs = inputs.get(&BACKUP_JOBS);
    let configured = inputs.get(&STORAGES);
    let storages = storages(inputs, &picture, configured.as_deref());
    Some(Cluster {
        remote: inputs.remote.to_owned(),
        guests: guests.collect(),
        jobs: jobs.as_ref().map(|jobs| jobs.iter().map(job).collect()),
        storages,
        unseen: unseen(
            configured.as_deref(),
            jobs.as_deref().map_or(&[], Vec::as_slice),
        ),
    })
}

/// The last backup task of each guest. Those of a guest that moved ran on several nodes.
fn last_tasks(inputs: &Inputs<'_>) -> HashMap<(GuestKind, u32), Task> {
    let mut last: HashMap<(GuestKind, u32), Task> = HashMap::new();
    let nodes = inputs.each(&TASKS);
    for (id, backup) in nodes.flat_map(|(_, tasks)| &tasks.backups) {
        let guest = id.split_once('/').and_then(|(kind, vmid)| {
            let kind = GuestKind::parse(kind)?;
            Some((kind, vmid.parse().ok()?))
        });
        let Some(guest) = guest else { continue };
        let task = Task {
            end: backup.end,
            duration: backup.duration,
            failed: !backup.succeeded,
        };
        let known = last.entry(guest).or_insert(task);
        if task.end > known.end {
            *known = task;
        }
    }
    last
}

/// A list is filtered to what the token may see, without a word. Its rights tell of it, but not
/// where a single storage is closed to it; a job that writes to such a one tells of that.
fn unseen(configured: Option<&Storages>, jobs: &[BackupJob]) -> Option<Unseen> {
    let Some(configured) = configured else {
        return Some(Unseen::All);
    };
    let is_listed = |name: &str| {
        let mut listed = configured.storages.iter();
        listed.any(|storage| &*storage.storage == name)
    };
    let to_unlisted =
        |job: &&BackupJob| job.enabled && !job.storage.is_empty() && !is_listed(&job.storage);
    if let Some(job) = jobs.iter().find(to_unlisted) {
        return Some(Unseen::TargetOf {
            job: job.id.to_string(),
            storage: job.storage.to_string(),
        });
    }
    (configured.are_all == Some(false)).then_some(Unseen::Others)
}

fn job(job: &BackupJob) -> Job {
    Job {
        id: job.id.to_string(),
        enabled: job.enabled,
        selection: match &job.selection {
            backup_jobs::Selection::All => Selection::AllBut(Vec::new()),
            backup_jobs::Selection::AllExcept(left_out) => Selection::AllBut(left_out.clone()),
            backup_jobs::Selection::Guests(taken) => Selection::These(taken.clone()),
            backup_jobs::Selection::Pool(pool) => Selection::Pool(pool.to_string()),
        },
        node: job.node.to_string(),
        largest_gap: job.largest_gap,
    }
}

/// Each storage that takes backups, of a shared one once, also where it cannot be reached now, and
/// where no node has it, since it is disabled.
fn storages(
    inputs: &Inputs<'_>,
    picture: &resources::Picture,
    configured: Option<&Storages>,
) -> Vec<Storage> {
    let configured = configured.map_or(&[][..], |configured| &configured.storages);
    let server_of = |name: &str| {
        let mut configured = configured.iter();
        let storage = configured.find(|storage| &*storage.storage == name)?;
        storage.backup_server.as_ref().map(link)
    };
    let contents: HashMap<Item, Vec<Point>> = inputs
        .each(&BACKUP_CONTENT)
        .map(|(item, content)| {
            let points = content.restore_points.iter().map(|point| Point {
                vmid: point.vmid,
                kind: Some(point.kind),
                time: point.created,
                verified: point.verified,
            });
            (item.clone(), points.collect())
        })
        .collect();

    let mut seen: HashSet<Item> = HashSet::new();
    let items = picture
        .storages
        .iter()
        .filter(|storage| storage.takes_backups())
        .map(|storage| Item::Storage {
            storage: storage.storage.as_ref().into(),
            node: (storage.shared != Some(true)).then(|| storage.node.as_ref().into()),
        })
        .filter(|item| seen.insert(item.clone()));
    let mut storages: Vec<Storage> = items
        .map(|item| Storage {
            name: item.name().to_owned(),
            server: server_of(item.name()),
            points: contents.get(&item).cloned(),
        })
        .collect();
    let shown: HashSet<&str> = picture.storages.iter().map(|one| &*one.storage).collect();
    let elsewhere = configured
        .iter()
        .filter(|storage| storage.takes_backups && !shown.contains(&*storage.storage));
    storages.extend(elsewhere.map(|storage| Storage {
        name: storage.storage.to_string(),
        server: storage.backup_server.as_ref().map(link),
        points: None,
    }));
    storages
}

fn link(server: &BackupServer) -> ServerLink {
    ServerLink {
        host: server.server.to_string(),
        port: server.port,
        fingerprint: server.fingerprint.parse().ok(),
        datastore: server.datastore.to_string(),
        namespace: server.namespace.to_string(),
        username: server.username.to_string(),
    }
}

pub(super) fn servers(remotes: &[RemoteInputs<'_>]) -> Vec<Server> {
    remotes
        .iter()
        .filter(|remote| remote.config.product == Product::Pbs)
        .map(|remote| {
            let endpoints = remote.config.endpoints.iter();
            Server {
                remote: remote.config.name.clone(),
                addresses: endpoints
                    .map(|endpoint| (endpoint.host.clone(), endpoint.port))
                    .collect(),
                fingerprints: remote.fingerprints.clone(),
                datastores: datastores(&remote.inputs),
            }
        })
        .collect()
}

fn datastores(inputs: &Inputs<'_>) -> Vec<Datastore> {
    let snapshots: HashMap<&Item, HashMap<&GroupId, &GroupSnapshots>> = inputs
        .each(&SNAPSHOTS)
        .map(|(item, snapshots)| {
            let groups = snapshots.groups.iter();
            (item, groups.map(|group| (&group.id, &**group)).collect())
        })
        .collect();
    inputs
        .each(&GROUPS)
        .map(|(item, groups)| {
            let known = snapshots.get(item);
            let namespaces = groups.namespaces.iter();
            let namespaces = namespaces.map(|name| name.to_string()).collect();
            let groups = groups.groups.iter().filter_map(|group| {
                let looked_at = known.and_then(|known| known.get(&group.id));
                let (kind, vmid) = guest_of(&group.id)?;
                Some(Group {
                    namespace: group.id.namespace.to_string(),
                    kind,
                    vmid,
                    owner: group.owner.to_string(),
                    points: points(vmid, kind, group.last_backup, looked_at.copied()),
                })
            });
            Datastore {
                name: item.name().to_owned(),
                namespaces,
                groups: groups.collect(),
            }
        })
        .collect()
}

/// A group of a host is no guest's, nor is one whose id is no number.
fn guest_of(id: &GroupId) -> Option<(GuestKind, u32)> {
    let kind = [GuestKind::Qemu, GuestKind::Lxc]
        .into_iter()
        .find(|kind| backup_type(*kind) == &*id.backup_type)?;
    Some((kind, id.backup_id.parse().ok()?))
}

/// Newest first. The list of groups is younger than what was looked at of each.
fn points(
    vmid: u32,
    kind: GuestKind,
    last_backup: Option<f64>,
    looked_at: Option<&GroupSnapshots>,
) -> Vec<Point> {
    let newest = looked_at.and_then(|group| group.newest.as_ref());
    let verified = |time: f64| {
        let newest = newest.filter(|newest| newest.time == time)?;
        match newest.verification {
            Verification::Ok => Some(true),
            Verification::Failed => Some(false),
            Verification::Never => None,
        }
    };
    let mut times: Vec<f64> = looked_at
        .map(|group| group.times.clone())
        .unwrap_or_default();
    times.extend(last_backup);
    times.sort_by(|a, b| b.total_cmp(a));
    times.dedup();
    times
        .into_iter()
        .map(|time| Point {
            vmid,
            kind: Some(kind),
            time,
            verified: verified(time),
        })
        .collect()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
