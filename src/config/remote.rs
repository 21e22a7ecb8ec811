//! One PVE cluster or Backup Server, as configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{CollectorSettings, Credentials, Endpoint, GuestFilter, Origin, Product};

/// `[[remote]]`. Equal means that nothing changed, the secret and the bytes of the authority's
/// certificates included.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// Letters, digits, `_`, `.` and `-`; the value of the label `remote`.
    pub name: String,
    pub origin: Origin,
    pub product: Product,
    /// At least one; several are ways to one cluster, in the order of preference.
    pub endpoints: Vec<Endpoint>,
    pub credentials: Credentials,
    /// Trusted besides the system's certificates.
    pub ca: Option<CertificateAuthority>,
    pub labels: BTreeMap<String, String>,
    pub filter: GuestFilter,
    /// For one call, from start to the end of the answer.
    pub timeout: Duration,
    /// Calls that may be under way at once.
    pub max_in_flight: usize,
    /// Calls a second that may be made in the background.
    pub background_calls_per_second: usize,
    pub collectors: CollectorSettings,
}

/// The certificates of `ca_file`, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateAuthority {
    pub path: PathBuf,
    pub certificates: Vec<CertificateDer<'static>>,
}

impl CertificateAuthority {
    /// Takes the certificates of a PEM file that was read.
    ///
    /// # Errors
    /// That there are none, or that one cannot be trusted.
    pub fn from_pem(path: PathBuf, pem: &[u8]) -> Result<Self, String> {
        let certificates: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.unwrap_or_default();
        if certificates.is_empty() {
            return Err(format!(
                "{} has no certificates in PEM form",
                path.display()
            ));
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| {
                let path = path.display();
                format!("{path} has a certificate that cannot be read: {error}")
            })?;
        }
        Ok(Self { path, certificates })
    }
}
