//! Ceph as PVE runs it.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::ceph::{self, Osd, Pool, Status};

pub static CEPH: Collector = Collector {
    name: "ceph",
    about: "Health, capacity, throughput, OSDs and pools of Ceph.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&ceph::CEPH],
    reads: &[],
    families: &[
        &HEALTH,
        &CHECK,
        &MANAGER,
        &MONITORS,
        &MONITORS_IN_QUORUM,
        &MANAGERS_STANDBY,
        &OSDS,
        &OSDS_UP,
        &OSDS_IN,
        &PLACEMENT_GROUPS,
        &SIZE,
        &USED,
        &AVAILABLE,
        &DATA,
        &OBJECTS,
        &OBJECTS_DEGRADED,
        &OBJECTS_MISPLACED,
        &OBJECTS_UNFOUND,
        &READ,
        &WRITTEN,
        &RECOVERED,
        &READS,
        &WRITES,
        &PLACEMENT_GROUP_STATE,
        &FLAG,
        &OSD_UP,
        &OSD_IN,
        &OSD_SIZE,
        &OSD_USED,
        &OSD_PLACEMENT_GROUPS,
        &OSD_COMMIT_LATENCY,
        &OSD_APPLY_LATENCY,
        &OSD_INFO,
        &POOL_USED,
        &POOL_USAGE,
        &POOL_REPLICAS,
        &POOL_MINIMUM_REPLICAS,
        &POOL_PLACEMENT_GROUPS,
    ],
    collect,
};

static HEALTH: Family = Family::gauge(
    "pve_ceph_health_status",
    "Health of Ceph, 1 for the current one",
    &["remote", "status"],
)
.unrecorded();
static CHECK: Family = Family::gauge(
    "pve_ceph_health_check",
    "Health check that Ceph reports, 0 while it is muted",
    &["check", "remote", "severity"],
)
.unrecorded();
static MANAGER: Family = Family::gauge(
    "pve_ceph_manager_available",
    "Whether a manager of Ceph is active",
    &["remote"],
)
.unrecorded();
static MONITORS: Family = Family::gauge(
    "pve_ceph_monitors",
    "Number of configured monitors of Ceph",
    &["remote"],
)
.unrecorded();
static MONITORS_IN_QUORUM: Family = Family::gauge(
    "pve_ceph_monitors_in_quorum",
    "Number of monitors of Ceph that are in the quorum",
    &["remote"],
)
.unrecorded();
static MANAGERS_STANDBY: Family = Family::gauge(
    "pve_ceph_managers_standby",
    "Number of managers of Ceph that wait to take over",
    &["remote"],
)
.unrecorded();
static OSDS: Family =
    Family::gauge("pve_ceph_osds", "Number of OSDs of Ceph", &["remote"]).unrecorded();
