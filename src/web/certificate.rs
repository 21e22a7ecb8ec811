//! Our own certificate and key, for HTTPS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::ServerTls;

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("tls_cert {}: {source}", path.display())]
    Certificate {
        path: PathBuf,
        source: rustls_pki_types::pem::Error,
    },
    #[error("tls_cert {}: there is no certificate in it", path.display())]
    Empty { path: PathBuf },
    #[error("tls_key {}: {source}", path.display())]
    Key {
        path: PathBuf,
        source: rustls_pki_types::pem::Error,
    },
    #[error("tls_cert {} and tls_key do not go together: {source}", path.display())]
    Pair {
        path: PathBuf,
        source: rustls::Error,
    },
}

/// Reads the files into what a listener needs.
pub fn load(tls: &ServerTls) -> Result<Arc<ServerConfig>, CertificateError> {
    let chain = chain(&tls.cert)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|source| CertificateError::Key {
        path: tls.key.clone(),
        source,
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| CertificateError::Pair {
            path: tls.cert.clone(),
            source,
        })?;
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| CertificateError::Certificate {
            path: path.to_owned(),
            source,
        })?;
    if chain.is_empty() {
        return Err(CertificateError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(chain)
}
