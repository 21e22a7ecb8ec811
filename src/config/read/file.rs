//! Files that the configuration names.

use std::fs::{File, Metadata};
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::report::Report;

/// Far above any chain of certificates.
const LARGEST: u64 = 1024 * 1024;

/// Reads a file that a value names; `span` is the value's.
pub(super) fn read(path: &Path, span: &Range<usize>, report: &mut Report<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let problem = match std::fs::metadata(path) {
        Err(error) => error.to_string(),
        // A pipe or a device could hold up a reload for ever.
        Ok(metadata) if !metadata.is_file() => "it is not a regular file".to_owned(),
        Ok(metadata) if metadata.len() > LARGEST => "it is larger than 1 MiB".to_owned(),
        Ok(_) => match File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        {
            Ok(_) => return Some(bytes),
            Err(error) => error.to_string(),
        },
    };
    report
        .error(
            span.clone(),
            format!("cannot read {}: {problem}", path.display()),
        )
        .help("the user that runs proxfleet must be able to read it");
    None
}

/// Warns of a file with a secret that every user of this machine may read.
pub(super) fn warn_if_public(path: &Path, span: &Range<usize>, report: &mut Report<'_>) {
    if std::fs::metadata(path).is_ok_and(|metadata| is_public(&metadata)) {
        report
            .warning(
                span.clone(),
                format!("everyone may read the secret in {}", path.display()),
            )
            .help(format!("chmod o-r {}", path.display()));
    }
}

pub(super) fn is_public(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o004 != 0
}
