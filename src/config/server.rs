//! Where and how proxfleet itself is reached.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub listen: Vec<SocketAddr>,
    pub tls: Option<ServerTls>,
    pub basic_auth: Option<BasicAuth>,
    /// `host:port` under which others reach this server, where it differs from what it listens on.
    pub external_address: Option<String>,
    /// What `/metrics` tells.
    pub metrics: Exposed,
    /// Whether `POST /-/reload` works.
    pub enable_reload: bool,
    pub max_connections: usize,
}

/// What `/metrics` tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Exposed {
    #[default]
    Fleet,
    /// Only the program's own metrics, where each remote is a target of its own.
    Itself,
    /// What pbs-exporter answers there. Only from its command line.
    PbsExporter(PbsExporter),
}

/// How `proxfleet pbs-exporter` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbsExporter {
    /// In the place of `/metrics`.
    pub path: String,
    /// Whom a scrape asks about that names nobody.
    pub target: String,
    /// Whether a scrape may name another.
    pub takes_targets: bool,
}

impl PbsExporter {
    /// Where the program tells of itself then.
    pub const OWN_PATH: &'static str = "/self";

    /// # Errors
    /// That nothing can be answered under this path.
    pub fn new(path: &str, target: &str, takes_targets: bool) -> Result<Self, String> {
        const TAKEN: [&str; 5] = ["/", "/self", "/pve", "/pbs", "/sd"];
        let is_plain = path.starts_with('/') && !path.contains(['{', '}', '*', '?', '#', ' ', ':']);
        if !is_plain
            || TAKEN.contains(&path)
            || path.starts_with("/-/")
            || path.starts_with("/api/")
        {
            return Err(format!(
                "metrics cannot be served on {path:?}: write /metrics or alike"
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            target: target.to_owned(),
            takes_targets,
        })
    }
}

/// PEM files of the certificate chain and its key.
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

impl PartialEq for BasicAuth {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username
            && self.password.expose_secret() == other.password.expose_secret()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 9221))],
            tls: None,
            basic_auth: None,
            external_address: None,
            metrics: Exposed::Fleet,
            enable_reload: false,
            max_connections: 512,
        }
    }
}
