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
    about: "The restore points that each storage has of each guest: when the newest was made, and how many there are.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(30 * 60),
    sources: &[&backup_content::BACKUP_CONTENT],
    reads: &[&resources::RESOURCES],
    families: &[&NEWEST, &RESTORE_POINTS],
    collect,
};

pub(super) const LABELS: &[&str] = &["id", "node", "remote", "storage"];

static NEWEST: Family = Family::gauge(
    "pve_backup_newest_timestamp_seconds",
    "Time of the newest restore point that the storage has of the guest, with an empty node for a shared storage",
    LABELS,
);
static RESTORE_POINTS: Family = Family::gauge(
    "pve_backup_restore_points",
    "Number of restore points that the storage has of the guest",
    LABELS,
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut newest = Lines::of(&NEWEST);
    let mut count = Lines::of(&RESTORE_POINTS);
    each_guest(inputs, |labels, points, last| {
        newest.push(labels, last.created);
        count.push(labels, points.len());
    });
    vec![newest, count]
}

/// Shows the restore points that a storage has of a guest, in the order of time, and the last of
/// them, with the labels of both; for each storage and each guest that is shown.
pub(super) fn each_guest(
    inputs: &Inputs<'_>,
    mut expose: impl FnMut(&LabelBlock, &[RestorePoint], &RestorePoint),
) {
    let is_shown = shown_guests(inputs);
    let mut labels = LabelBlock::new();
    for (storage, content) in inputs.each(&backup_content::BACKUP_CONTENT) {
        let of_one_guest = |a: &RestorePoint, b: &RestorePoint| a.guest() == b.guest();
        for points in content.restore_points.chunk_by(of_one_guest) {
            let Some(last) = points.last().filter(|last| is_shown(last.kind, last.vmid)) else {
                continue;
            };
            identify(&mut labels, inputs.remote, storage, last);
            expose(&labels, points, last);
        }
    }
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

#[cfg(test)]
#[path = "backup_content_tests.rs"]
mod tests;
