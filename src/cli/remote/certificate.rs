//! Showing certificates to the operator.

use std::sync::Arc;
use std::time::Duration;

use super::super::print;
use crate::config;
use crate::remote::trust::{self, CertificateState, SystemRoots, Verdict};

const TIME_OUT: Duration = Duration::from_secs(5);

/// Shows what the end-points of a remote present.
pub(super) async fn probe(remote: Arc<config::Remote>, only: Option<&str>) -> Result<(), String> {
    let roots = SystemRoots::load();
    let wanted = only
        .map(|text| config::Endpoint::parse(text, remote.product))
        .transpose()?;
    let mut failed = Vec::new();
    let mut found = false;
    for endpoint in &remote.endpoints {
        if wanted
            .as_ref()
            .is_some_and(|wanted| wanted.address() != endpoint.address())
        {
            continue;
        }
        found = true;
        let probed = trust::probe(
            &endpoint.host,
            endpoint.port,
            &roots,
            remote.ca.as_ref(),
            endpoint.fingerprint,
            TIME_OUT,
        )
        .await;
        match probed {
            Ok(state) => print(&describe(&endpoint.address(), &state)),
            Err(error) => failed.push(error.to_string()),
        }
    }
    if !found {
        let known: Vec<String> = remote
            .endpoints
            .iter()
            .map(config::Endpoint::address)
            .collect();
        return Err(format!(
            "{:?} has no such end-point; it has: {}",
            remote.name,
            known.join(", ")
        ));
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

/// Everything about a certificate, one fact a line.
pub(super) fn describe(address: &str, state: &CertificateState) -> String {
    let certificate = &state.certificate;
    let time = |seconds: Option<i64>| {
        let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        time.map_or("unknown".to_owned(), |time| time.to_string())
    };
    let judged = match state.verdict {
        Verdict::Trusted => {
            "trusted: its chain and name are accepted, it may be renewed freely".to_owned()
        }
        Verdict::Pinned => "pinned: it is the one that the configuration names".to_owned(),
        Verdict::Mismatch => format!(
            "NOT the pinned one, which is {}",
            state
                .expected
                .map(|pin| pin.to_string())
                .unwrap_or_default()
        ),
        Verdict::Untrusted => "not trusted, and there is no pin".to_owned(),
    };
    let mut text = format!(
        "{address}\n  {judged}\n  fingerprint  {}\n  subject      {}\n  names        {}\n  issuer       {}\n  valid from   {}\n  valid to     {}\n",
        certificate.fingerprint,
        certificate.subject,
        certificate.names.join(", "),
        certificate.issuer,
        time(certificate.not_before),
        time(certificate.not_after),
    );
    if let Some(objection) = &state.objection {
        text.push_str(&format!("  by chain     {objection}\n"));
    }
    text
}
