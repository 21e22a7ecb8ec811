//! Replication of guests between the nodes of a cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use super::shown::shown_guests;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::replication::{self, ReplicationJob};
use crate::source::pve::resources;

pub static REPLICATION: Collector = Collector {
    name: "replication",
    about: "Replication of guests between the nodes of a cluster: the last and the next sync, and failures.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(2 * 60),
    sources: &[&replication::REPLICATION],
    reads: &[&resources::RESOURCES],
    families: &[
        &INFO,
        &ENABLED,
        &LAST_SYNC,
        &NEVER_SYNCED,
        &LAST_TRY,
        &NEXT_SYNC,
        &DURATION,
        &FAILED_SYNCS,
        &ERROR,
    ],
    collect,
};

static INFO: Family = Family::gauge(
    "pve_replication_info",
    "Guest, source and target of a replication job",
    &["guest", "id", "remote", "source", "target", "type"],
);
static ENABLED: Family = Family::gauge(
    "pve_replication_enabled",
    "Whether the replication job is enabled",
    &["id", "remote"],
);
static LAST_SYNC: Family = Family::gauge(
    "pve_replication_last_sync_timestamp_seconds",
    "Time of the last sync of the replication job that succeeded, absent where none did",
    &["id", "remote"],
);
static NEVER_SYNCED: Family = Family::gauge(
    "pve_replication_never_synced",
    "Whether no sync of the replication job has succeeded yet",
    &["id", "remote"],
);
static LAST_TRY: Family = Family::gauge(
    "pve_replication_last_try_timestamp_seconds",
    "Time of the last sync of the replication job that was tried",
    &["id", "remote"],
);
static NEXT_SYNC: Family = Family::gauge(
    "pve_replication_next_sync_timestamp_seconds",
    "Time of the next sync of the replication job, only for jobs that are enabled",
    &["id", "remote"],
);
static DURATION: Family = Family::gauge(
    "pve_replication_duration_seconds",
    "Time that the last sync of the replication job took",
    &["id", "remote"],
);
static FAILED_SYNCS: Family = Family::gauge(
    "pve_replication_failed_syncs",
    "Number of syncs of the replication job that failed since the last one that succeeded",
    &["id", "remote"],
);
static ERROR: Family = Family::gauge(
    "pve_replication_error",
    "Whether the last sync of the replication job left an error",
    &["id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    let mut enabled = Lines::of(&ENABLED);
    let mut last_sync = Lines::of(&LAST_SYNC);
    let mut never_synced = Lines::of(&NEVER_SYNCED);
    let mut last_try = Lines::of(&LAST_TRY);
    let mut next_sync = Lines::of(&NEXT_SYNC);
    let mut duration = Lines::of(&DURATION);
    let mut failed_syncs = Lines::of(&FAILED_SYNCS);
    let mut error = Lines::of(&ERROR);

    let is_shown = shown_guests(inputs);
    let mut labels = LabelBlock::new();
    for job in jobs(inputs).filter(|job| is_shown(job.kind, job.vmid)) {
        describe(&mut labels, inputs.remote, job);
        info.push(&labels, true);
        labels
            .clear()
            .push("id", &job.id)
            .push("remote", inputs.remote);
        enabled.push(&labels, job.enabled);
        let synced_at = known_time(job.last_sync);
        last_sync.push_known(&labels, synced_at);
        never_synced.push(&labels, synced_at.is_none());
        last_try.push_known(&labels, known_time(job.last_try));
        next_sync.push_known(&labels, known_time(job.next_sync).filter(|_| job.enabled));
        duration.push_known(&labels, job.duration);
        failed_syncs.push_known(&labels, job.failures);
        error.push(&labels, job.has_error);
    }
    vec![
        info,
        enabled,
        last_sync,
        never_synced,
        last_try,
        next_sync,
        duration,
        failed_syncs,
        error,
    ]
}

/// PVE says 0 for what has not been.
fn known_time(time: Option<f64>) -> Option<f64> {
    time.filter(|time| *time > 0.0)
}

/// Each job once. A guest that moves takes its jobs along, and for a while the answer of the node
/// that it left still has them: the later try is the truth.
fn jobs<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = &'a ReplicationJob> {
    let mut jobs: BTreeMap<&str, &ReplicationJob> = BTreeMap::new();
    for (_, of_node) in inputs.each(&replication::REPLICATION) {
        for job in of_node {
            let latest = jobs.entry(&job.id).or_insert(job);
            if job.last_try > latest.last_try {
                *latest = job;
            }
        }
    }
    jobs.into_values()
}

