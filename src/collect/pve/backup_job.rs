//! Backup jobs of PVE, and the guests that none of them covers.

use std::time::Duration;

use super::shown::shown_guests;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::backup_jobs::{self, BackupJob, Selection};
use crate::source::pve::resources::Picture;
use crate::source::pve::{not_backed_up, resources};

pub static BACKUP_JOB: Collector = Collector {
    name: "backup_job",
    about: "Backup jobs with their next runs, and the guests that no job covers.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&backup_jobs::BACKUP_JOBS, &not_backed_up::NOT_BACKED_UP],
    reads: &[&resources::RESOURCES],
    families: &[
        &JOB_INFO,
        &JOB_ENABLED,
        &JOB_NEXT_RUN,
        &JOB_INTERVAL,
        &NOT_BACKED_UP_TOTAL,
        &NOT_BACKED_UP_INFO,
    ],
    collect,
};

static JOB_INFO: Family = Family::gauge(
    "pve_backup_job_info",
    "Schedule, target and selection of guests (all, exclude, list or pool) of a backup job",
    &[
        "job_id",
        "mode",
        "node",
        "pool",
        "remote",
        "schedule",
        "selection",
        "storage",
    ],
);
static JOB_ENABLED: Family = Family::gauge(
    "pve_backup_job_enabled",
    "Whether the backup job is enabled",
    &["job_id", "remote"],
);
static JOB_NEXT_RUN: Family = Family::gauge(
    "pve_backup_job_next_run_timestamp_seconds",
    "Time of the next run of the backup job, only for jobs that are enabled",
    &["job_id", "remote"],
);
static JOB_INTERVAL: Family = Family::gauge(
    "pve_backup_job_interval_seconds",
    "Longest time between two of the next runs that the schedule of the backup job has",
    &["job_id", "remote"],
);
/// A gauge by the name of a counter, as prometheus-pve-exporter has it.
static NOT_BACKED_UP_TOTAL: Family = Family::gauge(
    "pve_not_backed_up_total",
    "Number of guests that no backup job covers",
    &["id", "remote"],
);
static NOT_BACKED_UP_INFO: Family = Family::gauge(
    "pve_not_backed_up_info",
    "Present for each guest that no backup job covers",
    &["id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let of_jobs = jobs(inputs).into_iter();
    of_jobs.chain(not_backed_up(inputs)).collect()
}

fn jobs(inputs: &Inputs<'_>) -> [Lines; 4] {
    let mut info = Lines::of(&JOB_INFO);
    let mut enabled = Lines::of(&JOB_ENABLED);
    let mut next_run = Lines::of(&JOB_NEXT_RUN);
    let mut interval = Lines::of(&JOB_INTERVAL);
    let mut labels = LabelBlock::new();
    let jobs = inputs.get(&backup_jobs::BACKUP_JOBS);
    for job in jobs.iter().flat_map(|jobs| jobs.iter()) {
        describe(&mut labels, inputs.remote, job);
        info.push(&labels, true);
        labels
            .clear()
            .push("job_id", &job.id)
            .push("remote", inputs.remote);
        enabled.push(&labels, job.enabled);
        next_run.push_known(&labels, job.next_run.filter(|_| job.enabled));
        interval.push_known(&labels, job.largest_gap);
    }
    [info, enabled, next_run, interval]
}

fn describe(labels: &mut LabelBlock, remote: &str, job: &BackupJob) {
    let (selection, pool) = match &job.selection {
        Selection::All => ("all", ""),
        Selection::AllExcept(_) => ("exclude", ""),
        Selection::Guests(_) => ("list", ""),
        Selection::Pool(pool) => ("pool", &**pool),
    };
    labels
        .clear()
        .push("job_id", &job.id)
        .push("mode", &job.mode)
        .push("node", &job.node)
        .push("pool", pool)
        .push("remote", remote)
        .push("schedule", &job.schedule)
        .push("selection", selection)
        .push("storage", &job.storage);
}

fn not_backed_up(inputs: &Inputs<'_>) -> [Lines; 2] {
    let mut total = Lines::of(&NOT_BACKED_UP_TOTAL);
    let mut info = Lines::of(&NOT_BACKED_UP_INFO);
    let Some(guests) = inputs.get(&not_backed_up::NOT_BACKED_UP) else {
        return [total, info];
    };
    let is_shown = shown_guests(inputs);
    let mut labels = LabelBlock::new();
    let mut shown = 0_usize;
    for &(vmid, kind) in guests.iter().filter(|(vmid, kind)| is_shown(*kind, *vmid)) {
        shown += 1;
        let guest = Item::Guest { vmid, kind };
        labels
            .clear()
            .push("id", &guest.to_string())
            .push("remote", inputs.remote);
        info.push(&labels, true);
    }
    let picture = inputs.get(&resources::RESOURCES);
    if let Some(name) = picture.as_deref().and_then(name_of_cluster) {
        labels
            .clear()
            .push("id", &format!("cluster/{name}"))
            .push("remote", inputs.remote);
        total.push(&labels, shown);
    }
    [total, info]
}

/// The name of the cluster; of a node that stands alone its own, as prometheus-pve-exporter has it
/// in this one family.
fn name_of_cluster(picture: &Picture) -> Option<&str> {
    match (&picture.cluster, &*picture.nodes) {
        (Some(cluster), _) => Some(&cluster.name),
        (None, [node]) if picture.has_status => Some(&node.name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATE: i64 = 1_795_310_000;
    const CLUSTER: &str = r#"{"data":[{"type":"cluster","name":"lab","quorate":1},
        {"type":"node","name":"a","online":1}]}"#;
    const ALONE: &str = r#"{"data":[{"type":"node","name":"a","online":1}]}"#;

    fn remote(status: &str) -> AnswerTable {
        AnswerTable::new(Product::Pve, DATE)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"}]}"#,
            )
            .with("/cluster/status", status)
    }

    #[tokio::test]
    async fn a_job_has_its_next_run_and_its_interval() {
        let answers = remote(CLUSTER)
            .with(
                "/cluster/backup",
                r#"{"data":[
                {"id":"weekly","type":"vzdump","vmid":"100,110","schedule":"sun 01:00","storage":"nas","mode":"snapshot","enabled":1,"next-run":1795914000,"comment":"c"},
                {"id":"a-pool","pool":"prod","schedule":"*/6:00","storage":"nas","enabled":0,"next-run":1795327200},
                {"id":"odd","all":1,"exclude":"7","schedule":"nonsense","node":"a"}]}"#,
            )
            .with(
                "/cluster/jobs/schedule-analyze?schedule=sun%2001%3A00&iterations=100",
                r#"{"data":[{"timestamp":1795914000},{"timestamp":1796518800},{"timestamp":1797123600}]}"#,
            )
            .with(
                "/cluster/jobs/schedule-analyze?schedule=%2A%2F6%3A00&iterations=100",
                r#"{"data":[{"timestamp":100},{"timestamp":21700}]}"#,
            )
            .with_status(
                "/cluster/jobs/schedule-analyze?schedule=nonsense&iterations=100",
                400,
                "Parameter verification failed.",
            );
        assert_eq!(
            walk::exposed(&BACKUP_JOB, answers).await,
            [
                r#"pve_backup_job_info{job_id="a-pool",mode="snapshot",node="",pool="prod",remote="r",schedule="*/6:00",selection="pool",storage="nas"} 1"#,
                r#"pve_backup_job_info{job_id="odd",mode="snapshot",node="a",pool="",remote="r",schedule="nonsense",selection="exclude",storage=""} 1"#,
                r#"pve_backup_job_info{job_id="weekly",mode="snapshot",node="",pool="",remote="r",schedule="sun 01:00",selection="list",storage="nas"} 1"#,
                r#"pve_backup_job_enabled{job_id="a-pool",remote="r"} 0"#,
                r#"pve_backup_job_enabled{job_id="odd",remote="r"} 1"#,
                r#"pve_backup_job_enabled{job_id="weekly",remote="r"} 1"#,
                r#"pve_backup_job_next_run_timestamp_seconds{job_id="weekly",remote="r"} 1795914000"#,
                r#"pve_backup_job_interval_seconds{job_id="a-pool",remote="r"} 21600"#,
                r#"pve_backup_job_interval_seconds{job_id="weekly",remote="r"} 604800"#,
            ]
        );
    }

    #[tokio::test]
    async fn so_many_schedules_are_asked_for_and_each_once() {
        let job = |number: usize, schedule: usize| {
            format!(r#"{{"id":"job-{number}","all":1,"schedule":"mon {schedule}:00"}}"#)
        };
        let jobs: Vec<_> = (0..30).map(|number| job(number, number)).collect();
        let intervals = async |jobs: &[String]| {
            let answers = remote(CLUSTER)
                .with(
                    "/cluster/backup",
                    format!(r#"{{"data":[{}]}}"#, jobs.join(",")),
                )
                .with(
                    "/cluster/jobs/schedule-analyze",
                    r#"{"data":[{"timestamp":100},{"timestamp":200}]}"#,
                );
            let lines = walk::exposed(&BACKUP_JOB, answers).await;
            let intervals = lines.iter().filter(|line| line.contains("_interval_"));
            intervals.count()
        };
        assert_eq!(intervals(&jobs).await, 20);
        let alike: Vec<_> = (0..30).map(|number| job(number, 1)).collect();
        assert_eq!(intervals(&alike).await, 30);
    }

    #[tokio::test]
    async fn guests_without_a_job_are_counted_and_named() {
        let answers = remote(CLUSTER).with(
            "/cluster/backup-info/not-backed-up",
            r#"{"data":[{"type":"qemu","name":"mail","vmid":200},{"vmid":"111","type":"lxc"},
                {"vmid":200,"type":"qemu"},{"vmid":5,"type":"openvz"},{"type":"qemu"},null]}"#,
        );
        assert_eq!(
            walk::exposed(&BACKUP_JOB, answers).await,
            [
                r#"pve_not_backed_up_total{id="cluster/lab",remote="r"} 2"#,
                r#"pve_not_backed_up_info{id="lxc/111",remote="r"} 1"#,
                r#"pve_not_backed_up_info{id="qemu/200",remote="r"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn none_is_zero_and_not_known_is_absent() {
        let answers = remote(ALONE).with("/cluster/backup-info/not-backed-up", r#"{"data":[]}"#);
        assert_eq!(
            walk::exposed(&BACKUP_JOB, answers).await,
            [r#"pve_not_backed_up_total{id="cluster/a",remote="r"} 0"#]
        );
        let refused = "Permission check failed (/, Sys.Audit)";
        let answers = remote(CLUSTER)
            .with_status("/cluster/backup-info/not-backed-up", 403, refused)
            .with_status("/cluster/backup", 403, refused);
        assert!(walk::exposed(&BACKUP_JOB, answers).await.is_empty());
    }
}
