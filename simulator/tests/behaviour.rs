//! What answers do over time, as real servers were seen to do.

#![allow(clippy::unwrap_used)]

mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use client::{START, fleet, get, on_node, points, raw, resources, start};
use serde_json::Value;
use simulator::{Fault, Fleet, FleetPlan, PbsPlan, PbsVersion, PvePlan, PveVersion, RemotePlan};

#[tokio::test]
async fn a_dead_node_is_frozen_for_300_seconds_and_then_nameless() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let before = resources(cluster).await;
    cluster.set_fault(Fault::NodeOffline {
        node: "pve2".into(),
    });
    fleet.clock().advance(Duration::from_secs(280));
    let frozen = resources(cluster).await;
    let node = frozen
        .iter()
        .find(|entry| entry["id"] == "node/pve2")
        .unwrap();
    assert_eq!(node["status"], "offline");
    assert!(node.get("cpu").is_none() && node.get("maxcpu").is_some());
    for kind in ["qemu", "lxc"] {
        assert_eq!(
            on_node(&frozen, "pve2", kind),
            on_node(&before, "pve2", kind),
            "the last numbers stay"
        );
    }
    assert_ne!(
        on_node(&frozen, "pve1", "qemu"),
        on_node(&before, "pve1", "qemu")
    );
    fleet.clock().advance(Duration::from_secs(31));
    let gone = resources(cluster).await;
    let guests = on_node(&gone, "pve2", "qemu");
    assert!(!guests.is_empty());
    for guest in guests {
        assert_eq!(guest["status"], "unknown");
        assert!(guest.get("name").is_none() && guest.get("maxmem").is_none());
    }
    assert!(
        on_node(&gone, "pve2", "storage")
            .iter()
            .all(|storage| storage["status"] == "unknown")
    );
    assert_eq!(
        on_node(&gone, "pve2", "network"),
        on_node(&before, "pve2", "network"),
        "zones stay for ever"
    );
    assert_eq!(get(cluster, "/nodes/pve2/status").await.status, 595);
    let exported = points(cluster, "/cluster/metrics/export").await;
    assert!(
        exported.iter().all(|point| point["id"] != "node/pve2"),
        "silently left out"
    );
    cluster.clear_faults();
    let back = resources(cluster).await;
    assert_eq!(
        back.iter()
            .find(|entry| entry["id"] == "node/pve2")
            .unwrap()["status"],
        "online"
    );
}

#[tokio::test]
async fn a_dead_status_daemon_repeats_old_points_and_leaves_a_hole() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    cluster.set_fault(Fault::StatusDaemonDead {
        node: "pve1".into(),
    });
    fleet.clock().advance(Duration::from_secs(100));
    let now = START as i64 + 100;
    let repeated = points(cluster, "/cluster/metrics/export?local-only=1").await;
    assert!(
        repeated
            .iter()
            .all(|point| now - point["timestamp"].as_i64().unwrap() >= 99)
    );
    let entries = resources(cluster).await;
    assert_eq!(
        entries
            .iter()
            .find(|entry| entry["id"] == "node/pve1")
            .unwrap()["status"],
        "online"
    );
    let recent = format!(
        "/cluster/metrics/export?local-only=1&history=1&start-time={}",
        START as i64
    );
    assert!(points(cluster, &recent).await.is_empty());
    cluster.clear_faults();
    fleet.clock().advance(Duration::from_secs(20));
    let stamps: BTreeSet<i64> = points(cluster, &recent)
        .await
        .iter()
        .map(|point| point["timestamp"].as_i64().unwrap())
        .collect();
    assert!(
        !stamps.is_empty() && *stamps.first().unwrap() >= now,
        "nothing is filled in: {stamps:?}"
    );
}

#[tokio::test]
async fn history_is_read_from_a_start_that_is_exclusive() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let all = points(cluster, "/cluster/metrics/export?local-only=1&history=1").await;
    let stamps: Vec<i64> = all
        .iter()
        .map(|point| point["timestamp"].as_i64().unwrap())
        .collect();
    assert!(stamps.is_sorted());
    let newest = *stamps.last().unwrap();
    let path =
        |start: i64| format!("/cluster/metrics/export?local-only=1&history=1&start-time={start}");
    assert!(points(cluster, &path(newest)).await.is_empty());
    assert!(!points(cluster, &path(newest - 1)).await.is_empty());
    let future = get(cluster, &path(START as i64 + 3_600)).await;
    assert_eq!(
        (future.status, future.reason.as_str()),
        (500, "invalid value: integer -360, expected u32")
    );
    let pbs = fleet.remote("pbs-a");
    assert!(
        points(
            pbs,
            &format!("/status/metrics?history=1&start-time={}", START as i64 + 60)
        )
        .await
        .is_empty()
    );
    assert_eq!(
        points(pbs, "/status/metrics").await.len(),
        points(pbs, "/status/metrics?start-time=1").await.len()
    );
}

