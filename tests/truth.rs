//! The truth about nodes that are gone, that are silent, or that see nobody else.

#![allow(clippy::expect_used, reason = "a test ends where it goes wrong")]

mod support;

use std::time::Duration;

use simulator::{Clock, Fault, Fleet, FleetPlan, PveVersion, RemotePlan};
use support::{Proxfleet, pve, value};

const QUICK: &str = "[defaults.intervals]\nresources = \"1s\"\nusage = \"1s\"\n";

/// A cluster whose clock the test moves.
async fn cluster() -> Fleet {
    let plan = FleetPlan {
        seed: 1,
        clock: Clock::default(),
        remotes: vec![RemotePlan::Pve(pve("a", 3, 60))],
    };
    Fleet::start(plan).await.expect("a fleet")
}

#[tokio::test]
async fn nothing_runs_on_a_dead_node_and_names_are_kept() {
    let fleet = cluster().await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let before = proxfleet.scrape_all().await;
    // Not the one that is asked.
    let dead = remote.endpoints()[2].node.clone();
    let on_dead: Vec<(String, String)> = before
        .samples_named("pve_guest_info")
        .iter()
        .filter(|sample| sample.labels["node"] == dead)
        .map(|sample| (sample.labels["id"].clone(), sample.labels["name"].clone()))
        .collect();
    assert!(on_dead.len() > 5);

    remote.set_fault(Fault::NodeOffline { node: dead.clone() });
    let is_gone = |exposition: &_| {
        value(exposition, "pve_up", &[("id", &format!("node/{dead}"))]) == Some(0.0)
    };
    // For five minutes PVE says that they run, with numbers; then it forgets their names.
    for advance in [10, 100, 400] {
        fleet.clock().advance(Duration::from_secs(advance));
        let exposition = proxfleet.scrape_until("the node is gone", is_gone).await;
        for (id, name) in &on_dead {
            assert_eq!(
                value(&exposition, "pve_up", &[("id", id)]),
                Some(0.0),
                "{id}"
            );
            assert_eq!(
                value(&exposition, "pve_memory_usage_bytes", &[("id", id)]),
                None,
                "{id}"
            );
            assert_eq!(
                value(&exposition, "pve_guest_info", &[("id", id), ("name", name)]),
                Some(1.0),
                "{id}"
            );
        }
        let storage = format!("storage/{dead}/local");
        assert_eq!(value(&exposition, "pve_up", &[("id", &storage)]), Some(0.0));
        assert_eq!(
            value(&exposition, "pve_disk_size_bytes", &[("id", &storage)]),
            None
        );
        let zones = exposition.samples_named("pve_network_zone_state");
        assert!(
            !zones.is_empty()
                && zones
                    .iter()
                    .all(|sample| !sample.labels["id"].contains(&dead))
        );
        assert_eq!(
            value(&exposition, "pve_cluster_votes_present", &[("remote", "a")]),
            Some(2.0)
        );
    }
}

#[tokio::test]
async fn a_silent_node_has_no_live_values() {
    let fleet = cluster().await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let before = proxfleet.scrape_all().await;
    let silent = remote.endpoints()[1].node.clone();
    let id = format!("node/{silent}");
    assert_eq!(
        value(&before, "pve_node_data_stale", &[("id", &id)]),
        Some(0.0)
    );

    remote.set_fault(Fault::StatusDaemonDead {
        node: silent.clone(),
    });
    fleet.clock().advance(Duration::from_secs(120));
    let exposition = proxfleet
        .scrape_until("the silence shows", |exposition| {
            value(exposition, "pve_node_data_stale", &[("id", &id)]) == Some(1.0)
                && value(exposition, "pve_cpu_usage_ratio", &[("id", &id)]).is_none()
        })
        .await;
    assert_eq!(
        value(&exposition, "pve_up", &[("id", &id)]),
        Some(1.0),
        "it is online"
    );
    assert_eq!(value(&exposition, "pve_node_load1", &[("id", &id)]), None);
    let guests = exposition.samples_named("pve_guest_info");
    let mut on_silent = guests
        .iter()
        .filter(|sample| sample.labels["node"] == silent)
        .peekable();
    assert!(on_silent.peek().is_some());
    for guest in on_silent {
        let id = guest.labels["id"].as_str();
        assert_eq!(
            value(&exposition, "pve_cpu_usage_ratio", &[("id", id)]),
            None,
            "{id}"
        );
        assert_eq!(
            value(&exposition, "pve_up", &[("id", id)]),
            None,
            "nobody knows"
        );
    }
    let dropped = [("remote", "a"), ("reason", "too_old")];
    assert!(
        value(
            &exposition,
            "proxfleet_export_points_dropped_total",
            &dropped
        )
        .unwrap()
            > 0.0
    );
}

