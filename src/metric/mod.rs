//! Families, samples and the two text formats; knows nothing of Proxmox.
//!
//! A collector declares each [`Family`] once, renders the labels of an entity once into a
//! [`LabelBlock`], appends samples to [`Lines`], and hands them over as an immutable [`Block`].
//! A scrape only orders and copies the bytes of blocks: [`assemble`].

pub mod block;
pub mod exposition;
pub mod family;
pub mod labels;
pub mod lines;
pub mod lint;
pub mod own;
pub mod parse;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use exposition::{Format, assemble, assemble_gzip};
pub use family::{Family, Kind};
pub use labels::LabelBlock;
pub use lines::{Lines, Value};
pub use own::OwnRegistry;
