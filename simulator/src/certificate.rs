//! Certificates as real servers have them: a cluster's own CA that signs its nodes, and the
//! self-signed one of a backup server that is valid for a thousand years.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::StartError;

/// A certificate with its key, ready to serve.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) server_config: Arc<ServerConfig>,
    /// `AA:BB:…`.
    pub(crate) fingerprint: String,
    pub(crate) pem: String,
}

/// The CA of a cluster.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    pub(crate) fingerprint: String,
}

impl Authority {
    pub(crate) fn new(cluster: &str) -> Result<Self, StartError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Proxmox Virtual Environment");
        params.distinguished_name.push(DnType::OrganizationalUnitName, cluster);
        params.distinguished_name.push(DnType::OrganizationName, "PVE Cluster Manager CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2036, 1, 1);
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            fingerprint: fingerprint(certificate.der()),
            issuer: Issuer::new(params, key),
        })
    }

    /// A node's certificate, for its name and for loopback.
    pub(crate) fn sign(&self, node: &str) -> Result<Identity, StartError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![node.to_owned(), "localhost".to_owned()])?;
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        params.distinguished_name.push(DnType::OrganizationalUnitName, "PVE Cluster Node");
        params.distinguished_name.push(DnType::OrganizationName, "Proxmox Virtual Environment");
        params.distinguished_name.push(DnType::CommonName, node);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2028, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer)?;
        identity(certificate.der().clone(), certificate.pem(), &key)
    }
}

/// The certificate that a backup server makes for itself. Its addresses are not in it.
pub(crate) fn self_signed(host: &str) -> Result<Identity, StartError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), host.to_owned()])?;
    params.distinguished_name.push(DnType::OrganizationName, "Proxmox Backup Server");
    params.distinguished_name.push(DnType::CommonName, host);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(3026, 1, 1);
    let certificate = params.self_signed(&key)?;
    identity(certificate.der().clone(), certificate.pem(), &key)
}

fn identity(der: CertificateDer<'static>, pem: String, key: &KeyPair) -> Result<Identity, StartError> {
    let fingerprint = fingerprint(&der);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server_config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![der], key)?;
    // A real pveproxy resumes no sessions either.
    server_config.send_tls13_tickets = 0;
    Ok(Identity { server_config: Arc::new(server_config), fingerprint, pem })
}

fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
