//! The restore points that a storage of PVE has of each guest.

use std::time::Duration;

use super::shown::shown_guests;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::backup_content::{self, RestorePoint};
use crate::source::pve::resources;

pub static BACKUP_CONTENT: Collector = Collector {
    name: "backup_content",
    about: "The restore points that each storage has of each guest: the newest, how many, and what is known of them.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(30 * 60),
    sources: &[&backup_content::BACKUP_CONTENT],
    reads: &[&resources::RESOURCES],
    families: &[
        &NEWEST,
        &NEWEST_SIZE,
        &NEWEST_VERIFIED,
        &RESTORE_POINTS,
        &PROTECTED,
        &FAILED_VERIFICATIONS,
    ],
    collect,
};

const LABELS: &[&str] = &["id", "node", "remote", "storage"];

static NEWEST: Family = Family::gauge(
    "pve_backup_newest_timestamp_seconds",
    "Time of the newest restore point that the storage has of the guest, with an empty node for a shared storage",
    LABELS,
);
static NEWEST_SIZE: Family = Family::gauge(
    "pve_backup_newest_size_bytes",
    "Size of the newest restore point, before deduplication where the storage is a backup server",
    LABELS,
);
static NEWEST_VERIFIED: Family = Family::gauge(
    "pve_backup_newest_verified",
    "Whether the last verification of the newest restore point found it whole, only where there was one",
    LABELS,
)
.unrecorded();
static RESTORE_POINTS: Family = Family::gauge(
    "pve_backup_restore_points",
    "Number of restore points that the storage has of the guest",
    LABELS,
);
static PROTECTED: Family = Family::gauge(
    "pve_backup_protected_restore_points",
    "Number of restore points of the guest that are protected from removal",
    LABELS,
);
static FAILED_VERIFICATIONS: Family = Family::gauge(
    "pve_backup_failed_verifications",
    "Number of restore points of the guest whose last verification failed, only where some were verified",
    LABELS,
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut newest = Lines::of(&NEWEST);
    let mut newest_size = Lines::of(&NEWEST_SIZE);
    let mut newest_verified = Lines::of(&NEWEST_VERIFIED);
    let mut count = Lines::of(&RESTORE_POINTS);
    let mut protected = Lines::of(&PROTECTED);
    let mut failed = Lines::of(&FAILED_VERIFICATIONS);

    let is_shown = shown_guests(inputs);
    let mut labels = LabelBlock::new();
    for (storage, content) in inputs.each(&backup_content::BACKUP_CONTENT) {
        let of_one_guest = |a: &RestorePoint, b: &RestorePoint| a.guest() == b.guest();
        for points in content.restore_points.chunk_by(of_one_guest) {
            // They are in the order of time.
            let Some(last) = points.last() else {
                continue;
            };
            if !is_shown(last.kind, last.vmid) {
                continue;
            }
            identify(&mut labels, inputs.remote, storage, last);
            newest.push(&labels, last.created);
            newest_size.push_known(&labels, last.size);
            newest_verified.push_known(&labels, last.verified);
            count.push(&labels, points.len());
            protected.push_known(&labels, protected_of(points));
            failed.push_known(&labels, failed_of(points));
        }
    }
    vec![
        newest,
        newest_size,
        newest_verified,
        count,
        protected,
        failed,
    ]
}

fn identify(labels: &mut LabelBlock, remote: &str, storage: &Item, point: &RestorePoint) {
    let guest = Item::Guest {
        vmid: point.vmid,
        kind: point.kind,
    };
    let node = match storage {
        Item::Storage {
            node: Some(node), ..
        } => node,
        _ => "",
    };
    labels
        .clear()
        .push("id", &guest.to_string())
        .push("node", node)
        .push("remote", remote)
        .push("storage", storage.name());
}

/// How many are protected; `None` where it is not known of each.
fn protected_of(points: &[RestorePoint]) -> Option<usize> {
    points
        .iter()
        .map(|point| point.protected.map(usize::from))
        .sum()
}

/// How many did not stand their verification; `None` where none was verified.
fn failed_of(points: &[RestorePoint]) -> Option<usize> {
    let verified = points.iter().filter_map(|point| point.verified);
    let (mut failed, mut known) = (0, false);
    for is_whole in verified {
        failed += usize::from(!is_whole);
        known = true;
    }
    known.then_some(failed)
}

#[cfg(test)]
#[path = "backup_content_tests.rs"]
mod tests;