#[tokio::test]
async fn counters_grow_and_the_same_seed_gives_the_same_fleet() {
    let (one, two) = (fleet().await, fleet().await);
    let (here, there) = (
        resources(one.remote("cluster-a")).await,
        resources(two.remote("cluster-a")).await,
    );
    let names = |entries: &[Value]| {
        entries
            .iter()
            .map(|entry| format!("{}{}", entry["id"], entry["mem"]))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&here), names(&there));
    let node = |points: &[Value]| {
        let found = points
            .iter()
            .find(|point| point["id"] == "node/pve1" && point["metric"] == "net_in");
        found.unwrap()["value"].as_f64().unwrap()
    };
    let before = node(&points(one.remote("cluster-a"), "/cluster/metrics/export").await);
    one.clock().advance(Duration::from_secs(60));
    assert!(node(&points(one.remote("cluster-a"), "/cluster/metrics/export").await) > before);
}

#[tokio::test]
async fn guests_move_and_restart_in_time() {
    let fleet = start(PvePlan {
        guests: 200,
        ..PvePlan::default()
    })
    .await;
    let cluster = fleet.remote("cluster-a");
    let places = |entries: Vec<Value>| {
        let guests = entries
            .into_iter()
            .filter(|entry| entry.get("vmid").is_some());
        guests
            .map(|entry| {
                (
                    entry["id"].to_string(),
                    (
                        entry["node"].clone(),
                        entry["status"].clone(),
                        entry["uptime"].as_i64(),
                    ),
                )
            })
            .collect::<BTreeMap<_, _>>()
    };
    let before = places(resources(cluster).await);
    let (mut moved, mut restarted) = (false, false);
    for _ in 0..6 {
        fleet.clock().advance(Duration::from_secs(600));
        let after = places(resources(cluster).await);
        assert_eq!(after.len(), before.len());
        moved |= before.iter().any(|(id, guest)| after[id].0 != guest.0);
        restarted |= before.iter().any(|(id, guest)| after[id].2 < guest.2);
    }
    assert!(moved && restarted);
}

#[tokio::test]
async fn older_versions_know_less() {
    let pve = PvePlan {
        version: PveVersion::V8_4,
        auth_delay: Duration::ZERO,
        ..PvePlan::default()
    };
    let pbs = PbsPlan {
        version: PbsVersion::V3_4,
        auth_delay: Duration::ZERO,
        ..PbsPlan::default()
    };
    let remotes = vec![RemotePlan::Pve(pve), RemotePlan::Pbs(pbs)];
    let fleet = Fleet::start(FleetPlan {
        remotes,
        ..FleetPlan::default()
    })
    .await
    .unwrap();
    let cluster = fleet.remote("cluster-a");
    assert_eq!(
        get(cluster, "/cluster/metrics/export?node-list=pve1")
            .await
            .status,
        400
    );
    let entries = resources(cluster).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.get("memhost").is_none() && entry["type"] != "network")
    );
    assert!(
        entries
            .iter()
            .any(|entry| entry["id"] == "sdn/pve1/localnetwork")
    );
    let stores = get(fleet.remote("pbs-a"), "/admin/datastore").await.data();
    assert!(
        stores
            .as_array()
            .unwrap()
            .iter()
            .all(|store| store.get("backend-type").is_none())
    );
    let refused = raw(fleet.remote("pbs-a"), 0, "GET", "/api2/json/version", &[]).await;
    assert!(refused.header("set-cookie").is_empty());
}

#[tokio::test]
async fn names_that_break_careless_programs_are_there() {
    let fleet = start(PvePlan {
        running_ratio: 0.5,
        ..PvePlan::default()
    })
    .await;
    let entries = resources(fleet.remote("cluster-a")).await;
    let has = |key: &str, value: &str| entries.iter().any(|entry| entry[key] == value);
    assert!(
        has("name", "we\"ird\\name")
            && has("name", "VM 105")
            && has("status", "paused")
            && has("lock", "backup")
    );
    let everyone = start(PvePlan {
        running_ratio: 1.0,
        ..PvePlan::default()
    })
    .await;
    let entries = resources(everyone.remote("cluster-a")).await;
    let guests: Vec<_> = entries
        .iter()
        .filter(|entry| entry.get("vmid").is_some())
        .collect();
    assert_eq!(guests.len(), 60);
    assert!(
        guests
            .iter()
            .all(|guest| guest["status"] == "running" && guest["template"] == 0)
    );
}
