//! Which certificates are trusted.
//!
//! As users know it from Proxmox: a chain that the system's store (or the remote's `ca_file`)
//! accepts, and whose name fits, is accepted and may renew freely. Otherwise the pinned SHA-256 of
//! the server's own certificate decides. Without either the handshake fails, before a byte of a
//! token is sent.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;

use super::certificate::Certificate;
use crate::config::{CertificateAuthority, Fingerprint};

/// The CA certificates of the system, read once. There may be none.
#[derive(Debug, Clone)]
pub struct SystemRoots {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl SystemRoots {
    pub fn load() -> Self {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!("a CA certificate of the system cannot be read: {error}");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Self::of(roots)
    }

    /// No CA at all: only pins and `ca_file` are trusted.
    pub fn none() -> Self {
        Self::of(RootCertStore::empty())
    }

    fn of(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = Arc::new(roots);
        Self {
            verifier: chain_verifier(&roots, &provider),
            provider,
            roots,
        }
    }

    /// The check of chains for a remote, with its own CA where it has one.
    fn with(&self, authority: Option<&CertificateAuthority>) -> Option<Arc<WebPkiServerVerifier>> {
        let Some(authority) = authority else {
            return self.verifier.clone();
        };
        let mut roots = RootCertStore::clone(&self.roots);
        roots.add_parsable_certificates(authority.certificates.iter().cloned());
        chain_verifier(&Arc::new(roots), &self.provider)
    }
}

fn chain_verifier(
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<WebPkiServerVerifier>> {
    // The only error is that there are no roots: then nothing is trusted by chain.
    WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .build()
        .ok()
}

/// How a certificate was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// By chain and name.
    Trusted,
    /// By its fingerprint.
    Pinned,
    /// Neither by chain and name, and the pin is of another certificate.
    Mismatch,
    /// Not by chain and name, and there is no pin.
    Untrusted,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Trusted, Self::Pinned, Self::Mismatch, Self::Untrusted];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Pinned => "pinned",
            Self::Mismatch => "mismatch",
            Self::Untrusted => "untrusted",
        }
    }

    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Trusted | Self::Pinned)
    }
}

/// What a server presented, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    pub certificate: Certificate,
    pub verdict: Verdict,
    /// Why chain or name were not accepted.
    pub objection: Option<String>,
    pub expected: Option<Fingerprint>,
}

/// Called with every certificate that is judged.
type Witness = Box<dyn Fn(&CertificateState) + Send + Sync>;

struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    pin: Option<Fingerprint>,
    witness: Witness,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> CertificateState {
        let objection = match &self.chain {
            Some(chain) => chain
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .err()
                .map(|error| error.to_string()),
            None => Some("there are no CA certificates on this system".to_owned()),
        };
        let certificate = Certificate::of_der(end_entity);
        let verdict = match (&objection, self.pin) {
            (None, _) => Verdict::Trusted,
            (Some(_), Some(pin)) if pin == certificate.fingerprint => Verdict::Pinned,
            (Some(_), Some(_)) => Verdict::Mismatch,
            (Some(_), None) => Verdict::Untrusted,
        };
        CertificateState {
            certificate,
            verdict,
            objection,
            expected: self.pin,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let state = self.judge(end_entity, intermediates, server_name, ocsp_response, now);
        (self.witness)(&state);
        if state.verdict.is_accepted() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    // The server must have the key of the certificate: a pinned one can be replayed by anybody.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The TLS of one end-point. Sessions are not resumed: each connection judges the certificate.
pub(super) fn client_config(
    roots: &SystemRoots,
    authority: Option<&CertificateAuthority>,
    pin: Option<Fingerprint>,
    witness: Witness,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier {
        chain: roots.with(authority),
        provider: Arc::clone(&roots.provider),
        pin,
        witness,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&roots.provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// Why a server could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("{address}: cannot connect: {source}")]
    Connect {
        address: String,
        source: std::io::Error,
    },
    #[error("{address}: no answer within {time_out:?}")]
    TimedOut { address: String, time_out: Duration },
    #[error("{host:?} is no host name or address")]
    Name { host: String },
    #[error("{address}: it does not speak TLS: {source}")]
    Tls {
        address: String,
        source: std::io::Error,
    },
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Looks at what a server presents: a handshake, and nothing is sent in it.
pub async fn probe(
    host: &str,
    port: u16,
    roots: &SystemRoots,
    authority: Option<&CertificateAuthority>,
    pin: Option<Fingerprint>,
    time_out: Duration,
) -> Result<CertificateState, ProbeError> {
    let address = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ProbeError::Name {
        host: host.to_owned(),
    })?;
    let seen = Arc::new(Mutex::new(None));
    let witness = {
        let seen = Arc::clone(&seen);
        Box::new(move |state: &CertificateState| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
        })
    };
    let config = client_config(roots, authority, pin, witness)?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let shaking = async {
        let stream =
            TcpStream::connect((host, port))
                .await
                .map_err(|source| ProbeError::Connect {
                    address: address.clone(),
                    source,
                })?;
        Ok::<_, ProbeError>(connector.connect(name, stream).await.map(drop))
    };
    let shaken = tokio::time::timeout(time_out, shaking)
        .await
        .map_err(|_| ProbeError::TimedOut {
            address: address.clone(),
            time_out,
        })??;
    let state = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (state, shaken) {
        (Some(state), _) => Ok(state),
        (None, Err(source)) => Err(ProbeError::Tls { address, source }),
        (None, Ok(())) => Err(ProbeError::Tls {
            address,
            source: std::io::Error::other("it presented no certificate"),
        }),
    }
}
