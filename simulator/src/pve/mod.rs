//! Proxmox VE: a cluster, or a node that stands alone.

mod backup;
mod certificates;
mod export;
mod nodes;
mod permissions;
mod resources;
mod status;
mod version;
pub(crate) mod world;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::Body;
use crate::fault::Faults;
use crate::plan::PvePlan;
use crate::random::Random;
use crate::route::Route;
use world::{FORGOTTEN_AFTER, World};

/// Everything that answers for one cluster.
pub(crate) struct Pve {
    pub(crate) world: World,
    pub(crate) faults: Mutex<Faults>,
    /// Fingerprints of the nodes' certificates, by node; a node that cannot be reached has one too.
    pub(crate) fingerprints: Vec<String>,
    /// PEM of the CA and its fingerprint.
    pub(crate) authority: (String, String),
    pub(crate) node_pems: Vec<String>,
    seed: u64,
    /// Large answers, by what they were made from.
    cache: Mutex<HashMap<&'static str, (Vec<u64>, Arc<Body>)>>,
}

pub(crate) static ROUTES: &[Route<Pve>] = &[
    version::VERSION,
    version::NODE_VERSION,
    resources::RESOURCES,
    status::STATUS,
    status::MEMBERS,
    export::EXPORT,
    permissions::PERMISSIONS,
    nodes::NODES,
    nodes::STATUS,
    certificates::INFO,
    backup::NOT_BACKED_UP,
    status::QDEVICE,
];

/// A node as one end-point sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sight {
    pub(crate) online: bool,
    /// Time of the last report that was heard of it.
    pub(crate) reported: f64,
    /// Whether that report is forgotten by now.
    pub(crate) forgotten: bool,
}

impl Pve {
    pub(crate) fn new(
        plan: &PvePlan,
        seed: u64,
        fingerprints: Vec<String>,
        authority: (String, String),
        node_pems: Vec<String>,
    ) -> Self {
        Self {
            world: World::new(plan, seed),
            faults: Mutex::default(),
            fingerprints,
            authority,
            node_pems,
            seed,
            cache: Mutex::default(),
        }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The node that stands behind an end-point.
    pub(crate) fn own_node(&self, endpoint: usize) -> usize {
        endpoint.min(self.world.nodes.len() - 1)
    }

    pub(crate) fn has_quorum(&self, endpoint: usize) -> bool {
        let faults = self.faults();
        let offline = self.world.nodes.iter().filter(|node| faults.offline_since(&node.name).is_some());
        faults.without_quorum_since(endpoint).is_none() && offline.count() * 2 < self.world.nodes.len()
    }

    /// Every node as an end-point sees it.
    pub(crate) fn sights(&self, endpoint: usize, now: f64) -> Vec<Sight> {
        let faults = self.faults();
        let own = self.own_node(endpoint);
        let cut_off = faults.without_quorum_since(endpoint);
        self.world
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let offline = faults.offline_since(&node.name).or(cut_off.filter(|_| index != own));
                let silent = faults.silent_since(&node.name);
                let until = [offline, silent].into_iter().flatten().fold(now, f64::min);
                let reported = node.last_report(until);
                Sight {
                    online: offline.is_none(),
                    reported,
                    forgotten: now - reported > FORGOTTEN_AFTER,
                }
            })
            .collect()
    }

    /// Randomness for the order of one answer.
    pub(crate) fn order(&self, of: &str, number: u64) -> Random {
        Random::of(self.seed, of, number)
    }

    /// An answer made once for each state of what it is made from.
    pub(crate) fn cached(
        &self,
        name: &'static str,
        key: Vec<u64>,
        make: impl FnOnce() -> Arc<Body>,
    ) -> Arc<Body> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, body)) = cache.get(name).filter(|(known, _)| *known == key) {
            return Arc::clone(body);
        }
        let body = make();
        cache.insert(name, (key, Arc::clone(&body)));
        body
    }
}

/// What an answer that shows these nodes is made from.
pub(crate) fn key_of(sights: &[Sight], more: &[u64]) -> Vec<u64> {
    let bits = |sight: &Sight| sight.reported.to_bits() << 2 | u64::from(sight.online) << 1 | u64::from(sight.forgotten);
    sights.iter().map(bits).chain(more.iter().copied()).collect()
}
