//! Tasks, HA, replication and jobs of a cluster over time.

#![allow(clippy::unwrap_used)]

mod client;

use std::collections::BTreeSet;
use std::time::Duration;

use client::{START, call, fleet, get, resources, start};
use serde_json::Value;
use simulator::{Fault, PvePlan, PveVersion, Rights, SimulatedRemote};

async fn list(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    let data = get(remote, path).await.data();
    data.as_array().unwrap().clone()
}

/// To a quarter past two in the night after the start, when the backups run.
fn until_the_night(fleet: &simulator::Fleet) {
    let day = START as i64 / 86_400 + 1;
    fleet.clock().set((day * 86_400 + 2 * 3_600 + 900) as f64);
}

#[tokio::test]
async fn a_backup_runs_at_night_and_is_archived_when_it_ends() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    until_the_night(&fleet);
    let running = |tasks: &[Value]| {
        tasks
            .iter()
            .find(|task| task["type"] == "vzdump" && task["status"] == "RUNNING")
            .cloned()
    };
    let active = list(cluster, "/nodes/pve1/tasks?source=active").await;
    let task = running(&active).unwrap();
    let upid = task["upid"].as_str().unwrap();
    let status = format!("/nodes/pve1/tasks/{upid}/status");
    let log = format!("/nodes/pve1/tasks/{upid}/log?limit=0");
    assert_eq!(get(cluster, &status).await.data()["status"], "running");
    let half = list(cluster, &log).await;
    let archived = list(cluster, "/nodes/pve1/tasks?typefilter=vzdump").await;
    assert!(archived.iter().all(|task| task["upid"] != upid));

    fleet.clock().advance(Duration::from_secs(2 * 3_600));
    let ended = get(cluster, &status).await.data();
    assert_eq!(ended["status"], "stopped");
    let whole = list(cluster, &log).await;
    assert!(whole.len() > half.len());
    assert_eq!(whole[..half.len()], half[..]);
    let last = whole.last().unwrap()["t"].as_str().unwrap();
    match ended["exitstatus"].as_str().unwrap() {
        "OK" => assert_eq!(last, "TASK OK"),
        failure => assert_eq!(last, format!("TASK ERROR: {failure}")),
    }
    let archived = list(cluster, "/nodes/pve1/tasks?typefilter=vzdump&limit=1").await;
    assert_eq!(archived[0]["upid"], upid);
}

