//! Zones of the software-defined network, by node.

use super::{Exposing, Truth, set};
use crate::metric::family::Family;
use crate::metric::lines::Lines;

pub(super) static ZONE_STATE: Family = Family::gauge(
    "pve_network_zone_state",
    "State of a network zone on a node that is online, 1 for the current one",
    &["id", "remote", "state"],
);
pub(super) static ZONE_INFO: Family = Family::gauge(
    "pve_network_zone_info",
    "Node, name and kind of a network zone",
    &["id", "node", "remote", "zone", "zone_type"],
);

/// `ok` is what PVE says of `localnetwork`.
const STATES: &[&str] = &["available", "ok", "pending", "error", "unknown"];

pub(super) fn expose(exposing: &mut Exposing<'_>) -> Vec<Lines> {
    let mut state = Lines::of(&ZONE_STATE);
    let mut info = Lines::of(&ZONE_INFO);
    let picture = exposing.picture;
    for zone in &picture.zones {
        // PVE reports the zones of a dead node as available for ever.
        if exposing.truth(&zone.node) != Truth::Live {
            continue;
        }
        // 8.4 spells it sdn/NODE/ZONE: one spelling keeps the series over an upgrade.
        set(
            &mut exposing.id,
            &["network/", &zone.node, "/zone/", &zone.zone],
        );
        exposing.identify();
        state.state_set(&exposing.labels, "state", STATES, &zone.status);

        exposing.labels.clear();
        exposing
            .labels
            .push("id", &exposing.id)
            .push("node", &zone.node)
            .push("remote", exposing.inputs.remote)
            .push("zone", &zone.zone)
            .push("zone_type", &zone.zone_type);
        info.push(&exposing.labels, true);
    }
    vec![state, info]
}
