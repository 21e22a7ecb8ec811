//! Nodes.

use super::{Exposing, Truth, set};
use crate::metric::family::Family;
use crate::metric::lines::Lines;

pub(super) static INFO: Family = Family::gauge(
    "pve_node_info",
    "Name, number and subscription level of a node",
    &["id", "level", "name", "nodeid", "remote"],
);

pub(super) static ADDRESS_INFO: Family = Family::gauge(
    "pve_node_address_info",
    "Address of a node in its cluster",
    &["address", "id", "remote"],
);

/// In the order of prometheus-pve-exporter.
const HA_STATES: &[&str] = &["online", "maintenance", "unknown", "fence", "gone"];

pub(super) fn expose(exposing: &mut Exposing<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    let mut address = Lines::of(&ADDRESS_INFO);
    let picture = exposing.picture;
    for node in &picture.nodes {
        set(&mut exposing.id, &["node/", &node.name]);
        exposing.identify();
        if let Some(online) = node.online {
            exposing.up.push(&exposing.labels, online);
        }
        if exposing.truth(&node.name) == Truth::Live {
            exposing.usage(&node.usage);
            exposing
                .disk_usage
                .push_known(&exposing.labels, node.usage.disk);
            exposing
                .disk_size
                .push_known(&exposing.labels, node.usage.disk_size);
        }
        if !node.address.is_empty() {
            address.push_with(&exposing.labels, "address", &node.address, true);
        }
        if !node.ha_state.is_empty() {
            exposing
                .ha_state
                .state_set(&exposing.labels, "state", HA_STATES, &node.ha_state);
        }

        exposing.labels.clear();
        exposing
            .labels
            .push("id", &exposing.id)
            .push("level", &node.level)
            .push("name", &node.name)
            .push(
                "nodeid",
                &node.node_id.map(|id| id.to_string()).unwrap_or_default(),
            )
            .push("remote", exposing.inputs.remote);
        info.push(&exposing.labels, true);
    }
    vec![info, address]
}
