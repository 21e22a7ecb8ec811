//! What a backup server tells of its backups, jobs and tasks, over time and to different tokens.

#![allow(clippy::unwrap_used)]

mod client;

use std::time::Duration;

use client::{START, call, get};
use serde_json::Value;
use simulator::{
    BackupKind, BackupPlan, Clock, DatastoreKind, DatastorePlan, Fleet, FleetPlan, GroupPlan,
    JobKind, JobPlan, JobState, PbsPlan, PbsVersion, RemotePlan, Rights, SimulatedRemote,
};

async fn start(pbs: PbsPlan) -> Fleet {
    let pbs = PbsPlan {
        auth_delay: Duration::ZERO,
        ..pbs
    };
    Fleet::start(FleetPlan {
        seed: 3,
        clock: Clock::frozen_at(START),
        remotes: vec![RemotePlan::Pbs(pbs)],
    })
    .await
    .unwrap()
}

async fn list(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    get(remote, path).await.data().as_array().unwrap().clone()
}

fn encoded(upid: &str) -> String {
    upid.replace('\\', "%5C")
}

#[tokio::test]
async fn a_new_backup_comes_each_night_and_is_verified_in_the_morning() {
    let fleet = start(PbsPlan::default()).await;
    let pbs = fleet.remote("pbs-a");
    let path = "/admin/datastore/archive/snapshots?ns=prod&backup-type=vm&backup-id=100";
    let newest = |snapshots: &[Value]| {
        let by_time = |snapshot: &&Value| snapshot["backup-time"].as_i64().unwrap();
        snapshots.iter().max_by_key(by_time).unwrap().clone()
    };
    let before = newest(&list(pbs, path).await);
    assert_eq!(before["verification"]["state"], "ok");
    fleet.clock().advance(Duration::from_secs(86_400));
    let after = newest(&list(pbs, path).await);
    let days = |snapshot: &Value| snapshot["backup-time"].as_i64().unwrap();
    assert_eq!(days(&after) - days(&before), 86_400);
    // While it runs it has neither files nor a size.
    let begun = days(&after) as f64 + 86_401.0;
    fleet.clock().set(begun);
    let running = newest(&list(pbs, path).await);
    assert_eq!(days(&running) - days(&after), 86_400);
    assert!(running.get("size").is_none() && running.get("verification").is_none());
    assert_eq!(running["files"], serde_json::json!([]));
    let tasks = list(pbs, "/nodes/localhost/tasks?running=1&typefilter=backup").await;
    assert!(
        tasks
            .iter()
            .any(|task| task["worker_id"] == "archive:vm/100" && task.get("status").is_none())
    );
    fleet.clock().set(begun + 1_800.0);
    let done = newest(&list(pbs, path).await);
    assert!(done.get("size").is_some() && done.get("verification").is_none());
}

