//! Certificates as the products make them: PVE nodes signed by the cluster's own CA, PBS self-signed until 3026.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// The authority of one cluster.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: Described,
}

/// A certificate with what `/nodes/{n}/certificates/info` tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) pem: String,
    /// SHA-256 of the DER form, `AA:BB:…`.
    pub(crate) fingerprint: String,
    /// `/CN=…/OU=…`, as OpenSSL's one-line form.
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) names: Vec<String>,
}

/// What an endpoint presents.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) described: Described,
    pub(crate) tls: Arc<ServerConfig>,
}

impl Authority {
    /// A new CA of a cluster; `uuid` tells it from the others.
    pub(crate) fn new(uuid: &str) -> Result<Self, Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = name(&[
            (DnType::CommonName, "Proxmox Virtual Environment"),
            (DnType::OrganizationalUnitName, uuid),
            (DnType::OrganizationName, "PVE Cluster Manager CA"),
        ]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2036, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = parameters.self_signed(&key)?;
        let subject = format!("/CN=Proxmox Virtual Environment/OU={uuid}/O=PVE Cluster Manager CA");
        let certificate = Described::new(
            &certificate,
            &parameters,
            subject.clone(),
            subject,
            Vec::new(),
        );
        Ok(Self {
            issuer: Issuer::new(parameters, key),
            certificate,
        })
    }

    /// A node's certificate, for its name and the loopback addresses.
    pub(crate) fn sign_node(&self, node: &str) -> Result<Identity, Error> {
        let names = ["127.0.0.1", "::1", "localhost", node]
            .map(String::from)
            .to_vec();
        let mut parameters = CertificateParams::new(names.clone())?;
        parameters.distinguished_name = name(&[
            (DnType::OrganizationalUnitName, "PVE Cluster Node"),
            (DnType::OrganizationName, "Proxmox Virtual Environment"),
            (DnType::CommonName, node),
        ]);
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2028, 1, 1);
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let subject = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={node}");
        let described = Described::new(
            &certificate,
            &parameters,
            subject,
            self.certificate.subject.clone(),
            names,
        );
        // A real pveproxy hardly ever resumes a session.
        Identity::new(described, &key, false)
    }
}

/// A backup server's certificate: self-signed, valid to the year 3026, without IP addresses but with `localhost`.
pub(crate) fn self_signed(host: &str) -> Result<Identity, Error> {
    let names = ["localhost", host].map(String::from).to_vec();
    let mut parameters = CertificateParams::new(names.clone())?;
    parameters.distinguished_name = name(&[
        (DnType::OrganizationName, "Proxmox Backup Server"),
        (DnType::CommonName, host),
    ]);
    parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(3026, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    let subject = format!("/O=Proxmox Backup Server/CN={host}");
    let described = Described::new(&certificate, &parameters, subject.clone(), subject, names);
    Identity::new(described, &key, true)
}

impl Described {
    fn new(
        certificate: &rcgen::Certificate,
        parameters: &CertificateParams,
        subject: String,
        issuer: String,
        names: Vec<String>,
    ) -> Self {
        let der = certificate.der().clone();
        let digest = Sha256::digest(&der);
        let fingerprint = digest
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>()
            .join(":");
        Self {
            pem: certificate.pem(),
            fingerprint,
            subject,
            issuer,
            not_before: parameters.not_before.unix_timestamp(),
            not_after: parameters.not_after.unix_timestamp(),
            names,
            der,
        }
    }
}

impl Identity {
    fn new(described: Described, key: &KeyPair, resumption: bool) -> Result<Self, Error> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut tls = ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![described.der.clone()], key)?;
        if !resumption {
            tls.session_storage = Arc::new(NoServerSessionStorage {});
            tls.send_tls13_tickets = 0;
        }
        Ok(Self {
            described,
            tls: Arc::new(tls),
        })
    }
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_signed_by_its_cluster() {
        let authority = Authority::new("11111111-0000-4000-8000-000000000000").unwrap();
        let node = authority.sign_node("pve1").unwrap();
        assert_eq!(node.described.issuer, authority.certificate.subject);
        assert_eq!(node.described.fingerprint.len(), 95);
        assert_eq!(
            self_signed("pbs1").unwrap().described.not_after,
            33_324_134_400
        );
    }
}
