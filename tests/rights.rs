//! What a token may not do is not tried, is told by name, and is never shown as a number.

#![allow(clippy::expect_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::BTreeSet;

use proxfleet::metric::parse::Exposition;
use simulator::{Fleet, RemotePlan, Rights, SimulatedRemote};
use support::{Proxfleet, fleet, pbs, pve, run, table};

async fn cluster_and_server() -> Fleet {
    fleet([RemotePlan::Pve(pve("a", 2, 12)), RemotePlan::Pbs(pbs("b"))]).await
}

/// proxfleet with tokens of these rights, after all has been asked that they may ask.
async fn with_rights(fleet: &Fleet, rights: Rights) -> (Proxfleet, Exposition) {
    let table_of = |remote: &SimulatedRemote| {
        let mut tokens = remote.tokens().iter();
        let token = tokens.find(|token| token.rights == rights);
        let token = token.expect("a token of these rights");
        table(remote, &token.id, &token.secret)
    };
    let remotes: String = fleet.remotes().iter().map(table_of).collect();
    let proxfleet = Proxfleet::start(&remotes).await;
    let exposition = proxfleet.scrape_all().await;
    (proxfleet, exposition)
}

/// `REMOTE COLLECTOR` of all that ended so.
fn ended(exposition: &Exposition, outcome: &str) -> BTreeSet<String> {
    exposition
        .samples_named("proxfleet_collector_outcome")
        .iter()
        .filter(|sample| sample.labels["outcome"] == outcome)
        .map(|sample| format!("{} {}", sample.labels["remote"], sample.labels["collector"]))
        .collect()
}

/// Paths that were asked of a remote, without their queries.
fn asked(remote: &SimulatedRemote) -> BTreeSet<String> {
    let calls = remote.counts().calls();
    calls
        .keys()
        .filter_map(|call| call.split(['?']).next())
        .map(str::to_owned)
        .collect()
}

fn warnings(proxfleet: &Proxfleet) -> Vec<String> {
    let log = proxfleet.log();
    let warnings = log.lines().filter(|line| line.contains("WARN"));
    warnings.map(str::to_owned).collect()
}

#[tokio::test]
async fn an_auditor_lacks_only_the_updates_and_check_is_content() {
    let fleet = cluster_and_server().await;
    let (proxfleet, exposition) = with_rights(&fleet, Rights::Auditor).await;
    let forbidden = ended(&exposition, "forbidden");
    assert_eq!(forbidden, BTreeSet::from(["a update".to_owned()]));
    for outcome in ["invalid", "unauthorised", "unavailable"] {
        assert!(ended(&exposition, outcome).is_empty(), "{outcome}");
    }
    let updates = asked(fleet.remote("a"));
    let updates = updates.iter().find(|call| call.ends_with("/apt/update"));
    assert_eq!(updates, None);
    let warnings = warnings(&proxfleet);
    let of_updates = warnings.iter().filter(|line| line.contains("Sys.Modify"));
    assert_eq!(of_updates.count(), 1, "one for two nodes: {warnings:#?}");

    let (code, report) = run(&["check"], &proxfleet.config_path()).await;
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("Sys.Modify"), "{report}");
    assert!(!report.contains("--roles PVEAuditor"), "{report}");
}

#[tokio::test]
async fn without_any_right_only_what_is_open_is_asked() {
    let fleet = cluster_and_server().await;
    let (proxfleet, exposition) = with_rights(&fleet, Rights::Nothing).await;
    let of_cluster = [
        // These two may be open to narrower rights than can be told in advance.
        "GET /cluster/resources",
        "GET /cluster/status",
        "GET /access/permissions",
        "GET /version",
    ];
    let of_server = [
        "GET /admin/datastore",
        "GET /status/metrics",
        "GET /access/permissions",
        "GET /version",
        "GET /nodes/localhost/subscription",
    ];
    for (name, open) in [("a", &of_cluster[..]), ("b", &of_server[..])] {
        let closed: Vec<String> = asked(fleet.remote(name))
            .into_iter()
            .filter(|call| !open.contains(&call.as_str()))
            // Open to whoever has signed in.
            .filter(|call| {
                let is_of_node = call.starts_with("GET /nodes/pve");
                let open = ["version", "network", "subscription", "certificates/info"];
                !(is_of_node && open.iter().any(|end| call.ends_with(&format!("/{end}"))))
            })
            .collect();
        assert_eq!(closed, [""; 0], "{name}");
    }
    let open = ended(&exposition, "ok");
    assert!(open.contains("a version") && open.contains("b version"));
    assert!(ended(&exposition, "forbidden").len() > 30);
    for family in ["pve_guest_info", "pve_backup_job_enabled", "pbs_size"] {
        assert!(exposition.samples_named(family).is_empty(), "{family}");
    }
    // One for each thing to know, not for each node or try.
    let warnings = warnings(&proxfleet);
    let sources: BTreeSet<&str> = warnings
        .iter()
        .filter_map(|line| line.split_once("source=")?.1.split(' ').next())
        .collect();
    assert!(sources.len() > 20, "{warnings:#?}");
    assert!(
        warnings.len() <= sources.len() + 2,
        "{} for {}: {warnings:#?}",
        warnings.len(),
        sources.len()
    );
}

#[tokio::test]
async fn what_a_narrow_token_does_not_see_is_not_said_to_be_missing() {
    let fleet = cluster_and_server().await;
    let (_proxfleet, exposition) = with_rights(&fleet, Rights::Narrow).await;
    let guests: BTreeSet<&str> = exposition
        .samples_named("pve_guest_info")
        .iter()
        .map(|sample| sample.labels["id"].as_str())
        .collect();
    assert_eq!(guests.len(), 1, "{guests:?}");
    let states = exposition.samples_named("pve_guest_protection_state");
    let states: Vec<&str> = states.iter().map(|s| s.labels["state"].as_str()).collect();
    assert_eq!(states, ["unknown"]);
    let places = exposition.samples_named("pve_guest_restore_point_places");
    assert!(places.is_empty(), "a zero would be a finding");
    // Only its own guest and its own namespace.
    for call in asked(fleet.remote("a")) {
        let guest = ["/qemu/", "/lxc/"].iter().find_map(|kind| {
            let (_, rest) = call.split_once(kind)?;
            Some(format!("{}{}", &kind[1..], rest.split('/').next()?))
        });
        assert!(
            guest.is_none_or(|guest| guests.contains(guest.as_str())),
            "{call}"
        );
    }
}