#[tokio::test]
async fn an_end_point_without_quorum_is_believed_only_if_none_has_it() {
    let fleet = cluster().await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    proxfleet.scrape_all().await;
    let quorate = [("id", "cluster/a")];

    remote.reset_counts();
    remote.set_fault_at(0, Fault::NoQuorum);
    let exposition = proxfleet
        .scrape_until("another end-point is asked", |_| {
            support::calls_at(remote, 1) >= 2
        })
        .await;
    assert_eq!(value(&exposition, "pve_up", &quorate), Some(1.0));
    let nodes: f64 = remote
        .endpoints()
        .iter()
        .map(|endpoint| {
            value(
                &exposition,
                "pve_up",
                &[("id", &format!("node/{}", endpoint.node))],
            )
            .unwrap()
        })
        .sum();
    assert_eq!(nodes, 3.0);

    for endpoint in 1..3 {
        remote.set_fault_at(endpoint, Fault::NoQuorum);
    }
    proxfleet
        .scrape_until("the quorum is lost", |exposition| {
            value(exposition, "pve_up", &quorate) == Some(0.0)
        })
        .await;
}

#[tokio::test]
async fn points_without_a_time_are_counted_and_left_out() {
    let fleet = cluster().await;
    let remote = fleet.remote("a");
    let node = remote.endpoints()[0].node.clone();
    remote.set_fault(Fault::ExportTimestampZero { node: node.clone() });
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    // All there is to have of one of the three nodes is not had, so not all is ever answered.
    let is_counted = |exposition: &_| {
        let dropped = [("remote", "a"), ("reason", "no_timestamp")];
        let coverage = [("remote", "a"), ("collector", "usage")];
        value(
            exposition,
            "proxfleet_export_points_dropped_total",
            &dropped,
        ) >= Some(15.0)
            && value(exposition, "proxfleet_collector_coverage_ratio", &coverage) == Some(2.0 / 3.0)
    };
    let exposition = proxfleet
        .scrape_until("points are left out", is_counted)
        .await;
    assert_eq!(
        value(
            &exposition,
            "pve_node_load1",
            &[("id", &format!("node/{node}"))]
        ),
        None
    );
}

#[tokio::test]
async fn older_versions_answer_with_what_they_have() {
    let mut old = pve("old", 2, 20);
    old.version = PveVersion::V8_4;
    let plan = FleetPlan {
        seed: 1,
        clock: Clock::default(),
        remotes: vec![
            RemotePlan::Pve(old),
            RemotePlan::Pbs(support::pbs("backup")),
        ],
    };
    let fleet = Fleet::start(plan).await.unwrap();
    // As 8.2.4 and 3.2.7, which have no such calls.
    let lacks = |remote: &str, path: &str, status, text: &str| {
        fleet.remote(remote).set_fault(Fault::Error {
            path: Some(path.to_owned()),
            status,
            reason: Some(text.to_owned()),
        });
    };
    let export = "/cluster/metrics/export";
    lacks(
        "old",
        export,
        501,
        "Method 'GET /cluster/metrics/export' not implemented",
    );
    lacks(
        "backup",
        "/status/metrics",
        404,
        "Path '/api2/json/status/metrics' not found.",
    );
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let exposition = proxfleet
        .scrape_until("the versions are known", |exposition| {
            let old = [
                ("remote", "old"),
                ("collector", "usage"),
                ("outcome", "not_applicable"),
            ];
            value(exposition, "proxfleet_collector_outcome", &old) == Some(1.0)
                && exposition.samples_named("pbs_datastore_size_bytes").len() == 4
        })
        .await;
    // Zones have one spelling over an upgrade.
    let zones = exposition.samples_named("pve_network_zone_info");
    assert!(
        zones
            .iter()
            .all(|sample| sample.labels["id"].starts_with("network/pve"))
    );
    assert!(!zones.is_empty());
    assert_eq!(
        exposition.samples_named("pbs_host_cpu_usage_ratio").len(),
        1
    );
    // What these versions lack is no error.
    proxfleet.scrape_all().await;
}
