//! What a source is asked about.

use std::fmt;
use std::sync::Arc;

/// Virtual machine or container.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestKind {
    #[default]
    Qemu,
    Lxc,
}

impl GuestKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Qemu, Self::Lxc]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// One object of a remote, in one place or wherever it is now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// The remote as a whole.
    Remote,
    /// A node that is online, by its name.
    Node(Arc<str>),
    /// A storage of PVE that takes backups; of a shared one there is one, without a node.
    Storage {
        storage: Arc<str>,
        node: Option<Arc<str>>,
    },
    Guest {
        vmid: u32,
        kind: GuestKind,
    },
    /// Of a backup server.
    Datastore(Arc<str>),
    /// A configured way to the remote, by its place in the configuration.
    Endpoint(usize),
}

impl Item {
    /// The name of the node, storage or datastore.
    pub fn name(&self) -> &str {
        match self {
            Self::Node(name) | Self::Datastore(name) => name,
            Self::Storage { storage, .. } => storage,
            Self::Remote | Self::Guest { .. } | Self::Endpoint(_) => "",
        }
    }
}

/// As the label `id` has it: `node/pve1`, `qemu/100`, `storage/pve1/local`.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote => f.write_str("remote"),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Storage {
                storage,
                node: Some(node),
            } => write!(f, "storage/{node}/{storage}"),
            Self::Storage {
                storage,
                node: None,
            } => write!(f, "storage/{storage}"),
            Self::Guest { vmid, kind } => write!(f, "{}/{vmid}", kind.as_str()),
            Self::Datastore(name) => write!(f, "datastore/{name}"),
            Self::Endpoint(index) => write!(f, "end-point {}", index + 1),
        }
    }
}
