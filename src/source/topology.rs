//! What there is to ask of a remote: its nodes, guests, storages and datastores, as last seen.

use std::sync::Arc;

use super::Scope;
use super::item::{GuestKind, Item};

/// Everything by name or number, sorted, each once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Names of the nodes that are online.
    pub nodes: Vec<Arc<str>>,
    /// The guests that are not filtered out, with those of nodes that are gone.
    pub guests: Vec<GuestPlace>,
    /// The storages that take backups, where they are available.
    pub storages: Vec<StoragePlace>,
    /// Of a backup server, those that can be opened.
    pub datastores: Vec<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPlace {
    pub vmid: u32,
    pub kind: GuestKind,
    pub node: Arc<str>,
    pub lock: Box<str>,
    pub running: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePlace {
    pub storage: Arc<str>,
    /// The node to ask; of a shared storage the first that has it.
    pub node: Arc<str>,
    pub shared: bool,
}

impl GuestPlace {
    pub fn item(&self) -> Item {
        Item::Guest {
            vmid: self.vmid,
            kind: self.kind,
        }
    }
}

impl StoragePlace {
    pub fn item(&self) -> Item {
        Item::Storage {
            storage: Arc::clone(&self.storage),
            node: (!self.shared).then(|| Arc::clone(&self.node)),
        }
    }
}

impl Topology {
    /// What a source of this scope is to be asked about.
    pub fn items(&self, scope: Scope) -> Vec<Item> {
        match scope {
            Scope::Remote => vec![Item::Remote],
            Scope::EachNode => self.nodes.iter().cloned().map(Item::Node).collect(),
            Scope::EachGuest => self.guests.iter().map(GuestPlace::item).collect(),
            Scope::EachBackupStorage => self.storages.iter().map(StoragePlace::item).collect(),
            Scope::EachDatastore => self
                .datastores
                .iter()
                .cloned()
                .map(Item::Datastore)
                .collect(),
        }
    }

    pub fn guest(&self, vmid: u32, kind: GuestKind) -> Option<&GuestPlace> {
        let index = self
            .guests
            .binary_search_by_key(&(vmid, kind), |guest| (guest.vmid, guest.kind))
            .ok()?;
        self.guests.get(index)
    }

    /// The node that an item is on now, or is asked at.
    pub fn node_of(&self, item: &Item) -> Option<Arc<str>> {
        match item {
            Item::Node(name) => Some(Arc::clone(name)),
            Item::Guest { vmid, kind } => Some(Arc::clone(&self.guest(*vmid, *kind)?.node)),
            Item::Storage {
                node: Some(node), ..
            } => Some(Arc::clone(node)),
            Item::Storage {
                storage,
                node: None,
            } => {
                let place = self
                    .storages
                    .iter()
                    .find(|place| place.shared && place.storage == *storage)?;
                Some(Arc::clone(&place.node))
            }
            Item::Remote | Item::Datastore(_) | Item::Endpoint(_) => None,
        }
    }
}
