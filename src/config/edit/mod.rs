//! Edits of the operator's file that keep its comments, order, owner and mode.
//!
//! A text that cannot be read again is never written.

mod replace;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use toml::de::DeTable;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::read::place;
use super::{Endpoint, Finding, Fingerprint, Product, Severity};

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file that was written; where the path is a symbolic link, what it points to.
    pub path: PathBuf,
    pub kind: ChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The file said so before; nothing was written.
    None,
    /// The file is new.
    Created,
    /// Old or new at any time, also after a power cut.
    Atomic,
    /// Written over, since nothing could be renamed onto it: a file that is mounted by itself, a
    /// folder that is not writable, an owner that cannot be given.
    InPlace,
}

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}: {source}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Without the source line, which may hold a secret.
    #[error("{}:{line}: this is not TOML: {message}; run `proxfleet check`", path.display())]
    Syntax {
        path: PathBuf,
        line: usize,
        message: String,
    },
    #[error("there is no remote \"{name}\" in {}; there are: {}", path.display(), known.join(", "))]
    NoRemote {
        path: PathBuf,
        name: String,
        known: Vec<String>,
    },
    #[error("remote \"{remote}\" has no end-point \"{endpoint}\"; it has: {}", known.join(", "))]
    NoEndpoint {
        remote: String,
        endpoint: String,
        known: Vec<String>,
    },
    #[error("remote \"{remote}\" has several end-points on \"{endpoint}\": say which, with its port: {}", known.join(", "))]
    SeveralEndpoints {
        remote: String,
        endpoint: String,
        known: Vec<String>,
    },
    #[error("there is a remote \"{name}\" in {} already", path.display())]
    RemoteExists { path: PathBuf, name: String },
    #[error("this remote would not be valid: {}", problems.join("; "))]
    InvalidRemote { problems: Vec<String> },
    #[error("{} is written in a way that cannot be edited here; make the change by hand", path.display())]
    UnusualForm { path: PathBuf },
}

/// A remote to append.
#[derive(Debug, Clone)]
pub struct NewRemote {
    pub name: String,
    pub product: Product,
    pub endpoints: Vec<Endpoint>,
    /// `user@realm!name`.
    pub token_id: String,
    pub secret: SecretSource,
    pub ca_file: Option<PathBuf>,
}

/// Where a new remote's secret is found.
#[derive(Debug, Clone)]
pub enum SecretSource {
    File(PathBuf),
    /// In the configuration itself.
    Inline(SecretString),
    /// The name of a variable.
    Environment(String),
}

/// Writes or clears the pin of an end-point, named as `host` or `host:port`. A plain string becomes
/// a table; clearing leaves `{ host = … }`.
pub fn set_fingerprint(
    path: &Path,
    remote: &str,
    endpoint: &str,
    fingerprint: Option<Fingerprint>,
) -> Result<Change, EditError> {
    let path = resolve(path)?;
    let text = read(&path)?;
    let mut document = document(&path, &text)?;
    let table = find_remote(&mut document, remote, &path)?;
    set_pin(table, remote, endpoint, fingerprint, &path)?;
    write(path, &text, &document.to_string())
}

