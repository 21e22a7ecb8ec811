//! Backups of a cluster that a plan decides: jobs, tasks with their logs, archives, and who sees the storages.

#![allow(clippy::unwrap_used)]

mod client;

use client::{START, call, get, start};
use serde_json::Value;
use simulator::{
    ArchivePlan, BackupJobPlan, BackupStorage, BackupTaskPlan, ClusterBackups, Fleet, JobSelection,
    PvePlan, Rights, SimulatedRemote,
};

/// One node with the virtual machines 100 to 102.
async fn planned() -> Fleet {
    let task = |vmid, age_seconds, duration_seconds, fails| BackupTaskPlan {
        vmid,
        age_seconds,
        duration_seconds,
        fails,
    };
    start(PvePlan {
        nodes: 1,
        guests: 3,
        running_ratio: 1.0,
        qemu_ratio: 1.0,
        oddities: false,
        unreachable_storages: vec!["local".to_owned()],
        backup_servers: vec![BackupStorage {
            storage: "backup".to_owned(),
            server: "pbs-a".to_owned(),
            datastore: "vault".to_owned(),
            ..BackupStorage::default()
        }],
        backups: Some(ClusterBackups {
            jobs: vec![BackupJobPlan {
                id: "nightly".to_owned(),
                schedule: "03:00".to_owned(),
                storage: "nas".to_owned(),
                enabled: true,
                selection: JobSelection::AllBut(vec![102]),
            }],
            tasks: vec![
                task(100, 7_200, 3_725, false),
                task(101, 3_600, 60, true),
                task(102, 60, 600, false),
            ],
            archives: vec![ArchivePlan {
                vmid: 100,
                storage: "nas".to_owned(),
                age_seconds: 7_200,
            }],
        }),
        ..PvePlan::default()
    })
    .await
}

async fn list(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    get(remote, path).await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn the_jobs_are_those_of_the_plan_and_cover_what_they_say() {
    let fleet = planned().await;
    let cluster = fleet.remote("cluster-a");
    let jobs = list(cluster, "/cluster/backup").await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        ["id", "schedule", "storage", "exclude"].map(|key| jobs[0][key].as_str().unwrap()),
        ["nightly", "03:00", "nas", "102"]
    );
    let uncovered = list(cluster, "/cluster/backup-info/not-backed-up").await;
    let uncovered: Vec<&Value> = uncovered.iter().map(|guest| &guest["vmid"]).collect();
    assert_eq!(uncovered, [102]);
}

#[tokio::test]
async fn the_tasks_end_as_planned_and_their_logs_say_so() {
    let fleet = planned().await;
    let cluster = fleet.remote("cluster-a");
    let path = "/nodes/pve1/tasks?source=all&typefilter=vzdump&vmid=";
    for (vmid, status, line) in [
        (100, "OK", "INFO: Finished Backup of VM 100 (01:02:05)"),
        (101, "job errors", "ERROR: Backup of VM 101 failed"),
        (102, "RUNNING", "INFO: Starting Backup of VM 102 (qemu)"),
    ] {
        let tasks = list(cluster, &format!("{path}{vmid}")).await;
        assert_eq!(tasks.len(), 1, "{vmid}");
        assert_eq!(tasks[0]["status"], status);
        let upid = tasks[0]["upid"].as_str().unwrap();
        let log = list(cluster, &format!("/nodes/pve1/tasks/{upid}/log")).await;
        let told = |row: &Value| row["t"].as_str().unwrap().starts_with(line);
        assert!(log.iter().any(told), "{log:#?}");
    }
}

#[tokio::test]
async fn the_archives_are_those_of_the_plan() {
    let fleet = planned().await;
    let cluster = fleet.remote("cluster-a");
    let preview = |storage: &str| {
        format!("/nodes/pve1/storage/{storage}/prunebackups?prune-backups=keep-all%3D1")
    };
    let archives = list(cluster, &preview("nas")).await;
    assert_eq!(archives.len(), 1);
    assert_eq!(archives[0]["vmid"], 100);
    assert_eq!(archives[0]["ctime"], START as i64 - 7_200);
    assert!(list(cluster, &preview("backup")).await.is_empty());
    let unreachable = get(cluster, &preview("local")).await;
    assert_eq!(unreachable.status, 500);
}

#[tokio::test]
async fn who_may_see_some_storages_sees_no_others() {
    let fleet = planned().await;
    let cluster = fleet.remote("cluster-a");
    let names = async |path: &str| {
        let storages = call(cluster, 0, Rights::SomeStorages, path).await.data();
        let storages = storages.as_array().unwrap().iter();
        let storages = storages.filter_map(|entry| entry["storage"].as_str());
        storages.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("/storage").await, ["backup"]);
    assert_eq!(names("/cluster/resources").await, ["backup"]);
    let path = "/nodes/pve1/storage/nas/prunebackups";
    let refused = call(cluster, 0, Rights::SomeStorages, path).await;
    assert_eq!(refused.status, 403);
    let rights = call(cluster, 0, Rights::SomeStorages, "/access/permissions").await;
    let rights = rights.data();
    assert_eq!(rights["/storage/backup"]["Datastore.Audit"], 1);
    assert_eq!(rights["/storage"].get("Datastore.Audit"), None);
    assert_eq!(rights["/"]["Sys.Audit"], 1);
}
