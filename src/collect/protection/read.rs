//! From the values of sources to what is joined.

use std::collections::{HashMap, HashSet};

use super::facts::{
    Cluster, Datastore, Group, Guest, Job, Point, Selection, Server, ServerLink, Storage,
};
use crate::collect::{Inputs, RemoteInputs};
use crate::config::Product;
use crate::source::pbs::group::{GROUPS, GroupId};
use crate::source::pbs::snapshot::{GroupSnapshots, SNAPSHOTS, Verification};
use crate::source::pve::backup_content::BACKUP_CONTENT;
use crate::source::pve::backup_jobs::{self, BACKUP_JOBS, BackupJob};
use crate::source::pve::resources::{self, RESOURCES};
use crate::source::pve::storage::{BackupServer, STORAGES};
use crate::source::{AnySource, GuestKind, Item};

pub(super) const SOURCES: &[&dyn AnySource] = &[
    &RESOURCES,
    &STORAGES,
    &BACKUP_CONTENT,
    &BACKUP_JOBS,
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
            last_task: None,
        });
    let jobs = inputs.get(&BACKUP_JOBS);
    Some(Cluster {
        remote: inputs.remote.to_owned(),
        guests: guests.collect(),
        jobs: jobs.map(|jobs| jobs.iter().map(job).collect()),
        storages: storages(inputs, &picture),
        storages_hidden: inputs.get(&STORAGES).is_none(),
    })
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

/// Each storage that takes backups, of a shared one once, also where it cannot be reached now.
fn storages(inputs: &Inputs<'_>, picture: &resources::Picture) -> Vec<Storage> {
    let configured = inputs.get(&STORAGES);
    let server_of = |name: &str| {
        let mut configured = configured.iter().flat_map(|storages| storages.iter());
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
    items
        .map(|item| Storage {
            name: item.name().to_owned(),
            server: server_of(item.name()),
            points: contents.get(&item).cloned(),
        })
        .collect()
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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::filter::GuestFilter;
    use crate::source::pve::resources::parse_picture;
    use crate::source::pve::storage;

    #[test]
    fn storages_that_were_not_read_may_be_more_than_are_seen() {
        let filter = GuestFilter::default();
        let mut inputs = Inputs::new("r", &filter);
        let picture = parse_picture(
            r#"{"data":[{"type":"qemu","vmid":100,"node":"a","name":"web"}]}"#,
            r#"{"data":[{"type":"cluster","name":"lab","quorate":1}]}"#,
        );
        inputs.add(RESOURCES.name, Item::Remote, Arc::new(picture.unwrap()));
        assert!(cluster(&inputs).unwrap().storages_hidden);
        let read: Vec<storage::Storage> = Vec::new();
        inputs.add(STORAGES.name, Item::Remote, Arc::new(read));
        assert!(!cluster(&inputs).unwrap().storages_hidden);
    }
}