#[tokio::test]
async fn a_plan_says_what_stands_in_a_datastore() {
    let mut store = DatastorePlan::new("vault", DatastoreKind::Normal);
    store.groups = Some(vec![GroupPlan {
        namespace: "prod/web".into(),
        kind: BackupKind::Vm,
        id: "100".into(),
        owner: "backup@pbs!pve".into(),
        backups: vec![
            BackupPlan {
                age_seconds: 60,
                finished: false,
                verified: None,
                comment: Some("too early"),
                ..BackupPlan::default()
            },
            BackupPlan {
                verified: Some(false),
                encrypted: true,
                comment: Some("web"),
                ..BackupPlan::default()
            },
        ],
    }]);
    let fleet = start(PbsPlan {
        datastores: vec![store],
        ..PbsPlan::default()
    })
    .await;
    let pbs = fleet.remote("pbs-a");
    let namespaces = list(pbs, "/admin/datastore/vault/namespace").await;
    let names: Vec<&str> = namespaces
        .iter()
        .map(|entry| entry["ns"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["", "prod", "prod/web"]);
    assert!(list(pbs, "/admin/datastore/vault/groups").await.is_empty());
    let groups = list(pbs, "/admin/datastore/vault/groups?ns=prod/web").await;
    assert_eq!(groups[0]["backup-count"], 2);
    assert_eq!(groups[0]["last-backup"], START as i64 - 60);
    let snapshots = list(pbs, "/admin/datastore/vault/snapshots?ns=prod/web").await;
    assert_eq!(snapshots[0]["verification"]["state"], "failed");
    assert_eq!(snapshots[0]["comment"], "web");
    assert!(snapshots[1].get("comment").is_none());
    assert_eq!(snapshots[0]["files"][0]["crypt-mode"], "encrypt");
    assert!(snapshots[1].get("size").is_none());
    let status = get(pbs, "/admin/datastore/vault/status?verbose=1").await;
    assert_eq!(status.data()["counts"]["vm"]["snapshots"], 2);
}

#[tokio::test]
async fn a_demo_backs_up_its_clusters() {
    let mut plan = FleetPlan::demo(&[2, 1], 30, 1, 4);
    plan.clock = Clock::frozen_at(START);
    let fleet = Fleet::start(plan).await.unwrap();
    let guests = list(fleet.remote("cluster-a"), "/cluster/resources?type=vm").await;
    let groups = list(
        fleet.remote("pbs-a"),
        "/admin/datastore/vault/groups?ns=cluster-a",
    )
    .await;
    assert_eq!(groups.len(), guests.len());
    for guest in guests {
        let kind = if guest["type"] == "qemu" { "vm" } else { "ct" };
        let id = guest["vmid"].to_string();
        assert!(
            groups
                .iter()
                .any(|group| group["backup-type"] == kind && group["backup-id"] == id.as_str())
        );
    }
}

#[tokio::test]
async fn jobs_tell_how_their_last_run_ended() {
    let job = |id: &str, state| JobPlan {
        kind: JobKind::Verify,
        id: id.into(),
        store: "vault".into(),
        remote: None,
        push: false,
        state,
    };
    let fleet = start(PbsPlan {
        jobs: Some(vec![
            job("good", JobState::Healthy),
            job("bad", JobState::Failing("disk on fire".into())),
            job("busy", JobState::Running),
            job("new", JobState::NeverRun),
            job("manual", JobState::Manual),
        ]),
        ..PbsPlan::default()
    })
    .await;
    let pbs = fleet.remote("pbs-a");
    let jobs = list(pbs, "/admin/verify").await;
    let find = |id: &str| jobs.iter().find(|job| job["id"] == id).unwrap();
    assert_eq!(find("good")["last-run-state"], "OK");
    assert_eq!(find("bad")["last-run-state"], "disk on fire");
    let busy = find("busy");
    assert!(busy.get("last-run-upid").is_some() && busy.get("last-run-state").is_none());
    assert!(find("new").get("last-run-upid").is_none() && find("new").get("next-run").is_some());
    assert!(find("manual").get("schedule").is_none());
    let upid = encoded(busy["last-run-upid"].as_str().unwrap());
    let status = get(pbs, &format!("/nodes/localhost/tasks/{upid}/status")).await;
    assert_eq!(status.data()["status"], "running");
    let upid = encoded(find("bad")["last-run-upid"].as_str().unwrap());
    let log = get(pbs, &format!("/nodes/localhost/tasks/{upid}/log")).await;
    assert_eq!(log.json()["success"], 1);
    let last = log.data().as_array().unwrap().last().unwrap().clone();
    assert!(
        last["t"]
            .as_str()
            .unwrap()
            .ends_with("TASK ERROR: disk on fire")
    );
}

#[tokio::test]
async fn an_auditor_does_not_see_what_syncs_with_a_remote() {
    let fleet = start(PbsPlan::default()).await;
    let pbs = fleet.remote("pbs-a");
    let all = "/admin/sync?sync-direction=all";
    let seen = call(pbs, 0, Rights::Auditor, all).await.data();
    let every = call(pbs, 0, Rights::Admin, all).await.data();
    assert!(seen.as_array().unwrap().len() < every.as_array().unwrap().len());
    let pulled = call(pbs, 0, Rights::Admin, "/admin/sync").await.data();
    assert!(
        pulled
            .as_array()
            .unwrap()
            .iter()
            .all(|job| job.get("sync-direction").is_none())
    );
    for path in [
        "/admin/gc",
        "/admin/verify",
        "/admin/prune",
        "/config/remote",
    ] {
        let answer = call(pbs, 0, Rights::Nothing, path).await;
        assert_eq!(answer.data(), serde_json::json!([]), "{path}");
    }
    let refused = call(pbs, 0, Rights::Narrow, "/admin/datastore/vault/groups").await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.text(),
        "permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/vault"
    );
}

