//! Certificates that are believed because they were seen first: those of targets that a module
//! names.
//!
//! Kept in the state directory; the file is read for each target that is connected, so that a
//! line which is removed counts for nothing from the next connection on.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use toml_edit::{DocumentMut, Item, Table, value};

use crate::config::{CertificateAuthority, Endpoint, Fingerprint, KeptIn};
use crate::remote::certificate::Certificate;
use crate::remote::trust::{self, ProbeError, SystemRoots, Verdict};

/// In the state directory.
const FILE: &str = "certificates.toml";

/// For who opens the file.
const HEADING: &str = "\
# Certificates that proxfleet believed when it saw them first, by module and target. To have the
# next certificate of a target believed, remove its line, and reload.
";

const PROBE_TIME_OUT: std::time::Duration = std::time::Duration::from_secs(5);

/// What was pinned without a state directory, and what guards the file.
#[derive(Default)]
pub(super) struct Pins {
    in_memory: Mutex<BTreeMap<(String, String), Fingerprint>>,
    /// Reading, changing and writing is one step: no two targets may lose each other's pins.
    writing: tokio::sync::Mutex<()>,
    has_warned: AtomicBool,
}

/// Why it is not known which certificate a target should have. Nothing is sent to it.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("its certificate is not known yet, and cannot be looked at: {0}")]
    Probe(#[from] ProbeError),
    #[error("{}: {reason}; it holds the certificates that were seen first", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "{}: the certificate that was seen first cannot be kept: {reason}; mend this, or leave out \
         [state] directory to have it in memory", path.display()
    )]
    Unwritten { path: PathBuf, reason: String },
}

/// Where pins are kept, given the state directory.
pub(super) fn kept_in(state_directory: Option<&Path>) -> KeptIn {
    match state_directory {
        Some(folder) => KeptIn::File(folder.join(FILE)),
        None => KeptIn::Memory,
    }
}

impl Pins {
    /// The pin of a target: what was seen first, now or before. `None` where its chain is trusted.
    ///
    /// Looks at the certificate, where it has to, by a handshake in which nothing is sent.
    pub(super) async fn of(
        &self,
        module: &str,
        endpoint: &Endpoint,
        kept_in: &KeptIn,
        roots: &SystemRoots,
        authority: Option<&CertificateAuthority>,
    ) -> Result<Option<Fingerprint>, PinError> {
        let address = endpoint.address();
        if let Some(known) = self.known(module, &address, kept_in).await? {
            return Ok(Some(known));
        }
        let Endpoint { host, port, .. } = endpoint;
        let seen = trust::probe(host, *port, roots, authority, None, PROBE_TIME_OUT).await?;
        match seen.verdict {
            Verdict::Trusted => Ok(None),
            _ => {
                let pin = self.keep(module, &address, kept_in, &seen.certificate);
                pin.await.map(Some)
            }
        }
    }

    async fn known(
        &self,
        module: &str,
        address: &str,
        kept_in: &KeptIn,
    ) -> Result<Option<Fingerprint>, PinError> {
        match kept_in {
            KeptIn::Memory => {
                let key = (module.to_owned(), address.to_owned());
                Ok(self.in_memory().get(&key).copied())
            }
            KeptIn::File(path) => {
                let Some(document) = read(path)? else {
                    return Ok(None);
                };
                pin_in(&document, module, address).map_err(|reason| PinError::Unreadable {
                    path: path.clone(),
                    reason,
                })
            }
        }
    }

    /// Pins, unless another certificate was pinned meanwhile; the pin that holds.
    async fn keep(
        &self,
        module: &str,
        address: &str,
        kept_in: &KeptIn,
        certificate: &Certificate,
    ) -> Result<Fingerprint, PinError> {
        let _alone = self.writing.lock().await;
        if let Some(known) = self.known(module, address, kept_in).await? {
            return Ok(known);
        }
        let fingerprint = certificate.fingerprint;
        match kept_in {
            KeptIn::Memory => {
                if !self.has_warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "certificates that are seen first are pinned until the program ends, for \
                         there is no [state] directory"
                    );
                }
                let key = (module.to_owned(), address.to_owned());
                self.in_memory().insert(key, fingerprint);
            }
            KeptIn::File(path) => {
                let (mut document, heading) = match read(path)? {
                    Some(document) => (document, ""),
                    None => (DocumentMut::new(), HEADING),
                };
                insert(&mut document, module, address, fingerprint);
                let text = format!("{heading}{document}");
                replace(path, &text).map_err(|error| PinError::Unwritten {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
            }
        }
        tracing::warn!(
            module,
            target = address,
            %fingerprint,
            subject = certificate.subject,
            "a certificate that nothing else trusts was seen first and is pinned"
        );
        Ok(fingerprint)
    }

