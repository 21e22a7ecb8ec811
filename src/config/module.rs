//! Credentials for targets that only a scrape names.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::filter::Pattern;
use super::{
    CollectorSettings, Credentials, Endpoint, GuestFilter, Origin, Product, Remote, ScrapeTimes,
};

/// `[modules.NAME]`: what `?module=NAME&target=HOST` is asked with, and which hosts it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    pub name: String,
    /// Where credentials may be sent; empty admits nothing.
    pub targets: Vec<Admission>,
    /// The port of a target that names none.
    pub port: u16,
    /// Whether the certificate that a target shows first is its pin from then on.
    pub pin_first_seen: bool,
    /// How a target is talked to; its name and end-points are those of the target.
    pub access: Remote,
}

impl Module {
    /// A module that admits nothing yet, with everything else as usual.
    pub fn new(name: &str, product: Product, credentials: Credentials) -> Self {
        Self {
            name: name.to_owned(),
            targets: Vec::new(),
            port: product.default_port(),
            pin_first_seen: false,
            access: Remote {
                name: name.to_owned(),
                origin: Origin::Module {
                    name: name.to_owned(),
                    first_seen: None,
                },
                product,
                endpoints: Vec::new(),
                credentials,
                ca: None,
                labels: BTreeMap::new(),
                filter: GuestFilter::default(),
                scrape: ScrapeTimes::default(),
                timeout: Remote::TIMEOUT,
                max_in_flight: Remote::MAX_IN_FLIGHT,
                background_calls_per_second: Remote::BACKGROUND_CALLS_PER_SECOND,
                collectors: CollectorSettings::default(),
            },
        }
    }

    pub fn product(&self) -> Product {
        self.access.product
    }

    /// Whether the credentials may be sent to this end-point.
    pub fn admits(&self, endpoint: &Endpoint) -> bool {
        self.targets
            .iter()
            .any(|admission| admission.admits(endpoint, self.port))
    }

    /// The remote that a target is.
    pub fn remote_at(&self, endpoint: Endpoint) -> Arc<Remote> {
        Arc::new(Remote {
            name: endpoint.address(),
            endpoints: vec![endpoint],
            ..self.access.clone()
        })
    }
}

/// Hosts that a module's credentials may be sent to, on one port.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    hosts: Hosts,
    /// That of the module where it is not given.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq)]
enum Hosts {
    /// A name or address, with `*` and `?`.
    Named(Pattern),
    /// Addresses; a name is not looked up, for whoever answers for the name would decide.
    Network(IpNet),
}

impl Admission {
    /// Reads a host, a pattern of hosts, a network such as `10.0.0.0/24`, or an end-point with a
    /// port.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("this is empty".to_owned());
        }
        if text.contains('/') {
            let network = text
                .parse::<IpNet>()
                .map_err(|_| "this is not a network such as 10.0.0.0/24".to_owned())?;
            return Ok(Self {
                hosts: Hosts::Network(network.trunc()),
                port: None,
            });
        }
        if text.contains(['*', '?']) {
            let (hosts, port) = match text.split_once(':') {
                Some((hosts, port)) => {
                    let port = port.parse::<u16>().ok().filter(|port| *port > 0);
                    let port = port.ok_or_else(|| "the port must be from 1 to 65535".to_owned())?;
                    (hosts, Some(port))
                }
                None => (text, None),
            };
            return Ok(Self {
                hosts: Hosts::Named(Pattern::new(hosts)),
                port,
            });
        }
        // 0 stands for no port: no text can name it.
        let endpoint = Endpoint::parse_with_port(text, 0)?;
        Ok(Self {
            hosts: match endpoint.host.parse::<IpAddr>() {
                Ok(address) => Hosts::Network(IpNet::from(address)),
                Err(_) => Hosts::Named(Pattern::new(&endpoint.host)),
            },
            port: (endpoint.port > 0).then_some(endpoint.port),
        })
    }

    /// Whether any host at all is admitted.
    pub fn is_everything(&self) -> bool {
        match &self.hosts {
            Hosts::Named(pattern) => pattern.matches("") && pattern.matches("a.b"),
            Hosts::Network(network) => network.prefix_len() == 0,
        }
    }

    fn admits(&self, endpoint: &Endpoint, usual_port: u16) -> bool {
        let admitted = match (&self.hosts, endpoint.host.parse::<IpAddr>()) {
            (Hosts::Network(network), Ok(address)) => network.contains(&address.to_canonical()),
            (Hosts::Network(_), Err(_)) => false,
            // Whoever writes 10.0.0.* means addresses, and not 10.0.0.example.org.
            (Hosts::Named(pattern), Err(_)) if is_of_addresses(pattern.as_str()) => false,
            (Hosts::Named(pattern), _) => {
                pattern.matches(endpoint.host.strip_suffix('.').unwrap_or(&endpoint.host))
            }
        };
        admitted && endpoint.port == self.port.unwrap_or(usual_port)
    }
}

fn is_of_addresses(pattern: &str) -> bool {
    pattern.contains(|character: char| character.is_ascii_digit())
        && !pattern.contains(|character: char| character.is_ascii_alphabetic())
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Named(pattern) => write!(f, "{}", pattern.as_str()),
            Hosts::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Hosts::Network(network) => write!(f, "{network}"),
        }?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(admission: &str, target: &str) -> bool {
        let admission = Admission::parse(admission).unwrap();
        let endpoint = Endpoint::parse(target, Product::Pve).unwrap();
        admission.admits(&endpoint, 8006)
    }

    #[test]
    fn hosts_patterns_and_networks_admit_on_one_port() {
        assert!(admits("pve1", "PVE1"));
        assert!(admits("pve1", "pve1:8006"));
        assert!(admits("*.example.org", "pve1.example.org"));
        assert!(admits("*.example.org", "pve1.example.org."));
        assert!(admits("pve?:443", "pve2:443"));
        assert!(admits("10.0.0.0/24", "10.0.0.7"));
        assert!(admits("10.0.0.9/24", "10.0.0.7"));
        assert!(admits("10.0.0.7", "10.0.0.7"));
        assert!(admits("2001:db8::/32", "[2001:db8::1]:8006"));
        assert!(admits("[2001:db8::1]:443", "[2001:DB8:0::1]:443"));
        assert!(admits("pve1:443", "pve1:443"));

        assert!(!admits("pve1", "pve11"));
        assert!(!admits("pve1", "pve1:22"));
        assert!(!admits("pve1:443", "pve1"));
        assert!(!admits("*.example.org", "example.org"));
        assert!(!admits("*.example.org", "pve1.example.org.evil.test"));
        assert!(!admits("10.0.0.0/24", "10.0.1.7"));
        assert!(!admits("10.0.0.0/24", "10.0.0.7.example.org"));
        assert!(!admits("pve1", "10.0.0.7"));
        assert!(admits("10.0.0.*", "10.0.0.7"));
        assert!(!admits("10.0.0.*", "10.0.0.example.org"));
    }

    #[test]
    fn what_admits_nothing_sensible_is_refused() {
        for text in [
            "",
            " ",
            "10.0.0.0/33",
            "pve1/8",
            "*:0",
            "*:x",
            "a b",
            "10.0.0.300",
        ] {
            assert!(Admission::parse(text).is_err(), "{text}");
        }
        assert!(Admission::parse("*").unwrap().is_everything());
        assert!(Admission::parse("0.0.0.0/0").unwrap().is_everything());
        assert!(!Admission::parse("*.lan").unwrap().is_everything());
        let shown = Admission::parse("10.0.0.7:443").unwrap().to_string();
        assert_eq!(shown, "10.0.0.7:443");
    }
}
