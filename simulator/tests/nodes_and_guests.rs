//! What a node tells of its guests and storages.

#![allow(clippy::unwrap_used)]

mod client;

use std::time::Duration;

use client::{call, fleet, get, on_node, resources, start};
use serde_json::Value;
use simulator::{BackupStorage, Fault, PvePlan, PveVersion, Rights, SimulatedRemote};

async fn list(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    get(remote, path).await.data().as_array().unwrap().clone()
}

fn on_every_node(entries: &[Value], kind: &str) -> Vec<Value> {
    ["pve1", "pve2", "pve3"]
        .iter()
        .flat_map(|node| on_node(entries, node, kind))
        .collect()
}

fn big() -> PvePlan {
    PvePlan {
        guests: 300,
        ..PvePlan::default()
    }
}

#[tokio::test]
async fn the_lists_of_the_nodes_are_those_of_the_cluster() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let known = resources(cluster).await;
    for node in ["pve1", "pve2", "pve3"] {
        for kind in ["qemu", "lxc"] {
            let mut here: Vec<i64> = list(cluster, &format!("/nodes/{node}/{kind}"))
                .await
                .iter()
                .map(|guest| guest["vmid"].as_i64().unwrap())
                .collect();
            here.sort_unstable();
            let there: Vec<i64> = on_node(&known, node, kind)
                .iter()
                .map(|guest| guest["vmid"].as_i64().unwrap())
                .collect();
            assert_eq!(here, there, "{node} {kind}");
        }
    }
}

#[tokio::test]
async fn devices_make_up_the_totals_and_never_fall() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let sum = |devices: &Value, key: &str| -> i64 {
        let devices = devices.as_object().unwrap();
        devices.values().map(|one| one[key].as_i64().unwrap()).sum()
    };
    let before = list(cluster, "/nodes/pve1/qemu?full=1").await;
    fleet.clock().advance(Duration::from_secs(30));
    let after = list(cluster, "/nodes/pve1/qemu?full=1").await;
    let mut compared = 0;
    for now in after.iter().filter(|guest| guest["status"] == "running") {
        assert_eq!(sum(&now["nics"], "netin"), now["netin"].as_i64().unwrap());
        assert_eq!(
            sum(&now["blockstat"], "rd_bytes"),
            now["diskread"].as_i64().unwrap()
        );
        let then = before.iter().find(|guest| guest["vmid"] == now["vmid"]);
        let Some(then) = then.filter(|then| {
            then["status"] == "running" && then["uptime"].as_i64() < now["uptime"].as_i64()
        }) else {
            continue;
        };
        for (disk, numbers) in now["blockstat"].as_object().unwrap() {
            for (key, value) in numbers.as_object().unwrap() {
                let old = &then["blockstat"][disk][key];
                assert!(value.as_i64() >= old.as_i64(), "{disk} {key}");
            }
        }
        compared += 1;
    }
    assert!(compared > 3);
}

#[tokio::test]
async fn a_paused_vm_is_running_and_told_by_qmpstatus_only() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let known = resources(cluster).await;
    let paused = known
        .iter()
        .find(|guest| guest["status"] == "paused")
        .unwrap();
    let path = format!(
        "/nodes/{}/qemu/{}/status/current",
        paused["node"].as_str().unwrap(),
        paused["vmid"]
    );
    let current = get(cluster, &path).await.data();
    assert_eq!(
        (&current["status"], &current["qmpstatus"]),
        (&"running".into(), &"paused".into())
    );
}

#[tokio::test]
async fn one_sick_container_breaks_the_list_of_its_node() {
    let fleet = start(big()).await;
    let cluster = fleet.remote("cluster-a");
    let containers = list(cluster, "/nodes/pve1/lxc").await;
    cluster.set_fault(Fault::ListBroken {
        node: "pve1".into(),
    });
    let broken = get(cluster, "/nodes/pve1/lxc").await;
    assert_eq!(broken.status, 500);
    assert_eq!(broken.reason, "short read on command socket (16 != 0)");
    assert_eq!(get(cluster, "/nodes/pve2/lxc").await.status, 200);
    assert_eq!(get(cluster, "/nodes/pve1/qemu").await.status, 200);
    let mut sick = 0;
    for container in &containers {
        let path = format!("/nodes/pve1/lxc/{}/status/current", container["vmid"]);
        sick += usize::from(get(cluster, &path).await.status == 500);
    }
    assert_eq!(sick, 1);
}

