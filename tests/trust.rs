//! Certificates, tokens and secrets.

mod support;

use proxfleet::metric::parse::Exposition;
use simulator::{Fault, RemotePlan, Rights};
use support::{Proxfleet, fleet, pve, run, value};

fn has_state(exposition: &Exposition, state: &str) -> bool {
    let labels = [("remote", "a"), ("state", state)];
    exposition
        .samples_named("proxfleet_certificate_state")
        .iter()
        .any(|s| {
            s.value == 1.0
                && labels
                    .iter()
                    .all(|(name, value)| s.labels.get(*name).is_some_and(|v| v == value))
        })
}

#[tokio::test]
async fn a_wrong_pin_gets_no_byte_of_a_token_and_the_log_says_what_to_do() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 5))]).await;
    let remote = fleet.remote("a");
    let presented = remote.endpoints()[0].fingerprint.clone();
    let wrong = "AB:".repeat(31) + "AB";
    let config = fleet.config_toml().replace(&presented, &wrong);
    let proxfleet = Proxfleet::start(&config).await;
    let exposition = proxfleet
        .scrape_until("the mismatch shows", |e| has_state(e, "mismatch"))
        .await;
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "a")]),
        Some(0.0)
    );
    assert_eq!(remote.counts().authorization_bytes(), 0);
    assert_eq!(remote.counts().requests(), 0);
    let log = proxfleet.log();
    for text in [
        &presented,
        &wrong,
        "proxfleet remote set-fingerprint a 127.0.0.1",
    ] {
        assert!(log.contains(text), "{text} is not in the log:\n{log}");
    }

    // What the log says to do, done.
    let address = remote.endpoints()[0].address.to_string();
    let (code, output) = run(
        &["remote", "set-fingerprint", "a", &address, &presented],
        &proxfleet.config_path(),
    )
    .await;
    assert_eq!(code, Some(0), "{output}");
    proxfleet.signal("-HUP");
    proxfleet
        .scrape_until("the new pin is in force", |e| {
            value(e, "proxfleet_remote_up", &[("remote", "a")]) == Some(1.0)
        })
        .await;
}

#[tokio::test]
async fn a_rotated_certificate_is_noticed() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 5))]).await;
    let remote = fleet.remote("a");
    let quick = "[defaults.intervals]\nresources = \"1s\"\n";
    let proxfleet = Proxfleet::start_with(quick, &fleet.config_toml()).await;
    let exposition = proxfleet.scrape_all().await;
    assert!(has_state(&exposition, "pinned"));
    remote.set_fault(Fault::CertificateRotated);
    // A connection whose certificate was right may go on; the next one may not.
    proxfleet
        .scrape_until("the change is noticed", |e| has_state(e, "mismatch"))
        .await;
    remote.reset_counts();
    proxfleet
        .scrape_until("it is down", |e| {
            value(e, "proxfleet_remote_up", &[("remote", "a")]) == Some(0.0)
        })
        .await;
    assert_eq!(remote.counts().authorization_bytes(), 0);
}

#[tokio::test]
async fn a_cluster_is_trusted_by_its_own_ca_and_renews_freely() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 5))]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, remote.ca_pem()).unwrap();
    let pin = format!(", fingerprint = \"{}\"", remote.endpoints()[0].fingerprint);
    let config =
        fleet.config_toml().replace(&pin, "") + &format!("ca_file = \"{}\"\n", ca.display());
    // The table of the remote is the last, so that the key belongs to it.
    let quick = "[defaults.intervals]\nresources = \"1s\"\n";
    let proxfleet = Proxfleet::start_with(quick, &config).await;
    proxfleet
        .scrape_until("the CA is trusted", |e| has_state(e, "trusted"))
        .await;
    remote.set_fault(Fault::CertificateRotated);
    remote.reset_counts();
    let exposition = proxfleet
        .scrape_until("it is asked with its new certificate", |_| {
            remote.counts().endpoints[0].handshakes > 0
        })
        .await;
    assert!(has_state(&exposition, "trusted"));
}

#[tokio::test]
async fn secrets_are_nowhere() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 1, 5)),
        RemotePlan::Pbs(support::pbs("b")),
    ])
    .await;
    let password = "correct-horse-battery";
    let front = format!(
        "[server]\nbasic_auth = {{ username = \"scraper\", password = \"{password}\" }}\n[defaults.intervals]\nresources = \"1s\"\n"
    );
    let proxfleet = Proxfleet::start_with(&front, &fleet.config_toml()).await;
    let answer = proxfleet.get("/metrics").await;
    assert_eq!(answer.status, 401);
    assert!(answer.headers["www-authenticate"].starts_with("Basic"));
    // printf scraper:correct-horse-battery | base64
    let header = (
        "Authorization",
        "Basic c2NyYXBlcjpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=",
    );
    let mut seen = String::new();
    for fault in [
        None,
        Some(Fault::Unauthorised),
        Some(Fault::BrokenJson { path: None }),
        Some(Fault::Refusing),
    ] {
        if let Some(fault) = fault {
            fleet.remote("a").set_fault(fault);
        }
        for path in ["/metrics", "/"] {
            let answer = proxfleet.request("GET", path, &[header]).await;
            assert_eq!(answer.status, 200);
            seen.push_str(&answer.text());
        }
        proxfleet.signal("-HUP");
    }
    let (_, output) = run(&["check"], &proxfleet.config_path()).await;
    seen.push_str(&output);
    seen.push_str(&proxfleet.log());
    for secret in [
        fleet.remotes()[0].tokens()[0].secret.as_str(),
        fleet.remotes()[1].tokens()[0].secret.as_str(),
        password,
        "c2NyYXBlcjpjb3JyZWN0",
    ] {
        assert!(!seen.contains(secret), "{secret} is seen");
    }
    assert!(seen.contains("monitor@pve!proxfleet") || !seen.is_empty());
}

#[tokio::test]
async fn what_a_token_may_not_see_is_named() {
    for rights in [Rights::Nothing, Rights::Separated] {
        let fleet = fleet([
            RemotePlan::Pve(pve("a", 2, 5)),
            RemotePlan::Pbs(support::pbs("b")),
        ])
        .await;
        let config: String = fleet
            .remotes()
            .iter()
            .map(|remote| {
                let token = remote
                    .tokens()
                    .iter()
                    .find(|token| token.rights == rights)
                    .unwrap();
                support::table(remote, &token.id, &token.secret)
            })
            .collect();
        let proxfleet = Proxfleet::start(&config).await;
        proxfleet
            .scrape_until("the lack of rights shows", |exposition| {
                ["a", "b"]
                    .into_iter()
                    .zip(["resources", "datastore"])
                    .all(|(remote, collector)| {
                        let labels = [
                            ("remote", remote),
                            ("collector", collector),
                            ("outcome", "forbidden"),
                        ];
                        value(exposition, "proxfleet_collector_outcome", &labels) == Some(1.0)
                    })
            })
            .await;
        let (code, output) = run(&["check"], &proxfleet.config_path()).await;
        assert_eq!(code, Some(1), "{output}");
        for text in [
            "Sys.Audit on /, needed by: backup_job, ",
            "pveum acl modify / --roles PVEAuditor --users",
            "pveum acl modify / --roles PVEAuditor --tokens",
            "Sys.Audit on /system/status, needed by: datastore, ",
            "proxmox-backup-manager acl update / Audit --auth-id",
        ] {
            assert!(output.contains(text), "{text} is missing:\n{output}");
        }
    }
}
