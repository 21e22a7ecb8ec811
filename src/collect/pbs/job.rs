//! Sync, verify, prune and tape backup jobs.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::job::{self, Job, Jobs};
use crate::source::pbs::run::RunState;

pub static JOB: Collector = Collector {
    name: "job",
    about: "State and times of the last and the next run of each sync, verify, prune and tape backup job.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&job::JOBS],
    reads: &[],
    families: &[&STATE, &LAST_END, &NEXT_RUN, &DISABLED, &INFO, &VISIBLE],
    collect,
};

const LABELS: &[&str] = &["datastore", "job_id", "job_type", "remote"];

static STATE: Family = Family::gauge(
    "pbs_job_state",
    "State of the last run of the job, 1 for the current one",
    &["datastore", "job_id", "job_type", "remote", "state"],
);
static LAST_END: Family = Family::gauge(
    "pbs_job_last_end_timestamp_seconds",
    "When the last run of the job ended, well or not; absent while it runs",
    LABELS,
);
static NEXT_RUN: Family = Family::gauge(
    "pbs_job_next_run_timestamp_seconds",
    "When the job is due next; absent without a schedule",
    LABELS,
);
static DISABLED: Family = Family::gauge(
    "pbs_job_disabled",
    "Whether the job is disabled, which only prune jobs can be",
    LABELS,
);
static INFO: Family = Family::gauge(
    "pbs_job_info",
    "Namespace of a job, and of a sync job the direction and the remote at the other side (source_remote, also of a push)",
    &[
        "backup_namespace",
        "datastore",
        "direction",
        "job_id",
        "job_type",
        "remote",
        "source_remote",
    ],
);
static VISIBLE: Family = Family::gauge(
    "pbs_job_visible",
    "Whether the token may see all jobs of the type: those of sync with a remote need Remote.Audit on /remote, those of tape Tape.Audit on /tape/job",
    &["job_type", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(jobs) = inputs.get(&job::JOBS) else {
        return Vec::new();
    };
    let mut state = Lines::of(&STATE);
    let mut last_end = Lines::of(&LAST_END);
    let mut next_run = Lines::of(&NEXT_RUN);
    let mut disabled = Lines::of(&DISABLED);
    let mut info = Lines::of(&INFO);
    let mut labels = LabelBlock::new();
    for job in &jobs.jobs {
        labels
            .clear()
            .push("datastore", &job.store)
            .push("job_id", &job.id)
            .push("job_type", job.job_type.as_str())
            .push("remote", inputs.remote);
        if let Some(current) = job.state {
            state.state_set(&labels, "state", RunState::NAMES, current.as_str());
        }
        last_end.push_known(&labels, job.ended);
        next_run.push_known(&labels, job.next_run);
        disabled.push_known(&labels, job.disabled);
        label_info(&mut labels, job, inputs.remote);
        info.push(&labels, true);
    }
    let visible = visible_lines(&jobs, inputs.remote);
    vec![state, last_end, next_run, disabled, info, visible]
}

fn label_info(labels: &mut LabelBlock, job: &Job, remote: &str) {
    labels
        .clear()
        .push("backup_namespace", &job.namespace)
        .push("datastore", &job.store)
        .push("direction", &job.direction)
        .push("job_id", &job.id)
        .push("job_type", job.job_type.as_str())
        .push("remote", remote)
        .push("source_remote", &job.other_side);
}

fn visible_lines(jobs: &Jobs, remote: &str) -> Lines {
    let mut lines = Lines::of(&VISIBLE);
    let mut labels = LabelBlock::new();
    for (job_type, visible) in &jobs.visible {
        labels
            .clear()
            .push("job_type", job_type.as_str())
            .push("remote", remote);
        lines.push(&labels, *visible);
    }
    lines
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