    fn in_memory(&self) -> MutexGuard<'_, BTreeMap<(String, String), Fingerprint>> {
        self.in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` where there is no file.
fn read(path: &Path) -> Result<Option<DocumentMut>, PinError> {
    let unreadable = |reason: String| PinError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    match fs::read_to_string(path) {
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|error: toml_edit::TomlError| unreadable(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

fn pin_in(
    document: &DocumentMut,
    module: &str,
    address: &str,
) -> Result<Option<Fingerprint>, String> {
    let Some(targets) = document.get(module) else {
        return Ok(None);
    };
    let targets = targets
        .as_table_like()
        .ok_or_else(|| format!("{module:?} is no table of targets"))?;
    let Some(pin) = targets.get(address) else {
        return Ok(None);
    };
    let pin = pin.as_str().unwrap_or_default();
    let pin = pin.parse::<Fingerprint>();
    pin.map(Some)
        .map_err(|error| format!("the pin of {address:?} in [{module}]: {error}"))
}

fn insert(document: &mut DocumentMut, module: &str, address: &str, pin: Fingerprint) {
    let targets = document
        .entry(module)
        .or_insert_with(|| Item::Table(Table::new()));
    if let Some(targets) = targets.as_table_like_mut() {
        targets.insert(address, value(pin.to_string()));
    }
}

/// Whole or not at all, and for its owner alone.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("new");
    // What a crash has left may have other rights.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn certificate(byte: u8) -> Certificate {
        Certificate {
            fingerprint: [byte; 32].into(),
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: None,
            not_after: None,
        }
    }

    #[tokio::test]
    async fn the_first_is_kept_for_its_owner_alone_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let kept_in = kept_in(Some(&folder.path().join("state")));
        let KeptIn::File(path) = &kept_in else {
            panic!("a file")
        };
        let pins = Pins::default();
        let keep = |module, address, byte| {
            let (pins, kept_in, certificate) = (&pins, &kept_in, certificate(byte));
            async move {
                pins.keep(module, address, kept_in, &certificate)
                    .await
                    .unwrap()
            }
        };
        assert_eq!(keep("default", "h:8006", 1).await, [1; 32].into());
        assert_eq!(keep("default", "h:8006", 2).await, [1; 32].into());
        assert_eq!(keep("a.b \"c\"", "[::1]:8006", 3).await, [3; 32].into());

        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with(HEADING), "{text}");
        let known = Pins::default();
        let address = "[::1]:8006";
        let known_pin = known.known("a.b \"c\"", address, &kept_in).await.unwrap();
        assert_eq!(known_pin, Some([3; 32].into()));
        assert_eq!(known.known("x", "h:8006", &kept_in).await.unwrap(), None);

        let without: String = text
            .lines()
            .filter(|line| !line.contains("h:8006"))
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(path, without).unwrap();
        assert_eq!(keep("default", "h:8006", 2).await, [2; 32].into());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_no_file_without_pins() {
        let folder = tempfile::tempdir().unwrap();
        let kept_in = kept_in(Some(folder.path()));
        for text in [
            "[default",
            "default = 1",
            "[default]\n\"h:8006\" = 1",
            "[default]\n\"h:8006\" = \"AB\"",
        ] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let pins = Pins::default();
            let certificate = certificate(1);
            let kept = pins.keep("default", "h:8006", &kept_in, &certificate);
            assert!(
                matches!(kept.await, Err(PinError::Unreadable { .. })),
                "{text}"
            );
            assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
        }
    }
}
