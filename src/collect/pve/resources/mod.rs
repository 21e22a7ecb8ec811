//! Nodes, guests, storages, pools and zones of a PVE cluster, from its live picture.
//!
//! The families without a word of their object in the name are those of prometheus-pve-exporter:
//! same names, ids and units. What differs is the truth about nodes that are not there: PVE goes
//! on reporting a dead node's guests as running, with frozen numbers, for five minutes.

mod cluster;
mod guest;
mod network;
mod node;
mod storage;

use std::collections::HashMap;
use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::export::{self, Export};
use crate::source::pve::resources::{self as source, Node, Picture};

pub static RESOURCES: Collector = Collector {
    name: "resources",
    about: "Nodes, guests, storages, pools, zones and quorum, as the cluster shows them now.",
    product: Product::Pve,
    class: Class::Live,
    by_default: true,
    interval: Duration::from_secs(5),
    sources: &[&source::RESOURCES],
    reads: &[&export::EXPORT],
    families: &[
        &UP,
        &DISK_SIZE,
        &DISK_USAGE,
        &MEMORY_SIZE,
        &MEMORY_USAGE,
        &CPU_USAGE,
        &CPU_LIMIT,
        &UPTIME,
        &guest::NETWORK_TRANSMIT,
        &guest::NETWORK_RECEIVE,
        &guest::DISK_WRITTEN,
        &guest::DISK_READ,
        &HA_STATE,
        &guest::LOCK_STATE,
        &guest::INFO,
        &storage::SHARED,
        &storage::INFO,
        &node::INFO,
        &node::ADDRESS_INFO,
        &cluster::INFO,
        &network::ZONE_STATE,
        &network::ZONE_INFO,
    ],
    collect,
};

static UP: Family = Family::gauge(
    "pve_up",
    "Node is online, guest is running, storage is available, or cluster is quorate",
    &["id", "remote"],
);
static DISK_SIZE: Family = Family::gauge(
    "pve_disk_size_bytes",
    "Size of a storage, of a node's root file system, of a container's root file system or of a virtual machine's boot disk",
    &["id", "remote"],
);
static DISK_USAGE: Family = Family::gauge(
    "pve_disk_usage_bytes",
    "Used space of a storage, of a node's or of a container's root file system; PVE does not know it for virtual machines",
    &["id", "remote"],
);
static MEMORY_SIZE: Family = Family::gauge(
    "pve_memory_size_bytes",
    "Memory of a node, or configured memory of a guest or of the running guests of a pool",
    &["id", "remote"],
);
static MEMORY_USAGE: Family = Family::gauge(
    "pve_memory_usage_bytes",
    "Used memory of a node, guest or pool",
    &["id", "remote"],
);
static CPU_USAGE: Family = Family::gauge(
    "pve_cpu_usage_ratio",
    "CPU usage as a fraction of the CPUs of the node, guest or pool",
    &["id", "remote"],
);
static CPU_LIMIT: Family = Family::gauge(
    "pve_cpu_usage_limit",
    "Number of CPUs of a node, guest or pool",
    &["id", "remote"],
);
static UPTIME: Family = Family::gauge(
    "pve_uptime_seconds",
    "Time since the start of a node or guest, or since that of the longest running guest of a pool",
    &["id", "remote"],
);
static HA_STATE: Family = Family::gauge(
    "pve_ha_state",
    "State in high availability, 1 for the current one, only for guests and nodes that it manages",
    &["id", "remote", "state"],
);

/// What can be believed of a node, and so of all that is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// Online and reporting.
    Live,
    /// Online, but its status daemon is dead: numbers and states are frozen.
    Frozen,
    /// Not online: nothing on it runs, whatever is reported.
    Dead,
    /// Not known whether it is online.
    Unknown,
}

