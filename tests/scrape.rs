//! The scrape of a fleet: what is answered, in which form, and what it costs the remotes.

mod support;

use std::collections::BTreeSet;

use proxfleet::collect::{COLLECTORS, Class};
use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse;
use simulator::RemotePlan;
use support::{Proxfleet, cluster, eventually, fleet, pbs, pve, value};

#[tokio::test]
async fn every_remote_is_in_one_answer() {
    let fleet = fleet([
        RemotePlan::Pve(pve("cluster-a", 3, 40)),
        RemotePlan::Pve(pve("single", 1, 10)),
        RemotePlan::Pbs(pbs("backup")),
    ])
    .await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let all = proxfleet.scrape_all().await;
    for remote in ["cluster-a", "single", "backup"] {
        assert_eq!(
            value(&all, "proxfleet_remote_up", &[("remote", remote)]),
            Some(1.0)
        );
        let took = value(
            &all,
            "proxfleet_remote_answer_seconds",
            &[("remote", remote)],
        );
        assert!(took.is_some_and(|took| took > 0.0), "{remote}: {took:?}");
    }
    assert_eq!(all.samples_named("pve_guest_info").len(), 50);
    assert_eq!(all.samples_named("pve_node_load1").len(), 4);
    assert_eq!(all.samples_named("pve_node_version_info").len(), 4);
    assert_eq!(
        value(&all, "pve_up", &[("id", "cluster/cluster-a")]),
        Some(1.0)
    );
    assert_eq!(
        value(
            &all,
            "pve_cluster_votes_expected",
            &[("remote", "cluster-a")]
        ),
        Some(3.0)
    );
    assert_eq!(
        value(&all, "pve_cluster_votes_expected", &[("remote", "single")]),
        None
    );
    // vault, archive, frozen (read-only) and bucket can be used; closed, usbdisk and lost cannot.
    let up: f64 = all
        .samples_named("pbs_datastore_up")
        .iter()
        .map(|sample| sample.value)
        .sum();
    assert_eq!((up, all.samples_named("pbs_datastore_up").len()), (4.0, 7));
    assert_eq!(all.samples_named("pbs_datastore_size_bytes").len(), 4);
    assert_eq!(all.samples_named("pbs_host_uptime_seconds").len(), 1);
}

#[tokio::test]
async fn hostile_names_come_through_as_they_are() {
    let fleet = cluster(20).await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let all = proxfleet.scrape().await;
    let names = all.samples_named("pve_guest_info");
    let has = |text: &str| {
        names
            .iter()
            .any(|sample| sample.labels["name"].contains(text))
    };
    assert!(has("\"") && has("\\"), "a quote and a backslash");
}

#[tokio::test]
async fn the_scraper_chooses_format_and_compression() {
    let fleet = cluster(20).await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    proxfleet.scrape().await;

    let prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let answer = proxfleet
        .request("GET", "/metrics", &[("Accept", prometheus3)])
        .await;
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    parse::parse(Format::OpenMetrics, &answer.text()).unwrap();

    let answer = proxfleet
        .request("GET", "/metrics", &[("Accept-Encoding", "gzip")])
        .await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    parse::parse(Format::Text, &answer.unpacked()).unwrap();

    let answer = proxfleet
        .request("GET", "/metrics", &[("Accept-Encoding", "gzip;q=0")])
        .await;
    assert!(!answer.headers.contains_key("content-encoding"));
    let answer = proxfleet.request("HEAD", "/metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_empty());
    assert!(answer.headers["content-length"].parse::<usize>().unwrap() > 1000);
}

#[tokio::test]
async fn a_part_can_be_asked_for_and_what_is_unknown_is_told() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 1, 5)),
        RemotePlan::Pve(pve("b", 1, 5)),
    ])
    .await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    proxfleet.scrape_all().await;

    let text = proxfleet.get("/metrics?remote=a").await.text();
    assert!(text.contains("remote=\"a\"") && !text.contains("remote=\"b\""));
    let text = proxfleet.get("/metrics?collect[]=usage").await.text();
    assert!(text.contains("pve_node_load1") && !text.contains("pve_guest_info"));
    let text = proxfleet
        .get("/metrics?collect%5B%5D=@live&remote=b")
        .await
        .text();
    assert!(text.contains("pve_guest_info") && !text.contains("pve_node_load1"));
    assert!(
        !text.contains("process_cpu_seconds_total"),
        "a part has nothing of the program itself"
    );

    let answer = proxfleet.get("/metrics?remote=c").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (400, "unknown remote \"c\"; known: a, b\n")
    );
    let answer = proxfleet.get("/metrics?collect[]=nosuch").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("resources, ") && answer.text().contains("@live"));
    assert_eq!(proxfleet.get("/metrics?other=x").await.status, 200);
}

