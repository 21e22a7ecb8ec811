//! Whatever version a remote runs, nothing is noisy; an older one lacks what came later, and
//! nothing else.

#![allow(clippy::expect_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proxfleet::config::Product;
use proxfleet::remote::version::Version;
use proxfleet::view::catalogue;
use simulator::{Clock, Fleet, FleetPlan, PbsVersion, PvePlan, PveVersion, RemotePlan, Rights};
use support::{Proxfleet, pbs, pve, table};

/// Outcomes other than `ok`, by product and version, and why. None of them is an error.
const NOT_APPLICABLE: &[(Product, &str, &str, &str)] = &[
    (Product::Pve, "", "ceph", "no Ceph is installed"),
    (
        Product::Pve,
        "8.4",
        "node",
        "averages with pressure came with 9.0",
    ),
    (
        Product::Pbs,
        "",
        "group",
        "a datastore is not mounted, another is lost",
    ),
    (
        Product::Pbs,
        "",
        "snapshot",
        "a datastore is not mounted, another is lost",
    ),
    (
        Product::Pbs,
        "",
        "s3",
        "a datastore is not mounted, another is lost",
    ),
];

/// The one thing that PVEAuditor has no privilege for: which updates wait.
const FORBIDDEN_TO_AUDITORS: (Product, &str) = (Product::Pve, "update");

/// What the log says of it, and the only warning that there may be.
const WARNING: &str = "/apt/update: the token lacks a privilege: Sys.Modify";

/// Absent of an older version for another reason than that its answers lack it, by the beginning
/// of the family's name.
const EXPLAINED: &[(&str, &str)] = &[("pbs_datastore_s3_", "PBS 3 has no datastores on S3")];

/// What the program makes of one remote, after all has been asked once.
struct Seen {
    product: Product,
    release: &'static str,
    rights: Rights,
    families: BTreeSet<String>,
    /// By collector, all but the good ones.
    outcomes: BTreeMap<String, String>,
    /// Lines of the log above information.
    warnings: Vec<String>,
}

/// A fleet of one remote, with all collectors that are on by default.
async fn seen(release: &'static str, plan: RemotePlan, rights: Rights) -> Seen {
    let product = match plan {
        RemotePlan::Pve(_) => Product::Pve,
        RemotePlan::Pbs(_) => Product::Pbs,
    };
    let plan = FleetPlan {
        seed: 1,
        clock: Clock::default(),
        remotes: vec![plan],
    };
    let fleet = Fleet::start(plan).await.expect("a fleet");
    let remote = fleet.remotes().first().expect("its remote");
    let mut tokens = remote.tokens().iter();
    let token = tokens.find(|token| token.rights == rights);
    let token = token.expect("a token of these rights");
    let proxfleet = Proxfleet::start(&table(remote, &token.id, &token.secret)).await;
    let exposition = proxfleet.scrape_all().await;
    let outcomes = exposition.samples_named("proxfleet_collector_outcome");
    let log = proxfleet.log();
    Seen {
        product,
        release,
        rights,
        families: exposition.samples().map(|s| s.name.clone()).collect(),
        outcomes: outcomes
            .iter()
            .map(|sample| &sample.labels)
            .filter(|labels| labels["outcome"] != "ok")
            .map(|labels| (labels["collector"].clone(), labels["outcome"].clone()))
            .collect(),
        warnings: log
            .lines()
            .filter(|line| line.contains(" WARN ") || line.contains(" ERROR "))
            .map(str::to_owned)
            .collect(),
    }
}

async fn seen_of_cluster(version: PveVersion, rights: Rights) -> Seen {
    let plan = PvePlan {
        version,
        qdevice: true,
        ..pve("a", 2, 30)
    };
    seen(version.release(), RemotePlan::Pve(plan), rights).await
}

async fn seen_of_server(release: &'static str, version: PbsVersion, rights: Rights) -> Seen {
    let mut plan = pbs("a");
    plan.version = version;
    seen(release, RemotePlan::Pbs(plan), rights).await
}

