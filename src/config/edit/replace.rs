//! Writing a file anew: by rename where that works, over it where not.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::ChangeKind;

/// Secrets may stand in it: for its owner, and a group that reads.
const NEW_FILE_MODE: u32 = 0o640;

/// Makes a file that is not there.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(NEW_FILE_MODE)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(NEW_FILE_MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Gives a file, which is no symbolic link, another content. Owner, group and mode stay.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<ChangeKind> {
    let original = fs::metadata(path)?;
    // A rename would cut the other names off.
    if original.nlink() == 1 {
        match by_rename(path, text, &original) {
            Ok(()) => return Ok(ChangeKind::Atomic),
            Err(error) if !needs_writing_over(&error) => return Err(error),
            Err(_) => {}
        }
    }
    over(path, text)?;
    Ok(ChangeKind::InPlace)
}

/// A file that is mounted by itself, a folder or an owner that is not ours.
fn needs_writing_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
    )
}

fn by_rename(path: &Path, text: &str, original: &Metadata) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let temporary = temporary_name(path, folder);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = fill(file, text, original).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error tells more than one of tidying up.
        let _left_behind = fs::remove_file(&temporary);
        return Err(error);
    }
    // The rename itself is on disk when the folder is; some file systems cannot say.
    let _unsupported = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn temporary_name(path: &Path, folder: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{:08x}", std::process::id(), fastrand::u32(..)));
    folder.join(name)
}

fn fill(mut file: File, text: &str, original: &Metadata) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (original.uid(), original.gid()) {
        fchown(&file, Some(original.uid()), Some(original.gid()))?;
    }
    // After the owner: a change of owner may clear bits of the mode.
    file.set_permissions(Permissions::from_mode(original.mode() & 0o7777))?;
    file.sync_all()
}

fn over(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}