/// What the subjects read, and the lines of the families that they share.
struct Exposing<'a> {
    inputs: &'a Inputs<'a>,
    picture: &'a Picture,
    /// By the name of the node: a cluster has few nodes, and asks for each of its guests.
    truths: HashMap<&'a str, Truth>,
    labels: LabelBlock,
    /// Scratch for ids, so that none is allocated.
    id: String,
    up: Lines,
    disk_size: Lines,
    disk_usage: Lines,
    memory_size: Lines,
    memory_usage: Lines,
    cpu_usage: Lines,
    cpu_limit: Lines,
    uptime: Lines,
    ha_state: Lines,
}

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(picture) = inputs.get(&source::RESOURCES) else {
        return Vec::new();
    };
    let export = inputs.get(&export::EXPORT);
    let of_guests = |family| lines_of_guests(family, &picture);
    let mut exposing = Exposing {
        inputs,
        picture: &picture,
        truths: truths(&picture, export.as_deref()),
        labels: LabelBlock::new(),
        id: String::new(),
        up: of_guests(&UP),
        disk_size: of_guests(&DISK_SIZE),
        disk_usage: Lines::of(&DISK_USAGE),
        memory_size: of_guests(&MEMORY_SIZE),
        memory_usage: of_guests(&MEMORY_USAGE),
        cpu_usage: of_guests(&CPU_USAGE),
        cpu_limit: of_guests(&CPU_LIMIT),
        uptime: of_guests(&UPTIME),
        ha_state: Lines::of(&HA_STATE),
    };
    let mut lines = cluster::expose(&mut exposing);
    lines.extend(node::expose(&mut exposing));
    lines.extend(guest::expose(&mut exposing));
    lines.extend(storage::expose(&mut exposing));
    lines.extend(network::expose(&mut exposing));
    lines.extend([
        exposing.up,
        exposing.disk_size,
        exposing.disk_usage,
        exposing.memory_size,
        exposing.memory_usage,
        exposing.cpu_usage,
        exposing.cpu_limit,
        exposing.uptime,
        exposing.ha_state,
    ]);
    lines
}

fn truths<'a>(picture: &'a Picture, export: Option<&Export>) -> HashMap<&'a str, Truth> {
    let is_frozen = |node: &str| {
        export
            .and_then(|export| export.nodes.get(node))
            .is_some_and(|points| points.stale)
    };
    let truth = |node: &Node| match node.online {
        Some(true) if is_frozen(&node.name) => Truth::Frozen,
        Some(true) => Truth::Live,
        Some(false) => Truth::Dead,
        None => Truth::Unknown,
    };
    let nodes = picture.nodes.iter();
    nodes.map(|node| (&*node.name, truth(node))).collect()
}

impl Exposing<'_> {
    fn truth(&self, node: &str) -> Truth {
        self.truths.get(node).copied().unwrap_or(Truth::Unknown)
    }

    /// Sets the labels to those of a value of the object whose id stands in `self.id`.
    fn identify(&mut self) {
        self.labels.clear();
        self.labels
            .push("id", &self.id)
            .push("remote", self.inputs.remote);
    }

    /// The gauges that nodes, guests and pools share.
    fn usage(&mut self, usage: &source::Usage) {
        self.cpu_usage.push_known(&self.labels, usage.cpu);
        self.cpu_limit.push_known(&self.labels, usage.cpu_limit);
        self.memory_usage.push_known(&self.labels, usage.memory);
        self.memory_size.push_known(&self.labels, usage.memory_size);
        self.uptime.push_known(&self.labels, usage.uptime);
    }
}

/// Room for a sample of each guest: a buffer that has to grow costs as much again as its samples.
fn lines_of_guests(family: &'static Family, picture: &Picture) -> Lines {
    const LABELS_AND_VALUE: usize = 56;
    Lines::with_capacity(
        family,
        picture.guests.len() * (family.name.len() + LABELS_AND_VALUE),
    )
}

/// Replaces a scratch text by these parts.
fn set(text: &mut String, parts: &[&str]) {
    text.clear();
    parts.iter().for_each(|part| text.push_str(part));
}

#[cfg(test)]
mod tests;
