//! Nodes: hardware, kernel, memory, pressure.
//!
//! Size and usage of the root file system, uptime, number of CPUs and I/O wait are told by the
//! collectors `resources` and `usage`.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::node_averages::{self, NodeAverages};
use crate::source::pve::{node_status, packages};

pub static NODE: Collector = Collector {
    name: "node",
    about: "Hardware, kernel, memory and pressure of the nodes.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&node_status::NODE_STATUS, &node_averages::NODE_AVERAGES],
    reads: &[&packages::KERNELS],
    families: &[
        &ROOT_AVAILABLE,
        &MEMORY_AVAILABLE,
        &MEMORY_FREE,
        &KSM_SHARED,
        &CPU_SOCKETS,
        &CPU_CORES,
        &SECURE_BOOT,
        &CPU_INFO,
        &KERNEL_INFO,
        &BOOT_INFO,
        &PRESSURE_CPU_SOME,
        &PRESSURE_IO_SOME,
        &PRESSURE_IO_FULL,
        &PRESSURE_MEMORY_SOME,
        &PRESSURE_MEMORY_FULL,
        &ARC_SIZE,
    ],
    collect,
};

static ROOT_AVAILABLE: Family = Family::gauge(
    "pve_node_rootfs_available_bytes",
    "Space that can still be written on the root file system of the node, which is less than size minus usage on most file systems",
    &["id", "remote"],
);
static MEMORY_AVAILABLE: Family = Family::gauge(
    "pve_node_memory_available_bytes",
    "Memory that the node can still give to programs without swapping, known since PVE 9",
    &["id", "remote"],
);
static MEMORY_FREE: Family = Family::gauge(
    "pve_node_memory_free_bytes",
    "Memory of the node that is used for nothing, not even for caches",
    &["id", "remote"],
);
static KSM_SHARED: Family = Family::gauge(
    "pve_node_ksm_shared_bytes",
    "Memory of the node that is saved by kernel same-page merging",
    &["id", "remote"],
);
static CPU_SOCKETS: Family = Family::gauge(
    "pve_node_cpu_sockets",
    "Number of CPU sockets of the node",
    &["id", "remote"],
);
static CPU_CORES: Family = Family::gauge(
    "pve_node_cpu_cores",
    "Number of physical CPU cores of the node, of which each may run several threads",
    &["id", "remote"],
);
static SECURE_BOOT: Family = Family::gauge(
    "pve_node_secure_boot",
    "Whether the node was booted with secure boot, known only of nodes that were booted by EFI",
    &["id", "remote"],
)
.unrecorded();
static CPU_INFO: Family = Family::gauge(
    "pve_node_cpu_info",
    "Model of the node's CPUs",
    &["id", "model", "remote", "vendor"],
);
static KERNEL_INFO: Family = Family::gauge(
    "pve_node_kernel_info",
    "Kernel that the node runs, and the newest of Proxmox that is installed, empty where it is not known",
    &["id", "machine", "newest_installed", "release", "remote"],
);
static BOOT_INFO: Family = Family::gauge(
    "pve_node_boot_info",
    "Firmware that the node was booted by: efi or legacy-bios",
    &["id", "mode", "remote"],
);
static PRESSURE_CPU_SOME: Family = Family::gauge(
    "pve_node_pressure_cpu_some_ratio",
    "Fraction of the last minute in which some tasks of the node waited for a CPU, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_IO_SOME: Family = Family::gauge(
    "pve_node_pressure_io_some_ratio",
    "Fraction of the last minute in which some tasks of the node waited for I/O, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_IO_FULL: Family = Family::gauge(
    "pve_node_pressure_io_full_ratio",
    "Fraction of the last minute in which all tasks of the node waited for I/O, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_MEMORY_SOME: Family = Family::gauge(
    "pve_node_pressure_memory_some_ratio",
    "Fraction of the last minute in which some tasks of the node waited for memory, known since PVE 9",
    &["id", "remote"],
);
static PRESSURE_MEMORY_FULL: Family = Family::gauge(
    "pve_node_pressure_memory_full_ratio",
    "Fraction of the last minute in which all tasks of the node waited for memory, known since PVE 9",
    &["id", "remote"],
);
static ARC_SIZE: Family = Family::gauge(
    "pve_node_zfs_arc_size_bytes",
    "Memory that the ZFS cache of the node takes, known since PVE 9 and only of nodes that use ZFS",
    &["id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = status_lines(inputs);
    lines.extend(info_lines(inputs));
    lines.extend(average_lines(inputs));
    lines
}

fn status_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut sheets = [
        &ROOT_AVAILABLE,
        &MEMORY_AVAILABLE,
        &MEMORY_FREE,
        &KSM_SHARED,
        &CPU_SOCKETS,
        &CPU_CORES,
    ]
    .map(Lines::of);
    let mut secure_boot = Lines::of(&SECURE_BOOT);
    let mut labels = LabelBlock::new();
    for (node, status) in inputs.each(&node_status::NODE_STATUS) {
        labels
            .clear()
            .push("id", &node.to_string())
            .push("remote", inputs.remote);
        let values = [
            status.root_available,
            status.memory_available,
            status.memory_free,
            status.ksm_shared,
            status.cpu.sockets,
            status.cpu.cores,
        ];
        for (lines, value) in sheets.iter_mut().zip(values) {
            lines.push_known(&labels, value);
        }
        secure_boot.push_known(&labels, status.secure_boot);
    }
    let mut lines = Vec::from(sheets);
    lines.push(secure_boot);
    lines
}

