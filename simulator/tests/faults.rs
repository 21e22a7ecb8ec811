//! Faults, and the port that sets them.

#![allow(clippy::unwrap_used)]

mod client;

use std::time::Duration;

use client::{Connection, START, authorization, call, fleet, get, points};
use serde_json::Value;
use simulator::{Control, Fault, Rights};

#[tokio::test]
async fn an_endpoint_without_quorum_sees_the_others_offline() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    cluster.set_fault_at(0, Fault::NoQuorum);
    let status = |endpoint| async move {
        call(cluster, endpoint, Rights::Auditor, "/cluster/status")
            .await
            .data()
    };
    let online = |status: &Value| {
        let nodes = status
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["type"] == "node");
        nodes
            .map(|node| node["online"].as_i64().unwrap())
            .sum::<i64>()
    };
    let quorate = |status: &Value| {
        status
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["type"] == "cluster")
            .unwrap()["quorate"]
            .clone()
    };
    let (alone, well) = (status(0).await, status(1).await);
    assert_eq!((quorate(&alone), online(&alone)), (0.into(), 1));
    assert_eq!((quorate(&well), online(&well)), (1.into(), 3));
}

#[tokio::test]
async fn faults_below_http_come_and_go() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    cluster.set_fault_at(0, Fault::Refusing);
    assert!(Connection::open(cluster, 0).await.is_none());
    assert!(Connection::open(cluster, 1).await.is_some());
    // From another node the closed port is a 595.
    assert_eq!(
        call(cluster, 1, Rights::Auditor, "/nodes/pve1/status")
            .await
            .reason,
        "Connection refused"
    );
    cluster.clear_faults();
    let again = async {
        while Connection::open(cluster, 0).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), again)
        .await
        .expect("the port opens again");

    cluster.set_fault(Fault::Hanging);
    let mut waiting = Box::pin(Connection::open(cluster, 0));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut waiting)
            .await
            .is_err()
    );
    cluster.clear_faults();
    assert!(waiting.await.is_some());

    cluster.set_fault(Fault::Truncated {
        path: Some("/cluster/resources".into()),
    });
    let token = authorization(cluster, Rights::Auditor);
    let headers = [("Authorization", token.as_str())];
    let mut connection = Connection::open(cluster, 0).await.unwrap();
    assert_eq!(
        connection
            .send("GET", "/api2/json/version", &headers)
            .await
            .unwrap()
            .status,
        200
    );
    assert!(
        connection
            .send("GET", "/api2/json/cluster/resources", &headers)
            .await
            .is_none()
    );
    cluster.clear_faults();

    let before = Connection::open(cluster, 0)
        .await
        .unwrap()
        .peer_certificate();
    let fingerprint = cluster.endpoints()[0].fingerprint.clone();
    cluster.set_fault_at(0, Fault::CertificateRotated);
    assert_ne!(
        Connection::open(cluster, 0)
            .await
            .unwrap()
            .peer_certificate(),
        before
    );
    assert_ne!(cluster.endpoints()[0].fingerprint, fingerprint);
}

#[tokio::test]
async fn faults_of_calls_come_and_go() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let path = || Some("/cluster/resources".to_owned());
    for (fault, status) in [
        (Fault::Unauthorised, 401),
        (Fault::Forbidden { path: path() }, 403),
        (
            Fault::Error {
                path: path(),
                status: 500,
                reason: Some("got timeout".into()),
            },
            500,
        ),
        (
            Fault::Error {
                path: path(),
                status: 596,
                reason: None,
            },
            596,
        ),
    ] {
        cluster.set_fault(fault.clone());
        let answer = get(cluster, "/cluster/resources").await;
        assert_eq!(answer.status, status, "{fault:?}");
        cluster.clear_fault(&fault);
        assert_eq!(get(cluster, "/cluster/resources").await.status, 200);
    }
    cluster.set_fault(Fault::BrokenJson { path: path() });
    let broken = get(cluster, "/cluster/resources").await;
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
    cluster.clear_faults();

    cluster.set_fault(Fault::CallHanging { path: path() });
    let mut hanging = Box::pin(get(cluster, "/cluster/resources"));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut hanging)
            .await
            .is_err()
    );
    assert_eq!(get(cluster, "/version").await.status, 200);
    assert_eq!(cluster.counts().highest_concurrency, 2);
    cluster.clear_faults();
    assert_eq!(hanging.await.status, 200);

    cluster.set_fault_at(0, Fault::ClockSkew { seconds: -600 });
    let skewed = get(cluster, "/version").await;
    let straight = call(cluster, 1, Rights::Auditor, "/version").await;
    assert_ne!(skewed.header("date"), straight.header("date"));
    cluster.clear_faults();

    cluster.set_fault(Fault::ExportTimestampZero {
        node: "pve2".into(),
    });
    cluster.set_fault(Fault::ExportWithout {
        node: "pve3".into(),
    });
    let exported = points(cluster, "/cluster/metrics/export").await;
    let stamp = |node: &str| {
        exported
            .iter()
            .find(|point| point["id"] == node)
            .map(|point| point["timestamp"].as_i64().unwrap())
    };
    assert_eq!((stamp("node/pve2"), stamp("node/pve3")), (Some(0), None));

    let backup = fleet.remote("pbs-a");
    assert_eq!(get(backup, "/status/datastore-usage").await.status, 200);
    backup.set_fault(Fault::DatastoreBroken {
        store: "archive".into(),
    });
    let failed = get(backup, "/status/datastore-usage").await;
    assert_eq!(
        (failed.status, failed.text().as_str()),
        (400, "ENOENT: No such file or directory")
    );
    assert_eq!(get(backup, "/admin/datastore").await.status, 200);
}

#[tokio::test]
async fn the_control_port_reads_and_changes_the_fleet() {
    let fleet = std::sync::Arc::new(fleet().await);
    let control = Control::start(
        std::sync::Arc::clone(&fleet),
        "127.0.0.1:0".parse().unwrap(),
    )
    .await
    .unwrap();
    let ask = |method: &'static str, target: &'static str, body: &'static str| {
        let address = control.address();
        async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let text = format!(
                "{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    };
    assert!(
        ask(
            "POST",
            "/faults?remote=pbs-a",
            r#"{"fault":"unauthorised"}"#
        )
        .await
        .starts_with("HTTP/1.1 200")
    );
    assert_eq!(get(fleet.remote("pbs-a"), "/version").await.status, 401);
    assert!(ask("GET", "/faults", "").await.contains("unauthorised"));
    assert!(ask("DELETE", "/faults", "").await.contains("done"));
    assert_eq!(get(fleet.remote("pbs-a"), "/version").await.status, 200);
    assert!(ask("GET", "/counts", "").await.contains("GET /version"));
    assert!(
        ask("POST", "/faults?remote=nosuch", "{}")
            .await
            .starts_with("HTTP/1.1 400")
    );
    ask("POST", "/clock", r#"{"advance":60}"#).await;
    assert!((fleet.clock().now() - START - 60.0).abs() < 1e-6);
}
