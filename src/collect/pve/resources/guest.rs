//! Virtual machines and containers, and the pools that sum them up.

use super::{Exposing, Truth, lines_of_guests, set};
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::GuestKind;
use crate::source::pve::resources::{Guest, GuestStatus};

pub(super) static NETWORK_TRANSMIT: Family = Family::counter(
    "pve_network_transmit_bytes_total",
    "Bytes that the guest has sent over the network since it was started",
    &["id", "remote"],
);
pub(super) static NETWORK_RECEIVE: Family = Family::counter(
    "pve_network_receive_bytes_total",
    "Bytes that were sent to the guest over the network since it was started",
    &["id", "remote"],
);
pub(super) static DISK_WRITTEN: Family = Family::counter(
    "pve_disk_written_bytes_total",
    "Bytes that the guest has written to its block devices since it was started",
    &["id", "remote"],
);
pub(super) static DISK_READ: Family = Family::counter(
    "pve_disk_read_bytes_total",
    "Bytes that the guest has read from its block devices since it was started",
    &["id", "remote"],
);
pub(super) static LOCK_STATE: Family = Family::gauge(
    "pve_lock_state",
    "Lock of the guest's configuration, 1 for the current one, only for guests that are locked",
    &["id", "remote", "state"],
);
pub(super) static INFO: Family = Family::gauge(
    "pve_guest_info",
    "Name, node, pool, tags and type of a guest, by the last that was known",
    &[
        "id", "name", "node", "pool", "remote", "tags", "template", "type",
    ],
);

/// In the order of prometheus-pve-exporter, and the three that it leaves out.
const HA_STATES: &[&str] = &[
    "stopped",
    "request_stop",
    "request_start",
    "request_start_balance",
    "started",
    "fence",
    "recovery",
    "migrate",
    "relocate",
    "freeze",
    "error",
    "disabled",
    "enabled",
    "ignored",
];

const LOCK_STATES: &[&str] = &[
    "backup",
    "clone",
    "create",
    "migrate",
    "rollback",
    "snapshot",
    "snapshot-delete",
    "suspended",
    "suspending",
];

/// Of a sample with all that is known of a guest, roughly.
const INFO_LENGTH: usize = 160;

pub(super) fn expose(exposing: &mut Exposing<'_>) -> Vec<Lines> {
    let picture = exposing.picture;
    let of_guests = |family| lines_of_guests(family, picture);
    let mut transmit = of_guests(&NETWORK_TRANSMIT);
    let mut receive = of_guests(&NETWORK_RECEIVE);
    let mut written = of_guests(&DISK_WRITTEN);
    let mut read = of_guests(&DISK_READ);
    let mut lock = Lines::of(&LOCK_STATE);
    let mut info = Lines::with_capacity(&INFO, picture.guests.len() * INFO_LENGTH);

    let filter = exposing.inputs.filter;
    let mut vmid = itoa::Buffer::new();
    for guest in &picture.guests {
        if !filter.is_empty() && !filter.admits(&guest.facts()) {
            continue;
        }
        set(
            &mut exposing.id,
            &[guest.kind.as_str(), "/", vmid.format(guest.vmid)],
        );
        exposing.identify();

        let truth = exposing.truth(&guest.node);
        if let Some(up) = is_up(guest, truth) {
            exposing.up.push(&exposing.labels, up);
        }
        if truth == Truth::Live {
            exposing.usage(&guest.usage);
            exposing
                .disk_size
                .push_known(&exposing.labels, guest.usage.disk_size);
            if guest.kind == GuestKind::Lxc {
                exposing
                    .disk_usage
                    .push_known(&exposing.labels, guest.usage.disk);
            }
            transmit.push_known(&exposing.labels, guest.counters.network_out);
            receive.push_known(&exposing.labels, guest.counters.network_in);
            written.push_known(&exposing.labels, guest.counters.disk_written);
            read.push_known(&exposing.labels, guest.counters.disk_read);
        }
        // Both come from the cluster file system: they are true whatever happened to the node.
        if !guest.ha_state.is_empty() {
            exposing
                .ha_state
                .state_set(&exposing.labels, "state", HA_STATES, &guest.ha_state);
        }
        if !guest.lock.is_empty() {
            lock.state_set(&exposing.labels, "state", LOCK_STATES, &guest.lock);
        }

        exposing.labels.clear();
        exposing
            .labels
            .push("id", &exposing.id)
            .push("name", &guest.name)
            .push("node", &guest.node)
            .push("pool", &guest.pool)
            .push("remote", exposing.inputs.remote)
            .push("tags", &guest.tags)
            .push("template", template(guest))
            .push("type", guest.kind.as_str());
        info.push(&exposing.labels, true);
    }

    for pool in &picture.pools {
        set(&mut exposing.id, &["/pool/", &pool.name]);
        exposing.identify();
        exposing.usage(&pool.usage);
    }
    vec![transmit, receive, written, read, lock, info]
}

/// Whether the guest runs; `None` where nobody can know.
fn is_up(guest: &Guest, truth: Truth) -> Option<bool> {
    match (truth, guest.status) {
        (Truth::Dead, _) => Some(false),
        (Truth::Frozen | Truth::Unknown, _) | (Truth::Live, GuestStatus::Unknown) => None,
        (Truth::Live, status) => Some(status == GuestStatus::Running),
    }
}

/// As prometheus-pve-exporter writes it, empty where it is not known.
fn template(guest: &Guest) -> &'static str {
    match guest.template {
        Some(true) => "1",
        Some(false) => "0",
        None => "",
    }
}
