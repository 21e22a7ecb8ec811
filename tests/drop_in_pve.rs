//! `/pve`, as whoever used prometheus-pve-exporter knows it.
#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use simulator::{Fault, Fleet, RemotePlan};
use support::drop_in::{complete, families, module_of, module_target, samples};
use support::{PATIENCE, Proxfleet, calls_at, cluster, eventually, fleet, pve, table_of};

/// The nodes whose subscription is told.
fn subscribed(text: &str) -> Vec<&str> {
    let lines = samples(text, "pve_subscription_info").into_iter();
    lines.filter_map(|line| line.split('"').nth(1)).collect()
}

#[tokio::test]
async fn a_remote_is_a_target_with_all_its_nodes() {
    let fleet = cluster(12).await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start(&table_of(remote)).await;
    let answer = complete(&proxfleet, "/pve?target=a").await;
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    for family in [
        "pve_up",
        "pve_network_transmit_bytes",
        "pve_network_transmit_bytes_total",
        "pve_lock_state",
        "pve_node_info",
        "pve_cluster_info",
        "pve_version_info",
        "pve_not_backed_up_total",
        "pve_subscription_info",
        "pve_onboot_status",
    ] {
        assert!(families(&text).contains(family), "{family}\n{text}");
    }
    assert!(!text.contains("remote="), "{text}");
    assert_eq!(subscribed(&text).len(), 3);
    let states = |id: &str| {
        let lines = samples(&text, "pve_ha_state").into_iter();
        lines
            .filter(|line| line.contains(&format!("id=\"{id}")))
            .count()
    };
    assert_eq!(states("node/"), 3 * 5);
    assert_eq!(states("qemu/") + states("lxc/"), 12 * 11);
    assert_eq!(samples(&text, "pve_lock_state").len(), 12 * 9);

    let cluster_only = proxfleet.get("/pve?target=a&node=0").await.text();
    assert!(!cluster_only.contains("pve_subscription"), "{cluster_only}");
    let nodes_only = proxfleet.get("/pve?target=a&cluster=false").await.text();
    assert!(!nodes_only.contains("pve_up"), "{nodes_only}");
    assert!(nodes_only.contains("pve_subscription_info"), "{nodes_only}");
    let nothing = proxfleet.get("/pve?target=a&cluster=0&node=").await;
    assert_eq!((nothing.status, nothing.text().as_str()), (200, ""));
}

#[tokio::test]
async fn a_scrape_asks_for_the_live_picture_alone() {
    let fleet = cluster(5).await;
    let remote = fleet.remote("a");
    let slow = "[defaults]\nbackground_calls_per_second = 1\n";
    let proxfleet = Proxfleet::start_with(slow, &table_of(remote)).await;
    let answer = proxfleet.get("/pve?target=a").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("pve_up"), "{text}");
    assert!(
        text.contains("# partial: ") && text.contains("not asked yet"),
        "{text}"
    );

    let strict = format!("{slow}[drop_in]\nstrict = true\n");
    let proxfleet = Proxfleet::start_with(&strict, &table_of(remote)).await;
    let answer = proxfleet.get("/pve?target=a").await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("not asked yet"), "{}", answer.text());
    let cluster = proxfleet.get("/pve?target=a&node=0").await;
    assert!(matches!(cluster.status, 200 | 500));
}

