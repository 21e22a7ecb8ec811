//! Ceph as a whole: its health, an OSD that is down, flags that were set, a cluster that has none.

#![allow(clippy::expect_used, reason = "a test ends where it goes wrong")]

mod support;

use proxfleet::metric::parse::Exposition;
use simulator::{
    CephCheck, CephPlan, CephSeverity, Fault, Fleet, PvePlan, RemotePlan, SimulatedRemote,
};
use support::{Proxfleet, fleet, pve, value};

/// As often as may be.
const QUICK: &str = "[defaults.intervals]\nresources = \"1s\"\nceph = \"1s\"\n";

async fn cluster(ceph: Option<CephPlan>) -> Fleet {
    let plan = PvePlan {
        ceph,
        ..pve("a", 3, 6)
    };
    fleet([RemotePlan::Pve(plan)]).await
}

fn health(exposition: &Exposition) -> Vec<String> {
    let states = exposition.samples_named("pve_ceph_health_status");
    let current = states.iter().filter(|sample| sample.value == 1.0);
    current.map(|s| s.labels["status"].clone()).collect()
}

/// The checks that are reported, with their severity, and whether they count.
fn checks(exposition: &Exposition) -> Vec<(String, String, f64)> {
    let mut checks: Vec<_> = exposition
        .samples_named("pve_ceph_health_check")
        .iter()
        .map(|sample| {
            let label = |name: &str| sample.labels[name].clone();
            (label("check"), label("severity"), sample.value)
        })
        .collect();
    checks.sort_by(|a, b| a.0.cmp(&b.0));
    checks
}

fn warning(code: &str) -> (String, String, f64) {
    (code.to_owned(), "HEALTH_WARN".to_owned(), 1.0)
}

/// The labels of all samples with this value.
fn with_value(exposition: &Exposition, name: &str, label: &str, value: f64) -> Vec<String> {
    let samples = exposition.samples_named(name);
    let found = samples.iter().filter(|sample| sample.value == value);
    let mut found: Vec<String> = found.map(|s| s.labels[label].clone()).collect();
    found.sort();
    found
}

fn outcome(exposition: &Exposition) -> Option<String> {
    let outcomes = exposition.samples_named("proxfleet_collector_outcome");
    let of_ceph = outcomes.iter().find(|s| s.labels["collector"] == "ceph");
    of_ceph.map(|sample| sample.labels["outcome"].clone())
}

async fn started(fleet: &Fleet) -> (Proxfleet, Exposition) {
    let proxfleet = Proxfleet::start_with(QUICK, &fleet.config_toml()).await;
    let exposition = proxfleet.scrape_all().await;
    (proxfleet, exposition)
}

fn kill(remote: &SimulatedRemote, endpoint: usize) {
    let node = remote.endpoints()[endpoint].node.clone();
    remote.set_fault(Fault::NodeOffline { node });
}

