//! Changes to the operator's file that keep everything else: comments, order, owner and mode.

use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::parse::split_address;
use super::{Endpoint, Fingerprint, Product};

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not TOML: {problem}", path.display())]
    Syntax { path: PathBuf, problem: String },
    #[error("{} has no remote {name:?}; it has: {known}", path.display())]
    NoSuchRemote { path: PathBuf, name: String, known: String },
    #[error("the remote {remote:?} has no end-point {endpoint:?}; it has: {known}")]
    NoSuchEndpoint { remote: String, endpoint: String, known: String },
    #[error("{} has a remote {name:?} already", path.display())]
    Exists { path: PathBuf, name: String },
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// A remote that is to be added.
#[derive(Debug)]
pub struct NewRemote {
    pub name: String,
    pub product: Product,
    pub endpoints: Vec<Endpoint>,
    pub token_id: String,
    pub token_secret_file: String,
    pub ca_file: Option<String>,
}

/// Writes or clears the pin of an end-point. Returns the one before.
pub fn set_fingerprint(
    path: &Path,
    remote: &str,
    endpoint: &str,
    fingerprint: Option<Fingerprint>,
) -> Result<Option<String>, EditError> {
    let mut document = read(path)?;
    let table = find_remote(&mut document, path, remote)?;
    let port = match table.get("type").and_then(Item::as_str) {
        Some("pbs") => Product::Pbs.default_port(),
        _ => Product::Pve.default_port(),
    };
    let no_such = |known: Vec<String>| EditError::NoSuchEndpoint {
        remote: remote.to_owned(),
        endpoint: endpoint.to_owned(),
        known: known.join(", "),
    };
    let wanted = split_address(endpoint, port).map_err(|_| no_such(Vec::new()))?;

    let mut known = Vec::new();
    let mut before = None;
    let mut found = false;
    match table.get_mut("endpoints") {
        Some(Item::Value(Value::Array(array))) => {
            for value in array.iter_mut() {
                let host = value.as_inline_table().and_then(|table| table.get("host")).unwrap_or(value);
                let Some(host) = host.as_str().map(str::to_owned) else { continue };
                if split_address(&host, port).ok().as_ref() == Some(&wanted) {
                    before = pin_value(value, &host, fingerprint);
                    found = true;
                }
                known.push(host);
            }
        }
        Some(Item::ArrayOfTables(tables)) => {
            for table in tables.iter_mut() {
                let Some(host) = table.get("host").and_then(Item::as_str).map(str::to_owned) else { continue };
                if split_address(&host, port).ok().as_ref() == Some(&wanted) {
                    before = table.get("fingerprint").and_then(Item::as_str).map(str::to_owned);
                    match fingerprint {
                        Some(fingerprint) => {
                            table.insert("fingerprint", toml_edit::value(fingerprint.to_string()));
                        }
                        None => {
                            table.remove("fingerprint");
                        }
                    }
                    found = true;
                }
                known.push(host);
            }
        }
        _ => {}
    }
    if !found {
        return Err(no_such(known));
    }
    write(path, &document)?;
    Ok(before)
}

/// Sets the pin of an end-point that is a text or an inline table, and keeps what is around it.
fn pin_value(value: &mut Value, host: &str, fingerprint: Option<Fingerprint>) -> Option<String> {
    if let Some(table) = value.as_inline_table_mut() {
        let before = table.get("fingerprint").and_then(Value::as_str).map(str::to_owned);
        match fingerprint {
            Some(fingerprint) => {
                // Only what is in the quotes changes: a comment behind the table stays.
                table.insert("fingerprint", fingerprint.to_string().into());
                table.fmt();
            }
            None => {
                table.remove("fingerprint");
                table.fmt();
            }
        }
        return before;
    }
    let mut table = InlineTable::new();
    table.insert("host", host.into());
    if let Some(fingerprint) = fingerprint {
        table.insert("fingerprint", fingerprint.to_string().into());
        let decor = value.decor().clone();
        *value = Value::InlineTable(table);
        *value.decor_mut() = decor;
    }
    None
}

/// Appends a remote. The file is made if it is not there.
pub fn append_remote(path: &Path, remote: &NewRemote) -> Result<(), EditError> {
    let mut document = match read(path) {
        Err(EditError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => DocumentMut::new(),
        other => other?,
    };
    if remotes(&mut document).is_some_and(|tables| {
        tables.iter().any(|table| table.get("name").and_then(Item::as_str) == Some(&remote.name))
    }) {
        return Err(EditError::Exists { path: path.to_owned(), name: remote.name.clone() });
    }
    let mut endpoints = Array::new();
    for endpoint in &remote.endpoints {
        let mut table = InlineTable::new();
        table.insert("host", endpoint.address().into());
        if let Some(fingerprint) = endpoint.fingerprint {
            table.insert("fingerprint", fingerprint.to_string().into());
        }
        let mut value = Value::InlineTable(table);
        value.decor_mut().set_prefix("\n  ");
        endpoints.push_formatted(value);
    }
    endpoints.set_trailing_comma(true);
    endpoints.set_trailing("\n");

    let mut table = Table::new();
    table.insert("name", toml_edit::value(&remote.name));
    table.insert("type", toml_edit::value(remote.product.as_str()));
    table.insert("endpoints", toml_edit::value(endpoints));
    table.insert("token_id", toml_edit::value(&remote.token_id));
    table.insert("token_secret_file", toml_edit::value(&remote.token_secret_file));
    if let Some(ca_file) = &remote.ca_file {
        table.insert("ca_file", toml_edit::value(ca_file));
    }
    // What stands at the end of the file goes on standing before what is added.
    let end = document.trailing().as_str().unwrap_or_default().to_owned();
    document.set_trailing("");
    let gap = if document.is_empty() && end.is_empty() { "" } else { "\n" };
    table.decor_mut().set_prefix(format!("{end}{gap}"));
    let item = document.entry("remote").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    match item.as_array_of_tables_mut() {
        Some(tables) => tables.push(table),
        None => {
            return Err(EditError::Syntax {
                path: path.to_owned(),
                problem: "remote is not written as [[remote]]".to_owned(),
            });
        }
    }
    write(path, &document)
}

fn read(path: &Path) -> Result<DocumentMut, EditError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| EditError::Read { path: path.to_owned(), source })?;
    text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

