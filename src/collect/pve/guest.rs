//! Running guests in detail: memory, pressure, block devices, network interfaces.
//!
//! What is known of every guest alike (CPU, memory, totals of disks and network) is told by the
//! collector `resources`, and what few want to know of block devices by `block_detail`.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::guests::{self, BlockDevice, RunningGuest};
use crate::source::pve::resources::{self, Picture};
use crate::source::{GuestKind, Item};

pub static GUEST: Collector = Collector {
    name: "guest",
    about: "Memory, pressure, block devices and network interfaces of the running guests.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&guests::GUESTS],
    reads: &[&resources::RESOURCES],
    families: &[
        &PAUSED,
        &QMP_STATE,
        &QEMU_INFO,
        &MEMORY_HOST,
        &MEMORY_FREE,
        &BALLOON,
        &SWAP_SIZE,
        &SWAP_USAGE,
        &PRESSURE_CPU_SOME,
        &PRESSURE_CPU_FULL,
        &PRESSURE_IO_SOME,
        &PRESSURE_IO_FULL,
        &PRESSURE_MEMORY_SOME,
        &PRESSURE_MEMORY_FULL,
        &BLOCK_READ,
        &BLOCK_WRITTEN,
        &BLOCK_READS,
        &BLOCK_WRITES,
        &BLOCK_FAILURES,
        &BLOCK_READ_TIME,
        &BLOCK_WRITE_TIME,
        &NIC_RECEIVE,
        &NIC_TRANSMIT,
    ],
    collect,
};

