//! Datastores of a backup server, and the live numbers of the server itself.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::{datastores, metrics, usage};

pub static DATASTORE: Collector = Collector {
    name: "datastore",
    about: "Sizes, state and throughput of the datastores, and load, memory and network of the server.",
    product: Product::Pbs,
    class: Class::Live,
    by_default: true,
    interval: Duration::from_secs(5),
    sources: &[&metrics::METRICS, &datastores::DATASTORES],
    reads: &[&usage::USAGE],
    families: &[
        &UP,
        &SIZE,
        &USED,
        &AVAILABLE,
        &USAGE,
        &READ,
        &WRITTEN,
        &S3_UPLOADED,
        &S3_DOWNLOADED,
        &MOUNTED,
        &MAINTENANCE,
        &INFO,
        &HOST_CPU,
        &HOST_IOWAIT,
        &HOST_LOAD1,
        &HOST_LOAD5,
        &HOST_LOAD15,
        &HOST_MEMORY_SIZE,
        &HOST_MEMORY_USED,
        &HOST_SWAP_SIZE,
        &HOST_SWAP_USED,
        &HOST_ROOT_SIZE,
        &HOST_ROOT_USED,
        &HOST_ROOT_AVAILABLE,
        &HOST_NETWORK_RECEIVE,
        &HOST_NETWORK_TRANSMIT,
        &HOST_DISK_READ,
        &HOST_DISK_WRITTEN,
    ],
    collect,
};

const DATASTORE_LABELS: &[&str] = &["datastore", "remote"];
const HOST_LABELS: &[&str] = &["remote"];

static UP: Family = Family::gauge(
    "pbs_datastore_up",
    "Whether the datastore can be used: mounted, in no maintenance that closes it, and not broken",
    DATASTORE_LABELS,
);
static SIZE: Family = Family::gauge(
    "pbs_datastore_size_bytes",
    "Size of the datastore's storage",
    DATASTORE_LABELS,
);
static USED: Family = Family::gauge(
    "pbs_datastore_used_bytes",
    "Used space of the datastore's storage",
    DATASTORE_LABELS,
);
static AVAILABLE: Family = Family::gauge(
    "pbs_datastore_available_bytes",
    "Space that backups can still take, which is less than size minus used on most file systems",
    DATASTORE_LABELS,
);
static USAGE: Family = Family::gauge(
    "pbs_datastore_usage_ratio",
    "Used space as a fraction of used plus available, as the backup server itself computes it",
    DATASTORE_LABELS,
);
static READ: Family = Family::counter(
    "pbs_datastore_disk_read_bytes_total",
    "Bytes read from the device of the datastore",
    DATASTORE_LABELS,
)
.unrecorded();
static WRITTEN: Family = Family::counter(
    "pbs_datastore_disk_written_bytes_total",
    "Bytes written to the device of the datastore",
    DATASTORE_LABELS,
)
.unrecorded();
static S3_UPLOADED: Family = Family::gauge(
    "pbs_datastore_s3_uploaded_bytes",
    "Bytes sent to the object store since the statistics were set back",
    DATASTORE_LABELS,
);
static S3_DOWNLOADED: Family = Family::gauge(
    "pbs_datastore_s3_downloaded_bytes",
    "Bytes fetched from the object store since the statistics were set back",
    DATASTORE_LABELS,
);
static MOUNTED: Family = Family::gauge(
    "pbs_datastore_mounted",
    "Whether a removable datastore is mounted",
    DATASTORE_LABELS,
);
static MAINTENANCE: Family = Family::gauge(
    "pbs_datastore_maintenance",
    "Maintenance mode of a datastore, 1 for the current one, only for datastores that are in one",
    &["datastore", "mode", "remote"],
);
static INFO: Family = Family::gauge(
    "pbs_datastore_info",
    "Backend of a datastore",
    &["backend", "datastore", "remote"],
);

static HOST_CPU: Family = Family::gauge(
    "pbs_host_cpu_usage_ratio",
    "CPU usage of the backup server",
    HOST_LABELS,
);
static HOST_IOWAIT: Family = Family::gauge(
    "pbs_host_iowait_ratio",
    "Fraction of time in which the CPUs of the backup server waited for I/O",
    HOST_LABELS,
);
static HOST_LOAD1: Family = Family::gauge(
    "pbs_host_load1",
    "Load average of the backup server over one minute",
    HOST_LABELS,
);
static HOST_LOAD5: Family = Family::gauge(
    "pbs_host_load5",
    "Load average of the backup server over five minutes",
    HOST_LABELS,
);
static HOST_LOAD15: Family = Family::gauge(
    "pbs_host_load15",
    "Load average of the backup server over fifteen minutes",
    HOST_LABELS,
);
static HOST_MEMORY_SIZE: Family = Family::gauge(
    "pbs_host_memory_size_bytes",
    "Memory of the backup server",
    HOST_LABELS,
);
static HOST_MEMORY_USED: Family = Family::gauge(
    "pbs_host_memory_used_bytes",
    "Used memory of the backup server",
    HOST_LABELS,
);
static HOST_SWAP_SIZE: Family = Family::gauge(
    "pbs_host_swap_size_bytes",
    "Swap space of the backup server",
    HOST_LABELS,
);
static HOST_SWAP_USED: Family = Family::gauge(
    "pbs_host_swap_used_bytes",
    "Used swap space of the backup server",
    HOST_LABELS,
);
static HOST_ROOT_SIZE: Family = Family::gauge(
    "pbs_host_rootfs_size_bytes",
    "Size of the root file system of the backup server",
    HOST_LABELS,
);
static HOST_ROOT_USED: Family = Family::gauge(
    "pbs_host_rootfs_used_bytes",
    "Used space of the root file system of the backup server",
    HOST_LABELS,
);
static HOST_ROOT_AVAILABLE: Family = Family::gauge(
    "pbs_host_rootfs_available_bytes",
    "Available space of the root file system of the backup server",
    HOST_LABELS,
);
static HOST_NETWORK_RECEIVE: Family = Family::counter(
    "pbs_host_network_receive_bytes_total",
    "Bytes received by the physical interfaces of the backup server since boot",
    HOST_LABELS,
);
static HOST_NETWORK_TRANSMIT: Family = Family::counter(
    "pbs_host_network_transmit_bytes_total",
    "Bytes sent by the physical interfaces of the backup server since boot",
    HOST_LABELS,
);
static HOST_DISK_READ: Family = Family::counter(
    "pbs_host_disk_read_bytes_total",
    "Bytes read from the device of the root file system since boot",
    HOST_LABELS,
)
.unrecorded();
static HOST_DISK_WRITTEN: Family = Family::counter(
    "pbs_host_disk_written_bytes_total",
    "Bytes written to the device of the root file system since boot",
    HOST_LABELS,
)
.unrecorded();

