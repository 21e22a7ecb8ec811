//! Ceph as it was planned, and what a dead node does to it.

#![allow(clippy::unwrap_used)]

mod client;

use client::{call, fleet, get, start};
use serde_json::Value;
use simulator::{CephCheck, CephPlan, CephSeverity, Fault, PvePlan, Rights, SimulatedRemote};

const CALLS: [&str; 5] = [
    "/cluster/ceph/status",
    "/cluster/ceph/flags",
    "/cluster/ceph/metadata",
    "/nodes/pve1/ceph/osd",
    "/nodes/pve1/ceph/pool",
];

async fn with(ceph: CephPlan) -> simulator::Fleet {
    start(PvePlan {
        ceph: Some(ceph),
        ..PvePlan::default()
    })
    .await
}

async fn status(cluster: &SimulatedRemote) -> Value {
    get(cluster, "/cluster/ceph/status").await.data()
}

/// The OSDs of the CRUSH tree.
async fn osds(cluster: &SimulatedRemote) -> Vec<Value> {
    let tree = get(cluster, "/nodes/pve1/ceph/osd").await.data();
    let hosts = tree["root"]["children"][0]["children"].as_array().unwrap();
    let of_host = |host: &Value| host["children"].as_array().unwrap().clone();
    hosts.iter().flat_map(of_host).collect()
}

/// The sum of a column.
fn sum(rows: &[Value], field: &str) -> i64 {
    rows.iter().map(|row| row[field].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn without_it_nothing_is_installed() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    for path in CALLS {
        let answer = get(cluster, path).await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (500, "binary not installed: /usr/bin/ceph-mon"),
            "{path}"
        );
    }
    let versions = get(cluster, "/cluster/ceph/metadata?scope=versions").await;
    assert_eq!(versions.data(), Value::Object(serde_json::Map::new()));
}

#[tokio::test]
async fn who_may_not_audit_learns_nothing() {
    let fleet = with(CephPlan::default()).await;
    for path in CALLS {
        let answer = call(fleet.remote("cluster-a"), 0, Rights::Nothing, path).await;
        assert_eq!(answer.status, 403, "{path}");
    }
}

#[tokio::test]
async fn what_is_planned_healthy_adds_up() {
    let fleet = with(CephPlan::default()).await;
    let cluster = fleet.remote("cluster-a");
    let status = status(cluster).await;
    assert_eq!(status["health"]["status"], "HEALTH_OK");
    assert_eq!(status["quorum_names"].as_array().unwrap().len(), 3);
    assert_eq!(status["mgrmap"]["standbys"].as_array().unwrap().len(), 2);
    let groups = &status["pgmap"];
    assert_eq!(groups["pgs_by_state"][0]["state_name"], "active+clean");
    assert_eq!(groups["pgs_by_state"][0]["count"], groups["num_pgs"]);
    assert_eq!(groups.get("degraded_objects"), None);
    let osds = osds(cluster).await;
    assert_eq!(osds.len(), 12);
    assert_eq!(sum(&osds, "pgs"), 3 * groups["num_pgs"].as_i64().unwrap());
    assert_eq!(
        sum(&osds, "total_space"),
        groups["bytes_total"].as_i64().unwrap()
    );
    let pools = get(cluster, "/nodes/pve2/ceph/pool").await.data();
    let pools = pools.as_array().unwrap();
    assert_eq!(sum(pools, "pg_num"), groups["num_pgs"].as_i64().unwrap());
    assert_eq!(
        sum(pools, "bytes_used"),
        groups["bytes_used"].as_i64().unwrap()
    );
}