#[tokio::test]
async fn lists_of_tasks_are_filtered_and_paged() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let whole = get(cluster, "/nodes/pve1/tasks?limit=1000").await.json();
    let all = whole["data"].as_array().unwrap();
    assert_eq!(whole["total"], all.len());
    let page = get(cluster, "/nodes/pve1/tasks?start=3&limit=4")
        .await
        .json();
    assert_eq!(page["total"], all.len());
    let upids = |tasks: &[Value]| {
        tasks
            .iter()
            .map(|task| task["upid"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(upids(page["data"].as_array().unwrap()), upids(&all[3..7]));

    let since = START as i64 - 86_400;
    let recent = list(
        cluster,
        &format!("/nodes/pve1/tasks?since={since}&limit=1000"),
    )
    .await;
    let younger = all
        .iter()
        .filter(|task| task["starttime"].as_i64().unwrap() >= since);
    assert_eq!(recent.len(), younger.count());
    let failed = list(cluster, "/nodes/pve2/tasks?errors=1&limit=1000").await;
    assert!(failed.iter().all(|task| task["status"] != "OK"));
    let endless = list(cluster, "/nodes/pve1/tasks?source=active&typefilter=qmmove").await;
    assert_eq!(endless[0]["user"], "admin@pve!full");
}

#[tokio::test]
async fn tasks_are_told_to_auditors_and_errors_are_as_recorded() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    for path in ["/nodes/pve1/tasks", "/cluster/tasks"] {
        let answer = call(cluster, 0, Rights::Nothing, path).await;
        assert_eq!(answer.text(), r#"{"data":[]}"#);
    }
    let unparsable = get(cluster, "/nodes/pve1/tasks/notaupid/status").await;
    assert_eq!(
        unparsable.json()["errors"]["upid"],
        "unable to parse worker upid"
    );
    let unknown = "/nodes/pve1/tasks/UPID:pve1:00000001:00000001:6B000000:qmstart:100:root@pam:";
    let status = get(cluster, &format!("{unknown}/status")).await;
    assert_eq!(status.json()["errors"]["upid"], "no such task");
    let log = list(cluster, &format!("{unknown}/log")).await;
    assert_eq!(
        log[0]["t"],
        "unable to open file - No such file or directory"
    );
    let refused = call(cluster, 0, Rights::Nothing, &format!("{unknown}/status")).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn the_cluster_keeps_the_tasks_of_a_dead_node() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let of_node = |tasks: Vec<Value>| {
        let mut upids: Vec<String> = tasks
            .iter()
            .filter(|task| task["node"] == "pve2")
            .map(|task| task["upid"].to_string())
            .collect();
        upids.sort();
        upids
    };
    let before = list(cluster, "/cluster/tasks").await;
    assert!(before.iter().filter(|task| task["node"] == "pve1").count() <= 25);
    cluster.set_fault(Fault::NodeOffline {
        node: "pve2".into(),
    });
    fleet.clock().advance(Duration::from_secs(6 * 3_600));
    assert_eq!(
        of_node(list(cluster, "/cluster/tasks").await),
        of_node(before)
    );
    assert_eq!(get(cluster, "/nodes/pve2/tasks").await.status, 595);
}

#[tokio::test]
async fn a_dead_node_loses_its_place_in_the_ha_manager_step_by_step() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let manager = || async {
        let data = get(cluster, "/cluster/ha/status/manager_status")
            .await
            .data();
        data["manager_status"].clone()
    };
    assert_eq!(manager().await["master_node"], "pve1");
    cluster.set_fault(Fault::NodeOffline {
        node: "pve1".into(),
    });
    let asked = |seconds| {
        fleet.clock().advance(Duration::from_secs(seconds));
        call(
            cluster,
            1,
            Rights::Auditor,
            "/cluster/ha/status/manager_status",
        )
    };
    let soon = asked(45).await.data();
    assert_eq!(soon["manager_status"]["node_status"]["pve1"], "unknown");
    let later = asked(60).await.data();
    assert_eq!(later["manager_status"]["node_status"]["pve1"], "fence");
    let next = asked(60).await.data();
    assert_eq!(next["manager_status"]["master_node"], "pve2");
    let entries = call(cluster, 1, Rights::Auditor, "/cluster/ha/status/current").await;
    let entries = entries.data();
    let lost = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["id"] == "lrm:pve1");
    let status = lost.unwrap()["status"].as_str().unwrap();
    assert!(
        status.starts_with("pve1 (old timestamp - dead?, "),
        "{status}"
    );
}

#[tokio::test]
async fn ha_without_quorum_and_without_services() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    cluster.set_fault(Fault::NoQuorum);
    let entries = list(cluster, "/cluster/ha/status/current").await;
    let quorum = entries
        .iter()
        .find(|entry| entry["id"] == "quorum")
        .unwrap();
    assert_eq!(quorum["status"], "No quorum on node 'pve1'!");
    assert_eq!(quorum["quorate"], 0);

    for (version, expected) in [
        (PveVersion::V9_1, &["quorum", "fencing"][..]),
        (PveVersion::V8_4, &["quorum"]),
    ] {
        let fleet = start(PvePlan {
            nodes: 1,
            version,
            ..PvePlan::default()
        })
        .await;
        let entries = list(fleet.remote("cluster-a"), "/cluster/ha/status/current").await;
        let ids: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry["id"].as_str())
            .collect();
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn replication_fails_while_the_target_is_away() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let mut jobs = Vec::new();
    for node in ["pve1", "pve2", "pve3"] {
        jobs.extend(list(cluster, &format!("/nodes/{node}/replication")).await);
    }
    let configured = list(cluster, "/cluster/replication").await;
    assert_eq!(jobs.len(), configured.len());
    assert!(
        jobs.iter()
            .any(|job| job["fail_count"].as_i64() > Some(0) && job["error"].is_string())
    );
    let disabled = jobs.iter().find(|job| job["disable"] == 1).unwrap();
    assert_eq!(disabled["last_sync"], 0);
    let healthy = jobs
        .iter()
        .find(|job| job["fail_count"] == 0 && job["last_sync"].as_i64() > Some(0))
        .unwrap();
    let (source, target) = (
        healthy["source"].as_str().unwrap(),
        healthy["target"].as_str().unwrap(),
    );
    let path = format!(
        "/nodes/{source}/replication/{}/status",
        healthy["id"].as_str().unwrap()
    );
    let endpoint = source.trim_start_matches("pve").parse::<usize>().unwrap() - 1;
    assert_eq!(
        call(cluster, endpoint, Rights::Auditor, &path).await.data(),
        *healthy
    );
    cluster.set_fault(Fault::NodeOffline {
        node: target.into(),
    });
    fleet.clock().advance(Duration::from_secs(2 * 3_600));
    let failing = call(cluster, endpoint, Rights::Auditor, &path).await.data();
    assert!(failing["fail_count"].as_i64() >= Some(3));
    assert!(failing["last_sync"].as_i64() <= healthy["last_sync"].as_i64());
}

