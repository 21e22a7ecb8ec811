//! ZFS pools of each node.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::host::zfs::ZfsFamilies;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pve::zfs;

pub static ZFS: Collector = Collector {
    name: "zfs",
    about: "State, size, scrubs and errors of the ZFS pools of each node.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&zfs::POOLS],
    reads: &[],
    families: &[
        &STATE,
        &SIZE,
        &ALLOCATED,
        &FRAGMENTATION,
        &DAMAGED,
        &SCRUBBING,
        &RESILVERING,
        &SCRUB_ENDED,
        &SCRUB_ERRORS,
        &DEVICE_ONLINE,
        &DEVICE_ERRORS,
    ],
    collect,
};

const LABELS: &[&str] = &["id", "pool", "remote"];

static STATE: Family = Family::gauge(
    "pve_zfs_pool_state",
    "State of the pool, 1 for the current one",
    &["id", "pool", "remote", "state"],
);
static SIZE: Family = Family::gauge(
    "pve_zfs_pool_size_bytes",
    "Size of the pool, with the space that redundancy takes",
    LABELS,
);
static ALLOCATED: Family = Family::gauge(
    "pve_zfs_pool_allocated_bytes",
    "Space of the pool that is taken, with what redundancy takes",
    LABELS,
);
static FRAGMENTATION: Family = Family::gauge(
    "pve_zfs_pool_fragmentation_ratio",
    "Fraction of the free space of the pool that is in fragments",
    LABELS,
);
static DAMAGED: Family = Family::gauge(
    "pve_zfs_pool_damaged",
    "Whether the pool has data that it cannot repair",
    LABELS,
);
static SCRUBBING: Family = Family::gauge(
    "pve_zfs_pool_scrubbing",
    "Whether a scrub of the pool is running",
    LABELS,
);
static RESILVERING: Family = Family::gauge(
    "pve_zfs_pool_resilvering",
    "Whether the pool is resilvering a device",
    LABELS,
);
static SCRUB_ENDED: Family = Family::gauge(
    "pve_zfs_pool_scrub_timestamp_seconds",
    "End of the last scrub of the pool that was not cancelled",
    LABELS,
);
static SCRUB_ERRORS: Family = Family::gauge(
    "pve_zfs_pool_scrub_errors",
    "Errors that the last scrub of the pool could not repair",
    LABELS,
);
static DEVICE_ONLINE: Family = Family::gauge(
    "pve_zfs_pool_device_online",
    "Whether a device of the pool does its work",
    &["device", "id", "pool", "remote"],
);
static DEVICE_ERRORS: Family = Family::counter(
    "pve_zfs_pool_device_errors_total",
    "Errors of a device or group of devices of the pool since they were last cleared",
    &["device", "id", "pool", "remote", "type"],
);

static FAMILIES: ZfsFamilies = ZfsFamilies {
    state: &STATE,
    size: &SIZE,
    allocated: &ALLOCATED,
    fragmentation: &FRAGMENTATION,
    damaged: &DAMAGED,
    scrubbing: &SCRUBBING,
    resilvering: &RESILVERING,
    scrub_ended: &SCRUB_ENDED,
    scrub_errors: &SCRUB_ERRORS,
    device_online: &DEVICE_ONLINE,
    device_errors: &DEVICE_ERRORS,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let nodes = inputs.each(&zfs::POOLS);
    FAMILIES.lines(nodes.map(|(node, pools)| (Host::node(node, inputs.remote), &**pools)))
}

#[cfg(test)]
#[path = "zfs_tests.rs"]
mod tests;