static OSDS_UP: Family = Family::gauge(
    "pve_ceph_osds_up",
    "Number of OSDs of Ceph that are up",
    &["remote"],
)
.unrecorded();
static OSDS_IN: Family = Family::gauge(
    "pve_ceph_osds_in",
    "Number of OSDs of Ceph that take data",
    &["remote"],
)
.unrecorded();
static PLACEMENT_GROUPS: Family = Family::gauge(
    "pve_ceph_placement_groups",
    "Number of placement groups of Ceph",
    &["remote"],
)
.unrecorded();
static SIZE: Family = Family::gauge(
    "pve_ceph_size_bytes",
    "Raw size of Ceph, before replication",
    &["remote"],
)
.unrecorded();
static USED: Family = Family::gauge(
    "pve_ceph_used_bytes",
    "Raw space of Ceph that is used, with all replicas",
    &["remote"],
)
.unrecorded();
static AVAILABLE: Family = Family::gauge(
    "pve_ceph_available_bytes",
    "Raw space of Ceph that is free, before replication",
    &["remote"],
)
.unrecorded();
static DATA: Family = Family::gauge(
    "pve_ceph_data_bytes",
    "Size of the data in Ceph, without replicas",
    &["remote"],
)
.unrecorded();
static OBJECTS: Family = Family::gauge(
    "pve_ceph_objects",
    "Number of objects in Ceph, without replicas",
    &["remote"],
)
.unrecorded();
static OBJECTS_DEGRADED: Family = Family::gauge(
    "pve_ceph_objects_degraded",
    "Number of copies of objects that Ceph misses",
    &["remote"],
)
.unrecorded();
static OBJECTS_MISPLACED: Family = Family::gauge(
    "pve_ceph_objects_misplaced",
    "Number of copies of objects that are not where Ceph wants them",
    &["remote"],
)
.unrecorded();
static OBJECTS_UNFOUND: Family = Family::gauge(
    "pve_ceph_objects_unfound",
    "Number of objects of which Ceph finds no current copy",
    &["remote"],
)
.unrecorded();
static READ: Family = Family::gauge(
    "pve_ceph_read_bytes_per_second",
    "Bytes a second that clients read from Ceph",
    &["remote"],
)
.unrecorded();
static WRITTEN: Family = Family::gauge(
    "pve_ceph_written_bytes_per_second",
    "Bytes a second that clients write to Ceph",
    &["remote"],
)
.unrecorded();
static RECOVERED: Family = Family::gauge(
    "pve_ceph_recovered_bytes_per_second",
    "Bytes a second that Ceph recovers",
    &["remote"],
)
.unrecorded();
static READS: Family = Family::gauge(
    "pve_ceph_read_operations_per_second",
    "Read operations a second of the clients of Ceph",
    &["remote"],
)
.unrecorded();
static WRITES: Family = Family::gauge(
    "pve_ceph_write_operations_per_second",
    "Write operations a second of the clients of Ceph",
    &["remote"],
)
.unrecorded();
static PLACEMENT_GROUP_STATE: Family = Family::gauge(
    "pve_ceph_placement_groups_in_state",
    "Number of placement groups in a state, of which one may have several",
    &["remote", "state"],
)
.unrecorded();
static FLAG: Family = Family::gauge(
    "pve_ceph_flag",
    "Whether a flag of the OSD map is set",
    &["flag", "remote"],
)
.unrecorded();
static OSD_UP: Family = Family::gauge(
    "pve_ceph_osd_up",
    "Whether the OSD is up",
    &["osd", "remote"],
)
.unrecorded();
static OSD_IN: Family = Family::gauge(
    "pve_ceph_osd_in",
    "Whether the OSD takes data",
    &["osd", "remote"],
)
.unrecorded();
static OSD_SIZE: Family = Family::gauge(
    "pve_ceph_osd_size_bytes",
    "Size of the OSD",
    &["osd", "remote"],
)
.unrecorded();
static OSD_USED: Family = Family::gauge(
    "pve_ceph_osd_used_bytes",
    "Used space of the OSD",
    &["osd", "remote"],
)
.unrecorded();
static OSD_PLACEMENT_GROUPS: Family = Family::gauge(
    "pve_ceph_osd_placement_groups",
    "Number of placement groups on the OSD",
    &["osd", "remote"],
)
.unrecorded();
static OSD_COMMIT_LATENCY: Family = Family::gauge(
    "pve_ceph_osd_commit_latency_seconds",
    "Time that the OSD takes to write an operation to its journal",
    &["osd", "remote"],
)
.unrecorded();
static OSD_APPLY_LATENCY: Family = Family::gauge(
    "pve_ceph_osd_apply_latency_seconds",
    "Time that the OSD takes to apply an operation",
    &["osd", "remote"],
)
.unrecorded();
static OSD_INFO: Family = Family::gauge(
    "pve_ceph_osd_info",
    "Node and device class of the OSD",
    &["device_class", "node", "osd", "remote"],
)
.unrecorded();
static POOL_USED: Family = Family::gauge(
    "pve_ceph_pool_used_bytes",
    "Raw space that the pool of Ceph uses, with all replicas",
    &["pool", "remote"],
)
.unrecorded();
static POOL_USAGE: Family = Family::gauge(
    "pve_ceph_pool_usage_ratio",
    "Used space of the pool of Ceph as a fraction of what it can take",
    &["pool", "remote"],
)
.unrecorded();
static POOL_REPLICAS: Family = Family::gauge(
    "pve_ceph_pool_replicas",
    "Number of copies that the pool of Ceph keeps of each object",
    &["pool", "remote"],
)
.unrecorded();
static POOL_MINIMUM_REPLICAS: Family = Family::gauge(
    "pve_ceph_pool_minimum_replicas",
    "Number of copies below which the pool of Ceph takes no I/O",
    &["pool", "remote"],
)
.unrecorded();
static POOL_PLACEMENT_GROUPS: Family = Family::gauge(
    "pve_ceph_pool_placement_groups",
    "Number of placement groups of the pool of Ceph",
    &["pool", "remote"],
)
.unrecorded();

const HEALTHS: &[&str] = &["HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR"];

/// Those that are 0 on a healthy cluster, so that an alert on them has a series; others are told
/// while a placement group is in them.
const PLACEMENT_GROUP_STATES: &[&str] = &[
    "active",
    "backfill_toofull",
    "clean",
    "degraded",
    "down",
    "incomplete",
    "inconsistent",
    "peering",
    "recovery_toofull",
    "remapped",
    "stale",
    "undersized",
    "unknown",
];

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(ceph) = inputs.get(&ceph::CEPH) else {
        return Vec::new();
    };
    let mut lines = health_lines(&ceph.status, inputs.remote);
    lines.extend(number_lines(&ceph.status, inputs.remote));
    lines.push(placement_group_lines(&ceph.status, inputs.remote));
    lines.push(flag_lines(&ceph.flags, inputs.remote));
    lines.extend(osd_lines(&ceph.osds, inputs.remote));
    lines.extend(pool_lines(&ceph.pools, inputs.remote));
    lines
}

