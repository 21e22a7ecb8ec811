//! What the operator wrote, as a validated [`Config`], and everything that is wrong with it.
//!
//! The document is walked as a whole, so that all mistakes are found at once, each with its place
//! and its mend. Which collectors there are is told by whoever knows them.

pub mod edit;
pub mod filter;
mod finding;
mod fingerprint;
mod parse;
mod reader;
mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

pub use filter::GuestFilter;
pub use finding::{Finding, Severity};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use parse::parse;
pub(crate) use parse::{AddressError, split_address};

/// The two products, which differ in ports, headers and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    Pve,
    Pbs,
}

impl Product {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pve => "pve",
            Self::Pbs => "pbs",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pve => "Proxmox VE",
            Self::Pbs => "Proxmox Backup Server",
        }
    }

    pub const fn default_port(self) -> u16 {
        match self {
            Self::Pve => 8006,
            Self::Pbs => 8007,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub state_directory: Option<PathBuf>,
    /// Calls under way to all remotes together.
    pub max_in_flight_total: usize,
    pub remotes: Vec<Arc<Remote>>,
}

/// What proxfleet itself serves.
#[derive(Debug, Clone)]
pub struct Server {
    pub listen: Vec<SocketAddr>,
    pub tls: Option<ServerTls>,
    pub basic_auth: Option<BasicAuth>,
    /// Under which address others reach us, for service discovery.
    pub external_address: Option<String>,
    /// Whether `POST /-/reload` is open.
    pub enable_reload: bool,
    pub max_connections: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 9221))],
            tls: None,
            basic_auth: None,
            external_address: None,
            enable_reload: false,
            max_connections: 512,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Clone)]
pub struct BasicAuth {
    pub username: String,
    pub password: SecretString,
}

/// A cluster, a standalone node or a backup server. Equal ones are the same to talk to.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    pub name: String,
    pub product: Product,
    /// At least one; several fail over.
    pub endpoints: Vec<Endpoint>,
    pub token: Token,
    pub ca: Option<CertificateAuthority>,
    pub labels: BTreeMap<String, String>,
    pub filter: GuestFilter,
    /// For one call, with the wait for its turn.
    pub timeout: Duration,
    /// Calls under way at once.
    pub max_in_flight: usize,
    pub collectors: CollectorSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    pub fingerprint: Option<Fingerprint>,
}

impl Endpoint {
    /// `host:port`.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[derive(Clone)]
pub struct Token {
    /// `user@realm!name`.
    pub id: String,
    pub secret: SecretString,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("id", &self.id).finish_non_exhaustive()
    }
}

/// CA certificates for one remote, beside those of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateAuthority {
    pub path: PathBuf,
    pub certificates: Vec<CertificateDer<'static>>,
}

/// What is set for collectors, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectorSettings(BTreeMap<String, CollectorSetting>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct CollectorSetting {
    enabled: Option<bool>,
    interval: Option<Duration>,
}

impl CollectorSettings {
    pub fn enabled(&self, name: &str, default: bool) -> bool {
        self.0.get(name).and_then(|setting| setting.enabled).unwrap_or(default)
    }

    pub fn interval(&self, name: &str, default: Duration) -> Duration {
        self.0.get(name).and_then(|setting| setting.interval).unwrap_or(default)
    }

    fn enable(&mut self, name: &str, enabled: bool) {
        self.0.entry(name.to_owned()).or_default().enabled = Some(enabled);
    }

    fn set_interval(&mut self, name: &str, interval: Duration) {
        self.0.entry(name.to_owned()).or_default().interval = Some(interval);
    }

    /// With what another says more closely.
    fn overlaid(&self, closer: &Self) -> Self {
        let mut settings = self.clone();
        for (name, closer) in &closer.0 {
            let setting = settings.0.entry(name.clone()).or_default();
            setting.enabled = closer.enabled.or(setting.enabled);
            setting.interval = closer.interval.or(setting.interval);
        }
        settings
    }
}

/// A name that may stand in `[collectors]`.
#[derive(Debug, Clone, Copy)]
pub struct CollectorKey {
    pub name: &'static str,
    pub product: Product,
    pub minimum_interval: Duration,
}

/// A configuration, unless anything is wrong with it, and what was found.
#[derive(Debug)]
pub struct Loaded {
    /// `None` where a finding is an error.
    pub config: Option<Config>,
    /// In the order of the text.
    pub findings: Vec<Finding>,
}

/// Reads a file.
pub fn load(path: &Path, known: &[CollectorKey]) -> Loaded {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path, known),
        Err(error) => {
            let message = format!("the configuration cannot be read: {error}");
            Loaded {
                config: None,
                findings: vec![Finding::of_file(Severity::Error, path, message)],
            }
        }
    }
}

#[cfg(test)]
mod tests;