#[tokio::test]
async fn the_backup_jobs_cover_what_is_backed_up() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let jobs = list(cluster, "/cluster/backup").await;
    let nightly = jobs.iter().find(|job| job["all"] == 1).unwrap();
    let vmids = |list: &Value| -> BTreeSet<i64> {
        let vmids = list.as_str().unwrap().split(',');
        vmids.map(|vmid| vmid.parse().unwrap()).collect()
    };
    let missing = list(cluster, "/cluster/backup-info/not-backed-up").await;
    let missing: BTreeSet<i64> = missing
        .iter()
        .filter_map(|guest| guest["vmid"].as_i64())
        .collect();
    assert_eq!(vmids(&nightly["exclude"]), missing);
    let guests = resources(cluster).await;
    let in_pool = |pool: &Value| -> BTreeSet<i64> {
        let members = guests.iter().filter(|guest| guest["pool"] == *pool);
        members.filter_map(|guest| guest["vmid"].as_i64()).collect()
    };
    let enabled: Vec<_> = jobs.iter().filter(|job| job["enabled"] == 1).collect();
    let by_list = enabled.iter().find_map(|job| job.get("vmid").map(vmids));
    let by_pool = enabled.iter().find_map(|job| job.get("pool").map(in_pool));
    for taken in [by_list.unwrap(), by_pool.unwrap()] {
        assert!(!taken.is_empty() && taken.is_disjoint(&missing));
    }

    let analyze = "/cluster/jobs/schedule-analyze?schedule=02:00&iterations=3";
    let times = list(cluster, analyze).await;
    assert_eq!(times[0]["timestamp"], nightly["next-run"]);
    assert_eq!(times.len(), 3);
    until_the_night(&fleet);
    let jobs = list(cluster, "/cluster/backup").await;
    let later = jobs.iter().find(|job| job["all"] == 1).unwrap();
    assert!(later["next-run"].as_i64() > nightly["next-run"].as_i64());
}

#[tokio::test]
async fn schedules_are_refused_as_recorded() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    for (query, parameter, text) in [
        ("", "schedule", "property is missing and it is not optional"),
        (
            "?schedule=",
            "schedule",
            "invalid format - invalid calendar event '' - unable to parse calendar event - event is empty\n\n",
        ),
        (
            "?schedule=nonsense",
            "schedule",
            "invalid format - invalid calendar event 'nonsense' - unable to parse calendar event at 'nonsense' - Context(\"weekday\")\n\n",
        ),
        (
            "?schedule=daily&iterations=0",
            "iterations",
            "value must have a minimum value of 1",
        ),
    ] {
        let answer = get(cluster, &format!("/cluster/jobs/schedule-analyze{query}")).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["errors"][parameter], text, "{query}");
    }
}

#[tokio::test]
async fn a_qdevice_keeps_the_quorum_of_two_nodes() {
    for (qdevice, quorate) in [(true, 1), (false, 0)] {
        let fleet = start(PvePlan {
            nodes: 2,
            qdevice,
            ..PvePlan::default()
        })
        .await;
        let cluster = fleet.remote("cluster-a");
        let device = get(cluster, "/cluster/config/qdevice").await.data();
        assert_eq!(device["State"] == "Connected", qdevice);
        cluster.set_fault(Fault::NodeOffline {
            node: "pve2".into(),
        });
        let entries = list(cluster, "/cluster/ha/status/current").await;
        let quorum = entries.iter().find(|entry| entry["id"] == "quorum");
        assert_eq!(quorum.unwrap()["quorate"], quorate);
    }
}