static PAUSED: Family = Family::gauge(
    "pve_guest_paused",
    "Whether a virtual machine that runs executes nothing: paused by somebody, or stopped by an error",
    &["id", "remote"],
);
static QMP_STATE: Family = Family::gauge(
    "pve_guest_qmp_state",
    "Why a virtual machine executes nothing, 1 for the current state, only for those that are paused",
    &["id", "remote", "state"],
);
static QEMU_INFO: Family = Family::gauge(
    "pve_guest_qemu_info",
    "Version of QEMU that the virtual machine runs in, and its machine type",
    &["id", "machine", "remote", "version"],
)
.unrecorded();
static MEMORY_HOST: Family = Family::gauge(
    "pve_guest_memory_host_bytes",
    "Memory of the node that the virtual machine takes, known since PVE 9",
    &["id", "remote"],
);
static MEMORY_FREE: Family = Family::gauge(
    "pve_guest_memory_free_bytes",
    "Free memory inside the virtual machine, as its balloon driver reports it",
    &["id", "remote"],
)
.unrecorded();
static BALLOON: Family = Family::gauge(
    "pve_guest_balloon_bytes",
    "Memory that the balloon leaves to the virtual machine at present",
    &["id", "remote"],
)
.unrecorded();
static SWAP_SIZE: Family = Family::gauge(
    "pve_guest_swap_size_bytes",
    "Swap space of the container",
    &["id", "remote"],
);
static SWAP_USAGE: Family = Family::gauge(
    "pve_guest_swap_usage_bytes",
    "Used swap space of the container",
    &["id", "remote"],
);
static PRESSURE_CPU_SOME: Family = Family::gauge(
    "pve_guest_pressure_cpu_some_ratio",
    "Fraction of ten seconds in which some tasks of the guest waited for a CPU, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_CPU_FULL: Family = Family::gauge(
    "pve_guest_pressure_cpu_full_ratio",
    "Fraction of ten seconds in which all tasks of the guest waited for a CPU, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_IO_SOME: Family = Family::gauge(
    "pve_guest_pressure_io_some_ratio",
    "Fraction of ten seconds in which some tasks of the guest waited for I/O, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_IO_FULL: Family = Family::gauge(
    "pve_guest_pressure_io_full_ratio",
    "Fraction of ten seconds in which all tasks of the guest waited for I/O, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_MEMORY_SOME: Family = Family::gauge(
    "pve_guest_pressure_memory_some_ratio",
    "Fraction of ten seconds in which some tasks of the guest waited for memory, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_MEMORY_FULL: Family = Family::gauge(
    "pve_guest_pressure_memory_full_ratio",
    "Fraction of ten seconds in which all tasks of the guest waited for memory, known since PVE 9",
    &["id", "remote"],
);
static BLOCK_READ: Family = Family::counter(
    "pve_guest_block_read_bytes_total",
    "Bytes that the virtual machine has read from the device since QEMU was started",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_WRITTEN: Family = Family::counter(
    "pve_guest_block_written_bytes_total",
    "Bytes that the virtual machine has written to the device since QEMU was started",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_READS: Family = Family::counter(
    "pve_guest_block_read_operations_total",
    "Reads from the device since QEMU was started",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_WRITES: Family = Family::counter(
    "pve_guest_block_write_operations_total",
    "Writes to the device since QEMU was started",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_FAILURES: Family = Family::counter(
    "pve_guest_block_failed_operations_total",
    "Reads, writes and flushes of the device that failed since QEMU was started",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_READ_TIME: Family = Family::counter(
    "pve_guest_block_read_time_seconds_total",
    "Time that reads from the device have taken, summed over those that ran at once",
    &["device", "id", "remote"],
)
.unrecorded();
static BLOCK_WRITE_TIME: Family = Family::counter(
    "pve_guest_block_write_time_seconds_total",
    "Time that writes to the device have taken, summed over those that ran at once",
    &["device", "id", "remote"],
)
.unrecorded();
static NIC_RECEIVE: Family = Family::counter(
    "pve_guest_nic_receive_bytes_total",
    "Bytes that were sent to the guest over the interface",
    &["id", "interface", "remote"],
);
static NIC_TRANSMIT: Family = Family::counter(
    "pve_guest_nic_transmit_bytes_total",
    "Bytes that the guest has sent over the interface",
    &["id", "interface", "remote"],
);

/// States of a QEMU process whose virtual machine executes nothing.
const PAUSED_STATES: &[&str] = &[
    "paused",
    "io-error",
    "internal-error",
    "guest-panicked",
    "suspended",
    "shutdown",
    "watchdog",
];

const GUEST_FAMILIES: [&Family; 11] = [
    &MEMORY_HOST,
    &MEMORY_FREE,
    &BALLOON,
    &SWAP_SIZE,
    &SWAP_USAGE,
    &PRESSURE_CPU_SOME,
    &PRESSURE_CPU_FULL,
    &PRESSURE_IO_SOME,
    &PRESSURE_IO_FULL,
    &PRESSURE_MEMORY_SOME,
    &PRESSURE_MEMORY_FULL,
];

const BLOCK_FAMILIES: [&Family; 7] = [
    &BLOCK_READ,
    &BLOCK_WRITTEN,
    &BLOCK_READS,
    &BLOCK_WRITES,
    &BLOCK_FAILURES,
    &BLOCK_READ_TIME,
    &BLOCK_WRITE_TIME,
];

/// The lines of all families.
struct Exposing {
    /// Of the guest at hand, or of one of its devices or interfaces.
    labels: LabelBlock,
    paused: Lines,
    qmp_state: Lines,
    qemu_info: Lines,
    guest: [Lines; 11],
    block: [Lines; 7],
    receive: Lines,
    transmit: Lines,
}

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut exposing = Exposing::new();
    for guest in running_guests(inputs, inputs.get(&resources::RESOURCES).as_deref()) {
        exposing.expose(guest, inputs.remote);
    }
    exposing.into_lines()
}

/// The guests that are shown, run, and are still on the node that told of them: for up to a minute
/// after a migration both nodes have told. Nobody knows of any while there is no picture.
pub(super) fn running_guests<'a>(
    inputs: &'a Inputs<'_>,
    picture: Option<&'a Picture>,
) -> impl Iterator<Item = &'a RunningGuest> {
    let is_there = move |guest: &RunningGuest, node: &str| {
        let now = picture.and_then(|picture| picture.guest(guest.vmid, guest.kind));
        now.is_some_and(|now| {
            *now.node == *node
                && now.status.may_run()
                && (inputs.filter.is_empty() || inputs.filter.admits(&now.facts()))
        })
    };
    let nodes = inputs.each(&guests::GUESTS);
    nodes.flat_map(move |(node, guests)| {
        let guests = guests.iter();
        guests.filter(move |guest| is_there(guest, node.name()))
    })
}

impl Exposing {
    fn new() -> Self {
        Self {
            labels: LabelBlock::new(),
            paused: Lines::of(&PAUSED),
            qmp_state: Lines::of(&QMP_STATE),
            qemu_info: Lines::of(&QEMU_INFO),
            guest: GUEST_FAMILIES.map(Lines::of),
            block: BLOCK_FAMILIES.map(Lines::of),
            receive: Lines::of(&NIC_RECEIVE),
            transmit: Lines::of(&NIC_TRANSMIT),
        }
    }

    fn expose(&mut self, guest: &RunningGuest, remote: &str) {
        let id = Item::Guest {
            vmid: guest.vmid,
            kind: guest.kind,
        }
        .to_string();
        if guest.kind == GuestKind::Qemu {
            self.expose_qemu(guest, &id, remote);
        }
        self.labels.clear().push("id", &id).push("remote", remote);
        for (lines, value) in self.guest.iter_mut().zip(values_of_guest(guest)) {
            lines.push_known(&self.labels, value);
        }
        for device in &guest.blocks {
            self.labels
                .clear()
                .push("device", &device.name)
                .push("id", &id)
                .push("remote", remote);
            for (lines, value) in self.block.iter_mut().zip(values_of_block(device)) {
                lines.push_known(&self.labels, value);
            }
        }
        for interface in &guest.interfaces {
            self.labels
                .clear()
                .push("id", &id)
                .push("interface", &interface.name)
                .push("remote", remote);
            self.receive.push_known(&self.labels, interface.received);
            self.transmit.push_known(&self.labels, interface.sent);
        }
    }

    fn expose_qemu(&mut self, guest: &RunningGuest, id: &str, remote: &str) {
        let is_paused = PAUSED_STATES.contains(&&*guest.qmp_status);
        self.labels.clear().push("id", id).push("remote", remote);
        if !guest.qmp_status.is_empty() {
            self.paused.push(&self.labels, is_paused);
        }
        if is_paused {
            self.qmp_state
                .state_set(&self.labels, "state", PAUSED_STATES, &guest.qmp_status);
        }
        if !(guest.machine.is_empty() && guest.qemu_version.is_empty()) {
            self.labels
                .clear()
                .push("id", id)
                .push("machine", &guest.machine)
                .push("remote", remote)
                .push("version", &guest.qemu_version);
            self.qemu_info.push(&self.labels, true);
        }
    }

    fn into_lines(self) -> Vec<Lines> {
        let mut lines = vec![self.paused, self.qmp_state, self.qemu_info];
        lines.extend(self.guest);
        lines.extend(self.block);
        lines.extend([self.receive, self.transmit]);
        lines
    }
}

fn values_of_guest(guest: &RunningGuest) -> [Option<f64>; 11] {
    let pressure = guest.pressure;
    [
        guest.memory_host,
        guest.memory_free,
        guest.balloon,
        guest.swap_size,
        guest.swap,
        pressure.cpu_some,
        pressure.cpu_full,
        pressure.io_some,
        pressure.io_full,
        pressure.memory_some,
        pressure.memory_full,
    ]
}

fn values_of_block(device: &BlockDevice) -> [Option<f64>; 7] {
    [
        device.read_bytes,
        device.written_bytes,
        device.reads,
        device.writes,
        device.failed.of_data(),
        device.read_time,
        device.write_time,
    ]
}

#[cfg(test)]
#[path = "guest_tests.rs"]
mod tests;