#[tokio::test]
async fn an_end_point_is_the_node_behind_it() {
    let fleet = cluster(6).await;
    let remote = fleet.remote("a");
    let endpoints = remote.endpoints();
    let proxfleet = Proxfleet::start(&table_of(remote)).await;
    complete(&proxfleet, "/pve?target=a").await;
    let mut seen = BTreeSet::new();
    for endpoint in &endpoints {
        let path = format!("/pve?target={}", endpoint.address);
        let text = proxfleet.get(&path).await.text();
        let [node] = subscribed(&text)[..] else {
            panic!("{text}");
        };
        seen.insert(node.to_owned());
        let other = samples(&text, "pve_onboot_status").into_iter();
        let here = format!("node=\"{}\"", node.trim_start_matches("node/"));
        assert!(other.clone().all(|line| line.contains(&here)), "{text}");
    }
    assert_eq!(seen.len(), endpoints.len());

    // The cluster's families fail over, those of the node do not.
    remote.set_fault_at(1, Fault::Refusing);
    let path = format!("/pve?target={}", endpoints[1].address);
    let end = Instant::now() + PATIENCE;
    let failed = loop {
        let answer = proxfleet.get(&path).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(failed.status, 500);
    assert!(
        failed.text().contains(&endpoints[1].address.to_string()),
        "{}",
        failed.text()
    );
    let cluster = proxfleet.get(&format!("{path}&node=0")).await;
    assert_eq!(cluster.status, 200, "{}", cluster.text());
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_down() {
    let fleet = cluster(3).await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start(&table_of(remote)).await;
    complete(&proxfleet, "/pve?target=a").await;
    remote.set_fault(Fault::Refusing);
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = proxfleet.get("/pve?target=a").await;
        if answer.status == 500 {
            assert!(
                answer.text().starts_with("remote \"a\": "),
                "{}",
                answer.text()
            );
            break;
        }
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    remote.clear_faults();
    eventually("the target is up again", async || {
        proxfleet.get("/pve?target=a").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_module_answers_for_a_host_that_is_no_remote() {
    let fleet = cluster(8).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let proxfleet = Proxfleet::start(&module_of("lab", remote, &folder)).await;
    let endpoint = &remote.endpoints()[2];
    // Everything is asked for at once.
    let path = format!("/pve?target={}&module=lab", endpoint.address);
    let answer = proxfleet.get(&path).await;
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    assert!(!text.contains("# partial"), "{text}");
    assert!(families(&text).contains("pve_onboot_status"), "{text}");
    assert_eq!(subscribed(&text).len(), 1, "{text}");
    assert!(text.contains("pve_not_backed_up_total"), "{text}");

    let unknown = proxfleet
        .get(&format!("/pve?target={}&module=zzz", endpoint.address))
        .await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.text(), "Module 'zzz' not found in config\n");
}

#[tokio::test]
async fn who_is_not_allowed_is_not_connected_to() {
    let fleet = cluster(2).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{}{}", table_of(remote), module_of("lab", remote, &folder));
    let proxfleet = Proxfleet::start(&config).await;
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = trap.local_addr().unwrap();
    for path in [
        format!("/pve?target={address}"),
        format!("/pve?target={address}&module=lab"),
        format!("/pve?target=localhost:{}&module=lab", address.port()),
        "/pve?module=lab".to_owned(),
        "/pve".to_owned(),
    ] {
        let answer = proxfleet.get(&path).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert!(
            answer.text().contains("is not allowed"),
            "{}",
            answer.text()
        );
    }
    for path in [
        "/pve?target=a%2Fb",
        "/pve?target=http%3A%2F%2Fa",
        "/pve?target=u%40a",
    ] {
        assert_eq!(proxfleet.get(path).await.status, 400, "{path}");
    }
    assert!(trap.accept().is_err(), "a connection was made");
}

#[tokio::test]
async fn targets_that_are_asked_at_once_never_mix() {
    let plans = ["a", "b", "c"].map(|name| RemotePlan::Pve(pve(name, 1, 4)));
    let fleet: Fleet = fleet(plans).await;
    let folder = tempfile::tempdir().unwrap();
    let config: String = ["b", "c"]
        .iter()
        .map(|name| module_of(name, fleet.remote(name), &folder))
        .collect();
    let config = format!("{}{config}", table_of(fleet.remote("a")));
    let proxfleet = Proxfleet::start(&config).await;
    let target = |name: &str| fleet.remote(name).endpoints()[0].address.to_string();
    let paths = [
        "/pve?target=a&node=0".to_owned(),
        format!("/pve?target={}&module=b&node=0", target("b")),
        format!("/pve?target={}&module=c&node=0", target("c")),
    ];
    let alone =
        async |path: &str| samples(&proxfleet.get(path).await.text(), "pve_guest_info").join("\n");
    let mut expected = Vec::new();
    for path in &paths {
        expected.push(alone(path).await);
    }
    assert_eq!(
        expected.iter().collect::<BTreeSet<_>>().len(),
        3,
        "{expected:?}"
    );
    for _ in 0..10 {
        let (a, b, c) = tokio::join!(alone(&paths[0]), alone(&paths[1]), alone(&paths[2]));
        assert_eq!([a, b, c], expected[..]);
    }
    assert!(calls_at(fleet.remote("b"), 0) > 0);
}

#[tokio::test]
async fn metrics_may_tell_of_the_program_alone() {
    let fleet = cluster(2).await;
    let front = "[server]\nmetrics = \"self\"\n";
    let proxfleet = Proxfleet::start_with(front, &table_of(fleet.remote("a"))).await;
    let own = proxfleet.scrape().await;
    assert!(own.samples_named("pve_up").is_empty());
    assert!(!own.samples_named("proxfleet_build_info").is_empty());
    let part = proxfleet.get("/metrics?remote=a").await.text();
    assert!(part.contains("pve_up{"), "{part}");
}

#[tokio::test]
async fn scrapes_at_once_of_a_module_s_target_are_whole_and_share_their_calls() {
    let fleet = cluster(8).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let proxfleet = Proxfleet::start(&module_of("lab", remote, &folder)).await;
    let path = format!("/pve?target={}&module=lab", module_target(remote, 0));
    let (one, two, three) = tokio::join!(
        proxfleet.get(&path),
        proxfleet.get(&path),
        proxfleet.get(&path)
    );
    for answer in [one, two, three] {
        let text = answer.text();
        assert_eq!(answer.status, 200, "{text}");
        assert!(!text.contains("# partial"), "{text}");
    }
    let asked = remote.counts().endpoints[0]
        .requests
        .get("GET /cluster/resources")
        .copied();
    assert_eq!(asked, Some(1));
}