/// Appends a remote; the file is made, with mode 0640, where there is none.
pub fn append_remote(path: &Path, remote: &NewRemote) -> Result<Change, EditError> {
    let addition = remote.to_toml();
    check(&addition, path)?;
    if !path.exists() && !path.is_symlink() {
        replace::create(path, &addition).map_err(|source| EditError::Write {
            path: path.to_owned(),
            source,
        })?;
        return Ok(Change {
            path: path.to_owned(),
            kind: ChangeKind::Created,
        });
    }
    let path = resolve(path)?;
    let text = read(&path)?;
    let mut document = document(&path, &text)?;
    let mut remotes = Vec::new();
    if let Some(item) = document.get_mut("remote") {
        remotes = tables(item).ok_or_else(|| EditError::UnusualForm { path: path.clone() })?;
    }
    if remotes
        .iter()
        .any(|table| name_of(*table) == Some(&remote.name))
    {
        return Err(EditError::RemoteExists {
            path,
            name: remote.name.clone(),
        });
    }
    let separator = match text.as_str() {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let appended = format!("{text}{separator}{addition}");
    write(path, &text, &appended)
}

impl SecretSource {
    /// The key that says it, and its value.
    pub fn entry(&self) -> (&'static str, String) {
        match self {
            Self::File(path) => ("token_secret_file", path.to_string_lossy().into_owned()),
            Self::Inline(secret) => ("token_secret", secret.expose_secret().to_owned()),
            Self::Environment(name) => ("token_secret_env", name.clone()),
        }
    }
}

impl NewRemote {
    /// Its table, as it stands in a file.
    pub fn to_toml(&self) -> String {
        let mut table = Table::new();
        table.insert("name", self.name.as_str().into());
        table.insert("type", self.product.as_str().into());
        let mut endpoints = Array::new();
        for endpoint in &self.endpoints {
            let mut host = InlineTable::new();
            host.insert("host", endpoint.address().into());
            match endpoint.fingerprint {
                None => endpoints.push(endpoint.address()),
                Some(fingerprint) => {
                    host.insert("fingerprint", fingerprint.to_string().into());
                    endpoints.push(host);
                }
            }
        }
        if endpoints.len() > 1 {
            endpoints
                .iter_mut()
                .for_each(|value| value.decor_mut().set_prefix("\n    "));
            endpoints.set_trailing("\n");
            endpoints.set_trailing_comma(true);
        }
        table.insert("endpoints", endpoints.into());
        table.insert("token_id", self.token_id.as_str().into());
        let (key, value) = self.secret.entry();
        table.insert(key, value.into());
        if let Some(path) = &self.ca_file {
            table.insert("ca_file", path.to_string_lossy().into_owned().into());
        }
        format!("[[remote]]\n{table}")
    }
}

/// What is wrong with a remote by itself; its places in the file are not known yet.
fn check(addition: &str, path: &Path) -> Result<(), EditError> {
    let problems: Vec<String> = super::parse(addition, path, &[])
        .findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|Finding { message, help, .. }| match help {
            Some(help) => format!("{message} ({help})"),
            None => message,
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(EditError::InvalidRemote { problems })
    }
}

fn resolve(path: &Path) -> Result<PathBuf, EditError> {
    path.canonicalize().map_err(|source| EditError::Read {
        path: path.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<String, EditError> {
    std::fs::read_to_string(path).map_err(|source| EditError::Read {
        path: path.to_owned(),
        source,
    })
}

fn document(path: &Path, text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().map_or(0, |span| span.start);
        EditError::Syntax {
            path: path.to_owned(),
            line: text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1,
            message: error.message().to_owned(),
        }
    })
}

fn write(path: PathBuf, old: &str, new: &str) -> Result<Change, EditError> {
    if old == new {
        return Ok(Change {
            path,
            kind: ChangeKind::None,
        });
    }
    if DeTable::parse(new).is_err() {
        return Err(EditError::UnusualForm { path });
    }
    match replace::replace(&path, new) {
        Ok(kind) => Ok(Change { path, kind }),
        Err(source) => Err(EditError::Write { path, source }),
    }
}

fn find_remote<'d>(
    document: &'d mut DocumentMut,
    name: &str,
    path: &Path,
) -> Result<&'d mut dyn TableLike, EditError> {
    let mut known = Vec::new();
    let remotes = document
        .get_mut("remote")
        .and_then(tables)
        .unwrap_or_default();
    for table in remotes {
        match name_of(table) {
            Some(found) if found == name => return Ok(table),
            Some(found) => known.push(found.to_owned()),
            None => {}
        }
    }
    Err(EditError::NoRemote {
        path: path.to_owned(),
        name: name.to_owned(),
        known,
    })
}

fn name_of(table: &dyn TableLike) -> Option<&str> {
    table.get("name")?.as_str()
}

/// The tables of a list, whichever way it is written.
fn tables(item: &mut Item) -> Option<Vec<&mut dyn TableLike>> {
    match item {
        Item::ArrayOfTables(tables) => Some(
            tables
                .iter_mut()
                .map(|table| -> &mut dyn TableLike { table })
                .collect(),
        ),
        Item::Value(Value::Array(values)) => Some(
            values
                .iter_mut()
                .filter_map(Value::as_inline_table_mut)
                .map(|table| -> &mut dyn TableLike { table })
                .collect(),
        ),
        _ => None,
    }
}

