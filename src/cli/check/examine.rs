//! Looking at one remote: its end-points, what answers there, and what the token may.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::report::{EndpointReport, MissingPrivilege, RemoteReport};
use crate::collect::COLLECTORS;
use crate::collect::access::missing_privileges;
use crate::config::{self, Product};
use crate::remote::Client;
use crate::remote::call::Answer;
use crate::remote::error::CallError;
use crate::remote::in_flight::InFlight;
use crate::remote::observer::Nobody;
use crate::remote::outcome::Outcome;
use crate::remote::trust::{self, CertificateState, SystemRoots, Verdict};
use crate::source::permissions::{self, Permissions};
use crate::source::{Request, Session, pbs, pve};
use crate::view::catalogue::is_of_the_auditor;

const PROBE_TIME_OUT: Duration = Duration::from_secs(5);
/// A second is what the protocol tells; a few may be the way.
const CLOCK_TOLERANCE: f64 = 5.0;

pub(super) async fn remote(config: Arc<config::Remote>, roots: Arc<SystemRoots>) -> RemoteReport {
    let session = match Client::new(
        Arc::clone(&config),
        Arc::clone(&roots),
        Arc::new(InFlight::new(config.max_in_flight)),
        Arc::new(Nobody),
    ) {
        Ok(client) => Session::of_remote(client, &config),
        Err(error) => return RemoteReport::failed(&config, &error.to_string()),
    };
    let mut report = RemoteReport::new(&config);
    let mut refused = false;
    for (index, endpoint) in config.endpoints.iter().enumerate() {
        let probed = trust::probe(
            &endpoint.host,
            endpoint.port,
            &roots,
            config.ca.as_ref(),
            endpoint.fingerprint,
            PROBE_TIME_OUT,
        )
        .await;
        let mut examined = EndpointReport::new(endpoint.address());
        match probed {
            Err(error) => examined.problems.push(error.to_string()),
            Ok(state) => {
                describe_certificate(&mut examined, &state, &config.name);
                // One refused token is enough.
                if state.verdict.is_accepted() && !refused {
                    match ask_version(&session, index).await {
                        Ok((version, answer)) => {
                            examined.version = Some(format!("{} {version}", config.product.name()));
                            describe_clock(&mut examined, &answer);
                        }
                        Err(error) => {
                            refused = error.outcome() == Outcome::Unauthorised;
                            examined.problems.push(error.to_string());
                        }
                    }
                }
            }
        }
        report.endpoints.push(examined);
    }
    if !refused
        && report
            .endpoints
            .iter()
            .any(|endpoint| endpoint.problems.is_empty())
    {
        describe_privileges(&mut report, &session, &config).await;
    }
    report
}

async fn ask_version(session: &Session, endpoint: usize) -> Result<(String, Answer), CallError> {
    let call = match session.product() {
        Product::Pve => &pve::version::VERSION_CALL,
        Product::Pbs => &pbs::version::VERSION_CALL,
    };
    let answer = session.get(Request::of(call).at(Some(endpoint))).await?;
    let release = session.read(&answer, call, pve::version::parse).await?;
    // PBS writes 4.2 and 1 for 4.2.1; PVE writes 9.1.8 and 9.1.
    let version = if release.version.starts_with(&*release.release) {
        release.version.to_string()
    } else {
        format!("{}.{}", release.version, release.release)
    };
    Ok((version, answer))
}

fn describe_certificate(report: &mut EndpointReport, state: &CertificateState, remote: &str) {
    let fingerprint = state.certificate.fingerprint;
    report.certificate = Some(state.verdict.as_str());
    report.fingerprint = Some(fingerprint.to_string());
    report.expires_in_days = state.certificate.not_after.map(|end| {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        end.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX)) / 86_400
    });
    let command = format!(
        "proxfleet remote set-fingerprint {remote} {} {fingerprint}",
        report.address
    );
    match (state.verdict, state.expected) {
        (Verdict::Mismatch, Some(expected)) => report.problems.push(format!(
            "the certificate is not the pinned one: presented {fingerprint}, expected {expected}; if you know of the change: {command}"
        )),
        (Verdict::Untrusted, _) => report.problems.push(format!(
            "the certificate is not trusted ({}); if {fingerprint} is the one of your server: {command}",
            state.objection.as_deref().unwrap_or("unknown reason")
        )),
        _ => {}
    }
}

