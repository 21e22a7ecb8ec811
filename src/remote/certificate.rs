//! What a certificate says.

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

use crate::config::Fingerprint;

/// A server's own certificate, as far as an operator wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate, as PVE and PBS show it.
    pub fingerprint: Fingerprint,
    pub subject: String,
    pub issuer: String,
    /// DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// Unix seconds; the self-signed ones of PBS go to the year 3026.
    pub not_before: Option<i64>,
    pub not_after: Option<i64>,
}

impl Certificate {
    /// Reads a certificate. What cannot be read of it is left empty: its fingerprint counts.
    pub fn of_der(der: &[u8]) -> Self {
        let fingerprint = Fingerprint::of_der(der);
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return Self {
                fingerprint,
                subject: String::new(),
                issuer: String::new(),
                names: Vec::new(),
                not_before: None,
                not_after: None,
            };
        };
        Self {
            fingerprint,
            subject: name(certificate.subject()),
            issuer: name(certificate.issuer()),
            names: names(&certificate),
            not_before: Some(certificate.validity().not_before.timestamp()),
            not_after: Some(certificate.validity().not_after.timestamp()),
        }
    }
}

fn name(name: &X509Name<'_>) -> String {
    printable(&name.to_string())
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    extension
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(printable(name)),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|octets| std::net::Ipv6Addr::from(octets).to_string())
}

/// A stranger has written this, and it goes to terminals and logs.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