fn set_pin(
    table: &mut dyn TableLike,
    remote: &str,
    wanted: &str,
    fingerprint: Option<Fingerprint>,
    path: &Path,
) -> Result<(), EditError> {
    let product = match table.get("type").and_then(Item::as_str) {
        Some("pbs") => Product::Pbs,
        _ => Product::Pve,
    };
    let unusual = || EditError::UnusualForm {
        path: path.to_owned(),
    };
    let endpoints = table.get_mut("endpoints").ok_or_else(unusual)?;
    let hosts: Vec<String> = match &*endpoints {
        Item::Value(Value::Array(values)) => values.iter().map(host_of).collect(),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| {
                table
                    .get("host")
                    .and_then(Item::as_str)
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect(),
        _ => return Err(unusual()),
    };
    let index = choose(&hosts, wanted, product, remote)?;
    match endpoints {
        Item::Value(Value::Array(values)) => {
            let value = values.get_mut(index).ok_or_else(unusual)?;
            pin_value(value, fingerprint);
        }
        Item::ArrayOfTables(tables) => {
            let table = tables.get_mut(index).ok_or_else(unusual)?;
            match fingerprint {
                None => drop(table.remove("fingerprint")),
                Some(fingerprint) => put(table, fingerprint),
            }
        }
        _ => return Err(unusual()),
    }
    Ok(())
}

fn host_of(value: &Value) -> String {
    let text = match value {
        Value::InlineTable(table) => table.get("host").and_then(Value::as_str),
        value => value.as_str(),
    };
    text.unwrap_or_default().to_owned()
}

/// The one end-point that is meant: the same host and port, or the only one on a host that was named
/// without a port.
fn choose(
    hosts: &[String],
    wanted: &str,
    product: Product,
    remote: &str,
) -> Result<usize, EditError> {
    let known = || hosts.to_vec();
    let none = || EditError::NoEndpoint {
        remote: remote.to_owned(),
        endpoint: wanted.to_owned(),
        known: known(),
    };
    let (host, port) = place(wanted, product.default_port()).map_err(|_| none())?;
    let places: Vec<Option<(String, u16)>> = hosts
        .iter()
        .map(|host| place(host, product.default_port()).ok())
        .collect();
    let exact = places.iter().position(|place| {
        place
            .as_ref()
            .is_some_and(|(other, number)| (other, number) == (&host, &port))
    });
    if let Some(index) = exact {
        return Ok(index);
    }
    // Where the product decides the port, none was named.
    let other = if product == Product::Pve {
        Product::Pbs
    } else {
        Product::Pve
    };
    let names_port = place(wanted, other.default_port()).is_ok_and(|(_, other)| other == port);
    let on_host: Vec<usize> = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.as_ref().is_some_and(|(other, _)| *other == host))
        .map(|(index, _)| index)
        .collect();
    match on_host.as_slice() {
        [index] if !names_port => Ok(*index),
        [_, _, ..] if !names_port => Err(EditError::SeveralEndpoints {
            remote: remote.to_owned(),
            endpoint: wanted.to_owned(),
            known: known(),
        }),
        _ => Err(none()),
    }
}

fn pin_value(value: &mut Value, fingerprint: Option<Fingerprint>) {
    if let Value::InlineTable(table) = value {
        match fingerprint {
            Some(fingerprint) => put_inline(table, fingerprint),
            None => remove_inline(table),
        }
        return;
    }
    let (Some(fingerprint), Value::String(host)) = (fingerprint, &*value) else {
        return;
    };
    let decor = value.decor().clone();
    let mut host = host.clone();
    host.decor_mut().clear();
    let mut table = InlineTable::new();
    table.insert("host", Value::String(host));
    table.insert("fingerprint", fingerprint.to_string().into());
    *table.decor_mut() = decor;
    *value = Value::InlineTable(table);
}

fn put(table: &mut Table, fingerprint: Fingerprint) {
    let mut value = Value::from(fingerprint.to_string());
    if let Some(old) = table.get("fingerprint").and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert("fingerprint", Item::Value(value));
}

/// What stands before the closing bracket belongs to the last value, and stays there.
fn put_inline(table: &mut InlineTable, fingerprint: Fingerprint) {
    let mut value = Value::from(fingerprint.to_string());
    if let Some(old) = table.get_mut("fingerprint") {
        *value.decor_mut() = old.decor().clone();
        *old = value;
        return;
    }
    let last = table.iter_mut().last().map(|(_, value)| value);
    if let Some(last) = last {
        let suffix = last
            .decor()
            .suffix()
            .and_then(|suffix| suffix.as_str())
            .unwrap_or_default();
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(suffix.to_owned());
        last.decor_mut().set_suffix("");
    }
    table.insert("fingerprint", value);
}

fn remove_inline(table: &mut InlineTable) {
    let is_last = table
        .iter()
        .last()
        .is_some_and(|(key, _)| key == "fingerprint");
    let Some(removed) = table.remove("fingerprint") else {
        return;
    };
    let last = table.iter_mut().last().map(|(_, value)| value);
    if let Some(last) = last.filter(|_| is_last) {
        let suffix = removed
            .decor()
            .suffix()
            .and_then(|suffix| suffix.as_str())
            .unwrap_or_default();
        last.decor_mut().set_suffix(suffix.to_owned());
    }
}
