//! What is wrong with one remote is told, and costs the others nothing.

mod support;

use std::time::Instant;

use proxfleet::metric::parse::Exposition;
use simulator::{Fault, PveVersion, RemotePlan};
use support::{Proxfleet, fleet, pbs, pve, value};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "backup"];

/// Live answers are old after a second, so that a fault shows soon.
const QUICK: &str =
    "[defaults]\ntimeout = \"5s\"\nintervals = { resources = \"1s\", datastore = \"1s\" }\n";

/// Every kind of fault, on the live calls of PVE and of a backup server.
fn everything() -> Vec<[Fault; 2]> {
    let live = |fault: fn(Option<String>) -> Fault| {
        ["/cluster/resources", "/status/metrics"].map(|path| fault(Some(path.to_owned())))
    };
    let error = |status, reason: &str| {
        ["/cluster/resources", "/status/metrics"].map(|path| Fault::Error {
            path: Some(path.to_owned()),
            status,
            reason: Some(reason.to_owned()),
        })
    };
    vec![
        [Fault::Refusing, Fault::Refusing],
        [Fault::Hanging, Fault::Hanging],
        live(|_| Fault::CallHanging { path: None }),
        live(|path| Fault::Truncated { path }),
        live(|path| Fault::BrokenJson { path }),
        [Fault::Unauthorised, Fault::Unauthorised],
        live(|path| Fault::Forbidden { path }),
        error(500, "got no worker upid"),
        error(595, "Connection refused"),
    ]
}

/// The outcome that the collector of live values shows for a fault.
fn outcome_of(fault: &Fault, remote: &str) -> &'static str {
    match fault {
        Fault::BrokenJson { .. } => "invalid",
        Fault::Unauthorised => "unauthorised",
        Fault::Forbidden { .. } => "forbidden",
        // A backup server has no other nodes.
        Fault::Error { status: 595, .. } if remote != "backup" => "other_node_down",
        _ => "unavailable",
    }
}

fn has_outcome(exposition: &Exposition, remote: &str, outcome: &str) -> bool {
    let collector = match remote {
        "backup" => "datastore",
        _ => "resources",
    };
    let labels = [
        ("remote", remote),
        ("collector", collector),
        ("outcome", outcome),
    ];
    value(exposition, "proxfleet_collector_outcome", &labels) == Some(1.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_one_remote_and_of_all_is_named_and_passes() {
    // Each in a fleet of its own, all at once: most of the time is waiting.
    let together = async {
        let mut enduring = tokio::task::JoinSet::new();
        for faults in everything() {
            enduring.spawn_local(endure(faults));
        }
        while let Some(ended) = enduring.join_next().await {
            ended.unwrap();
        }
    };
    tokio::task::LocalSet::new().run_until(together).await;
}

async fn endure(faults: [Fault; 2]) {
    let remotes = NAMES.map(|name| match name {
        "backup" => RemotePlan::Pbs(pbs(name)),
        name => RemotePlan::Pve(pve(name, 1, 5)),
    });
    let fleet = fleet(remotes).await;
    for broken in [&["b"][..], &NAMES] {
        // A fresh start each time: pauses and back-off of the faults before are not the subject.
        let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
        proxfleet.scrape_all().await;
        let [of_pve, of_pbs] = &faults;
        let fault_of = |name: &str| if name == "backup" { of_pbs } else { of_pve };
        for name in broken {
            fleet.remote(name).set_fault(fault_of(name).clone());
        }
        let shows = |exposition: &Exposition| {
            broken
                .iter()
                .all(|name| has_outcome(exposition, name, outcome_of(fault_of(name), name)))
        };
        let exposition = proxfleet
            .scrape_until(&format!("{of_pve:?} shows"), shows)
            .await;
        for name in NAMES.iter().filter(|name| !broken.contains(name)) {
            assert_eq!(
                value(&exposition, "proxfleet_remote_up", &[("remote", name)]),
                Some(1.0),
                "{of_pve:?}"
            );
        }
        // What was known is shown on, with its age.
        let age = value(
            &exposition,
            "proxfleet_collector_age_seconds",
            &[("remote", "b"), ("collector", "resources")],
        );
        assert!(age.is_some(), "{of_pve:?}");
        assert_eq!(exposition.samples_named("pve_guest_info").len(), 20);

        fleet
            .remotes()
            .iter()
            .for_each(simulator::SimulatedRemote::clear_faults);
        if matches!(of_pve, Fault::Unauthorised | Fault::Forbidden { .. }) {
            // It is not tried again before a minute is over, or an hour; the operator knows better.
            proxfleet.signal("-HUP");
        }
        proxfleet
            .scrape_until(&format!("recovery from {of_pve:?}"), |exposition| {
                broken
                    .iter()
                    .all(|name| has_outcome(exposition, name, "ok"))
            })
            .await;
    }
}

#[tokio::test]
async fn a_remote_that_hangs_costs_one_scrape_and_no_other() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 1, 5)),
        RemotePlan::Pve(pve("b", 1, 5)),
    ])
    .await;
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    proxfleet.scrape_all().await;
    fleet.remote("b").set_fault(Fault::Hanging);
    proxfleet
        .scrape_until("the hanging remote shows", |e| {
            has_outcome(e, "b", "unavailable")
        })
        .await;
    for _ in 0..20 {
        let started = Instant::now();
        proxfleet.scrape().await;
        assert!(
            started.elapsed().as_secs_f64() < 1.0,
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn all_remotes_down_from_the_start_is_still_an_answer() {
    let names = ["a", "b", "c"];
    let fleet = fleet(names.map(|name| RemotePlan::Pve(pve(name, 1, 2)))).await;
    for remote in fleet.remotes() {
        remote.set_fault(Fault::Refusing);
    }
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let exposition = proxfleet
        .scrape_until("every remote is down", |exposition| {
            names
                .iter()
                .all(|name| has_outcome(exposition, name, "unavailable"))
        })
        .await;
    for name in names {
        assert_eq!(
            value(&exposition, "proxfleet_remote_up", &[("remote", name)]),
            Some(0.0)
        );
    }
    fleet
        .remotes()
        .iter()
        .for_each(simulator::SimulatedRemote::clear_faults);
    proxfleet
        .scrape_until("every remote is up", |exposition| {
            names.iter().all(|name| {
                value(exposition, "proxfleet_remote_up", &[("remote", name)]) == Some(1.0)
            })
        })
        .await;
}

#[tokio::test]
async fn another_end_point_answers_for_one_that_does_not() {
    let fleet = support::cluster(10).await;
    let cluster = fleet.remote("a");
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    proxfleet.scrape_all().await;
    cluster.set_fault_at(0, Fault::Refusing);
    cluster.reset_counts();
    proxfleet
        .scrape_until("another end-point is asked", |_| {
            support::calls_at(cluster, 1) > 1
        })
        .await;
    let exposition = proxfleet.scrape().await;
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "a")]),
        Some(1.0)
    );
    assert!(proxfleet.log().contains("the other end-points are asked"));
}

