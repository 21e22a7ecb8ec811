//! Tasks of every node, and the last backup task of every guest.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::collect::task::{TaskFamilies, TaskLines};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::backup_log::GuestBackup;
use crate::source::pve::tasks;

pub static TASK: Collector = Collector {
    name: "task",
    about: "Running and finished tasks of every node by type, and the last backup task of every guest.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&tasks::TASKS],
    reads: &[],
    families: &[
        &RUNNING,
        &OLDEST_START,
        &FINISHED,
        &LAST_SUCCESS,
        &LAST_FAILURE,
        &LAST_DURATION,
        &BACKUP_SUCCESS,
        &BACKUP_END,
        &BACKUP_LAST_SUCCESS,
        &BACKUP_DURATION,
        &BACKUP_SIZE,
    ],
    collect,
};

const TYPE_LABELS: &[&str] = &["id", "remote", "task_type"];
const GUEST_LABELS: &[&str] = &["id", "remote"];

static RUNNING: Family = Family::gauge(
    "pve_task_running",
    "Number of tasks of a type that run on the node",
    TYPE_LABELS,
);
static OLDEST_START: Family = Family::gauge(
    "pve_task_running_oldest_start_timestamp_seconds",
    "Start of the task of a type that has been running longest on the node",
    TYPE_LABELS,
);
static FINISHED: Family = Family::counter(
    "pve_task_finished_total",
    "Tasks that ended on the node since they are counted, by type and result (ok, warnings, error, unknown)",
    &["id", "remote", "result", "task_type"],
);
static LAST_SUCCESS: Family = Family::gauge(
    "pve_task_last_success_timestamp_seconds",
    "End of the last task of a type that succeeded on the node, with or without warnings",
    TYPE_LABELS,
);
static LAST_FAILURE: Family = Family::gauge(
    "pve_task_last_failure_timestamp_seconds",
    "End of the last task of a type that failed or vanished on the node",
    TYPE_LABELS,
);
static LAST_DURATION: Family = Family::gauge(
    "pve_task_last_duration_seconds",
    "Time that the task of a type took that ended last on the node, whatever its result",
    TYPE_LABELS,
);
static BACKUP_SUCCESS: Family = Family::gauge(
    "pve_backup_task_success",
    "Whether the last backup of the guest by a backup task succeeded",
    GUEST_LABELS,
);
static BACKUP_END: Family = Family::gauge(
    "pve_backup_task_end_timestamp_seconds",
    "End of the last backup of the guest by a backup task, whatever its result",
    GUEST_LABELS,
);
static BACKUP_LAST_SUCCESS: Family = Family::gauge(
    "pve_backup_task_last_success_timestamp_seconds",
    "End of the last successful backup of the guest by a backup task",
    GUEST_LABELS,
);
static BACKUP_DURATION: Family = Family::gauge(
    "pve_backup_task_duration_seconds",
    "Time that the last backup of the guest took",
    GUEST_LABELS,
);
static BACKUP_SIZE: Family = Family::gauge(
    "pve_backup_task_archive_size_bytes",
    "Size of the archive of the last backup of the guest as the task's log rounds it; absent for backups to a backup server",
    GUEST_LABELS,
);

static FAMILIES: TaskFamilies = TaskFamilies {
    running: &RUNNING,
    oldest_start: &OLDEST_START,
    finished: &FINISHED,
    last_success: &LAST_SUCCESS,
    last_failure: &LAST_FAILURE,
    last_duration: &LAST_DURATION,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = TaskLines::of(&FAMILIES);
    for (node, tasks) in inputs.each(&tasks::TASKS) {
        lines.add(&tasks.ledger, Some(&node.to_string()), inputs.remote);
    }
    let mut lines = lines.into_lines();
    lines.extend(backup_lines(&last_backups(inputs), inputs.remote));
    lines
}

/// A guest that moved was backed up by tasks of several nodes.
fn last_backups(inputs: &Inputs<'_>) -> BTreeMap<String, GuestBackup> {
    let mut last: BTreeMap<String, GuestBackup> = BTreeMap::new();
    for (_, tasks) in inputs.each(&tasks::TASKS) {
        for (guest, backup) in &tasks.backups {
            let known = last.remove(guest);
            last.insert(guest.clone(), backup.clone().after(known));
        }
    }
    last
}

fn backup_lines(backups: &BTreeMap<String, GuestBackup>, remote: &str) -> [Lines; 5] {
    let mut success = Lines::of(&BACKUP_SUCCESS);
    let mut end = Lines::of(&BACKUP_END);
    let mut last_success = Lines::of(&BACKUP_LAST_SUCCESS);
    let mut duration = Lines::of(&BACKUP_DURATION);
    let mut size = Lines::of(&BACKUP_SIZE);
    let mut labels = LabelBlock::new();
    for (guest, backup) in backups {
        labels.clear();
        labels.push("id", guest).push("remote", remote);
        success.push(&labels, backup.succeeded);
        end.push(&labels, backup.end);
        last_success.push_known(&labels, backup.last_success);
        duration.push_known(&labels, backup.duration);
        size.push_known(&labels, backup.size);
    }
    [success, end, last_success, duration, size]
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