/// Holds that every outcome other than `ok` and every warning is one that is named above.
fn assert_quiet(seen: &Seen) {
    let (product, lacks) = FORBIDDEN_TO_AUDITORS;
    let is_refused = product == seen.product && seen.rights == Rights::Auditor;
    let not_here = NOT_APPLICABLE
        .iter()
        .filter(|(product, release, ..)| {
            *product == seen.product && seen.release.starts_with(release)
        })
        .map(|(_, _, collector, _)| (*collector, "not_applicable"));
    let expected: BTreeMap<&str, &str> = not_here
        .chain(is_refused.then_some((lacks, "forbidden")))
        .collect();
    let outcomes: BTreeMap<&str, &str> = seen
        .outcomes
        .iter()
        .map(|(collector, outcome)| (&**collector, &**outcome))
        .collect();
    assert_eq!(outcomes, expected, "{}", seen.release);
    let warnings: Vec<_> = seen
        .warnings
        .iter()
        .filter(|line| !(is_refused && line.contains(WARNING)))
        .collect();
    assert!(warnings.is_empty(), "{}: {warnings:#?}", seen.release);
}

/// The version that brought a family, as its help says: `…, known since PVE 9.1`.
fn since(help: &str) -> Option<Version> {
    let (_, version) = help.split_once(" since PVE ")?;
    Version::parse_pve(version.split(' ').next()?)
}

/// Holds that what the older lacks of what the newer has is what came in between.
fn assert_lacks_what_came_later(older: &Seen, newer: &Seen) {
    let gone: Vec<_> = older.families.difference(&newer.families).collect();
    assert!(gone.is_empty(), "not of {}: {gone:?}", newer.release);
    let absent = newer.families.difference(&older.families);
    let is_explained = |name: &&String| EXPLAINED.iter().any(|(of, _)| name.starts_with(of));
    let absent: BTreeSet<&str> = absent
        .filter(|name| !is_explained(name))
        .map(String::as_str)
        .collect();
    let release = Version::parse_pve(older.release).expect("a version");
    let entries = catalogue::entries();
    let later: BTreeSet<&str> = entries
        .iter()
        .map(|entry| entry.family)
        .filter(|family| newer.families.contains(family.name))
        .filter(|family| since(family.help).is_some_and(|since| since > release))
        .map(|family| family.name)
        .collect();
    assert_eq!(absent, later, "{} and {}", older.release, newer.release);
}

async fn hold_of_clusters(rights: Rights) {
    let (older, old, new) = tokio::join!(
        seen_of_cluster(PveVersion::V8_4, rights),
        seen_of_cluster(PveVersion::V9_1, rights),
        seen_of_cluster(PveVersion::V9_2, rights),
    );
    for seen in [&older, &old, &new] {
        assert_quiet(seen);
    }
    assert_lacks_what_came_later(&older, &old);
    assert_lacks_what_came_later(&old, &new);
}

async fn hold_of_servers(rights: Rights) {
    let (old, new) = tokio::join!(
        seen_of_server("3.4", PbsVersion::V3_4, rights),
        seen_of_server("4.2", PbsVersion::V4_2, rights),
    );
    for seen in [&old, &new] {
        assert_quiet(seen);
    }
    assert_lacks_what_came_later(&old, &new);
    let of_s3 = |seen: &Seen| {
        seen.families
            .iter()
            .any(|name| name.starts_with("pbs_datastore_s3_"))
    };
    assert!(of_s3(&new) && !of_s3(&old));
}

#[tokio::test]
async fn an_auditor_of_any_cluster_meets_no_error() {
    hold_of_clusters(Rights::Auditor).await;
}

#[tokio::test]
async fn an_administrator_of_any_cluster_meets_no_error() {
    hold_of_clusters(Rights::Admin).await;
}

#[tokio::test]
async fn an_auditor_of_any_backup_server_meets_no_error() {
    hold_of_servers(Rights::Auditor).await;
}

#[tokio::test]
async fn an_administrator_of_any_backup_server_meets_no_error() {
    hold_of_servers(Rights::Admin).await;
}
