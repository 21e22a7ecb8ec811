//! What is told alike of a node of PVE and of a backup server.

pub(super) mod disk;
pub(super) mod service;
pub(super) mod zfs;

use crate::metric::labels::LabelBlock;
use crate::source::Item;

/// The machine that a sample is about.
pub(in crate::collect) struct Host<'a> {
    /// `node/pve1`; a backup server is the remote itself, and has none.
    id: Option<String>,
    remote: &'a str,
}

impl<'a> Host<'a> {
    pub(in crate::collect) fn node(node: &Item, remote: &'a str) -> Self {
        Self {
            id: Some(node.to_string()),
            remote,
        }
    }

    pub(in crate::collect) fn backup_server(remote: &'a str) -> Self {
        Self { id: None, remote }
    }

    /// The labels of a part of the machine, in alphabetical order.
    pub(in crate::collect) fn labels(&self, part: &[(&str, &str)]) -> LabelBlock {
        let id = self.id.as_deref().map(|id| ("id", id));
        let mut pairs: Vec<(&str, &str)> = part.to_vec();
        pairs.extend(id);
        pairs.push(("remote", self.remote));
        pairs.sort_unstable();
        let mut labels = LabelBlock::new();
        for (name, value) in pairs {
            labels.push(name, value);
        }
        labels
    }
}