#[tokio::test]
async fn a_guest_is_asked_for_where_it_is() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    for (path, status, text) in [
        (
            "/nodes/pve1/qemu/999/config",
            500,
            "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
        ),
        (
            "/nodes/pve2/lxc/999/pending",
            500,
            "Configuration file 'nodes/pve2/lxc/999.conf' does not exist",
        ),
        (
            "/nodes/pve1/qemu/abc/config",
            400,
            "Parameter verification failed.",
        ),
        (
            "/nodes/pve1/qemu/5/snapshot",
            400,
            "Parameter verification failed.",
        ),
    ] {
        let answer = get(cluster, path).await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (status, text),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_narrow_token_sees_its_own_guest() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let known = resources(cluster).await;
    let own = known.iter().find(|entry| entry["vmid"] == 100).unwrap();
    let (node, kind) = (own["node"].as_str().unwrap(), own["type"].as_str().unwrap());
    let narrow = async |path: String| call(cluster, 0, Rights::Narrow, &path).await;
    let list = narrow(format!("/nodes/{node}/{kind}")).await.data();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        narrow(format!("/nodes/{node}/{kind}/100/config"))
            .await
            .status,
        200
    );
    let other = narrow(format!("/nodes/{node}/{kind}/101/config")).await;
    assert_eq!(other.reason, "Permission check failed (/vms/101, VM.Audit)");
    let backups = narrow("/nodes/pve1/storage/nas/content".into()).await;
    assert_eq!(
        backups.reason,
        "Permission check failed (/storage/nas, Datastore.Audit|Datastore.AllocateSpace)"
    );
}

#[tokio::test]
async fn changes_wait_for_the_next_start_of_some_vms() {
    let fleet = start(big()).await;
    let cluster = fleet.remote("cluster-a");
    let (mut changed, mut added, mut deleted) = (0, 0, 0);
    for vm in on_every_node(&resources(cluster).await, "qemu") {
        let path = format!(
            "/nodes/{}/qemu/{}",
            vm["node"].as_str().unwrap(),
            vm["vmid"]
        );
        let lines = list(cluster, &format!("{path}/pending")).await;
        let Some(line) = lines
            .iter()
            .find(|line| line.get("pending").is_some() || line.get("delete").is_some())
        else {
            continue;
        };
        let key = line["key"].as_str().unwrap();
        let next = get(cluster, &format!("{path}/config")).await.data();
        let now = get(cluster, &format!("{path}/config?current=1"))
            .await
            .data();
        assert_eq!(now.get(key), line.get("value"));
        assert_eq!(next[key], line.get("pending").cloned().unwrap_or_default());
        changed += usize::from(line.get("pending").is_some());
        added += usize::from(line.get("value").is_none());
        deleted += usize::from(line.get("delete").is_some());
    }
    assert!(
        changed > added && added > 0 && deleted > 0,
        "{changed} {added} {deleted}"
    );
}

#[tokio::test]
async fn snapshots_descend_from_one_another() {
    let fleet = start(big()).await;
    let cluster = fleet.remote("cluster-a");
    let mut longest = 0;
    for vm in list(cluster, "/nodes/pve1/qemu").await {
        let path = format!("/nodes/pve1/qemu/{}/snapshot", vm["vmid"]);
        let snapshots = list(cluster, &path).await;
        let (current, older) = snapshots.split_last().unwrap();
        assert_eq!(current["name"], "current");
        longest = longest.max(older.len());
        let newest = older
            .iter()
            .max_by_key(|snapshot| snapshot["snaptime"].as_i64());
        let newest = newest.map_or(&Value::Null, |snapshot| &snapshot["name"]);
        assert_eq!(current.get("parent").unwrap_or(&Value::Null), newest);
    }
    assert!(longest > 1);
}

#[tokio::test]
async fn a_backup_server_is_a_storage_of_every_node() {
    let fleet = start(PvePlan {
        backup_servers: vec![BackupStorage {
            storage: "offsite".into(),
            server: "pbs.example".into(),
            datastore: "vault".into(),
            namespace: Some("cluster-a".into()),
            username: "backup@pbs!pve".into(),
            ..BackupStorage::default()
        }],
        ..PvePlan::default()
    })
    .await;
    let cluster = fleet.remote("cluster-a");
    let known = resources(cluster).await;
    let nodes = known.iter().filter(|entry| entry["storage"] == "offsite");
    assert_eq!(nodes.count(), 3);
    let configured = list(cluster, "/storage?type=pbs").await;
    assert_eq!(configured.len(), 1);
    assert_eq!(configured[0]["namespace"], "cluster-a");
    assert!(configured[0].get("port").is_none() && configured[0].get("fingerprint").is_none());
    let path = "/nodes/pve2/storage/offsite/content?content=backup";
    let backups = call(cluster, 0, Rights::Admin, path).await.data();
    let backups = backups.as_array().unwrap();
    assert!(backups.iter().any(|backup| backup["format"] == "pbs-ct"));
    assert!(
        backups
            .iter()
            .any(|backup| backup["verification"]["state"] == "ok")
    );
}

#[tokio::test]
async fn an_inactive_storage_has_no_numbers() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let storages = list(cluster, "/nodes/pve1/storage").await;
    let find = |name: &str| {
        storages
            .iter()
            .find(|entry| entry["storage"] == name)
            .unwrap()
    };
    let (nas, attic, retired) = (find("nas"), find("attic"), find("retired"));
    assert!(nas["total"].as_i64() > nas["used"].as_i64() && nas.get("used_fraction").is_some());
    assert_eq!(
        (&attic["active"], &attic["enabled"], &attic["total"]),
        (&0.into(), &1.into(), &0.into())
    );
    assert!(attic.get("used_fraction").is_none());
    assert_eq!(retired["enabled"], 0);
    for (name, text) in [
        ("attic", "storage 'attic' is not online"),
        ("retired", "storage 'retired' is disabled"),
        ("nosuch", "storage 'nosuch' does not exist"),
    ] {
        let path = format!("/nodes/pve1/storage/{name}/content?content=backup");
        assert_eq!(get(cluster, &path).await.reason, text);
    }
}

