//! What the tests of the old exporters' endpoints share.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use simulator::SimulatedRemote;

use super::{Answer, PATIENCE, Proxfleet};

/// Asks until nothing is missing: what has to be asked of each node and guest is there when the
/// background has been round once.
pub async fn complete(proxfleet: &Proxfleet, path: &str) -> Answer {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = proxfleet.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        if !answer.text().contains("# partial") {
            return answer;
        }
        assert!(Instant::now() < end, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn families(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect()
}

pub fn samples<'a>(text: &'a str, family: &str) -> Vec<&'a str> {
    let lines = text.lines();
    lines
        .filter(|line| line.split(['{', ' ']).next() == Some(family))
        .collect()
}

/// How a module is asked for a simulated remote. The certificate of a backup server is for names alone.
pub fn module_target(remote: &SimulatedRemote, endpoint: usize) -> String {
    let address = remote.endpoints()[endpoint].address;
    match remote.product() {
        "pbs" => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}

/// A module that may ask a simulated remote, whose certificate is put into the folder.
pub fn module_of(name: &str, remote: &SimulatedRemote, folder: &tempfile::TempDir) -> String {
    let authority = folder.path().join(format!("{}.pem", remote.name()));
    std::fs::write(&authority, remote.ca_pem()).unwrap();
    let targets: Vec<String> = (0..remote.endpoints().len())
        .map(|endpoint| format!("\"{}\"", module_target(remote, endpoint)))
        .collect();
    format!(
        "[modules.{name}]\ntype = \"{}\"\ntargets = [{}]\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\nca_file = \"{}\"\n",
        remote.product(),
        targets.join(", "),
        remote.token_id(),
        remote.token_secret(),
        authority.display(),
    )
}