#[tokio::test]
async fn healthy_ceph_has_nothing_to_alert_on() {
    let fleet = cluster(Some(CephPlan::default())).await;
    let (_proxfleet, exposition) = started(&fleet).await;
    assert_eq!(outcome(&exposition).as_deref(), Some("ok"));
    assert_eq!(health(&exposition), ["HEALTH_OK"]);
    assert!(checks(&exposition).is_empty());
    let flags = exposition.samples_named("pve_ceph_flag");
    assert_eq!(
        (flags.len(), flags.iter().all(|flag| flag.value == 0.0)),
        (11, true)
    );
    let osds = exposition.samples_named("pve_ceph_osd_up");
    assert_eq!(
        (osds.len(), osds.iter().all(|osd| osd.value == 1.0)),
        (12, true)
    );
    let groups = value(&exposition, "pve_ceph_placement_groups", &[]);
    assert!(groups > Some(0.0));
    for state in ["active", "clean"] {
        let family = "pve_ceph_placement_groups_in_state";
        assert_eq!(value(&exposition, family, &[("state", state)]), groups);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_name() {
    let fleet = cluster(Some(CephPlan {
        osds_down: vec![1],
        osds_out: vec![5],
        flags: vec!["noout".into(), "pause".into()],
        checks: vec![
            CephCheck {
                code: "POOL_FULL".into(),
                severity: CephSeverity::Error,
                message: "1 pool(s) full".into(),
                is_muted: false,
            },
            CephCheck {
                code: "POOL_NO_REDUNDANCY".into(),
                severity: CephSeverity::Warning,
                message: "1 pool(s) have no replicas configured".into(),
                is_muted: true,
            },
        ],
        ..CephPlan::default()
    }))
    .await;
    let (_proxfleet, exposition) = started(&fleet).await;
    assert_eq!(health(&exposition), ["HEALTH_ERR"]);
    assert_eq!(
        checks(&exposition),
        [
            warning("OSDMAP_FLAGS"),
            warning("OSD_DOWN"),
            warning("PG_DEGRADED"),
            ("POOL_FULL".into(), "HEALTH_ERR".into(), 1.0),
            ("POOL_NO_REDUNDANCY".into(), "HEALTH_WARN".into(), 0.0),
        ]
    );
    let with_value = |name, label, value| with_value(&exposition, name, label, value);
    assert_eq!(with_value("pve_ceph_osd_up", "osd", 0.0), ["1"]);
    assert_eq!(with_value("pve_ceph_osd_in", "osd", 0.0), ["5"]);
    assert_eq!(with_value("pve_ceph_flag", "flag", 1.0), ["noout", "pause"]);
    let total = |name| value(&exposition, name, &[]);
    assert_eq!(total("pve_ceph_osds_up"), Some(11.0));
    assert_eq!(total("pve_ceph_osds_in"), Some(11.0));
    for family in [
        "pve_ceph_objects_degraded",
        "pve_ceph_objects_misplaced",
        "pve_ceph_recovered_bytes_per_second",
    ] {
        assert!(total(family) > Some(0.0), "{family}");
    }
    // Paused clients neither read nor write.
    assert_eq!(total("pve_ceph_written_bytes_per_second"), Some(0.0));
}

#[tokio::test]
async fn a_dead_node_is_osds_down_and_a_lost_quorum_is_an_error() {
    let fleet = cluster(Some(CephPlan::default())).await;
    let remote = fleet.remote("a");
    let (proxfleet, _) = started(&fleet).await;
    kill(remote, 2);
    let exposition = proxfleet
        .scrape_until("a monitor is missed", |exposition| {
            value(exposition, "pve_ceph_monitors_in_quorum", &[]) == Some(2.0)
        })
        .await;
    assert_eq!(value(&exposition, "pve_ceph_monitors", &[]), Some(3.0));
    assert_eq!(
        with_value(&exposition, "pve_ceph_osd_up", "osd", 0.0),
        ["10", "11", "8", "9"]
    );
    assert_eq!(health(&exposition), ["HEALTH_WARN"]);

    kill(remote, 1);
    proxfleet
        .scrape_until("nobody answers for Ceph", |exposition| {
            outcome(exposition).as_deref() == Some("unavailable")
        })
        .await;
}

#[tokio::test]
async fn a_cluster_without_it_is_asked_once_and_says_nothing() {
    let fleet = cluster(None).await;
    let (_proxfleet, exposition) = started(&fleet).await;
    assert_eq!(outcome(&exposition).as_deref(), Some("not_applicable"));
    let told = exposition
        .samples()
        .filter(|s| s.name.starts_with("pve_ceph_"));
    assert_eq!(told.count(), 0);
    let calls = fleet.remote("a").counts().calls();
    let of_ceph: Vec<_> = calls
        .keys()
        .filter(|call| call.contains("/ceph/"))
        .collect();
    assert_eq!(of_ceph, ["GET /cluster/ceph/status"]);
}