#[tokio::test]
async fn an_auditor_learns_of_backups_from_pruning_only() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let content = "/nodes/pve1/storage/nas/content?content=backup";
    assert!(list(cluster, content).await.is_empty());
    let all = call(cluster, 0, Rights::Admin, content).await.data();
    let prune = "/nodes/pve1/storage/nas/prunebackups?prune-backups=keep-all%3D1";
    let seen = list(cluster, prune).await;
    assert_eq!(seen.len(), all.as_array().unwrap().len());
    assert!(seen.iter().all(|backup| backup["mark"] != "remove"));
    let guests = resources(cluster).await;
    let orphans = seen
        .iter()
        .filter(|backup| guests.iter().all(|guest| guest["vmid"] != backup["vmid"]));
    assert_eq!(orphans.count(), 1);
    let newest = |backups: &[Value]| {
        let times = backups
            .iter()
            .map(|backup| backup["ctime"].as_i64().unwrap());
        times.max().unwrap()
    };
    fleet.clock().advance(Duration::from_secs(86_400));
    assert_eq!(newest(&list(cluster, prune).await), newest(&seen) + 86_400);
    let fewer = list(cluster, &prune.replace("keep-all", "keep-last")).await;
    assert!(fewer.iter().any(|backup| backup["mark"] == "remove"));
    let unknown = get(cluster, &prune.replace("keep-all", "keep-foo")).await;
    assert_eq!(unknown.status, 400);
    let none = get(cluster, "/nodes/pve1/storage/nas/prunebackups").await;
    assert_eq!(
        none.reason,
        "no prune-backups options configured for storage 'nas'"
    );
}

#[tokio::test]
async fn the_history_of_a_dead_node_ends_and_can_still_be_read() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    fleet.clock().advance(Duration::from_secs(30));
    cluster.set_fault(Fault::NodeOffline {
        node: "pve2".into(),
    });
    fleet.clock().advance(Duration::from_secs(600));
    let rows = list(cluster, "/nodes/pve2/rrddata?timeframe=hour&cf=AVERAGE").await;
    assert_eq!(rows.len(), 60);
    assert!(
        rows.iter()
            .all(|row| row["time"].as_i64().unwrap() % 60 == 0)
    );
    let empty = rows.iter().rev().take_while(|row| row.get("cpu").is_none());
    assert_eq!(empty.count(), 10);
    let missing = get(cluster, "/nodes/pve1/rrddata").await;
    assert_eq!(
        missing.json()["errors"]["timeframe"],
        "property is missing and it is not optional"
    );
}

#[tokio::test]
async fn agents_answer_refuse_or_are_silent() {
    let fleet = start(big()).await;
    let cluster = fleet.remote("cluster-a");
    let (mut told, mut refused, mut absent) = (0, 0, 0);
    for vm in list(cluster, "/nodes/pve1/qemu").await {
        // A silent one takes three seconds.
        if refused > 0 && told > 0 && absent > 0 {
            break;
        }
        let path = format!("/nodes/pve1/qemu/{}/agent/get-fsinfo", vm["vmid"]);
        let answer = get(cluster, &path).await;
        match (answer.status, answer.reason.as_str()) {
            (200, _) if answer.json()["data"]["result"].is_array() => told += 1,
            (200, _) => refused += 1,
            (_, "No QEMU guest agent configured") => absent += 1,
            (status, reason) => assert_eq!(status, 500, "{reason}"),
        }
    }
    assert!(told > 0 && refused > 0 && absent > 0);
}

#[tokio::test]
async fn an_old_cluster_has_no_pressure_and_other_privileges() {
    let fleet = start(PvePlan {
        version: PveVersion::V8_4,
        ..PvePlan::default()
    })
    .await;
    let cluster = fleet.remote("cluster-a");
    for kind in ["qemu?full=1", "lxc"] {
        for guest in list(cluster, &format!("/nodes/pve1/{kind}")).await {
            let fields = guest.as_object().unwrap();
            assert!(
                fields
                    .keys()
                    .all(|key| !key.starts_with("pressure") && key != "memhost")
            );
        }
    }
    let vms = list(cluster, "/nodes/pve1/qemu").await;
    let vmid = &vms[0]["vmid"];
    let agent = get(
        cluster,
        &format!("/nodes/pve1/qemu/{vmid}/agent/get-osinfo"),
    )
    .await;
    assert_eq!(
        agent.reason,
        format!("Permission check failed (/vms/{vmid}, VM.Monitor)")
    );
    let rows = list(cluster, "/nodes/pve1/rrddata?timeframe=hour").await;
    assert_eq!(rows.len(), 70);
    let decade = get(cluster, "/nodes/pve1/rrddata?timeframe=decade").await;
    assert_eq!(decade.status, 400);
}
