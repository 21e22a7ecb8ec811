//! Keys, types and optionality of answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use simulator::{Fault, Rights, SimulatedRemote};

use crate::client::{call, get, on_node, resources};
use crate::shape::Shape;
use crate::{fleet, recording, reference};

/// Where the simulator differs, and why. `shape` is a prefix of what the comparison prints.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "/cluster/resources [qemu:paused]",
        "pve-manager shows it; the recording was made before the pause reached a broadcast",
    ),
    (
        "/cluster/resources [lxc:",
        "tags, pools and HA are given to containers as to VMs; the lab had no such container in each state",
    ),
    (
        "/nodes/pve1/qemu?full=1 [stopped].lock",
        "recorded in the list without `full`",
    ),
    (
        "/nodes/pve1/lxc [lxc:stopped]",
        "tags and templates as with VMs; the lab's only stopped container had neither",
    ),
    (
        "/nodes/{node}/lxc/{vmid}/status/current .template",
        "the lab had no container as a template",
    ),
    (
        "/nodes/{node}/lxc/{vmid}/config .parent",
        "as with VMs; the lab's containers could not be snapshotted",
    ),
    (
        "/nodes/{node}/lxc/{vmid}/config .protection",
        "in the schema; no container of the lab was protected while it was asked",
    ),
    ("/nodes/{node}/lxc/{vmid}/config .startup", "as with VMs"),
    (
        "/nodes/{node}/lxc/{vmid}/config .template",
        "the lab had no container as a template",
    ),
    (
        "/nodes/{node}/qemu/{vmid}/config .protection",
        "in the schema; no VM of the lab was protected while it was asked",
    ),
    (
        "/nodes/{node}/qemu/{vmid}/config .virtio*",
        "as scsi*, by the same code",
    ),
    (
        "/nodes/{node}/lxc/{vmid}/snapshot [snapshot]",
        "the lab's containers could not be snapshotted",
    ),
    (
        "/nodes/{node}/lxc/{vmid}/snapshot [].parent",
        "as with VMs; the lab's containers could not be snapshotted",
    ),
    (
        "/nodes/pve1/storage/nas/prunebackups?prune-backups=keep-last%3D1 [qemu]",
        "VM backups failed in the lab",
    ),
    (
        "/nodes/pve1/storage/nas/content?content=backup [].protected",
        "no backup of the lab was protected",
    ),
    (
        "/nodes/localhost/disks/list ",
        "the lab had a virtual disk, which has neither model nor serial nor wear",
    ),
    (
        "/nodes/{node}/tasks/{upid}/status .tokenid",
        "each task of the lab whose status was asked was a token's",
    ),
    (
        "/cluster/backup [vzdump].all",
        "in the schema; the lab's jobs took single guests and a pool",
    ),
    (
        "/cluster/backup [vzdump].exclude",
        "in the schema; the lab's jobs took single guests and a pool",
    ),
    (
        "/nodes/pve1/apt/versions [].ManagerVersion",
        "in the schema; pve-manager was not installed as a package in the lab",
    ),
    (
        "/nodes/pve1/apt/versions [].RunningKernel",
        "in the schema; proxmox-ve was not installed as a package in the lab",
    ),
    (
        "/nodes/pve1/apt/repositories .standard-repos[].status",
        "in the schema; no repository of Proxmox was configured in the lab",
    ),
    (
        "/nodes/pve2/disks/list [disk].mounted",
        "the lab had one disk, which was mounted",
    ),
    (
        "/nodes/pve2/disks/list [disk].used",
        "the lab had one disk, which was mounted",
    ),
    (
        "/nodes/pve2/disks/list [disk].wearout",
        "a number for an SSD, by pve-storage: `PVE/Diskmanage.pm`; the lab had a virtual disk",
    ),
    (
        "/nodes/pve1/network [eth].active",
        "the lab had one interface, which was connected",
    ),
];

fn answers_are_empty(answers: &[Value]) -> bool {
    answers
        .iter()
        .all(|answer| answer["data"].as_array().is_none_or(Vec::is_empty))
}

