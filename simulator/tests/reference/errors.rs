//! How errors and headers are told.

use serde_json::Value;
use simulator::Rights;

use crate::client::{authorization, raw};
use crate::{fleet, recording, reference};

/// Status, reason, header names in their order, and the body of answers that are the same on every server.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_as_recorded() {
    let Some(folder) = reference() else { return };
    let fleet = fleet().await;
    let mut found = Vec::new();
    let own = |remote: &simulator::SimulatedRemote, rights| Some(authorization(remote, rights));
    let pve = fleet.remote("lab");
    let wrong = format!(
        "PVEAPIToken={}=00000000-0000-0000-0000-000000000000",
        pve.token_id()
    );
    let colon = format!("PVEAPIToken={}:{}", pve.token_id(), pve.token_secret());
    let auditor = own(pve, Rights::Auditor);
    let mut cases = vec![];
    for (file, method, path, authorization) in [
        (
            "90-errors/400-unknown-parameter",
            "GET",
            "/api2/json/nodes?foo=bar",
            auditor.clone(),
        ),
        (
            "90-errors/400-resources-bad-type",
            "GET",
            "/api2/json/cluster/resources?type=network",
            auditor.clone(),
        ),
        (
            "90-errors/401-bad-secret",
            "GET",
            "/api2/json/version",
            Some(wrong),
        ),
        (
            "90-errors/401-pbs-style-colon",
            "GET",
            "/api2/json/version",
            Some(colon),
        ),
        (
            "90-errors/401-bearer",
            "GET",
            "/api2/json/version",
            Some("Bearer abc".into()),
        ),
        (
            "90-errors/401-no-auth",
            "GET",
            "/api2/json/cluster/status",
            None,
        ),
        (
            "90-errors/401-malformed-token",
            "GET",
            "/api2/json/version",
            Some("PVEAPIToken=garbage".into()),
        ),
        (
            "90-errors/500-unknown-node",
            "GET",
            "/api2/json/nodes/nosuch/status",
            auditor.clone(),
        ),
        (
            "90-errors/501-head-version",
            "HEAD",
            "/api2/json/version",
            auditor.clone(),
        ),
        (
            "90-errors/501-method-not-allowed",
            "DELETE",
            "/api2/json/version",
            auditor.clone(),
        ),
        (
            "90-errors/501-no-such-path",
            "GET",
            "/api2/json/nosuch",
            auditor.clone(),
        ),
        (
            "90-errors/501-outside-api",
            "GET",
            "/api2/nosuch/version",
            auditor.clone(),
        ),
        (
            "80-transport/no-format-prefix",
            "GET",
            "/api2/nodes",
            auditor.clone(),
        ),
        (
            "80-transport/double-slash",
            "GET",
            "/api2/json//nodes",
            auditor.clone(),
        ),
        (
            "20-state/cluster-status",
            "GET",
            "/api2/json/cluster/status",
            auditor.clone(),
        ),
        (
            "20-state/cluster-config-nodes",
            "GET",
            "/api2/json/cluster/config/nodes",
            auditor.clone(),
        ),
        (
            "20-state/cluster-backup-info-not-backed-up",
            "GET",
            "/api2/json/cluster/backup-info/not-backed-up",
            auditor.clone(),
        ),
        (
            "21-node-pve1/nodes-pve1-status",
            "GET",
            "/api2/json/nodes/pve1/status",
            auditor.clone(),
        ),
        (
            "90-errors/500-unknown-vmid",
            "GET",
            "/api2/json/nodes/pve1/qemu/999/status/current",
            auditor.clone(),
        ),
        (
            "90-errors/500-unknown-ct",
            "GET",
            "/api2/json/nodes/pve1/lxc/999/status/current",
            auditor.clone(),
        ),
        (
            "90-errors/400-vmid-not-int",
            "GET",
            "/api2/json/nodes/pve1/qemu/abc/status/current",
            auditor.clone(),
        ),
        (
            "90-errors/400-vmid-too-small",
            "GET",
            "/api2/json/nodes/pve1/qemu/5/status/current",
            auditor.clone(),
        ),
        (
            "90-errors/400-bad-timeframe",
            "GET",
            "/api2/json/nodes/pve1/rrddata?timeframe=minute",
            auditor.clone(),
        ),
        (
            "90-errors/400-missing-timeframe",
            "GET",
            "/api2/json/nodes/pve1/rrddata",
            auditor.clone(),
        ),
        (
            "90-errors/500-unknown-storage-auditor",
            "GET",
            "/api2/json/nodes/pve1/storage/nosuch/content",
            auditor.clone(),
        ),
        (
            "21-node-pve1/nodes-pve1-qemu-full-1",
            "GET",
            "/api2/json/nodes/pve1/qemu?full=1",
            auditor.clone(),
        ),
        (
            "21-node-pve1/nodes-pve1-netstat",
            "GET",
            "/api2/json/nodes/pve1/netstat",
            auditor.clone(),
        ),
        (
            "21-node-pve1/nodes-pve1-storage",
            "GET",
            "/api2/json/nodes/pve1/storage",
            auditor.clone(),
        ),
        (
            "20-state/storage",
            "GET",
            "/api2/json/storage",
            auditor.clone(),
        ),
        (
            "21-node-pve1/nodes-pve1-rrddata-timeframe-hour",
            "GET",
            "/api2/json/nodes/pve1/rrddata?timeframe=hour",
            auditor.clone(),
        ),
        (
            "30-filtered/nobody-netstat",
            "GET",
            "/api2/json/nodes/pve1/netstat",
            own(pve, Rights::Nothing),
        ),
        (
            "30-filtered/nobody-cluster-status",
            "GET",
            "/api2/json/cluster/status",
            own(pve, Rights::Nothing),
        ),
        (
            "30-filtered/nobody-nodes-status",
            "GET",
            "/api2/json/nodes/pve1/status",
            own(pve, Rights::Nothing),
        ),
        (
            "30-filtered/sep-metrics-export",
            "GET",
            "/api2/json/cluster/metrics/export",
            own(pve, Rights::Separated),
        ),
    ] {
        cases.push((pve, format!("pve/{file}.json"), method, path, authorization));
    }
    let pbs = fleet.remote("pbs1");
    let auditor = own(pbs, Rights::Auditor);
    let equals = format!("PBSAPIToken={}={}", pbs.token_id(), pbs.token_secret());
    let other = format!("PVEAPIToken={}={}", pbs.token_id(), pbs.token_secret());
    for (file, method, path, authorization) in [
        (
            "err-pve-style-separator",
            "GET",
            "/api2/json/version",
            Some(equals),
        ),
        ("err-pve-header", "GET", "/api2/json/version", Some(other)),
        ("err-noauth-version", "GET", "/api2/json/version", None),
        ("err-noauth-ping", "GET", "/api2/json/ping", None),
        (
            "err-noauth-unknown-path",
            "GET",
            "/api2/json/nosuchpath",
            None,
        ),
        (
            "err-unknown-path",
            "GET",
            "/api2/json/nosuchpath",
            auditor.clone(),
        ),
        (
            "err-unknown-subpath",
            "GET",
            "/api2/json/nodes/localhost/nosuch",
            auditor.clone(),
        ),
        (
            "err-unknown-param",
            "GET",
            "/api2/json/version?foo=bar",
            auditor.clone(),
        ),
        (
            "err-missing-datastore",
            "GET",
            "/api2/json/admin/datastore/nosuch/status",
            auditor.clone(),
        ),
        (
            "err-bad-datastore-name",
            "GET",
            "/api2/json/admin/datastore/a/status",
            auditor.clone(),
        ),
        (
            "err-bad-bool",
            "GET",
            "/api2/json/admin/datastore/vault/status?verbose=maybe",
            auditor.clone(),
        ),
        (
            "err-delete-version",
            "DELETE",
            "/api2/json/version",
            auditor.clone(),
        ),
        (
            "head-version",
            "HEAD",
            "/api2/json/version",
            auditor.clone(),
        ),
        ("err-api2-only", "GET", "/api2", auditor.clone()),
        ("err-api2-xml", "GET", "/api2/xml/version", auditor.clone()),
        (
            "nopriv-node-status",
            "GET",
            "/api2/json/nodes/localhost/status",
            own(pbs, Rights::Nothing),
        ),
        (
            "nopriv-ds-status",
            "GET",
            "/api2/json/admin/datastore/vault/status",
            own(pbs, Rights::Nothing),
        ),
        (
            "limited-ds-store2-status",
            "GET",
            "/api2/json/admin/datastore/archive/status",
            own(pbs, Rights::Narrow),
        ),
        (
            "err-bad-limit",
            "GET",
            "/api2/json/nodes/localhost/tasks?limit=abc",
            auditor.clone(),
        ),
        (
            "err-negative-limit",
            "GET",
            "/api2/json/nodes/localhost/tasks?limit=-1",
            auditor.clone(),
        ),
        (
            "err-bad-statusfilter",
            "GET",
            "/api2/json/nodes/localhost/tasks?statusfilter=bogus",
            auditor.clone(),
        ),
        (
            "err-bad-upid",
            "GET",
            "/api2/json/nodes/localhost/tasks/UPID:garbage/status",
            auditor.clone(),
        ),
        (
            "err-missing-upid-log",
            "GET",
            "/api2/json/nodes/localhost/tasks/UPID%3Apbs1%3A00000028%3A0001FA7D%3A00000099%3A6B023ED4%3Agarbage_collection%3Astore1%3Aroot%40pam%3A/log",
            auditor.clone(),
        ),
        (
            "err-bad-disk",
            "GET",
            "/api2/json/nodes/localhost/disks/smart?disk=nosuch",
            auditor.clone(),
        ),
        (
            "config-traffic-control",
            "GET",
            "/api2/json/config/traffic-control",
            auditor.clone(),
        ),
    ] {
        cases.push((pbs, format!("pbs/{file}.json"), method, path, authorization));
    }
    for (remote, file, method, path, authorization) in cases {
        let headers: Vec<_> = authorization
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        let answer = raw(remote, 0, method, path, &headers).await;
        let real = recording(&folder, &file);
        let names = |headers: &[(String, String)]| {
            headers
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        let real_headers: Vec<(String, String)> =
            serde_json::from_value(real["headers"].clone()).unwrap();
        let mut check = |what: &str, here: String, there: String| {
            if here != there {
                found.push(format!("{file}: {what}\n  here  {here}\n  there {there}"));
            }
        };
        check(
            "status",
            answer.status.to_string(),
            real["status"].to_string(),
        );
        check(
            "reason",
            format!("{:?}", answer.reason),
            real["reason"].to_string(),
        );
        check(
            "headers",
            format!("{:?}", names(&answer.headers)),
            format!("{:?}", names(&real_headers)),
        );
        if answer.status != 200 {
            let json = |text: &str| {
                serde_json::from_str::<Value>(text)
                    .unwrap_or_else(|_| Value::String(text.to_owned()))
            };
            check(
                "body",
                json(&answer.text()).to_string(),
                json(real["body_text"].as_str().unwrap()).to_string(),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
