//! Physical disks of the backup server, and what SMART tells of those that do not spin.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::host::disk::{DiskFamilies, HealthFamilies};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pbs::disk;

pub static DISK: Collector = Collector {
    name: "disk",
    about: "Size, model and use of the physical disks of the backup server.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&disk::DISKS],
    reads: &[],
    families: &[&SIZE, &INFO],
    collect,
};

pub static DISK_HEALTH: Collector = Collector {
    name: "disk_health",
    about: "SMART data of the SSDs and NVMe disks of the backup server; disks that spin are not woken for it.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[&disk::DISK_HEALTH],
    reads: &[],
    families: &[
        &HEALTHY,
        &WEAROUT,
        &SPARE,
        &TEMPERATURE,
        &POWER_ON,
        &WRITTEN,
        &REALLOCATED,
        &PENDING,
        &MEDIA_ERRORS,
    ],
    collect: collect_health,
};

const LABELS: &[&str] = &["device", "remote"];

static SIZE: Family = Family::gauge("pbs_physical_disk_size_bytes", "Size of the disk", LABELS);
static INFO: Family = Family::gauge(
    "pbs_physical_disk_info",
    "Model, type and use of a disk that is there",
    &[
        "device", "model", "remote", "serial", "type", "used", "vendor",
    ],
);
static HEALTHY: Family = Family::gauge(
    "pbs_physical_disk_healthy",
    "Whether the disk passes its own SMART assessment",
    LABELS,
)
.unrecorded();
static WEAROUT: Family = Family::gauge(
    "pbs_physical_disk_wearout_ratio",
    "Fraction of the rated write endurance that is used, above 1 for a disk that outlives its rating",
    LABELS,
)
.unrecorded();
static SPARE: Family = Family::gauge(
    "pbs_physical_disk_available_spare_ratio",
    "Fraction of the spare blocks of an NVMe disk that is left",
    LABELS,
)
.unrecorded();
static TEMPERATURE: Family = Family::gauge(
    "pbs_physical_disk_temperature_celsius",
    "Temperature of the disk when its health was last asked for",
    LABELS,
)
.unrecorded();
static POWER_ON: Family = Family::counter(
    "pbs_physical_disk_power_on_seconds_total",
    "Time that the disk has been powered on in its life",
    LABELS,
)
.unrecorded();
static WRITTEN: Family = Family::counter(
    "pbs_physical_disk_written_bytes_total",
    "Bytes that were written to the disk in its life",
    LABELS,
)
.unrecorded();
static REALLOCATED: Family = Family::gauge(
    "pbs_physical_disk_reallocated_sectors",
    "Sectors that the disk has replaced by spare ones",
    LABELS,
)
.unrecorded();
static PENDING: Family = Family::gauge(
    "pbs_physical_disk_pending_sectors",
    "Sectors that the disk could not read and has not yet replaced",
    LABELS,
)
.unrecorded();
static MEDIA_ERRORS: Family = Family::counter(
    "pbs_physical_disk_media_errors_total",
    "Errors in the data of an NVMe disk that it could not correct",
    LABELS,
)
.unrecorded();

static DISK_FAMILIES: DiskFamilies = DiskFamilies {
    size: &SIZE,
    info: &INFO,
    info_has_osd: false,
};

static HEALTH_FAMILIES: HealthFamilies = HealthFamilies {
    healthy: &HEALTHY,
    wearout: &WEAROUT,
    spare: &SPARE,
    temperature: &TEMPERATURE,
    power_on: &POWER_ON,
    written: &WRITTEN,
    reallocated: &REALLOCATED,
    pending: &PENDING,
    media_errors: &MEDIA_ERRORS,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let disks = inputs.get(&disk::DISKS);
    let disks = disks.iter().map(|disks| &***disks);
    DISK_FAMILIES.lines(disks.map(|disks| (Host::backup_server(inputs.remote), disks)))
}

fn collect_health(inputs: &Inputs<'_>) -> Vec<Lines> {
    let disks = inputs.get(&disk::DISK_HEALTH);
    let disks = disks.iter().map(|disks| &***disks);
    HEALTH_FAMILIES.lines(disks.map(|disks| (Host::backup_server(inputs.remote), disks)))
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
