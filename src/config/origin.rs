//! Where a remote is from, which decides what is to be done about its certificate.

use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// `[[remote]]`.
    #[default]
    Configured,
    /// A target of `[modules.NAME]`.
    Module {
        name: String,
        /// Whether the certificate that was seen first is its pin, and where that is kept.
        first_seen: Option<KeptIn>,
    },
}

/// Where pins of certificates that were seen first are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptIn {
    Memory,
    File(PathBuf),
}
