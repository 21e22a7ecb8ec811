//! Connections, compression, logins, delays.

#![allow(clippy::unwrap_used)]

mod client;

use std::io::Read as _;
use std::time::{Duration, Instant};

use client::{Connection, authorization, fleet, get, raw, start};
use simulator::{Fleet, FleetPlan, Latency, PvePlan, RemotePlan, Rights, SimulatedRemote};

#[tokio::test]
async fn daemon_answers_carry_two_connection_headers_and_stay_open() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let token = authorization(cluster, Rights::Auditor);
    let headers = [("Authorization", token.as_str())];
    let mut connection = Connection::open(cluster, 0).await.unwrap();
    for _ in 0..100 {
        let answer = connection
            .send("GET", "/api2/json/cluster/status", &headers)
            .await
            .unwrap();
        if answer.header("connection") == ["close"] {
            break;
        }
        assert_eq!(answer.header("connection"), ["close", "Keep-Alive"]);
    }
    assert!(
        connection
            .send("GET", "/api2/json/version", &headers)
            .await
            .is_none(),
        "closed after 100 calls"
    );
    let mut connection = Connection::open(cluster, 0).await.unwrap();
    assert_eq!(
        connection
            .send("GET", "/api2/json/nosuch", &headers)
            .await
            .unwrap()
            .status,
        501
    );
    assert!(
        connection
            .send("GET", "/api2/json/version", &headers)
            .await
            .is_none(),
        "closed after an error"
    );
    let backup = fleet.remote("pbs-a");
    let token = authorization(backup, Rights::Auditor);
    let headers = [("Authorization", token.as_str())];
    let mut connection = Connection::open(backup, 0).await.unwrap();
    assert_eq!(
        connection
            .send("GET", "/api2/json/nosuch", &headers)
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(
        connection
            .send("GET", "/api2/json/version", &headers)
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn big_bodies_are_packed_as_each_product_does() {
    let fleet = fleet().await;
    let cluster = fleet.remote("cluster-a");
    let plain = get(cluster, "/cluster/resources").await;
    let packed = |remote: &SimulatedRemote, target: &'static str| {
        let (remote, token) = (remote.clone(), authorization(remote, Rights::Auditor));
        async move {
            raw(
                &remote,
                0,
                "GET",
                target,
                &[
                    ("Authorization", &token),
                    ("Accept-Encoding", "gzip, deflate"),
                ],
            )
            .await
        }
    };
    let answer = packed(cluster, "/api2/json/cluster/resources").await;
    assert_eq!(answer.header("content-encoding"), ["gzip"]);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body, "the same body within a cycle");
    assert!(
        packed(cluster, "/api2/json/version")
            .await
            .header("content-encoding")
            .is_empty()
    );
    let answer = packed(fleet.remote("pbs-a"), "/api2/json/status/metrics").await;
    assert_eq!(answer.header("content-encoding"), ["deflate"]);
    let mut unpacked = String::new();
    flate2::read::ZlibDecoder::new(answer.body.as_slice())
        .read_to_string(&mut unpacked)
        .unwrap();
    assert!(unpacked.starts_with("{\"data\":{\"data\":["));
}

#[tokio::test]
async fn a_refused_login_waits_has_no_body_and_is_counted() {
    let fleet = Fleet::start(FleetPlan {
        remotes: vec![RemotePlan::Pve(PvePlan {
            auth_delay: Duration::from_millis(80),
            ..PvePlan::default()
        })],
        ..FleetPlan::default()
    })
    .await
    .unwrap();
    let cluster = fleet.remote("cluster-a");
    let begun = Instant::now();
    let answer = raw(
        cluster,
        0,
        "GET",
        "/api2/json/version",
        &[("Authorization", "PVEAPIToken=a@pve!b=c")],
    )
    .await;
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (401, "Authentication failed!")
    );
    assert!(answer.body.is_empty() && answer.header("content-type").is_empty());
    let counts = cluster.counts();
    assert_eq!(
        (
            counts.failed_logins,
            counts.requests_to("/version"),
            counts.handshakes()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        counts.authorization_bytes(),
        "PVEAPIToken=a@pve!b=c".len() as u64
    );
    cluster.reset_counts();
    assert_eq!(cluster.counts().requests(), 0);
}

#[tokio::test]
async fn latency_is_per_call() {
    let fleet = start(PvePlan {
        latency: Latency::Fixed(Duration::from_millis(1)),
        call_latency: vec![(
            "/version".into(),
            Latency::Fixed(Duration::from_millis(120)),
        )],
        ..PvePlan::default()
    })
    .await;
    let begun = Instant::now();
    get(fleet.remote("cluster-a"), "/version").await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_dropped_fleet_listens_no_more() {
    let fleet = fleet().await;
    let address = fleet.remote("cluster-a").endpoints()[0].address;
    assert!(
        fleet
            .config_toml()
            .contains(&format!("host = \"{address}\""))
    );
    drop(fleet);
    let closed = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed)
        .await
        .expect("the port closes");
}
