//! The command lines of the exporters whose place this program takes: their flags, environments
//! and files become a configuration, and `serve` does the rest.

mod prometheus_yml;
pub(super) mod pve;
mod pve_yml;
mod scalar;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;

use crate::config::{Admission, Exposed, Module, Server, ServerTls};

/// What both exporters' command lines have besides their own flags.
#[derive(Args)]
pub(super) struct Additions {
    /// A host, pattern (*.example.org) or network (10.0.0.0/24) that credentials may be sent to;
    /// may be given several times.
    #[arg(long, value_name = "HOST|CIDR")]
    allow_target: Vec<String>,
    /// Where the certificates are remembered that were seen first, for verify_ssl: false.
    #[arg(long, env = "STATE_DIRECTORY", value_name = "FOLDER")]
    state_directory: Option<PathBuf>,
}

impl Additions {
    fn admissions(&self) -> Result<Vec<Admission>, String> {
        let mut admissions = Vec::with_capacity(self.allow_target.len());
        for text in &self.allow_target {
            let admission = Admission::parse(text)
                .map_err(|problem| format!("--allow-target {text}: {problem}"))?;
            if admission.is_everything() {
                tracing::warn!(
                    "--allow-target {text}: whoever can reach this server has the credentials sent to any host"
                );
            }
            admissions.push(admission);
        }
        Ok(admissions)
    }
}

/// A server that tells of itself on `/metrics`: who used an exporter scrapes that already, and the
/// whole fleet there would double every sum.
fn server(
    address: &str,
    certificate: Option<&PathBuf>,
    key: Option<&PathBuf>,
) -> Result<Server, String> {
    let tls = match (certificate, key) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some(ServerTls {
            cert: cert.clone(),
            key: key.clone(),
        }),
        _ => return Err("a certificate needs its key, and a key its certificate".to_owned()),
    };
    Ok(Server {
        listen: addresses(address)?,
        tls,
        metrics: Exposed::Itself,
        ..Server::default()
    })
}

/// Where to listen: `host:port`, or `:port` for every address.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let everywhere;
    let text = if text.starts_with(':') {
        everywhere = format!("[::]{text}");
        &everywhere
    } else {
        text
    };
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("cannot listen on {text:?}: {error}"))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(format!(
            "cannot listen on {text:?}: there is no such address"
        ));
    }
    Ok(addresses)
}

/// Says in the log whom the modules answer for.
fn announce(modules: &[Module], how: &str) {
    for module in modules {
        let targets: Vec<String> = module.targets.iter().map(ToString::to_string).collect();
        if targets.is_empty() {
            tracing::warn!(
                module = module.name,
                "every target is refused with 403, for none is allowed: {how}"
            );
        } else {
            tracing::info!(module = module.name, "targets: {}", targets.join(", "));
        }
    }
}
