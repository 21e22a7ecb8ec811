//! Everything that is declared is exposed of a fleet that has it all, and nothing else is.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse;
use proxfleet::view::catalogue;
use simulator::{RemotePlan, Rights};
use support::{Proxfleet, fleet, pbs, pve, table};

/// What no simulated fleet shows, and why.
const ABSENT: &[(&str, &str)] = &[];

/// Collectors that are off by default are on here.
const EVERYTHING: &str = "";

#[tokio::test]
async fn what_is_declared_is_exposed_and_nothing_else() {
    let mut cluster = pve("a", 3, 60);
    cluster.oddities = true;
    let fleet = fleet([
        RemotePlan::Pve(cluster),
        RemotePlan::Pve(pve("single", 1, 10)),
        RemotePlan::Pbs(pbs("backup")),
    ])
    .await;
    // With every right: what an auditor may not see is exposed, too.
    let config: String = fleet
        .remotes()
        .iter()
        .map(|remote| {
            let mut tokens = remote.tokens().iter();
            let admin = tokens.find(|token| token.rights == Rights::Admin).unwrap();
            table(remote, &admin.id, &admin.secret)
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

    let is_explained = |name: &str| ABSENT.iter().any(|(absent, _)| *absent == name);
    let missing: Vec<&str> = declared
        .iter()
        .copied()
        .filter(|name| !exposed.contains(*name) && !is_explained(name))
        .collect();
    assert!(
        missing.is_empty(),
        "declared and never exposed: {missing:#?}"
    );
    let explained = ABSENT.iter().filter(|(name, _)| exposed.contains(*name));
    assert_eq!(explained.count(), 0, "an absence is none any more");
}
