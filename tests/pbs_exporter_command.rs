//! `proxfleet pbs-exporter`: the old flags and environment, and the old answers.
#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::net::SocketAddr;

use simulator::{Fleet, RemotePlan};
use support::{Proxfleet, calls_at, fleet, free_port, pbs};

async fn servers() -> Fleet {
    fleet([RemotePlan::Pbs(pbs("a")), RemotePlan::Pbs(pbs("b"))]).await
}

fn url(fleet: &Fleet, name: &str) -> String {
    format!("https://{}", fleet.remote(name).endpoints()[0].address)
}

async fn start(flags: &[&str], environment: &[(&str, &str)]) -> Proxfleet {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = address.to_string();
    let mut all = vec!["pbs-exporter", "-pbs.listen-address", &listen];
    all.extend(flags);
    let folder = tempfile::tempdir().unwrap();
    Proxfleet::start_as(address, folder, &all, environment).await
}

#[tokio::test]
async fn one_server_is_answered_for_from_its_old_environment() {
    let fleet = servers().await;
    let (user, name) = fleet.remote("a").token_id().split_once('!').unwrap();
    let endpoint = url(&fleet, "a");
    let environment = [
        ("PBS_ENDPOINT", &*endpoint),
        ("PBS_USERNAME", user),
        ("PBS_API_TOKEN_NAME", name),
        ("PBS_API_TOKEN", fleet.remote("a").token_secret()),
        ("PBS_INSECURE", "true"),
    ];
    let proxfleet = start(&["-pbs.timeout=10s"], &environment).await;
    let answer = proxfleet.get("/metrics").await;
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    assert!(
        text.contains("\npbs_up 1\n") && !text.contains("# partial"),
        "{text}"
    );
    for family in ["pbs_size{", "pbs_snapshot_vm_count{", "pbs_host_uptime "] {
        assert!(text.contains(family), "{family}\n{text}");
    }
    // With one server configured a scrape has no say.
    let named = proxfleet
        .get(&format!("/metrics?target={}", url(&fleet, "b")))
        .await;
    assert!(named.text().contains("\npbs_up 1\n"), "{}", named.text());
    assert_eq!(calls_at(fleet.remote("b"), 0), 0);

    let own = proxfleet.get("/self").await.text();
    assert!(own.contains("proxfleet_build_info"), "{own}");
    assert!(!proxfleet.log().contains(fleet.remote("a").token_secret()));
}

#[tokio::test]
async fn a_scrape_names_its_server_where_that_is_allowed() {
    let fleet = servers().await;
    let (user, name) = fleet.remote("a").token_id().split_once('!').unwrap();
    let allowed = fleet.remote("a").endpoints()[0].address.to_string();
    let flags = [
        "-pbs.username",
        user,
        "-pbs.api.token.name",
        name,
        "-pbs.api.token",
        fleet.remote("a").token_secret(),
        "-pbs.insecure",
        "-pbs.metrics-path=/probe",
        "--allow-target",
        &allowed,
    ];
    let proxfleet = start(&flags, &[]).await;
    let answer = proxfleet
        .get(&format!("/probe?target={}", url(&fleet, "a")))
        .await;
    assert!(answer.text().contains("\npbs_up 1\n"), "{}", answer.text());
    let other = proxfleet
        .get(&format!("/probe?target={}", url(&fleet, "b")))
        .await;
    assert_eq!(other.status, 403, "{}", other.text());
    let in_clear = format!("/probe?target=http://{allowed}");
    assert_eq!(proxfleet.get(&in_clear).await.status, 400);
    assert_eq!(proxfleet.get("/probe").await.status, 403);
    assert_eq!(calls_at(fleet.remote("b"), 0), 0);
    assert_eq!(proxfleet.get("/metrics").await.status, 404);
}
