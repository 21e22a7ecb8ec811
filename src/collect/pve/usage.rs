//! What a node's status daemon measures and the live picture lacks: load, I/O wait, swap, network.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::export;
use crate::source::pve::resources;

pub static USAGE: Collector = Collector {
    name: "usage",
    about: "Load, I/O wait, swap and network of the nodes, and whether their status daemons live.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(30),
    sources: &[&export::EXPORT],
    reads: &[&resources::RESOURCES],
    families: &[
        &DATA_STALE,
        &LOAD1,
        &LOAD5,
        &LOAD15,
        &IOWAIT,
        &SWAP_SIZE,
        &SWAP_USAGE,
        &NETWORK_RECEIVE,
        &NETWORK_TRANSMIT,
        &POINTS_DROPPED,
    ],
    collect,
};

static DATA_STALE: Family = Family::gauge(
    "pve_node_data_stale",
    "Whether the status daemon of an online node has reported nothing for a minute, so that no live values of the node and its guests are known",
    &["id", "remote"],
);
static LOAD1: Family = Family::gauge(
    "pve_node_load1",
    "Load average of the node over one minute",
    &["id", "remote"],
);
static LOAD5: Family = Family::gauge(
    "pve_node_load5",
    "Load average of the node over five minutes",
    &["id", "remote"],
);
static LOAD15: Family = Family::gauge(
    "pve_node_load15",
    "Load average of the node over fifteen minutes",
    &["id", "remote"],
);
static IOWAIT: Family = Family::gauge(
    "pve_node_iowait_ratio",
    "Fraction of time in which the CPUs of the node waited for I/O, known since PVE 8.3.4",
    &["id", "remote"],
);
static SWAP_SIZE: Family = Family::gauge(
    "pve_node_swap_size_bytes",
    "Swap space of the node",
    &["id", "remote"],
);
static SWAP_USAGE: Family = Family::gauge(
    "pve_node_swap_usage_bytes",
    "Used swap space of the node",
    &["id", "remote"],
);
static NETWORK_RECEIVE: Family = Family::counter(
    "pve_node_network_receive_bytes_total",
    "Bytes received by the physical interfaces of the node since boot",
    &["id", "remote"],
);
static NETWORK_TRANSMIT: Family = Family::counter(
    "pve_node_network_transmit_bytes_total",
    "Bytes sent by the physical interfaces of the node since boot",
    &["id", "remote"],
);
static POINTS_DROPPED: Family = Family::counter(
    "proxfleet_export_points_dropped_total",
    "Points of metric exports that were left out because they have no timestamp or are older than a minute",
    &["reason", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(export) = inputs.get(&export::EXPORT) else {
        return Vec::new();
    };
    let picture = inputs.get(&resources::RESOURCES);
    let is_online = |name: &str| {
        picture.as_ref().is_none_or(|picture| {
            picture
                .node(name)
                .is_none_or(|node| node.online != Some(false))
        })
    };

    let mut stale = Lines::of(&DATA_STALE);
    let mut gauges = [
        Lines::of(&LOAD1),
        Lines::of(&LOAD5),
        Lines::of(&LOAD15),
        Lines::of(&IOWAIT),
        Lines::of(&SWAP_SIZE),
        Lines::of(&SWAP_USAGE),
        Lines::of(&NETWORK_RECEIVE),
        Lines::of(&NETWORK_TRANSMIT),
    ];
    let mut labels = LabelBlock::new();
    for (name, node) in &export.nodes {
        if !is_online(name) {
            continue;
        }
        labels.clear();
        labels
            .push("id", &format!("node/{name}"))
            .push("remote", inputs.remote);
        stale.push(&labels, node.stale);
        let values = [
            node.load1,
            node.load5,
            node.load15,
            node.iowait,
            node.swap_size,
            node.swap_used,
            node.network_in,
            node.network_out,
        ];
        for (lines, value) in gauges.iter_mut().zip(values) {
            lines.push_known(&labels, value);
        }
    }

    let mut dropped = Lines::of(&POINTS_DROPPED);
    for (reason, count) in [
        ("no_timestamp", export.dropped.without_timestamp),
        ("too_old", export.dropped.too_old),
    ] {
        labels.clear();
        labels.push("reason", reason).push("remote", inputs.remote);
        dropped.push(&labels, count);
    }
    let mut lines = Vec::from(gauges);
    lines.extend([stale, dropped]);
    lines
}