#[tokio::test]
async fn tasks_are_filtered_and_counted_as_the_archive_does() {
    let fleet = start(PbsPlan::default()).await;
    let pbs = fleet.remote("pbs-a");
    let path = "/nodes/localhost/tasks?limit=2";
    assert_eq!(
        get(pbs, path).await.json()["total"],
        3,
        "one more than shown"
    );
    let all = list(pbs, "/nodes/localhost/tasks?limit=0").await;
    let ends: Vec<i64> = all
        .iter()
        .filter_map(|task| task["endtime"].as_i64())
        .collect();
    assert!(ends.len() > 50 && ends.is_sorted_by(|a, b| a >= b));
    let filtered = "/nodes/localhost/tasks?statusfilter=warning&statusfilter=unknown&limit=0";
    let odd = list(pbs, filtered).await;
    assert!(!odd.is_empty());
    assert!(
        odd.iter()
            .all(|task| task["status"] == "WARNINGS: 1" || task["status"] == "unknown")
    );
    let wrong = get(pbs, "/nodes/localhost/tasks?statusfilter=bogus").await;
    assert_eq!(
        (wrong.status, wrong.text().as_str()),
        (
            400,
            "unknown variant `bogus`, expected one of `ok`, `warning`, `error`, `unknown`"
        )
    );
    let nobody =
        "UPID:pbs-a:00000028:0001FA7D:00000099:6B023ED4:garbage_collection:vault:root@pam:";
    let status = get(pbs, &format!("/nodes/localhost/tasks/{nobody}/status")).await;
    assert_eq!(status.data()["exitstatus"], "unknown");
    let log = get(pbs, &format!("/nodes/localhost/tasks/{nobody}/log")).await;
    assert_eq!(log.status, 400);
}

#[tokio::test]
async fn garbage_collection_is_told_alike_everywhere() {
    let fleet = start(PbsPlan {
        version: PbsVersion::V3_4,
        ..PbsPlan::default()
    })
    .await;
    let pbs = fleet.remote("pbs-a");
    let of_store = get(pbs, "/admin/datastore/archive/gc").await.data();
    let status = get(pbs, "/admin/datastore/archive/status?verbose=1").await;
    assert_eq!(status.data()["gc-status"]["upid"], of_store["upid"]);
    assert!(of_store.get("cache-stats").is_none(), "came with 4.x");
    let upid = encoded(of_store["upid"].as_str().unwrap());
    let task = get(pbs, &format!("/nodes/localhost/tasks/{upid}/status"))
        .await
        .data();
    assert_eq!(task["exitstatus"], of_store["last-run-state"]);
    assert!(task.get("endtime").is_none(), "3.4 has it in the list only");
    let stores = list(pbs, "/admin/gc").await;
    assert!(
        stores
            .iter()
            .all(|entry| entry["store"] != "lost" && entry["store"] != "closed")
    );
}

#[tokio::test]
async fn a_tape_library_is_shown_to_those_who_may_audit_tapes() {
    let paths = [
        "/tape/drive",
        "/tape/changer",
        "/tape/media/list",
        "/tape/backup",
    ];
    for tape in [false, true] {
        let fleet = start(PbsPlan {
            tape,
            ..PbsPlan::default()
        })
        .await;
        let pbs = fleet.remote("pbs-a");
        for path in paths {
            let seen = call(pbs, 0, Rights::Admin, path).await.data();
            assert_eq!(seen.as_array().unwrap().is_empty(), !tape, "{path}");
            assert!(
                list(pbs, path).await.is_empty(),
                "{path} without Tape.Audit"
            );
        }
    }
}

#[tokio::test]
async fn a_healthy_server_has_nothing_to_complain_of() {
    let fleet = start(PbsPlan {
        oddities: false,
        ..PbsPlan::default()
    })
    .await;
    let pbs = fleet.remote("pbs-a");
    assert!(list(pbs, "/nodes/localhost/apt/update").await.is_empty());
    assert!(
        list(pbs, "/nodes/localhost/disks/list")
            .await
            .iter()
            .all(|disk| disk["status"] == "passed")
    );
    assert_eq!(
        list(pbs, "/nodes/localhost/disks/zfs").await[0]["health"],
        "ONLINE"
    );
    let errors = list(pbs, "/nodes/localhost/tasks?errors=1&limit=0").await;
    assert!(errors.iter().all(|task| task.get("status").is_none()));
    let refused = get(pbs, "/config/traffic-control").await;
    assert_eq!(refused.status, 403, "needs Sys.Modify");
}
