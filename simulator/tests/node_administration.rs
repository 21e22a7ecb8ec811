//! Packages, services, disks, networks and users, by rights and oddities.

#![allow(clippy::unwrap_used)]

mod client;

use client::{call, fleet, get, start};
use serde_json::Value;
use simulator::{Fault, PvePlan, Rights, SimulatedRemote};

async fn list(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    let data = get(remote, path).await.data();
    data.as_array().unwrap().clone()
}

#[tokio::test]
async fn updates_are_for_administrators() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let refused = get(cluster, "/nodes/pve2/apt/update").await;
    assert_eq!(
        (refused.status, refused.reason.as_str()),
        (403, "Permission check failed (/nodes/pve2, Sys.Modify)")
    );
    let updates = |node| async move {
        let path = format!("/nodes/{node}/apt/update");
        let answer = call(cluster, 0, Rights::Admin, &path).await;
        answer.data().as_array().unwrap().len()
    };
    assert_eq!(
        (
            updates("pve1").await,
            updates("pve2").await,
            updates("pve3").await
        ),
        (2, 3, 0)
    );
}

#[tokio::test]
async fn a_refusal_of_disks_names_no_path() {
    let fleet = fleet().await;
    let refused = call(
        fleet.remote("cluster-a"),
        0,
        Rights::Nothing,
        "/nodes/pve1/disks/list",
    )
    .await;
    assert_eq!(
        (refused.status, refused.reason.as_str()),
        (403, "Permission check failed")
    );
}

#[tokio::test]
async fn the_second_node_of_an_odd_cluster_loses_a_disk() {
    let odd = fleet().await;
    let healthy = start(PvePlan {
        oddities: false,
        ..PvePlan::default()
    })
    .await;
    for (fleet, disk, pool) in [(&odd, "FAILED", "DEGRADED"), (&healthy, "PASSED", "ONLINE")] {
        let cluster = fleet.remote("cluster-a");
        let disks = list(cluster, "/nodes/pve2/disks/list").await;
        let sdb = disks
            .iter()
            .find(|disk| disk["devpath"] == "/dev/sdb")
            .unwrap();
        assert_eq!(
            (&sdb["health"], &sdb["wearout"]),
            (&disk.into(), &"N/A".into())
        );
        let smart = get(cluster, "/nodes/pve2/disks/smart?disk=/dev/sdb")
            .await
            .data();
        assert_eq!(smart["health"], disk);
        assert_eq!(
            list(cluster, "/nodes/pve2/disks/zfs").await[0]["health"],
            pool
        );
        let tree = get(cluster, "/nodes/pve2/disks/zfs/tank").await.data();
        assert_eq!(tree["state"], pool);
        assert_eq!(tree.get("status").is_some(), pool == "DEGRADED");
    }
    let nvme = get(
        odd.remote("cluster-a"),
        "/nodes/pve1/disks/smart?disk=/dev/nvme0n1",
    )
    .await;
    assert!(
        nvme.data()["text"]
            .as_str()
            .unwrap()
            .contains("Percentage Used:")
    );
}

#[tokio::test]
async fn the_pool_of_an_odd_server_has_lost_a_device() {
    let fleet = fleet().await;
    let server = fleet.remote("pbs-a");
    let pool = list(server, "/nodes/localhost/disks/zfs").await.remove(0);
    assert_eq!(pool["health"], "DEGRADED");
    let status = get(server, "/nodes/localhost/disks/zfs/tank").await.data();
    assert_eq!(status["state"], pool["health"]);
    let devices = &status["children"][0]["children"][0]["children"];
    assert_eq!(devices[0]["state"], "ONLINE");
    assert_eq!(devices[1]["state"], "UNAVAIL");
    let unknown = get(server, "/nodes/localhost/disks/zfs/nosuch").await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn disks_of_a_server_tell_of_themselves_in_two_ways() {
    let fleet = fleet().await;
    let server = fleet.remote("pbs-a");
    let smart = |disk| async move {
        let path = format!("/nodes/localhost/disks/smart?disk={disk}");
        get(server, &path).await.data()
    };
    let raw = |smart: &Value, name: &str| {
        let attributes = smart["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|known| known["name"] == name);
        found.unwrap()["raw"].clone()
    };
    let nvme = smart("nvme0n1").await;
    assert_eq!(nvme["wearout"], 97.0);
    assert_eq!(raw(&nvme, "percentage_used"), "3");
    assert_eq!(nvme["attributes"][0].get("id"), None);
    let failing = smart("sdd").await;
    assert_eq!(failing["status"], "failed");
    assert_eq!(raw(&failing, "Reallocated_Sector_Ct"), "1944");
    assert_eq!(raw(&smart("sdc").await, "Reallocated_Sector_Ct"), "0");
}

#[tokio::test]
async fn every_machine_tells_its_time() {
    let fleet = fleet().await;
    for (remote, path) in [
        ("cluster-a", "/nodes/pve2/time"),
        ("pbs-a", "/nodes/localhost/time"),
    ] {
        let time = get(fleet.remote(remote), path).await.data();
        let now = fleet.clock().now() as i64;
        assert!((now - time["time"].as_i64().unwrap()).abs() <= 5, "{path}");
        assert_eq!(time["time"], time["localtime"], "{path}");
    }
}

#[tokio::test]
async fn a_dead_status_daemon_is_a_dead_service() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let state = || async {
        let services = list(cluster, "/nodes/pve1/services").await;
        let daemon = services
            .iter()
            .find(|service| service["service"] == "pvestatd");
        daemon.unwrap()["state"].clone()
    };
    assert_eq!(state().await, "running");
    cluster.set_fault(Fault::StatusDaemonDead {
        node: "pve1".into(),
    });
    assert_eq!(state().await, "dead");
}

#[tokio::test]
async fn users_networks_and_options_are_shown_to_auditors() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let users = list(cluster, "/access/users?full=1").await;
    let admin = users
        .iter()
        .find(|user| user["userid"] == "admin@pve")
        .unwrap();
    assert!(admin["tokens"][0]["expire"].as_i64() > Some(0));
    let enabled = list(cluster, "/access/users?enabled=0").await;
    assert_eq!(enabled.len(), 1);
    let deleted = list(cluster, "/cluster/sdn/vnets?pending=1").await;
    assert!(deleted.iter().any(|vnet| vnet["state"] == "deleted"));
    for path in [
        "/access/users",
        "/cluster/sdn/vnets",
        "/nodes/pve1/sdn/zones",
    ] {
        let answer = call(cluster, 0, Rights::Nothing, path).await;
        assert_eq!(answer.data(), Value::Array(Vec::new()), "{path}");
    }
}
