//! `proxfleet remote`: listing, adding and trusting remotes.

mod add;
mod certificate;

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{ConfigFile, Verdict, print, say};
use crate::collect;
use crate::config::edit::{self, ChangeKind};
use crate::config::{self, Fingerprint};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the configured remotes.
    List,
    /// Add a remote: asks for what it is not told.
    Add(add::Arguments),
    /// Show what the end-points of a remote present. No token is sent.
    ProbeCertificate {
        /// Name of the remote.
        name: String,
        /// One of its end-points; all without.
        endpoint: Option<String>,
    },
    /// Write the pin of an end-point into the configuration, or clear it.
    SetFingerprint {
        /// Name of the remote.
        name: String,
        /// The end-point, as `host` or `host:port`.
        endpoint: String,
        /// SHA-256 of the certificate; without it the pin is cleared.
        fingerprint: Option<Fingerprint>,
    },
}

pub(super) async fn remote(arguments: Arguments) -> Verdict {
    let path = &arguments.config.path;
    let result = match arguments.command {
        Command::List => list(path),
        Command::Add(add) => add::add(path, add).await,
        Command::ProbeCertificate { name, endpoint } => {
            probe(path, &name, endpoint.as_deref()).await
        }
        Command::SetFingerprint {
            name,
            endpoint,
            fingerprint,
        } => set_fingerprint(path, &name, &endpoint, fingerprint),
    };
    match result {
        Ok(()) => Verdict::Good,
        Err(problem) => {
            say(&format!("error: {problem}"));
            Verdict::Failed
        }
    }
}

fn load(path: &Path) -> Result<config::Config, String> {
    let loaded = config::load(path, &collect::configuration_keys());
    loaded.config.ok_or_else(|| {
        let findings: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
        format!("the configuration has errors:\n{}", findings.join("\n"))
    })
}

fn list(path: &Path) -> Result<(), String> {
    for remote in &load(path)?.remotes {
        let endpoints: Vec<String> = remote
            .endpoints
            .iter()
            .map(|endpoint| match endpoint.fingerprint {
                Some(_) => format!("{} (pinned)", endpoint.address()),
                None => endpoint.address(),
            })
            .collect();
        print(&format!(
            "{}\t{}\t{}\t{}",
            remote.name,
            remote.product,
            remote.credentials.identity(),
            endpoints.join(", ")
        ));
    }
    Ok(())
}

async fn probe(path: &Path, name: &str, endpoint: Option<&str>) -> Result<(), String> {
    let config = load(path)?;
    let remote = config
        .remotes
        .iter()
        .find(|remote| remote.name == name)
        .ok_or_else(|| {
            let known: Vec<&str> = config
                .remotes
                .iter()
                .map(|remote| remote.name.as_str())
                .collect();
            format!(
                "there is no remote {name:?}; configured are: {}",
                known.join(", ")
            )
        })?;
    certificate::probe(Arc::clone(remote), endpoint).await
}

fn set_fingerprint(
    path: &Path,
    name: &str,
    endpoint: &str,
    fingerprint: Option<Fingerprint>,
) -> Result<(), String> {
    let change = edit::set_fingerprint(path, name, endpoint, fingerprint)
        .map_err(|error| error.to_string())?;
    if change.kind == ChangeKind::None {
        print(&format!(
            "{name} {endpoint}: {} says so already.",
            change.path.display()
        ));
        return Ok(());
    }
    print(&match fingerprint {
        Some(fingerprint) => format!(
            "{name} {endpoint}: pinned to {fingerprint} in {}.",
            change.path.display()
        ),
        None => format!(
            "{name} {endpoint}: no longer pinned in {}.",
            change.path.display()
        ),
    });
    print("A running proxfleet takes it up at its next reload (SIGHUP).");
    Ok(())
}