/// Live answers are old after a second, the least that a configuration may say, and nothing else is
/// asked.
fn live_alone() -> String {
    let background = COLLECTORS
        .iter()
        .filter(|collector| collector.class == Class::Background);
    let names: BTreeSet<&str> = background.map(|collector| collector.name).collect();
    let off: Vec<String> = names.iter().map(|name| format!("{name} = false")).collect();
    format!(
        "[defaults]\nintervals = {{ resources = \"1s\", datastore = \"1s\" }}\ncollectors = {{ {} }}\n",
        off.join(", ")
    )
}

#[tokio::test]
async fn a_scrape_costs_the_same_calls_for_any_number_of_guests() {
    let mut calls = Vec::new();
    for guests in [10, 1_000, 10_000] {
        let fleet = fleet([
            RemotePlan::Pve(pve("a", 3, guests)),
            RemotePlan::Pbs(pbs("b")),
        ])
        .await;
        let proxfleet = Proxfleet::start_with(&live_alone(), &fleet.config_toml()).await;
        proxfleet.scrape_all().await;
        fleet.reset_counts();
        let counts = |name: &str| fleet.remote(name).counts().requests();
        // Scrapes cost nothing until the live answers are old; then one of them costs this.
        eventually("the live answers are asked for again", async || {
            assert_eq!(
                proxfleet
                    .scrape()
                    .await
                    .samples_named("pve_guest_info")
                    .len(),
                guests
            );
            counts("a") >= 2 && counts("b") >= 2
        })
        .await;
        calls.push((counts("a"), counts("b")));
    }
    assert_eq!(calls, [(2, 2); 3]);
}

#[tokio::test]
async fn ten_scrapes_at_once_cause_the_calls_of_one() {
    let mut slow = pve("a", 1, 100);
    slow.latency = simulator::Latency::Fixed(std::time::Duration::from_millis(300));
    let fleet = fleet([RemotePlan::Pve(slow)]).await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let address = proxfleet.address;
    let scrapes: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn(async move { support::request(address, "GET", "/metrics", &[]).await })
        })
        .collect();
    for scrape in scrapes {
        let answer = scrape.await.unwrap();
        assert!(
            answer.text().contains("pve_guest_info"),
            "each has the whole picture"
        );
    }
    let counts = fleet.remote("a").counts();
    assert_eq!(
        (
            counts.requests_to("/cluster/resources"),
            counts.requests_to("/cluster/status")
        ),
        (1, 1)
    );
    assert!(counts.highest_concurrency <= 3);
}

#[tokio::test]
async fn a_scrape_ends_within_its_deadline() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 1, 5)),
        RemotePlan::Pve(pve("b", 1, 5)),
    ])
    .await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    fleet
        .remote("b")
        .set_fault(simulator::Fault::CallHanging { path: None });
    let started = std::time::Instant::now();
    let scrape_timeout = ("X-Prometheus-Scrape-Timeout-Seconds", "1.5");
    let answer = proxfleet
        .request("GET", "/metrics", &[scrape_timeout])
        .await;
    assert!(
        started.elapsed().as_secs_f64() < 1.5,
        "{:?}",
        started.elapsed()
    );
    let text = answer.text();
    assert!(text.contains("pve_up{id=\"node/pve1\",remote=\"a\"} 1"));
    assert!(text.contains("proxfleet_remote_up{remote=\"b\"} 0"));
}

#[tokio::test]
async fn health_is_no_question_of_the_remotes() {
    let dead = "[[remote]]\nname = \"dead\"\ntype = \"pve\"\nendpoints = [\"127.0.0.1:1\"]\n\
        token_id = \"u@pve!t\"\ntoken_secret = \"s\"\n";
    let proxfleet = Proxfleet::start(dead).await;
    for path in ["/-/healthy", "/-/ready", "/", "/metrics"] {
        assert_eq!(proxfleet.get(path).await.status, 200, "{path}");
    }
    let page = proxfleet.get("/").await.text();
    assert!(
        page.contains("/metrics") && page.contains("dead") && page.contains("Connection refused"),
        "{page}"
    );
    assert_eq!(proxfleet.get("/nosuch").await.status, 404);
}
