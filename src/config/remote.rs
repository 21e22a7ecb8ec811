//! One PVE cluster or Backup Server, as configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{CollectorSettings, Credentials, Endpoint, GuestFilter, Origin, Product, ScrapeTimes};
use rustls_pki_types::CertificateDer;

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
    pub scrape: ScrapeTimes,
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
