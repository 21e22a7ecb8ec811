//! What the operator wrote, validated.
//!
//! [`load`] reads the file and finds all problems at once, each with its place; [`edit`] changes
//! the file without losing what else stands in it. Nothing here talks to a remote.

mod collectors;
mod credentials;
pub mod drop_in;
pub mod edit;
mod endpoint;
pub mod filter;
mod finding;
mod fingerprint;
mod module;
mod origin;
mod product;
mod read;
mod remote;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use collectors::{CollectorKey, CollectorSetting, CollectorSettings};
pub use credentials::{Credentials, Password, Token};
pub use drop_in::DropIn;
pub use endpoint::Endpoint;
pub use filter::GuestFilter;
pub use finding::{Finding, Severity};
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use module::{Admission, Module};
pub use origin::{KeptIn, Origin};
pub use product::Product;
pub use remote::{CertificateAuthority, Remote};
pub use server::{BasicAuth, Exposed, Server, ServerTls};

/// A configuration without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub server: Server,
    /// Where cursors and pins are kept between runs; `None` keeps them in memory only.
    pub state_directory: Option<PathBuf>,
    /// Calls that may be under way to all remotes together.
    pub max_in_flight_total: usize,
    /// In the order of the file; names are unique.
    pub remotes: Vec<Arc<Remote>>,
    /// Names are unique.
    pub modules: Vec<Arc<Module>>,
    pub drop_in: DropIn,
}

/// What reading a configuration came to.
#[derive(Debug)]
pub struct Loaded {
    /// `None` where any finding is an error.
    pub config: Option<Config>,
    /// In the order of the file.
    pub findings: Vec<Finding>,
}

/// Reads and validates a file, and the files that it names. `known` are the collectors that exist.
pub fn load(path: &Path, known: &[CollectorKey]) -> Loaded {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path, known),
        Err(error) => Loaded {
            config: None,
            findings: vec![Finding::of_file(path, &error)],
        },
    }
}

/// Validates a configuration. `path` is where it stands: for messages, for who may read it, and
/// because the files that it names are relative to its folder.
pub fn parse(text: &str, path: &Path, known: &[CollectorKey]) -> Loaded {
    read::parse(text, path, known)
}