fn info_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut cpu = Lines::of(&CPU_INFO);
    let mut kernel = Lines::of(&KERNEL_INFO);
    let mut boot = Lines::of(&BOOT_INFO);
    let mut labels = LabelBlock::new();
    for (node, status) in inputs.each(&node_status::NODE_STATUS) {
        let id = node.to_string();
        if !status.cpu.model.is_empty() {
            labels
                .clear()
                .push("id", &id)
                .push("model", &status.cpu.model)
                .push("remote", inputs.remote)
                .push("vendor", &status.cpu.vendor);
            cpu.push(&labels, true);
        }
        if !status.kernel.release.is_empty() {
            labels
                .clear()
                .push("id", &id)
                .push("machine", &status.kernel.machine)
                .push("newest_installed", newest_kernel(inputs, node))
                .push("release", &status.kernel.release)
                .push("remote", inputs.remote);
            kernel.push(&labels, true);
        }
        if !status.boot_mode.is_empty() {
            labels
                .clear()
                .push("id", &id)
                .push("mode", &status.boot_mode)
                .push("remote", inputs.remote);
            boot.push(&labels, true);
        }
    }
    vec![cpu, kernel, boot]
}

/// Its release, as the collector `update` has asked for the packages of the node.
fn newest_kernel<'a>(inputs: &'a Inputs<'_>, node: &Item) -> &'a str {
    let mut kernels = inputs.each(&packages::KERNELS);
    kernels
        .find(|(known, _)| *known == node)
        .and_then(|(_, kernels)| kernels.newest_installed.as_ref())
        .map_or("", |kernel| &kernel.release)
}

fn average_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut sheets = [
        &PRESSURE_CPU_SOME,
        &PRESSURE_IO_SOME,
        &PRESSURE_IO_FULL,
        &PRESSURE_MEMORY_SOME,
        &PRESSURE_MEMORY_FULL,
        &ARC_SIZE,
    ]
    .map(Lines::of);
    let mut labels = LabelBlock::new();
    for (node, averages) in inputs.each(&node_averages::NODE_AVERAGES) {
        labels
            .clear()
            .push("id", &node.to_string())
            .push("remote", inputs.remote);
        for (lines, value) in sheets.iter_mut().zip(values_of(averages)) {
            lines.push_known(&labels, value);
        }
    }
    Vec::from(sheets)
}

fn values_of(averages: &NodeAverages) -> [Option<f64>; 6] {
    let pressure = averages.pressure;
    [
        pressure.cpu_some,
        pressure.io_some,
        pressure.io_full,
        pressure.memory_some,
        pressure.memory_full,
        averages.arc_size.filter(|size| *size > 0.0),
    ]
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
