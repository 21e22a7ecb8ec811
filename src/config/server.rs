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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exposed {
    #[default]
    Fleet,
    /// Only the program's own metrics, where each remote is a target of its own.
    Itself,
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
