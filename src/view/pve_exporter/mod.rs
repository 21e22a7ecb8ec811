//! What prometheus-pve-exporter answers on `/pve`: the same families, label sets, values and
//! conditions, so that its dashboards and rules go on working.
//!
//! It shows what PVE says: the numbers of a guest whose node has just died stand still here, where
//! the native view corrects them. The families have no label `remote`, for Prometheus' `instance`
//! tells the clusters apart.

mod cluster;
mod families;
mod node;

use std::time::Instant;

pub use families::FAMILIES;

use super::answer::Answer;
use crate::collect::Inputs;
use crate::config::DropIn;
use crate::fleet::Remote;
use crate::metric::lines::Lines;
use crate::source::AnySource;
use crate::source::pve::{
    guest_config, not_backed_up, qdevice, replication, resources, subscription, version,
};

/// What a scrape asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// `cluster=1`
    pub cluster: bool,
    /// `node=1`
    pub nodes: Option<Nodes>,
}

/// Whose node families are told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Nodes {
    All,
    One(String),
}

impl Nodes {
    fn has(&self, node: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => name == node,
        }
    }
}

/// A collector of prometheus-pve-exporter, and what it is made from here.
struct Part {
    /// As its flags name it.
    name: &'static str,
    of_nodes: bool,
    source: &'static dyn AnySource,
    /// Whether its absence is worth telling: the exporter swallows errors of the QDevice.
    is_missed: bool,
}

impl Part {
    const fn of_cluster(name: &'static str, source: &'static dyn AnySource) -> Self {
        Self {
            name,
            of_nodes: false,
            source,
            is_missed: true,
        }
    }

    const fn of_nodes(name: &'static str, source: &'static dyn AnySource) -> Self {
        Self {
            of_nodes: true,
            ..Self::of_cluster(name, source)
        }
    }
}

static PARTS: &[Part] = &[
    Part::of_cluster("status", &resources::RESOURCES),
    Part::of_cluster("resources", &resources::RESOURCES),
    Part::of_cluster("node", &resources::RESOURCES),
    Part::of_cluster("cluster", &resources::RESOURCES),
    Part::of_cluster("version", &version::VERSION),
    Part::of_cluster("backup-info", &not_backed_up::NOT_BACKED_UP),
    Part {
        is_missed: false,
        ..Part::of_cluster("qdevice", &qdevice::QDEVICE)
    },
    Part::of_nodes("subscription", &subscription::SUBSCRIPTION),
    Part::of_nodes("config", &guest_config::GUEST_CONFIG),
    Part::of_nodes("replication", &replication::REPLICATION),
];

/// Everything that the view is made from.
pub static SOURCES: &[&dyn AnySource] = &[
    &resources::RESOURCES,
    &version::VERSION,
    &not_backed_up::NOT_BACKED_UP,
    &qdevice::QDEVICE,
    &subscription::SUBSCRIPTION,
    &guest_config::GUEST_CONFIG,
    &replication::REPLICATION,
];

impl Wanted {
    fn parts<'a>(&'a self, settings: &'a DropIn) -> impl Iterator<Item = &'static Part> + 'a {
        PARTS.iter().filter(|part| {
            let wanted = if part.of_nodes {
                self.nodes.is_some()
            } else {
                self.cluster
            };
            wanted && !settings.without.contains(part.name)
        })
    }

    /// What has to be known for the answer, besides the live picture of the cluster.
    pub fn sources(&self, settings: &DropIn) -> Vec<&'static dyn AnySource> {
        let parts = self.parts(settings).map(|part| part.source);
        let is_live = |source: &dyn AnySource| source.name() == resources::RESOURCES.name;
        parts.filter(|source| !is_live(*source)).collect()
    }
}

/// Reads what is known of a remote.
pub fn answer(remote: &Remote, wanted: &Wanted, settings: &DropIn, now: Instant) -> Answer {
    let mut lacks = Vec::new();
    for part in wanted.parts(settings).filter(|part| part.is_missed) {
        let is_wanted = |node: Option<&str>| match (&wanted.nodes, node) {
            (Some(nodes), Some(node)) if part.of_nodes => nodes.has(node),
            _ => true,
        };
        lacks.extend(
            remote
                .lacks(part.source, is_wanted, now)
                .map(|lack| (part.name, lack)),
        );
    }
    let lines = remote.with_inputs(SOURCES, now, |inputs| collect(inputs, wanted, settings));
    Answer::new(FAMILIES, lines, lacks)
}

fn collect(inputs: &Inputs<'_>, wanted: &Wanted, settings: &DropIn) -> Vec<Lines> {
    let mut lines = Vec::new();
    let has = |name: &str| !settings.without.contains(name);
    if wanted.cluster {
        lines.extend(cluster::collect(inputs, has));
    }
    if let Some(nodes) = &wanted.nodes {
        lines.extend(node::collect(inputs, nodes, has));
    }
    lines
}

#[cfg(test)]
mod tests;
