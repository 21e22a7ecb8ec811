//! The question that no single server answers: is this guest protected?
//!
//! Every guest of every cluster is joined with every restore point on every backup server and every
//! storage. The link is exact: what PVE's storage says of the server, the datastore, the namespace and
//! the user; a number alone would take one cluster's guest for another's.

mod facts;
pub mod judge;
mod read;

use std::collections::HashMap;

use super::{FleetCollector, LinesOfRemote, RemoteInputs};
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::{AnySource, Item};
use judge::{Judgement, LinkedGroup, Place, Protection};
pub use read::backup_type;

pub static PROTECTION: FleetCollector = FleetCollector {
    name: "protection",
    about: "Whether each guest has a restore point that is as new as its backup jobs promise, anywhere in the fleet, and which groups on backup servers have lost their guest.",
    reads: READS,
    families: &[
        &STATE, &NEWEST, &VERIFIED, &PLACES, &COVERED, &INFO, &ORPHANED,
    ],
    collect,
};

/// What the join is made of.
pub static READS: &[&dyn AnySource] = read::SOURCES;

const GUEST: &[&str] = &["id", "remote"];

static STATE: Family = Family::gauge(
    "pve_guest_protection_state",
    "Whether the guest is protected, stale, failed, unprotected, excluded or unknown, always 1: only the state that it is in",
    &["id", "remote", "state"],
);
static NEWEST: Family = Family::gauge(
    "pve_guest_restore_point_timestamp_seconds",
    "Time of the newest restore point of the guest, wherever it is kept",
    GUEST,
);
static VERIFIED: Family = Family::gauge(
    "pve_guest_restore_point_verified",
    "Whether the newest restore point of the guest has passed its verification; absent where it was never verified",
    GUEST,
);
static PLACES: Family = Family::gauge(
    "pve_guest_restore_point_places",
    "Number of places that keep a restore point of the guest, with the copies of sync jobs; absent where there may be some and none is seen",
    GUEST,
);
static COVERED: Family = Family::gauge(
    "pve_guest_backup_covered",
    "Whether an enabled backup job of the cluster takes the guest; absent where the jobs cannot be read",
    GUEST,
);
static INFO: Family = Family::gauge(
    "pve_guest_restore_point_info",
    "Where the newest restore point of the guest is: the remote, datastore and namespace of a backup server, or a storage of the cluster",
    &[
        "backup_namespace",
        "backup_remote",
        "datastore",
        "id",
        "remote",
        "storage",
    ],
);
static ORPHANED: Family = Family::gauge(
    "pbs_group_orphaned",
    "Whether the guest of a backup group is gone; only for groups that belong to exactly one configured cluster",
    &[
        "backup_id",
        "backup_namespace",
        "backup_type",
        "datastore",
        "remote",
    ],
);

/// Judges every guest of the fleet; the time is in Unix seconds.
pub fn judge(remotes: &[RemoteInputs<'_>], now: f64) -> Judgement {
    let clusters = read::clusters(remotes);
    let servers = read::servers(remotes);
    judge::judge(&clusters, &servers, now)
}

fn collect(remotes: &[RemoteInputs<'_>], now: f64) -> Vec<LinesOfRemote> {
    let judgement = judge(remotes, now);
    let places: HashMap<&str, usize> = remotes
        .iter()
        .enumerate()
        .map(|(index, remote)| (remote.config.name.as_str(), index))
        .collect();
    let mut lines: Vec<LinesOfRemote> = Vec::new();
    for guests in judgement.guests.chunk_by(|a, b| a.remote == b.remote) {
        if let Some(index) = guests
            .first()
            .and_then(|guest| places.get(guest.remote.as_str()))
        {
            lines.push((*index, guest_lines(guests)));
        }
    }
    for groups in judgement.groups.chunk_by(|a, b| a.remote == b.remote) {
        if let Some(index) = groups
            .first()
            .and_then(|group| places.get(group.remote.as_str()))
        {
            lines.push((*index, vec![group_lines(groups)]));
        }
    }
    lines
}

fn guest_lines(guests: &[Protection]) -> Vec<Lines> {
    let mut state = Lines::of(&STATE);
    let mut newest = Lines::of(&NEWEST);
    let mut verified = Lines::of(&VERIFIED);
    let mut places = Lines::of(&PLACES);
    let mut covered = Lines::of(&COVERED);
    let mut info = Lines::of(&INFO);
    let mut labels = LabelBlock::new();
    for guest in guests {
        let id = Item::Guest {
            vmid: guest.vmid,
            kind: guest.kind,
        };
        let id = id.to_string();
        labels.clear();
        labels.push("id", &id).push("remote", &guest.remote);
        state.push_with(&labels, "state", guest.state.as_str(), true);
        newest.push_known(&labels, guest.newest);
        verified.push_known(&labels, guest.verified);
        places.push_known(&labels, guest.places);
        covered.push_known(&labels, guest.jobs.as_ref().map(|jobs| !jobs.is_empty()));
        if let Some(place) = &guest.newest_place {
            labels.clear();
            describe(&mut labels, place, &id, &guest.remote);
            info.push(&labels, true);
        }
    }
    vec![state, newest, verified, places, covered, info]
}

fn describe(labels: &mut LabelBlock, place: &Place, id: &str, remote: &str) {
    labels
        .push("backup_namespace", &place.backup_namespace)
        .push("backup_remote", &place.backup_remote)
        .push("datastore", &place.datastore)
        .push("id", id)
        .push("remote", remote)
        .push("storage", &place.storage);
}

fn group_lines(groups: &[LinkedGroup]) -> Lines {
    let mut orphaned = Lines::of(&ORPHANED);
    let mut labels = LabelBlock::new();
    for group in groups {
        labels.clear();
        labels
            .push("backup_id", &group.vmid.to_string())
            .push("backup_namespace", &group.namespace)
            .push("backup_type", read::backup_type(group.kind))
            .push("datastore", &group.datastore)
            .push("remote", &group.remote);
        orphaned.push(&labels, group.orphaned);
    }
    orphaned
}