fn health_lines(status: &Status, remote: &str) -> Vec<Lines> {
    let mut health = Lines::of(&HEALTH);
    let mut check = Lines::of(&CHECK);
    let mut manager = Lines::of(&MANAGER);
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    if !status.health.is_empty() {
        health.state_set(&labels, "status", HEALTHS, &status.health);
    }
    manager.push_known(&labels, status.has_manager);
    for found in &status.checks {
        labels.clear();
        labels
            .push("check", &found.code)
            .push("remote", remote)
            .push("severity", &found.severity);
        check.push(&labels, !found.is_muted);
    }
    vec![health, check, manager]
}

fn number_lines(status: &Status, remote: &str) -> Vec<Lines> {
    let groups = &status.placement_groups;
    let numbers: [(&'static Family, Option<f64>); 20] = [
        (&MONITORS, status.monitors),
        (&MONITORS_IN_QUORUM, status.monitors_in_quorum),
        (&MANAGERS_STANDBY, status.standby_managers),
        (&OSDS, status.osds),
        (&OSDS_UP, status.osds_up),
        (&OSDS_IN, status.osds_in),
        (&PLACEMENT_GROUPS, groups.count),
        (&SIZE, groups.size),
        (&USED, groups.used),
        (&AVAILABLE, groups.available),
        (&DATA, groups.data),
        (&OBJECTS, groups.objects),
        (&OBJECTS_DEGRADED, groups.degraded),
        (&OBJECTS_MISPLACED, groups.misplaced),
        (&OBJECTS_UNFOUND, groups.unfound),
        (&READ, groups.read_bytes),
        (&WRITTEN, groups.written_bytes),
        (&RECOVERED, groups.recovered_bytes),
        (&READS, groups.reads),
        (&WRITES, groups.writes),
    ];
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    let line = |(family, number)| {
        let mut lines = Lines::of(family);
        lines.push_known(&labels, number);
        lines
    };
    numbers.into_iter().map(line).collect()
}

fn placement_group_lines(status: &Status, remote: &str) -> Lines {
    let groups = &status.placement_groups;
    let mut lines = Lines::of(&PLACEMENT_GROUP_STATE);
    if groups.count.is_none() {
        return lines;
    }
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    for state in PLACEMENT_GROUP_STATES {
        let count = groups.states.get(*state).copied();
        lines.push_with(&labels, "state", state, count.unwrap_or_default());
    }
    for (state, count) in &groups.states {
        if !PLACEMENT_GROUP_STATES.contains(&&**state) {
            lines.push_with(&labels, "state", state, *count);
        }
    }
    lines
}

fn flag_lines(flags: &[(Box<str>, bool)], remote: &str) -> Lines {
    let mut lines = Lines::of(&FLAG);
    let mut labels = LabelBlock::new();
    for (flag, is_set) in flags {
        labels.clear();
        labels.push("flag", flag).push("remote", remote);
        lines.push(&labels, *is_set);
    }
    lines
}

fn osd_lines(osds: &[Osd], remote: &str) -> Vec<Lines> {
    let mut up = Lines::of(&OSD_UP);
    let mut is_in = Lines::of(&OSD_IN);
    let mut sheets = [
        &OSD_SIZE,
        &OSD_USED,
        &OSD_PLACEMENT_GROUPS,
        &OSD_COMMIT_LATENCY,
        &OSD_APPLY_LATENCY,
    ]
    .map(Lines::of);
    let mut info = Lines::of(&OSD_INFO);
    let mut labels = LabelBlock::new();
    for osd in osds {
        let id = osd.id.to_string();
        labels.clear();
        labels.push("osd", &id).push("remote", remote);
        up.push_known(&labels, osd.is_up);
        is_in.push_known(&labels, osd.is_in);
        let numbers = [
            osd.size,
            osd.used,
            osd.placement_groups,
            osd.commit_latency,
            osd.apply_latency,
        ];
        for (lines, number) in sheets.iter_mut().zip(numbers) {
            lines.push_known(&labels, number);
        }
        labels.clear();
        labels
            .push("device_class", &osd.device_class)
            .push("node", &osd.host)
            .push("osd", &id)
            .push("remote", remote);
        info.push(&labels, true);
    }
    let mut lines = vec![up, is_in];
    lines.extend(sheets);
    lines.push(info);
    lines
}

fn pool_lines(pools: &[Pool], remote: &str) -> Vec<Lines> {
    let mut sheets = [
        &POOL_USED,
        &POOL_USAGE,
        &POOL_REPLICAS,
        &POOL_MINIMUM_REPLICAS,
        &POOL_PLACEMENT_GROUPS,
    ]
    .map(Lines::of);
    let mut labels = LabelBlock::new();
    for pool in pools {
        labels.clear();
        labels.push("pool", &pool.name).push("remote", remote);
        let numbers = [
            pool.used,
            pool.usage,
            pool.replicas,
            pool.minimum_replicas,
            pool.placement_groups,
        ];
        for (lines, number) in sheets.iter_mut().zip(numbers) {
            lines.push_known(&labels, number);
        }
    }
    Vec::from(sheets)
}

#[cfg(test)]
#[path = "ceph_tests.rs"]
mod tests;