#[tokio::test]
async fn a_wrong_token_is_one_failed_login() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 5))]).await;
    let cluster = fleet.remote("a");
    let wrong = "00000000-0000-4000-8000-000000000000";
    let proxfleet =
        Proxfleet::start_with(QUICK, &support::table(cluster, cluster.token_id(), wrong)).await;
    let exposition = proxfleet
        .scrape_until("the refusal shows", |e| has_outcome(e, "a", "unauthorised"))
        .await;
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "a")]),
        Some(0.0)
    );
    for _ in 0..20 {
        proxfleet.scrape().await;
    }
    assert_eq!(cluster.counts().failed_logins, 1);
    assert!(!proxfleet.log().contains(wrong));
    assert!(proxfleet.log().contains("the token was refused"));
}

#[tokio::test]
async fn a_slow_node_makes_the_export_be_asked_node_by_node() {
    tokio::join!(
        slow_export(PveVersion::V9_1, |node| format!("node-list={node}")),
        // Before 9.0.8 a node can be asked alone only at its own end-point.
        slow_export(PveVersion::V8_4, |_| "local-only=1".to_owned()),
    );
}

async fn slow_export(version: PveVersion, query: fn(&str) -> String) {
    let mut plan = pve("a", 3, 5);
    plan.version = version;
    let fleet = fleet([RemotePlan::Pve(plan)]).await;
    let cluster = fleet.remote("a");
    let endpoints = cluster.endpoints();
    let sick = endpoints[2].node.clone();
    cluster.set_fault(Fault::ExportSlow {
        node: sick,
        milliseconds: 6000,
    });
    let quick = "[defaults.intervals]\nusage = \"1s\"\nresources = \"1s\"\n";
    let proxfleet = Proxfleet::start_with(quick, &fleet.config_toml()).await;
    let asked_alone = |index: usize, node: &str| {
        let wanted = format!("GET /cluster/metrics/export?{}", query(node));
        let counts = cluster.counts();
        counts
            .endpoints
            .iter()
            .enumerate()
            .filter(|(at, _)| version >= PveVersion::V9_1 || *at == index)
            .any(|(_, endpoint)| endpoint.requests.contains_key(&wanted))
    };
    proxfleet
        .scrape_until("the nodes are asked one by one", |_| {
            let mut nodes = endpoints.iter().enumerate();
            nodes.all(|(index, endpoint)| asked_alone(index, &endpoint.node))
        })
        .await;
    let exposition = proxfleet
        .scrape_until("the healthy nodes are there", |e| {
            e.samples_named("pve_node_load1").len() == 2
        })
        .await;
    let coverage = value(
        &exposition,
        "proxfleet_collector_coverage_ratio",
        &[("remote", "a"), ("collector", "usage")],
    );
    assert!(coverage.is_some_and(|coverage| coverage < 1.0));
}

#[tokio::test]
async fn one_broken_datastore_does_not_hide_the_others() {
    let fleet = fleet([RemotePlan::Pbs(pbs("backup"))]).await;
    fleet.remote("backup").set_fault(Fault::DatastoreBroken {
        store: "archive".to_owned(),
    });
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let exposition = proxfleet
        .scrape_until("the broken datastore shows", |exposition| {
            value(exposition, "pbs_datastore_up", &[("datastore", "archive")]) == Some(0.0)
        })
        .await;
    assert_eq!(
        value(&exposition, "pbs_datastore_up", &[("datastore", "vault")]),
        Some(1.0)
    );
    assert!(
        value(
            &exposition,
            "pbs_datastore_size_bytes",
            &[("datastore", "vault")]
        )
        .is_some()
    );
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "backup")]),
        Some(1.0)
    );
}