#[tokio::test]
async fn an_osd_that_is_down_leaves_groups_degraded_and_one_that_is_out_moves_them() {
    let fleet = with(CephPlan {
        osds_down: vec![1],
        osds_out: vec![5],
        ..CephPlan::default()
    })
    .await;
    let cluster = fleet.remote("cluster-a");
    let osds = osds(cluster).await;
    assert_eq!(
        (&osds[1]["status"], &osds[1]["in"]),
        (&"down".into(), &1.into())
    );
    assert_eq!(
        (&osds[5]["status"], &osds[5]["in"]),
        (&"up".into(), &0.into())
    );
    assert_eq!(osds[5]["pgs"], 0);
    let status = status(cluster).await;
    assert_eq!(status["osdmap"]["num_up_osds"], 11);
    assert_eq!(status["osdmap"]["num_in_osds"], 11);
    let checks = &status["health"]["checks"];
    assert_eq!(checks["OSD_DOWN"]["summary"]["count"], 1);
    assert_eq!(checks["PG_DEGRADED"]["severity"], "HEALTH_WARN");
    for field in [
        "degraded_objects",
        "misplaced_objects",
        "recovering_bytes_per_sec",
    ] {
        assert!(status["pgmap"][field].as_i64().unwrap() > 0, "{field}");
    }
}

#[tokio::test]
async fn flags_are_told_by_their_names_and_warned_of() {
    let fleet = with(CephPlan {
        flags: vec!["noout".into(), "pause".into()],
        ..CephPlan::default()
    })
    .await;
    let cluster = fleet.remote("cluster-a");
    let flags = get(cluster, "/cluster/ceph/flags").await.data();
    let flags = flags.as_array().unwrap();
    let set: Vec<_> = flags.iter().filter(|flag| flag["value"] == 1).collect();
    assert_eq!((flags.len(), set.len()), (11, 2));
    let tree = get(cluster, "/nodes/pve1/ceph/osd").await.data();
    assert!(
        tree["flags"]
            .as_str()
            .unwrap()
            .ends_with("noout,pauserd,pausewr")
    );
    let status = status(cluster).await;
    let check = &status["health"]["checks"]["OSDMAP_FLAGS"];
    assert_eq!(
        check["summary"]["message"],
        "noout,pauserd,pausewr flag(s) set"
    );
    assert_eq!(status["pgmap"].get("write_bytes_sec"), None);
}

#[tokio::test]
async fn a_check_that_is_muted_does_not_make_the_health() {
    let check = |is_muted, severity| CephCheck {
        code: "POOL_FULL".into(),
        severity,
        message: "1 pool(s) full".into(),
        is_muted,
    };
    for (check, health) in [
        (check(true, CephSeverity::Error), "HEALTH_OK"),
        (check(false, CephSeverity::Warning), "HEALTH_WARN"),
        (check(false, CephSeverity::Error), "HEALTH_ERR"),
    ] {
        let is_muted = check.is_muted;
        let fleet = with(CephPlan {
            checks: vec![check],
            ..CephPlan::default()
        })
        .await;
        let status = status(fleet.remote("cluster-a")).await;
        assert_eq!(status["health"]["status"], health);
        assert_eq!(status["health"]["checks"]["POOL_FULL"]["muted"], is_muted);
    }
}

#[tokio::test]
async fn a_dead_node_takes_its_part_with_it_and_two_take_the_quorum() {
    let fleet = with(CephPlan::default()).await;
    let cluster = fleet.remote("cluster-a");
    let die = |node: &str| Fault::NodeOffline { node: node.into() };
    cluster.set_fault(die("pve3"));
    let status = status(cluster).await;
    assert_eq!(status["osdmap"]["num_up_osds"], 8);
    assert_eq!(
        status["health"]["checks"]["OSD_DOWN"]["summary"]["count"],
        4
    );
    assert_eq!(
        status["health"]["checks"]["MON_DOWN"]["summary"]["count"],
        1
    );
    assert_eq!(status["monmap"]["mons"].as_array().unwrap().len(), 3);
    cluster.set_fault(die("pve2"));
    let answer = get(cluster, "/cluster/ceph/status").await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (500, "rados_connect failed - Connection timed out")
    );
}
