//! High availability: who manages it, what each node and each resource is at.

use std::time::Duration;

use super::shown::shown_guests;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::ha::{self, Current, Manager};
use crate::source::pve::resources;
use crate::source::{GuestKind, Item};

pub static HA: Collector = Collector {
    name: "ha",
    about: "High availability: the master and its reports, fencing, the state of each node and of each resource.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(30),
    sources: &[&ha::HA],
    reads: &[&resources::RESOURCES],
    families: &[
        &QUORATE,
        &MASTER_INFO,
        &MANAGER_REPORT,
        &ARMED_STATE,
        &NODE_STATE,
        &LRM_REPORT,
        &LRM_MODE,
        &LRM_STATE,
        &SERVICE_INFO,
        &SERVICE_STATE,
        &SERVICE_FAILED_NODES,
    ],
    collect,
};

static QUORATE: Family = Family::gauge(
    "pve_ha_quorate",
    "Whether the node that answered has quorum, as its high availability sees it",
    &["remote"],
);
static MASTER_INFO: Family = Family::gauge(
    "pve_ha_master_info",
    "Node whose cluster resource manager is the master",
    &["id", "remote"],
);
static MANAGER_REPORT: Family = Family::gauge(
    "pve_ha_manager_timestamp_seconds",
    "Time of the last report of the cluster resource manager",
    &["remote"],
);
static ARMED_STATE: Family = Family::gauge(
    "pve_ha_armed_state",
    "Whether high availability would fence a node: armed, on standby, disarming or disarmed, since PVE 9.1",
    &["remote", "state"],
);
static NODE_STATE: Family = Family::gauge(
    "pve_ha_node_state",
    "State of the node as the cluster resource manager sees it",
    &["id", "remote", "state"],
);
static LRM_REPORT: Family = Family::gauge(
    "pve_ha_lrm_timestamp_seconds",
    "Time of the last report of the local resource manager of the node",
    &["id", "remote"],
);
static LRM_MODE: Family = Family::gauge(
    "pve_ha_lrm_mode",
    "Mode of the local resource manager of the node",
    &["id", "mode", "remote"],
);
static LRM_STATE: Family = Family::gauge(
    "pve_ha_lrm_state",
    "State of the local resource manager of the node",
    &["id", "remote", "state"],
);
static SERVICE_INFO: Family = Family::gauge(
    "pve_ha_service_info",
    "Node and requested state of a guest that is kept available",
    &["id", "node", "remote", "requested_state"],
);
static SERVICE_STATE: Family = Family::gauge(
    "pve_ha_service_state",
    "State of a guest that is kept available, with those that only the cluster resource manager knows, always 1: only the state that it is in",
    &["id", "remote", "state"],
);
static SERVICE_FAILED_NODES: Family = Family::gauge(
    "pve_ha_service_failed_nodes",
    "Number of failed attempts of nodes to start the guest since it last ran",
    &["id", "remote"],
);

const ARMED_STATES: &[&str] = &["armed", "standby", "disarming", "disarmed"];
const NODE_STATES: &[&str] = &["online", "maintenance", "unknown", "fence", "gone"];
const LRM_MODES: &[&str] = &[
    "active",
    "maintenance",
    "restart",
    "shutdown",
    "disarm",
    "unknown",
];
const LRM_STATES: &[&str] = &[
    "wait_for_agent_lock",
    "active",
    "maintenance",
    "lost_agent_lock",
];
fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(ha) = inputs.get(&ha::HA) else {
        return Vec::new();
    };
    let mut lines = manager(inputs.remote, &ha.current);
    lines.extend(nodes(inputs.remote, &ha.current, ha.manager.as_ref()));
    lines.extend(services(inputs, &ha.current, ha.manager.as_ref()));
    lines
}

fn manager(remote: &str, current: &Current) -> Vec<Lines> {
    let mut quorate = Lines::of(&QUORATE);
    let mut master = Lines::of(&MASTER_INFO);
    let mut report = Lines::of(&MANAGER_REPORT);
    let mut armed = Lines::of(&ARMED_STATE);
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    quorate.push_known(&labels, current.quorate);
    report.push_known(&labels, current.manager_reported);
    if !current.armed_state.is_empty() {
        armed.state_set(&labels, "state", ARMED_STATES, &current.armed_state);
    }
    if !current.master.is_empty() {
        identify_node(&mut labels, remote, &current.master);
        master.push(&labels, true);
    }
    vec![quorate, master, report, armed]
}

fn nodes(remote: &str, current: &Current, manager: Option<&Manager>) -> [Lines; 4] {
    let mut state = Lines::of(&NODE_STATE);
    let mut report = Lines::of(&LRM_REPORT);
    let mut mode = Lines::of(&LRM_MODE);
    let mut lrm_state = Lines::of(&LRM_STATE);
    let mut labels = LabelBlock::new();
    for lrm in &current.lrms {
        identify_node(&mut labels, remote, &lrm.node);
        report.push_known(&labels, lrm.reported);
    }
    let states = manager.map(|manager| &manager.node_states);
    for (node, current) in states.into_iter().flatten() {
        if !current.is_empty() {
            identify_node(&mut labels, remote, node);
            state.state_set(&labels, "state", NODE_STATES, current);
        }
    }
    let lrms = manager.map(|manager| &manager.lrms);
    for (node, lrm) in lrms.into_iter().flatten() {
        identify_node(&mut labels, remote, node);
        if !lrm.mode.is_empty() {
            mode.state_set(&labels, "mode", LRM_MODES, &lrm.mode);
        }
        if !lrm.state.is_empty() {
            lrm_state.state_set(&labels, "state", LRM_STATES, &lrm.state);
        }
    }
    [state, report, mode, lrm_state]
}

fn services(inputs: &Inputs<'_>, current: &Current, manager: Option<&Manager>) -> [Lines; 3] {
    let mut info = Lines::of(&SERVICE_INFO);
    let mut state = Lines::of(&SERVICE_STATE);
    let mut failed_nodes = Lines::of(&SERVICE_FAILED_NODES);
    let is_shown = shown_guests(inputs);
    let mut labels = LabelBlock::new();
    for resource in &current.resources {
        let Some((kind, vmid)) = guest(&resource.sid).filter(|&(kind, vmid)| is_shown(kind, vmid))
        else {
            continue;
        };
        let id = Item::Guest { vmid, kind }.to_string();
        labels
            .clear()
            .push("id", &id)
            .push("node", &resource.node)
            .push("remote", inputs.remote)
            .push("requested_state", &resource.requested_state);
        info.push(&labels, true);
        labels.clear().push("id", &id).push("remote", inputs.remote);
        if !resource.state.is_empty() {
            // One sample, not one a state: `pve_ha_state` has a set of states for each guest already.
            state.push_with(&labels, "state", &resource.state, true);
        }
        let failed = manager.and_then(|manager| manager.failed_nodes.get(&resource.sid));
        failed_nodes.push_known(&labels, failed.copied());
    }
    [info, state, failed_nodes]
}

fn identify_node(labels: &mut LabelBlock, remote: &str, node: &str) {
    labels
        .clear()
        .push("id", &format!("node/{node}"))
        .push("remote", remote);
}

/// `vm:100`, `ct:101`: no other resources are known.
fn guest(sid: &str) -> Option<(GuestKind, u32)> {
    let (kind, vmid) = sid.split_once(':')?;
    let kind = match kind {
        "vm" => GuestKind::Qemu,
        "ct" => GuestKind::Lxc,
        _ => return None,
    };
    Some((kind, vmid.parse().ok()?))
}

#[cfg(test)]
#[path = "ha_tests.rs"]
mod tests;