fn remotes(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    document.get_mut("remote").and_then(Item::as_array_of_tables_mut)
}

fn find_remote<'d>(document: &'d mut DocumentMut, path: &Path, name: &str) -> Result<&'d mut Table, EditError> {
    let mut known = Vec::new();
    for table in remotes(document).into_iter().flat_map(ArrayOfTables::iter_mut) {
        match table.get("name").and_then(Item::as_str) {
            Some(found) if found == name => return Ok(table),
            Some(other) => known.push(other.to_owned()),
            None => {}
        }
    }
    Err(EditError::NoSuchRemote { path: path.to_owned(), name: name.to_owned(), known: known.join(", ") })
}

/// Writes a file anew, atomically where a file can be renamed over it, and in place where not:
/// a single file that is mounted into a container, or a folder that is not ours.
fn write(path: &Path, document: &DocumentMut) -> Result<(), EditError> {
    let failed = |source| EditError::Write { path: path.to_owned(), source };
    // A link stays a link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = document.to_string();
    match replace(&target, text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(_) if target.exists() => {
            let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(&target).map_err(failed)?;
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
        }
        Err(source) => Err(failed(source)),
    }
}

/// A file that was not there is made for its owner and group alone: it may hold secrets.
const NEW_FILE_MODE: u32 = 0o640;

fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let result = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        match std::fs::metadata(target) {
            Ok(old) => {
                file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o7777))?;
                let new = file.metadata()?;
                if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                    std::os::unix::fs::chown(&beside, Some(old.uid()), Some(old.gid()))?;
                }
            }
            Err(_) => file.set_permissions(std::fs::Permissions::from_mode(NEW_FILE_MODE))?,
        }
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, target)
    })();
    if result.is_err() {
        // Nothing is left behind; it may not have come to be.
        let _left = std::fs::remove_file(&beside);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# the fleet\n[[remote]] # first\nname = \"a\"\ntype = \"pve\"\n\
        endpoints = [\"10.0.0.1\", { host = \"10.0.0.2:8006\" }] # two\ntoken_id = \"u@pve!t\"\n\n\
        [[remote]]\nname = \"b\" # second\n";

    fn pin() -> Fingerprint {
        "AB".repeat(32).parse().unwrap()
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxfleet.toml");
        std::fs::write(&path, FILE).unwrap();
        (folder, path)
    }

    #[test]
    fn a_pin_is_written_and_cleared_and_the_rest_stays() {
        let (_folder, path) = file();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(set_fingerprint(&path, "a", "10.0.0.1", Some(pin())).unwrap(), None);
        set_fingerprint(&path, "a", "10.0.0.2", Some(pin())).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let pinned = format!("fingerprint = \"{}\"", pin());
        assert_eq!(
            text,
            FILE.replace("\"10.0.0.1\"", &format!("{{ host = \"10.0.0.1\", {pinned} }}"))
                .replace("{ host = \"10.0.0.2:8006\" }", &format!("{{ host = \"10.0.0.2:8006\", {pinned} }}"))
        );
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        assert_eq!(set_fingerprint(&path, "a", "10.0.0.2:8006", None).unwrap(), Some(pin().to_string()));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("{ host = \"10.0.0.2:8006\" }] # two"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let (_folder, path) = file();
        let error = set_fingerprint(&path, "c", "10.0.0.1", None).unwrap_err().to_string();
        assert!(error.contains("it has: a, b"), "{error}");
        let error = set_fingerprint(&path, "a", "10.0.0.9", None).unwrap_err().to_string();
        assert!(error.contains("10.0.0.1, 10.0.0.2:8006"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
    }

    #[test]
    fn a_link_stays_a_link() {
        let (folder, path) = file();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        set_fingerprint(&link, "a", "10.0.0.1", Some(pin())).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(std::fs::read_to_string(&path).unwrap().contains("fingerprint"));
    }

    fn new_remote() -> NewRemote {
        NewRemote {
            name: "c".to_owned(),
            product: Product::Pbs,
            endpoints: vec![Endpoint { host: "fd00::1".to_owned(), port: 8007, fingerprint: Some(pin()) }],
            token_id: "u@pbs!t".to_owned(),
            token_secret_file: "c.token".to_owned(),
            ca_file: None,
        }
    }

    #[test]
    fn a_remote_is_appended_once() {
        let (_folder, path) = file();
        append_remote(&path, &new_remote()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(FILE), "{text}");
        assert!(text.contains("host = \"[fd00::1]:8007\""), "{text}");
        assert!(matches!(append_remote(&path, &new_remote()), Err(EditError::Exists { .. })));
    }

    #[test]
    fn a_file_that_is_not_there_is_made_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.toml");
        append_remote(&path, &new_remote()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }
}
