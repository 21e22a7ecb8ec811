//! `GET /cluster/backup`: the backup jobs.

use super::calendar::Calendar;
use super::guest::Guest;
use super::world::Cluster;
use super::{Call, SYSTEM_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::{BackupJobPlan, JobSelection};
use crate::random::Random;
use crate::route::Route;

pub(super) const ROUTE: Route = route("/cluster/backup", SYSTEM_AUDIT);

struct Job<'a> {
    id: &'a str,
    schedule: &'a str,
    storage: &'a str,
    enabled: bool,
    comment: Option<&'static str>,
    selection: Selection,
}

/// The jobs of the first and the last pool: whether they are enabled, and a comment.
const POOL_JOBS: [(&str, bool, Option<&str>); 2] = [
    (
        "9d1f6c1e-4b7a-4c55-8a0e-2f6f1f0b7d11",
        false,
        Some("waits for the new storage"),
    ),
    ("backup-test", true, None),
];

/// Which guests a job takes.
enum Selection {
    AllBut(Vec<String>),
    These(Vec<String>),
    Pool(String),
}

fn jobs(cluster: &Cluster) -> Vec<Job<'_>> {
    match &cluster.backups {
        Some(planned) => planned.jobs.iter().map(of_plan).collect(),
        None => generated(cluster),
    }
}

fn of_plan(plan: &BackupJobPlan) -> Job<'_> {
    let texts = |vmids: &[i64]| vmids.iter().map(i64::to_string).collect();
    Job {
        id: &plan.id,
        schedule: &plan.schedule,
        storage: &plan.storage,
        enabled: plan.enabled,
        comment: None,
        selection: match &plan.selection {
            JobSelection::AllBut(vmids) => Selection::AllBut(texts(vmids)),
            JobSelection::These(vmids) => Selection::These(texts(vmids)),
        },
    }
}

/// What the guests' `in_backup` says is what the nightly job takes: it leaves out all others. The weekly ones take some
/// of them once more; of what runs, only the nightly one is simulated.
fn generated(cluster: &Cluster) -> Vec<Job<'_>> {
    let vmids = |chosen: &dyn Fn(&Guest) -> bool| {
        let guests = cluster.guests.iter().filter(|guest| chosen(guest));
        guests
            .map(|guest| guest.vmid.to_string())
            .collect::<Vec<_>>()
    };
    let covered = vmids(&|guest| guest.in_backup);
    let mut jobs = vec![
        Job {
            id: "backup-nightly",
            schedule: "02:00",
            storage: "nas",
            enabled: true,
            comment: None,
            selection: Selection::AllBut(vmids(&|guest| !guest.in_backup)),
        },
        Job {
            id: "backup-monthly",
            schedule: "*-*-1 04:00",
            storage: "nas",
            enabled: false,
            comment: Some("until the tapes are full"),
            selection: Selection::These(covered.iter().take(2).cloned().collect()),
        },
    ];
    let some: Vec<String> = covered.into_iter().skip(1).take(3).collect();
    if !some.is_empty() {
        jobs.push(Job {
            id: "backup-weekly",
            schedule: "sun 12:00",
            storage: "nas",
            enabled: true,
            comment: Some("by daylight, so that somebody sees it"),
            selection: Selection::These(some),
        });
    }
    let pools = cluster
        .pools
        .first()
        .into_iter()
        .chain(cluster.pools.last());
    for (pool, (id, enabled, comment)) in pools.zip(POOL_JOBS) {
        jobs.push(Job {
            id,
            schedule: "sat 23:30",
            storage: "nas",
            enabled,
            comment,
            selection: Selection::Pool(pool.clone()),
        });
    }
    if cluster.oddities {
        let gone = cluster.guests.last().map_or(100, |guest| guest.vmid + 1);
        jobs.push(Job {
            id: "backup-attic",
            schedule: "sun 01:00",
            storage: "attic",
            enabled: false,
            comment: None,
            selection: Selection::These(vec![gone.to_string()]),
        });
    }
    jobs
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries: Vec<String> = jobs(call.cluster)
        .iter()
        .map(|job| described(job, call.view.now, &mut random))
        .collect();
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// A disabled job has a next run all the same.
fn described(job: &Job<'_>, now: i64, random: &mut Random) -> String {
    let mut object = Object::new();
    object
        .text("id", job.id)
        .text("type", "vzdump")
        .text("schedule", job.schedule)
        .text("storage", job.storage)
        .int("enabled", i64::from(job.enabled))
        .text("mode", "snapshot")
        .text("compress", "zstd")
        .text("notes-template", "{{guestname}}");
    let mut kept = Object::new();
    kept.text("keep-last", "3");
    object.raw("prune-backups", &kept.into_json(None));
    if let Some(next) = Calendar::parse(job.schedule).and_then(|calendar| calendar.next(now)) {
        object.int("next-run", next);
    }
    if let Some(comment) = job.comment {
        object.text("comment", comment);
    }
    match &job.selection {
        Selection::AllBut(excluded) => {
            object.int("all", 1);
            if !excluded.is_empty() {
                object.text("exclude", &excluded.join(","));
            }
        }
        Selection::These(vmids) => {
            object.text("vmid", &vmids.join(","));
        }
        Selection::Pool(pool) => {
            object.text("pool", pool);
        }
    }
    object.into_json(Some(random))
}
