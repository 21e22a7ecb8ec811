//! ZFS pools of the backup server.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::host::zfs::ZfsFamilies;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pbs::zfs;

pub static ZFS: Collector = Collector {
    name: "zfs",
    about: "State, size, scrubs and errors of the ZFS pools of the backup server.",
    product: Product::Pbs,
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

const LABELS: &[&str] = &["pool", "remote"];

static STATE: Family = Family::gauge(
    "pbs_zfs_pool_state",
    "State of the pool, 1 for the current one",
    &["pool", "remote", "state"],
)
.unrecorded();
static SIZE: Family = Family::gauge(
    "pbs_zfs_pool_size_bytes",
    "Size of the pool, with the space that redundancy takes",
    LABELS,
)
.unrecorded();
static ALLOCATED: Family = Family::gauge(
    "pbs_zfs_pool_allocated_bytes",
    "Space of the pool that is taken, with what redundancy takes",
    LABELS,
)
.unrecorded();
static FRAGMENTATION: Family = Family::gauge(
    "pbs_zfs_pool_fragmentation_ratio",
    "Fraction of the free space of the pool that is in fragments",
    LABELS,
)
.unrecorded();
static DAMAGED: Family = Family::gauge(
    "pbs_zfs_pool_damaged",
    "Whether the pool has data that it cannot repair",
    LABELS,
)
.unrecorded();
static SCRUBBING: Family = Family::gauge(
    "pbs_zfs_pool_scrubbing",
    "Whether a scrub of the pool is running",
    LABELS,
)
.unrecorded();
static RESILVERING: Family = Family::gauge(
    "pbs_zfs_pool_resilvering",
    "Whether the pool is resilvering a device",
    LABELS,
)
.unrecorded();
static SCRUB_ENDED: Family = Family::gauge(
    "pbs_zfs_pool_scrub_timestamp_seconds",
    "End of the last scrub of the pool that was not cancelled",
    LABELS,
)
.unrecorded();
static SCRUB_ERRORS: Family = Family::gauge(
    "pbs_zfs_pool_scrub_errors",
    "Errors that the last scrub of the pool could not repair",
    LABELS,
)
.unrecorded();
static DEVICE_ONLINE: Family = Family::gauge(
    "pbs_zfs_pool_device_online",
    "Whether a device of the pool does its work",
    &["device", "pool", "remote"],
)
.unrecorded();
static DEVICE_ERRORS: Family = Family::counter(
    "pbs_zfs_pool_device_errors_total",
    "Errors of a device or group of devices of the pool since they were last cleared",
    &["device", "pool", "remote", "type"],
)
.unrecorded();

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
    let pools = inputs.get(&zfs::POOLS);
    let pools = pools.iter().map(|pools| &***pools);
    FAMILIES.lines(pools.map(|pools| (Host::backup_server(inputs.remote), pools)))
}

#[cfg(test)]
#[path = "zfs_tests.rs"]
mod tests;