const MAINTENANCE_MODES: &[&str] = &["read-only", "offline", "delete", "unmount", "s3-refresh"];

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = Vec::new();
    if let Some(metrics) = inputs.get(&metrics::METRICS) {
        lines.extend(host_lines(&metrics.host, inputs.remote));
        lines.extend(size_lines(&metrics, inputs.remote));
    }
    if let Some(datastores) = inputs.get(&datastores::DATASTORES) {
        lines.extend(state_lines(&datastores, inputs));
    }
    lines
}

fn host_lines(host: &metrics::Host, remote: &str) -> Vec<Lines> {
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    let table: [(&'static Family, Option<f64>); 16] = [
        (&HOST_CPU, host.cpu),
        (&HOST_IOWAIT, host.iowait),
        (&HOST_LOAD1, host.load1),
        (&HOST_LOAD5, host.load5),
        (&HOST_LOAD15, host.load15),
        (&HOST_MEMORY_SIZE, host.memory_size),
        (&HOST_MEMORY_USED, host.memory_used),
        (&HOST_SWAP_SIZE, host.swap_size),
        (&HOST_SWAP_USED, host.swap_used),
        (&HOST_ROOT_SIZE, host.root_size),
        (&HOST_ROOT_USED, host.root_used),
        (&HOST_ROOT_AVAILABLE, host.root_available),
        (&HOST_NETWORK_RECEIVE, host.network_in),
        (&HOST_NETWORK_TRANSMIT, host.network_out),
        (&HOST_DISK_READ, host.disk_read),
        (&HOST_DISK_WRITTEN, host.disk_written),
    ];
    table
        .into_iter()
        .filter_map(|(family, value)| {
            let mut lines = Lines::of(family);
            lines.push(&labels, value?);
            Some(lines)
        })
        .collect()
}

fn size_lines(metrics: &metrics::Metrics, remote: &str) -> Vec<Lines> {
    let families: [&'static Family; 8] = [
        &SIZE,
        &USED,
        &AVAILABLE,
        &USAGE,
        &READ,
        &WRITTEN,
        &S3_UPLOADED,
        &S3_DOWNLOADED,
    ];
    let mut sheets = families.map(Lines::of);
    let mut labels = LabelBlock::new();
    for (name, datastore) in &metrics.datastores {
        labels.clear();
        labels.push("datastore", name).push("remote", remote);
        let values = [
            datastore.size,
            datastore.used,
            datastore.available,
            usage_ratio(datastore),
            datastore.disk_read,
            datastore.disk_written,
            datastore.s3_uploaded,
            datastore.s3_downloaded,
        ];
        for (lines, value) in sheets.iter_mut().zip(values) {
            lines.push_known(&labels, value);
        }
    }
    Vec::from(sheets)
}

/// Used of what can be used at all: file systems keep a part to themselves.
fn usage_ratio(datastore: &metrics::Datastore) -> Option<f64> {
    let (used, available) = (datastore.used?, datastore.available?);
    (used + available > 0.0).then(|| used / (used + available))
}

fn state_lines(datastores: &[datastores::Datastore], inputs: &Inputs<'_>) -> Vec<Lines> {
    let usages = inputs.get(&usage::USAGE);
    let is_broken = |name: &str| {
        usages.as_ref().is_some_and(|usages| {
            usages
                .iter()
                .any(|usage| &*usage.store == name && usage.readable == Some(false))
        })
    };

    let mut up = Lines::of(&UP);
    let mut mounted = Lines::of(&MOUNTED);
    let mut maintenance = Lines::of(&MAINTENANCE);
    let mut info = Lines::of(&INFO);
    let mut labels = LabelBlock::new();
    for datastore in datastores {
        labels.clear();
        labels
            .push("datastore", &datastore.name)
            .push("remote", inputs.remote);
        up.push(&labels, datastore.is_open() && !is_broken(&datastore.name));
        mounted.push_known(&labels, datastore.mounted);
        if !datastore.maintenance.is_empty() {
            maintenance.state_set(&labels, "mode", MAINTENANCE_MODES, &datastore.maintenance);
        }
        labels.clear();
        labels
            .push("backend", &datastore.backend)
            .push("datastore", &datastore.name)
            .push("remote", inputs.remote);
        info.push(&labels, true);
    }
    vec![up, mounted, maintenance, info]
}

#[cfg(test)]
#[path = "datastore_tests.rs"]
mod tests;
