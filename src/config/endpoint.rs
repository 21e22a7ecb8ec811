//! Where a remote is reached.

use std::fmt;

use super::read::place;
use super::{Fingerprint, Product};

/// One way to a remote; always https.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    /// Decides where the certificate's chain is not trusted or its name does not fit.
    pub fingerprint: Option<Fingerprint>,
}

impl Endpoint {
    /// Reads `host`, `host:port` or `[v6]:port`, without a pin.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str, product: Product) -> Result<Self, String> {
        Self::parse_with_port(text, product.default_port())
    }

    /// The same with a port for a place that names none.
    pub fn parse_with_port(text: &str, default_port: u16) -> Result<Self, String> {
        match place(text, default_port) {
            Ok((host, port)) => Ok(Self {
                host,
                port,
                fingerprint: None,
            }),
            Err(misplaced) => Err(format!(
                "{text:?}: {}; {}",
                misplaced.message, misplaced.help
            )),
        }
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn address(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}
