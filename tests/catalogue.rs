//! Everything that is declared is exposed of a fleet that has it all, and nothing else is.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proxfleet::config::Product;
use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse;
use proxfleet::view::catalogue::{self, Origin};
use simulator::{CephPlan, Clock, Fleet, FleetPlan, PbsPlan, RemotePlan, Rights};
use support::{Proxfleet, table};

/// What no simulated fleet shows, by the beginning of its name, and why.
const ABSENT: &[(&str, &str)] = &[
    (
        "pve_node_zfs_arc_size_bytes",
        "no simulated node has ZFS in its history",
    ),
    (
        "pve_sdn_controller_info",
        "no simulated cluster has a controller",
    ),
    (
        "pve_cluster_bandwidth_limit_",
        "no simulated cluster has limits",
    ),
    (
        "pve_backup_newest_verified",
        "no simulated storage tells of verification",
    ),
    (
        "pve_subscription_next_due_",
        "no simulated node has a subscription",
    ),
    (
        "pbs_subscription_info",
        "no simulated server has a subscription",
    ),
    (
        "pbs_subscription_next_due_",
        "no simulated server has a subscription",
    ),
    ("pbs_datastore_disk_", "virtual disks have no counters"),
    ("pbs_host_disk_", "virtual disks have no counters"),
    (
        "pbs_host_repository_enabled",
        "no simulated server has repositories of its product",
    ),
    (
        "pbs_token_expiry_",
        "no simulated token of a server expires",
    ),
    ("pbs_user_expiry_", "no simulated user of a server expires"),
];

/// Half past ten in the evening, when backups run.
const NIGHT: f64 = 1_800_052_200.0;

/// Collectors that are off by default are on here.
const EVERYTHING: &str = "[defaults]\ncollectors = { backup_detail = true, balloon_detail = true, block_detail = true, guest_agent = true, guest_hardware = true, tape = true }\n";

/// The fleet of a demo, with all that is odd.
fn plan() -> FleetPlan {
    let mut plan = FleetPlan::demo(&[3, 1], 80, 1, 1);
    plan.clock = Clock::frozen_at(NIGHT);
    for remote in &mut plan.remotes {
        match remote {
            RemotePlan::Pve(pve) => {
                (pve.oddities, pve.qdevice) = (true, true);
                // A health check is there only where something is wrong.
                pve.ceph = Some(CephPlan {
                    osds_down: vec![0],
                    ..CephPlan::default()
                });
            }
            RemotePlan::Pbs(pbs) => {
                pbs.oddities = true;
                pbs.tape = true;
                let kinds = PbsPlan::every_kind();
                // The first one keeps the backups of the clusters.
                pbs.datastores.truncate(1);
                pbs.datastores.extend(kinds.into_iter().skip(1));
            }
        }
    }
    plan
}

#[tokio::test]
async fn what_is_declared_is_exposed_and_nothing_else() {
    let fleet = Fleet::start(plan()).await.unwrap();
    // With every right, since what an auditor may not see is exposed, too; and once with an
    // auditor's, who lacks some.
    let rights_of = |name: &str| match name {
        "cluster-b" => Rights::Auditor,
        _ => Rights::Admin,
    };
    let config: String = fleet
        .remotes()
        .iter()
        .map(|remote| {
            let mut tokens = remote.tokens().iter();
            let wanted = rights_of(remote.name());
            let token = tokens.find(|token| token.rights == wanted).unwrap();
            table(remote, &token.id, &token.secret)
        })
        .collect();
    let proxfleet = Proxfleet::start_with(EVERYTHING, &config).await;
    proxfleet.scrape_all().await;
    let accept = (
        "Accept",
        "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
    );
    let answer = proxfleet.request("GET", "/metrics", &[accept]).await;
    let exposition = parse::parse(Format::OpenMetrics, &answer.text()).unwrap();

    let mut labels: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    for sample in exposition.samples() {
        let names = sample.labels.keys().filter(|name| *name != "le");
        labels
            .entry(sample.name.clone())
            .or_default()
            .insert(names.cloned().collect());
    }
    for (name, sets) in &labels {
        assert_eq!(sets.len(), 1, "{name} has several sets of labels: {sets:?}");
    }

    let declared: BTreeSet<&str> = catalogue::entries()
        .iter()
        .map(|entry| entry.family.name)
        .collect();
    let base = |name: &str| {
        let suffixes = ["_bucket", "_sum", "_count"];
        let found = suffixes
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .filter(|base| declared.contains(base));
        found.unwrap_or(name).to_owned()
    };
    let exposed: BTreeSet<String> = labels.keys().map(|name| base(name)).collect();
    let undeclared: Vec<&String> = exposed
        .iter()
        .filter(|name| !declared.contains(name.as_str()))
        .collect();
    assert!(undeclared.is_empty(), "not declared: {undeclared:?}");

    let is_explained = |name: &str| ABSENT.iter().any(|(absent, _)| name.starts_with(absent));
    let missing: Vec<&str> = declared
        .iter()
        .copied()
        .filter(|name| !exposed.contains(*name) && !is_explained(name))
        .collect();
    assert!(
        missing.is_empty(),
        "declared and never exposed: {missing:#?}"
    );
    let explained = ABSENT
        .iter()
        .filter(|(absent, _)| exposed.iter().any(|name| name.starts_with(absent)));
    assert_eq!(explained.count(), 0, "an absence is none any more");
}

/// A call that the simulator does not know is told as one that the server does not, which is no
/// error, and goes unnoticed.
#[test]
fn every_call_is_simulated() {
    let routes = simulator::routes();
    let mut missing = BTreeSet::new();
    for entry in catalogue::entries() {
        let Origin::Remote(collector) = entry.origin else {
            continue;
        };
        let product = match collector.product {
            Product::Pve => simulator::Product::Pve,
            Product::Pbs => simulator::Product::Pbs,
        };
        let calls = collector.sources.iter().flat_map(|source| source.calls());
        missing.extend(calls.map(|call| call.path).filter(|path| {
            let mut known = routes.iter().filter(|route| route.product == product);
            !known.any(|route| is_answered_by(path, route.path))
        }));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Whether a path with placeholders is one of a route, whatever the placeholders are called.
fn is_answered_by(path: &str, route: &str) -> bool {
    let (path, route) = (path.split('/'), route.split('/'));
    path.clone().count() == route.clone().count()
        && path
            .zip(route)
            .all(|(asked, known)| known.starts_with('{') || asked == known)
}
