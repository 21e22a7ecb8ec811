//! Certificates of targets that a module pins when it sees them first.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use simulator::{Fault, RemotePlan, SimulatedRemote};
use support::{Answer, Proxfleet, cluster, eventually, fleet, pve};

fn module(remote: &SimulatedRemote, more: &str) -> String {
    let targets: Vec<String> = remote
        .endpoints()
        .iter()
        .map(|endpoint| format!("\"{}\"", endpoint.address))
        .collect();
    format!(
        "[modules.default]\ntargets = [{}]\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\npin_first_seen = true\n{more}",
        targets.join(", "),
        remote.token_id(),
        remote.token_secret(),
    )
}

fn state(folder: &Path) -> String {
    format!("[state]\ndirectory = \"{}\"\n", folder.display())
}

async fn scrape(proxfleet: &Proxfleet, remote: &SimulatedRemote, endpoint: usize) -> Answer {
    let address = remote.endpoints()[endpoint].address;
    proxfleet
        .get(&format!("/pve?target={address}&node=0"))
        .await
}

async fn reload(proxfleet: &Proxfleet) {
    let before = proxfleet.log().matches("reloaded").count();
    proxfleet.signal("-HUP");
    eventually("it has reloaded", async || {
        proxfleet.log().matches("reloaded").count() > before
    })
    .await;
}

#[tokio::test]
async fn what_is_seen_first_is_pinned_once_and_a_change_is_refused_until_the_line_is_gone() {
    let fleet = cluster(3).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let front = state(&folder.path().join("state"));
    let proxfleet = Proxfleet::start_with(&front, &module(remote, "")).await;
    let first = remote.endpoints()[0].fingerprint.clone();

    let (a, b, c, d) = tokio::join!(
        scrape(&proxfleet, remote, 0),
        scrape(&proxfleet, remote, 0),
        scrape(&proxfleet, remote, 1),
        scrape(&proxfleet, remote, 1),
    );
    for answer in [a, b, c, d] {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let log = proxfleet.log();
    assert_eq!(
        log.matches("was seen first and is pinned").count(),
        2,
        "{log}"
    );
    assert!(log.contains(&first), "{log}");
    let file = folder.path().join("state/certificates.toml");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(&file).unwrap();
    for endpoint in &remote.endpoints()[..2] {
        let line = format!("\"{}\" = \"{}\"", endpoint.address, endpoint.fingerprint);
        assert!(kept.contains(&line), "{line} is not in {kept}");
    }

    remote.set_fault(Fault::CertificateRotated);
    let second = remote.endpoints()[0].fingerprint.clone();
    reload(&proxfleet).await;
    remote.reset_counts();
    let refused = scrape(&proxfleet, remote, 0).await;
    assert_eq!(refused.status, 500);
    let address = remote.endpoints()[0].address;
    for text in [
        first.as_str(),
        second.as_str(),
        &format!(
            "remove the line of \"{address}\" in [default] of {}",
            file.display()
        ),
    ] {
        assert!(refused.text().contains(text), "{}", refused.text());
    }
    assert_eq!(remote.counts().authorization_bytes(), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);

    let without: String = kept
        .lines()
        .filter(|line| !line.contains(&address.to_string()))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&file, without).unwrap();
    reload(&proxfleet).await;
    let believed = scrape(&proxfleet, remote, 0).await;
    assert_eq!(believed.status, 200, "{}", believed.text());
    let other = scrape(&proxfleet, remote, 1).await;
    assert_eq!(other.status, 500, "{}", other.text());
}

#[tokio::test]
async fn without_a_state_directory_pins_last_as_long_as_the_program() {
    let fleet = cluster(3).await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start(&module(remote, "")).await;
    for endpoint in [0, 1] {
        assert_eq!(scrape(&proxfleet, remote, endpoint).await.status, 200);
    }
    let log = proxfleet.log();
    assert_eq!(log.matches("no [state] directory").count(), 1, "{log}");

    remote.set_fault(Fault::CertificateRotated);
    reload(&proxfleet).await;
    remote.reset_counts();
    let refused = scrape(&proxfleet, remote, 0).await;
    assert_eq!(refused.status, 500);
    assert!(
        refused.text().contains("restart proxfleet"),
        "{}",
        refused.text()
    );
    assert_eq!(remote.counts().authorization_bytes(), 0);
}

#[tokio::test]
async fn nothing_is_sent_while_it_is_not_known_what_was_pinned() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 3))]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificates.toml");
    std::fs::write(&file, "[default").unwrap();
    let proxfleet = Proxfleet::start_with(&state(folder.path()), &module(remote, "")).await;
    let refused = scrape(&proxfleet, remote, 0).await;
    assert_eq!(refused.status, 500);
    assert!(
        refused.text().contains(&file.display().to_string()),
        "{}",
        refused.text()
    );
    assert_eq!(remote.counts().authorization_bytes(), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[default");
}

#[tokio::test]
async fn what_an_authority_vouches_for_is_not_pinned() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 3))]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, remote.ca_pem()).unwrap();
    let ca_file = format!("ca_file = \"{}\"\n", authority.display());
    let config = module(remote, &ca_file);
    let proxfleet = Proxfleet::start_with(&state(folder.path()), &config).await;
    assert_eq!(scrape(&proxfleet, remote, 0).await.status, 200);
    assert!(!folder.path().join("certificates.toml").exists());
    // It may be renewed freely.
    remote.set_fault(Fault::CertificateRotated);
    reload(&proxfleet).await;
    let answer = scrape(&proxfleet, remote, 0).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