fn describe(labels: &mut LabelBlock, remote: &str, job: &ReplicationJob) {
    let guest = Item::Guest {
        vmid: job.vmid,
        kind: job.kind,
    };
    labels
        .clear()
        .push("guest", &guest.to_string())
        .push("id", &job.id)
        .push("remote", remote)
        .push("source", &format!("node/{}", job.source))
        .push("target", &format!("node/{}", job.target))
        .push("type", &job.job_type);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATE: i64 = 1_795_310_000;

    fn cluster() -> AnswerTable {
        AnswerTable::new(Product::Pve, DATE)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"node","node":"b","status":"online"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1},
                    {"type":"node","name":"b","online":1}]}"#,
            )
    }

    #[tokio::test]
    async fn a_job_that_fails_and_one_that_is_disabled() {
        let answers = cluster()
            .with(
                "/nodes/a/replication",
                r#"{"data":[{"id":"103-0","guest":103,"vmtype":"qemu","jobnum":0,"type":"local",
                "source":"a","target":"b","schedule":"*/15","rate":10,"comment":"c",
                "error":"command 'x' failed","fail_count":4,"last_try":1795311132,"last_sync":0,
                "next_sync":1795312932,"duration":2.392917},{"id":"1-0"},{"guest":5},null]}"#,
            )
            .with(
                "/nodes/b/replication",
                r#"{"data":[{"id":"101-0","guest":"101","vmtype":"lxc","type":"local","source":"b",
                "target":"a","disable":1,"fail_count":"0","last_try":1700000005,
                "last_sync":1700000000,"next_sync":1800,"duration":null}]}"#,
            );
        assert_eq!(
            walk::exposed(&REPLICATION, answers).await,
            [
                r#"pve_replication_info{guest="lxc/101",id="101-0",remote="r",source="node/b",target="node/a",type="local"} 1"#,
                r#"pve_replication_info{guest="qemu/103",id="103-0",remote="r",source="node/a",target="node/b",type="local"} 1"#,
                r#"pve_replication_enabled{id="101-0",remote="r"} 0"#,
                r#"pve_replication_enabled{id="103-0",remote="r"} 1"#,
                r#"pve_replication_last_sync_timestamp_seconds{id="101-0",remote="r"} 1700000000"#,
                r#"pve_replication_never_synced{id="101-0",remote="r"} 0"#,
                r#"pve_replication_never_synced{id="103-0",remote="r"} 1"#,
                r#"pve_replication_last_try_timestamp_seconds{id="101-0",remote="r"} 1700000005"#,
                r#"pve_replication_last_try_timestamp_seconds{id="103-0",remote="r"} 1795311132"#,
                r#"pve_replication_next_sync_timestamp_seconds{id="103-0",remote="r"} 1795312932"#,
                r#"pve_replication_duration_seconds{id="103-0",remote="r"} 2.392917"#,
                r#"pve_replication_failed_syncs{id="101-0",remote="r"} 0"#,
                r#"pve_replication_failed_syncs{id="103-0",remote="r"} 4"#,
                r#"pve_replication_error{id="101-0",remote="r"} 0"#,
                r#"pve_replication_error{id="103-0",remote="r"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn a_job_that_two_nodes_tell_of_is_the_one_that_was_tried_last() {
        let job = |source: &str, last_try: u32| {
            format!(
                r#"{{"data":[{{"id":"103-0","guest":103,"vmtype":"qemu","source":"{source}","last_try":{last_try}}}]}}"#
            )
        };
        let lines = walk::exposed(
            &REPLICATION,
            cluster()
                .with("/nodes/a/replication", job("a", 10))
                .with("/nodes/b/replication", job("b", 20)),
        )
        .await;
        let infos: Vec<_> = lines.iter().filter(|line| line.contains("_info")).collect();
        assert!(matches!(&*infos, [info] if info.contains(r#"source="node/b""#)));
    }

    #[tokio::test]
    async fn no_job_is_no_sample() {
        let answers = cluster()
            .with("/nodes/a/replication", r#"{"data":[]}"#)
            .with("/nodes/b/replication", r#"{"data":null}"#);
        assert!(walk::exposed(&REPLICATION, answers).await.is_empty());
    }
}