fn describe_clock(report: &mut EndpointReport, answer: &Answer) {
    let received = answer
        .received_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let Some(date) = answer.date else { return };
    let difference = date as f64 + 0.5 - (received - answer.elapsed.as_secs_f64() / 2.0);
    report.clock_difference_seconds = Some((difference * 10.0).round() / 10.0);
    if difference.abs() > CLOCK_TOLERANCE {
        report.warnings.push(format!(
            "its clock differs from ours by {difference:.0} s: check the time on both"
        ));
    }
}

async fn describe_privileges(
    report: &mut RemoteReport,
    session: &Session,
    config: &config::Remote,
) {
    match permissions::ask(session).await {
        Ok(permissions) => {
            report.missing_privileges = missing(&permissions, config);
            report.grant = grant(
                config.product,
                config.credentials.identity(),
                &report.missing_privileges,
            );
        }
        Err(error) => report.problems.push(error.to_string()),
    }
}

/// What is lacking, by privilege, with the collectors that need it.
fn missing(permissions: &Permissions, config: &config::Remote) -> Vec<MissingPrivilege> {
    let collectors = COLLECTORS
        .iter()
        .copied()
        .filter(|collector| collector.product == config.product)
        .filter(|collector| {
            config
                .collectors
                .enabled(collector.name, collector.by_default)
        });
    missing_privileges(permissions, collectors)
        .into_iter()
        .map(|((privilege, path), collectors)| MissingPrivilege {
            privilege,
            path,
            needed_by: collectors.into_iter().collect(),
            optional: !is_of_the_auditor(config.product, privilege),
        })
        .collect()
}

/// Commands that grant what is lacking by the least roles, to the user and to the token: the rights
/// of a token of PBS, and of one of PVE with privilege separation, are those that both have.
fn grant(product: Product, token: &str, missing: &[MissingPrivilege]) -> Vec<String> {
    let user = token.split('!').next().unwrap_or(token);
    let (optional, needed): (Vec<_>, Vec<_>) = missing.iter().partition(|missing| missing.optional);
    let optional: BTreeSet<&str> = optional.iter().map(|missing| missing.privilege).collect();
    let mut commands = Vec::new();
    match product {
        Product::Pve => {
            let mut to_both = |role: &str| {
                commands.push(format!(
                    "pveum acl modify / --roles {role} --users '{user}'"
                ));
                commands.push(format!(
                    "pveum acl modify / --roles {role} --tokens '{token}'"
                ));
            };
            if !needed.is_empty() {
                to_both("PVEAuditor");
            }
            if !optional.is_empty() {
                to_both(OWN_ROLE);
                let privileges = Vec::from_iter(optional).join(" ");
                let role = format!("pveum role add {OWN_ROLE} --privs '{privileges}'");
                commands.insert(commands.len() - 2, role);
            }
        }
        Product::Pbs => {
            let mut to_both = |path: &str, role: &str| {
                for id in [user, token] {
                    commands.push(format!(
                        "proxmox-backup-manager acl update {path} {role} --auth-id '{id}'"
                    ));
                }
            };
            if !needed.is_empty() {
                to_both("/", "Audit");
            }
            for (privilege, path, role) in ROLES_BEYOND_AUDIT {
                if optional.contains(privilege) {
                    to_both(path, role);
                }
            }
        }
    }
    commands
}

/// For what is beyond PVEAuditor, since no role of PVE's own holds just that.
const OWN_ROLE: &str = "Proxfleet";

/// Of a backup server: roles that hold one privilege beyond Audit, and nothing that changes anything.
const ROLES_BEYOND_AUDIT: [(&str, &str, &str); 2] = [
    ("Remote.Audit", "/remote", "RemoteAudit"),
    ("Tape.Audit", "/tape", "TapeAudit"),
];