fn compare(folder: &Path, path: &str, answers: &[Value], files: &[&str]) -> Vec<String> {
    let (mut simulated, mut real) = (Shape::default(), Shape::default());
    for answer in answers {
        simulated.add(&format!("{path} "), answer);
    }
    for file in files {
        real.add(
            &format!("{path} "),
            &recording(folder, file)["body"]["data"],
        );
    }
    let mut found = simulated.differences(&real);
    if path.contains("metrics") {
        // Which metrics an object has is part of the shape as well.
        let missing = real
            .objects
            .keys()
            .filter(|place| !simulated.objects.contains_key(*place) && !answers_are_empty(answers));
        found.extend(missing.map(|place| format!("{place}: recorded, and never simulated")));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_shape_of_the_recorded_ones() {
    let Some(folder) = reference() else { return };
    let fleet = fleet().await;
    let (pve, pbs) = (fleet.remote("lab"), fleet.remote("pbs1"));
    let mut found = Vec::new();
    let healthy = [
        "/cluster/resources",
        "/nodes",
        "/cluster/status",
        "/cluster/metrics/export",
    ];
    let mut answers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for path in healthy {
        answers
            .entry(path)
            .or_default()
            .push(get(pve, path).await.data());
    }
    // A dead node, at once and after its data went stale.
    pve.set_fault(Fault::NodeOffline {
        node: "pve2".into(),
    });
    for advance in [60, 400] {
        fleet.clock().advance(Duration::from_secs(advance));
        for path in healthy {
            answers
                .entry(path)
                .or_default()
                .push(get(pve, path).await.data());
        }
    }
    pve.clear_faults();
    pve.set_fault(Fault::StatusDaemonDead {
        node: "pve3".into(),
    });
    fleet.clock().advance(Duration::from_secs(400));
    for path in healthy {
        answers
            .entry(path)
            .or_default()
            .push(get(pve, path).await.data());
    }
    pve.clear_faults();
    let scenario = |what: &str| {
        ["node-down", "node-down-6min", "noquorum", "statd-dead"]
            .map(|name| format!("pve/60-scenarios/{name}-{what}.json"))
            .to_vec()
    };
    for (path, what, more) in [
        (
            "/cluster/resources",
            "resources",
            &[
                "pve/20-state/cluster-resources.json",
                "pve/60-scenarios/locked-vm-resources.json",
                "pve/65-scale-1000-guests/resources.json",
            ][..],
        ),
        ("/nodes", "nodes", &["pve/20-state/nodes.json"][..]),
        (
            "/cluster/status",
            "cluster-status",
            &["pve/20-state/cluster-status.json"][..],
        ),
        (
            "/cluster/metrics/export",
            "metrics-export",
            &["pve/20-state/cluster-metrics-export.json"][..],
        ),
    ] {
        let scenarios = scenario(what);
        let files: Vec<&str> = scenarios
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        found.extend(compare(&folder, path, &answers[path], &files));
    }
    for (rights, path, file) in [
        (Rights::Auditor, "/version", "20-state/version.json"),
        (
            Rights::Auditor,
            "/cluster/config/nodes",
            "20-state/cluster-config-nodes.json",
        ),
        (
            Rights::Auditor,
            "/access/permissions",
            "20-state/access-permissions.json",
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/status",
            "21-node-pve1/nodes-pve1-status.json",
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/time",
            "21-node-pve1/nodes-pve1-time.json",
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/certificates/info",
            "21-node-pve1/nodes-pve1-certificates-info.json",
        ),
        (
            Rights::Auditor,
            "/cluster/backup-info/not-backed-up",
            "20-state/cluster-backup-info-not-backed-up.json",
        ),
        (
            Rights::Auditor,
            "/cluster/resources?type=sdn",
            "20-state/cluster-resources-type-sdn.json",
        ),
        (
            Rights::Nothing,
            "/cluster/resources",
            "30-filtered/nobody-resources.json",
        ),
        (Rights::Nothing, "/nodes", "30-filtered/nobody-nodes.json"),
        (
            Rights::Nothing,
            "/access/permissions",
            "30-filtered/nobody-permissions.json",
        ),
        (
            Rights::Narrow,
            "/cluster/resources",
            "30-filtered/limited-resources.json",
        ),
        (
            Rights::Narrow,
            "/access/permissions",
            "30-filtered/limited-permissions.json",
        ),
    ] {
        let answer = call(pve, 0, rights, path).await.data();
        found.extend(compare(&folder, path, &[answer], &[&format!("pve/{file}")]));
    }
    found.extend(nodes_and_guests(&folder, pve).await);
    found.extend(administration(&folder, pve).await);
    for (rights, path, files) in [
        (Rights::Auditor, "/version", &["version"][..]),
        (Rights::Auditor, "/ping", &["ping"][..]),
        (
            Rights::Auditor,
            "/access/permissions",
            &["access-permissions"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore",
            &["admin-datastore"][..],
        ),
        (Rights::Auditor, "/status/metrics", &["metrics"][..]),
        (
            Rights::Auditor,
            "/status/datastore-usage",
            &["datastore-usage", "prefilled-datastore-usage"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/status",
            &["node-status"][..],
        ),
        (Rights::Auditor, "/nodes/localhost/time", &["node-time"][..]),
        (
            Rights::Auditor,
            "/admin/datastore/vault/status",
            &["ds-store1-status"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/vault/status?verbose=1",
            &["ds-store1-status-verbose"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/frozen/status?verbose=1",
            &["special-readonlyds-status-verbose"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/bucket/status",
            &["special-s3ds-status"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/bucket/status?verbose=1",
            &["special-s3ds-status-verbose"][..],
        ),
        (
            Rights::Narrow,
            "/access/permissions",
            &["limited-permissions"][..],
        ),
        (
            Rights::Narrow,
            "/admin/datastore",
            &["limited-admin-datastore", "admin-datastore"][..],
        ),
        (Rights::Narrow, "/status/metrics", &["limited-metrics"][..]),
        (
            Rights::Narrow,
            "/status/datastore-usage",
            &["limited-datastore-usage"][..],
        ),
        (
            Rights::Narrow,
            "/admin/datastore/vault/status?verbose=1",
            &["limited-ds-status-verbose"][..],
        ),
        (
            Rights::Nothing,
            "/status/datastore-usage",
            &["nopriv-datastore-usage"][..],
        ),
        (
            Rights::Separated,
            "/access/permissions",
            &["split-permissions"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/vault/namespace",
            &["ds-store1-namespace"][..],
        ),
        (
            Rights::Narrow,
            "/admin/datastore/vault/namespace",
            &["limited-ds-namespace"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/vault/groups",
            &["ds-store1-groups"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/vault/groups?ns=prod",
            &["ds-store1-groups-ns-prod"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/vault/snapshots",
            &["ds-store1-snapshots"][..],
        ),
        (
            Rights::Narrow,
            "/admin/datastore/vault/snapshots?ns=prod",
            &["limited-ds-snapshots-ns", "ds-store1-snapshots"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/frozen/snapshots",
            &["special-readonlyds-snapshots"][..],
        ),
        (Rights::Auditor, "/admin/gc", &["admin-gc"][..]),
        (Rights::Narrow, "/admin/gc", &["limited-admin-gc"][..]),
        (
            Rights::Auditor,
            "/admin/datastore/vault/gc",
            &["ds-store1-gc"][..],
        ),
        (
            Rights::Auditor,
            "/admin/datastore/frozen/gc",
            &["special-readonlyds-gc"][..],
        ),
        (
            Rights::Auditor,
            "/admin/sync?sync-direction=all",
            &["admin-sync-all"][..],
        ),
        (
            Rights::Admin,
            "/admin/sync?sync-direction=all",
            &["admin-token-admin-sync-all"][..],
        ),
        (
            Rights::Auditor,
            "/admin/verify",
            &["admin-verify", "before-run-admin-verify"][..],
        ),
        (Rights::Auditor, "/admin/prune", &["admin-prune"][..]),
        (Rights::Auditor, "/config/sync", &["config-sync"][..]),
        (
            Rights::Admin,
            "/config/sync",
            &["admin-token-config-sync"][..],
        ),
        (
            Rights::Admin,
            "/config/remote",
            &["admin-token-config-remote"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/tasks",
            &["tasks", "fresh-node-tasks"][..],
        ),
        (
            Rights::Nothing,
            "/nodes/localhost/tasks",
            &["nopriv-tasks"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/apt/update",
            &["apt-update"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/apt/versions",
            &["apt-versions"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/apt/repositories",
            &["apt-repositories"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/subscription",
            &["subscription"][..],
        ),
        (
            Rights::Nothing,
            "/nodes/localhost/subscription",
            &["nopriv-subscription"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/services",
            &["services"][..],
        ),
        (
            Rights::Auditor,
            "/nodes/localhost/disks/list",
            &["disks-list"][..],
        ),
        (
            Rights::Auditor,
            "/access/users?include_tokens=1",
            &["access-users-tokens"][..],
        ),
        (
            Rights::Auditor,
            "/admin/traffic-control",
            &["admin-traffic-control"][..],
        ),
        (
            Rights::Admin,
            "/config/traffic-control",
            &["admin-token-config-traffic-control"][..],
        ),
        (Rights::Auditor, "/tape/drive", &["tape-drive"][..]),
        (Rights::Auditor, "/tape/backup", &["tape-backup"][..]),
    ] {
        let answer = call(pbs, 0, rights, path).await.data();
        let files: Vec<String> = files
            .iter()
            .map(|file| format!("pbs/{file}.json"))
            .collect();
        found.extend(compare(
            &folder,
            path,
            &[answer],
            &files.iter().map(String::as_str).collect::<Vec<_>>(),
        ));
    }
    let unused = DEVIATIONS
        .iter()
        .filter(|(known, _)| !found.iter().any(|difference| difference.starts_with(known)));
    assert_eq!(unused.count(), 0, "a deviation is none any more");
    found.retain(|difference| {
        !DEVIATIONS
            .iter()
            .any(|(known, _)| difference.starts_with(known))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What QEMU tells over its monitor, and the lab's did not.
const TOLD_BY_QEMU: &[&str] = &[
    "balloon",
    "ballooninfo",
    "blockstat",
    "diskread",
    "diskwrite",
    "freemem",
    "running-machine",
    "running-qemu",
];

fn without_told_by_qemu(mut data: Value) -> Value {
    let forget = |entry: &mut Value| {
        if let Some(fields) = entry.as_object_mut()
            && fields.contains_key("qmpstatus")
        {
            fields.retain(|key, _| !TOLD_BY_QEMU.contains(&key.as_str()));
        }
    };
    match &mut data {
        Value::Array(entries) => entries.iter_mut().for_each(forget),
        entry => forget(entry),
    }
    data
}

/// The calls that a node answers for itself and for its guests and storages.
async fn nodes_and_guests(folder: &Path, pve: &SimulatedRemote) -> Vec<String> {
    let mut found = Vec::new();
    for (rights, path, files) in [
        (
            Rights::Auditor,
            "/nodes/pve1/qemu",
            &[
                "pve/21-node-pve1/nodes-pve1-qemu.json",
                "pve/21-node-pve2/nodes-pve2-qemu.json",
                "pve/60-scenarios/locked-vm-qemu-list.json",
                "pve/60-scenarios/numeric-name-qemu.json",
            ][..],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/qemu?full=1",
            &[
                "pve/21-node-pve1/nodes-pve1-qemu-full-1.json",
                "pve/21-node-pve2/nodes-pve2-qemu-full-1.json",
            ],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/lxc",
            &[
                "pve/21-node-pve1/nodes-pve1-lxc.json",
                "pve/21-node-pve2/nodes-pve2-lxc.json",
                "pve-extra/2-ct/52-lxc-list-pve2.json",
            ],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/netstat",
            &["pve/21-node-pve1/nodes-pve1-netstat.json"],
        ),
        (Rights::Auditor, "/storage", &["pve/20-state/storage.json"]),
        (
            Rights::Auditor,
            "/nodes/pve1/storage",
            &["pve/21-node-pve1/nodes-pve1-storage.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/storage?content=backup",
            &["pve/21-node-pve1/nodes-pve1-storage-content-backup.json"],
        ),
        (
            Rights::Admin,
            "/nodes/pve1/storage/nas/content?content=backup",
            &["pve-extra/6-misc/storage-backup-content-backup-admin.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/storage/nas/prunebackups?prune-backups=keep-last%3D1",
            &["pve-extra/6-misc/storage-backup-prune-keep1-monitor.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/rrddata?timeframe=hour&cf=AVERAGE",
            &["pve/21-node-pve1/nodes-pve1-rrddata-timeframe-hour.json"],
        ),
        (
            Rights::Nothing,
            "/nodes/pve1/qemu",
            &["pve/30-filtered/nobody-node-qemu.json"],
        ),
        (
            Rights::Nothing,
            "/nodes/pve1/storage",
            &["pve/30-filtered/nobody-node-storage.json"],
        ),
        (
            Rights::Nothing,
            "/storage",
            &["pve/30-filtered/nobody-storage.json"],
        ),
    ] {
        let answer = without_told_by_qemu(call(pve, 0, rights, path).await.data());
        found.extend(compare(folder, path, &[answer], files));
    }
    for (kind, subject, files) in [
        (
            "qemu",
            "config",
            &[
                "pve/22-guest-qemu-100/nodes-pve1-qemu-100-config.json",
                "pve/22-guest-qemu-103/nodes-pve1-qemu-103-config.json",
                "pve/22-guest-qemu-102/nodes-pve1-qemu-102-config.json",
                "pve/60-scenarios/locked-vm-config.json",
                "pve-extra/6-misc/pending-config.json",
                "pve-extra/1-vm/20-config.json",
            ][..],
        ),
        (
            "qemu",
            "pending",
            &[
                "pve/22-guest-qemu-100/nodes-pve1-qemu-100-pending.json",
                "pve-extra/6-misc/pending-change.json",
                "pve-extra/6-misc/pending-delete.json",
            ],
        ),
        (
            "qemu",
            "snapshot",
            &[
                "pve-extra/1-vm/34-snap-list.json",
                "pve/22-guest-qemu-100/nodes-pve1-qemu-100-snapshot.json",
            ],
        ),
        (
            "lxc",
            "config",
            &[
                "pve/22-guest-lxc-110/nodes-pve1-lxc-110-config.json",
                "pve/22-guest-lxc-111/nodes-pve1-lxc-111-config.json",
            ],
        ),
        (
            "lxc",
            "pending",
            &["pve/22-guest-lxc-110/nodes-pve1-lxc-110-pending.json"],
        ),
        (
            "lxc",
            "snapshot",
            &["pve/22-guest-lxc-110/nodes-pve1-lxc-110-snapshot.json"],
        ),
        (
            "qemu",
            "status/current",
            &[
                "pve/22-guest-qemu-100/nodes-pve1-qemu-100-status-current.json",
                "pve/22-guest-qemu-102/nodes-pve1-qemu-102-status-current.json",
                "pve/22-guest-qemu-105/nodes-pve1-qemu-105-status-current.json",
                "pve/60-scenarios/locked-vm-101-status.json",
                "pve-extra/1-vm/10-suspend--current.json",
            ],
        ),
        (
            "lxc",
            "status/current",
            &[
                "pve/22-guest-lxc-110/nodes-pve1-lxc-110-status-current.json",
                "pve/22-guest-lxc-111/nodes-pve1-lxc-111-status-current.json",
            ],
        ),
        (
            "qemu",
            "agent/get-fsinfo",
            &["pve/70-synthetic-tools/agent-get-fsinfo.json"],
        ),
        (
            "qemu",
            "agent/get-osinfo",
            &["pve/70-synthetic-tools/agent-get-osinfo.json"],
        ),
    ] {
        let mut answers = Vec::new();
        for guest in on_node(&resources(pve).await, "pve1", kind) {
            let path = format!("/nodes/pve1/{kind}/{}/{subject}", guest["vmid"]);
            let answer = get(pve, &path).await;
            // An agent that is not there is an error, and one that refuses has no result of the usual form.
            if answer.status == 200 && answer.json()["data"]["result"].get("error").is_none() {
                answers.push(without_told_by_qemu(answer.data()));
            }
            // Asking an agent that is silent takes seconds.
            if subject.starts_with("agent") && answers.len() == 3 {
                break;
            }
        }
        assert!(!answers.is_empty(), "{kind} {subject}");
        found.extend(compare(
            folder,
            &format!("/nodes/{{node}}/{kind}/{{vmid}}/{subject}"),
            &answers,
            files,
        ));
    }
    found
}

/// What the cluster and its nodes are administered by: tasks, HA, jobs, packages, services, users.
async fn administration(folder: &Path, pve: &SimulatedRemote) -> Vec<String> {
    let mut found = Vec::new();
    for (rights, path, files) in [
        (
            Rights::Auditor,
            "/nodes/pve1/tasks",
            &[
                "pve/21-node-pve1/nodes-pve1-tasks.json",
                "pve/40-tasks/warn-node-tasks.json",
            ][..],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/tasks?source=active",
            &["pve/60-scenarios/running-task-node-tasks-active.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/tasks",
            &[
                "pve/20-state/cluster-tasks.json",
                "pve/60-scenarios/running-task-cluster-tasks.json",
            ],
        ),
        (
            Rights::Nothing,
            "/cluster/tasks",
            &["pve/30-filtered/nobody-tasks.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/ha/status/current",
            &["pve/20-state/cluster-ha-status-current.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/ha/status/manager_status",
            &[
                "pve/20-state/cluster-ha-status-manager-status.json",
                "pve/60-scenarios/node-down-ha-manager-status.json",
            ],
        ),
        (
            Rights::Auditor,
            "/cluster/replication",
            &["pve/20-state/cluster-replication.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/replication",
            &[
                "pve/21-node-pve1/nodes-pve1-replication.json",
                "pve/21-node-pve2/nodes-pve2-replication.json",
            ],
        ),
        (
            Rights::Auditor,
            "/cluster/backup",
            &["pve/20-state/cluster-backup.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/jobs/schedule-analyze?schedule=sun%2001:00",
            &["pve/20-state/cluster-jobs-schedule-analyze-schedule-sun-2001-00.json"],
        ),
        (
            Rights::Nothing,
            "/nodes/pve1/replication",
            &["pve/30-filtered/nobody-replication-node.json"],
        ),
        (
            Rights::Admin,
            "/nodes/pve2/apt/update",
            &["pve-extra/6-misc/apt-update-get-after.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/apt/versions",
            &["pve/21-node-pve1/nodes-pve1-apt-versions.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/apt/repositories",
            &["pve/21-node-pve1/nodes-pve1-apt-repositories.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/subscription",
            &["pve/21-node-pve1/nodes-pve1-subscription.json"],
        ),
        (
            Rights::Nothing,
            "/nodes/pve1/subscription",
            &["pve/30-filtered/nobody-subscription.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/services",
            &["pve/21-node-pve1/nodes-pve1-services.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve2/disks/list",
            &["pve/21-node-pve2/nodes-pve2-disks-list.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve2/disks/zfs",
            &[
                "pve/21-node-pve2/nodes-pve2-disks-zfs.json",
                "pve/70-synthetic-tools/disks-zfs.json",
            ],
        ),
        (
            Rights::Auditor,
            "/nodes/pve2/disks/zfs/tank",
            &["pve/70-synthetic-tools/disks-zfs-tank.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/network",
            &["pve/21-node-pve1/nodes-pve1-network.json"],
        ),
        (
            Rights::Nothing,
            "/nodes/pve1/network",
            &["pve/30-filtered/nobody-network.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/sdn/zones",
            &["pve/20-state/cluster-sdn-zones.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/sdn/vnets",
            &["pve/20-state/cluster-sdn-vnets.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/sdn/vnets?pending=1",
            &["pve-extra/4-sdn-evpn/07-vnets-deleted-pending.json"],
        ),
        (
            Rights::Auditor,
            "/nodes/pve1/sdn/zones",
            &["pve/21-node-pve1/nodes-pve1-sdn-zones.json"],
        ),
        (
            Rights::Auditor,
            "/access/users",
            &["pve/20-state/access-users.json"],
        ),
        (
            Rights::Auditor,
            "/access/users?full=1",
            &["pve-extra/6-misc/users-full-monitor.json"],
        ),
        (
            Rights::Auditor,
            "/cluster/options",
            &["pve/20-state/cluster-options.json"],
        ),
        (
            Rights::Nothing,
            "/cluster/options",
            &["pve/30-filtered/nobody-options.json"],
        ),
    ] {
        let answer = call(pve, 0, rights, path).await.data();
        found.extend(compare(folder, path, &[answer], files));
    }
    let tasks = get(pve, "/nodes/pve1/tasks?source=all").await.data();
    for (subject, files) in [
        (
            "status",
            &[
                "pve/40-tasks/warn-start-104-status.json",
                "pve/60-scenarios/running-task-status.json",
            ][..],
        ),
        ("log", &["pve/40-tasks/vzdump-111-ok-log.json"]),
    ] {
        let mut answers = Vec::new();
        for task in tasks.as_array().into_iter().flatten() {
            let upid = task["upid"].as_str().unwrap();
            let path = format!("/nodes/pve1/tasks/{upid}/{subject}");
            answers.push(get(pve, &path).await.data());
        }
        let path = format!("/nodes/{{node}}/tasks/{{upid}}/{subject}");
        found.extend(compare(folder, &path, &answers, files));
    }
    found
}
