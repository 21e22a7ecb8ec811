//! How guests are configured: start, protection, disks, and changes that wait for the next start.
//! Their cores and memory are told by the collector `resources`, as the cluster has them.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::guest_config::{self, GuestConfig};

pub static GUEST_CONFIG: Collector = Collector {
    name: "guest_config",
    about: "Start with the node, protection, agent, disks and pending changes of the guests, as configured.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&guest_config::GUEST_CONFIG],
    reads: &[],
    families: &[
        &ON_BOOT,
        &PROTECTION,
        &AGENT,
        &STARTUP_ORDER,
        &PENDING_CHANGES,
        &LINKS_DOWN,
        &DISK_SIZE,
        &DISK_BACKUP,
    ],
    collect,
};

static ON_BOOT: Family = Family::gauge(
    "pve_guest_onboot",
    "Whether the guest is started with its node",
    &["id", "remote"],
);
static PROTECTION: Family = Family::gauge(
    "pve_guest_removal_protected",
    "Whether the guest and its disks are protected from removal",
    &["id", "remote"],
);
static AGENT: Family = Family::gauge(
    "pve_guest_agent_enabled",
    "Whether the virtual machine is configured to have a guest agent",
    &["id", "remote"],
);
static STARTUP_ORDER: Family = Family::gauge(
    "pve_guest_startup_order",
    "Place of the guest in the order of starts, only for guests that have one",
    &["id", "remote"],
);
static PENDING_CHANGES: Family = Family::gauge(
    "pve_guest_pending_changes",
    "Number of options of the guest that change with its next start",
    &["id", "remote"],
);
static LINKS_DOWN: Family = Family::gauge(
    "pve_guest_links_down",
    "Number of network interfaces of the guest whose link is configured to be down",
    &["id", "remote"],
);
static DISK_SIZE: Family = Family::gauge(
    "pve_guest_disk_size_bytes",
    "Configured size of the disk or mount point",
    &["device", "id", "remote"],
);
static DISK_BACKUP: Family = Family::gauge(
    "pve_guest_disk_backup_enabled",
    "Whether a backup of the guest has the disk or mount point",
    &["device", "id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = flag_lines(inputs);
    lines.extend(quantity_lines(inputs));
    lines.extend(disk_lines(inputs));
    lines
}

fn flag_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut on_boot = Lines::of(&ON_BOOT);
    let mut protection = Lines::of(&PROTECTION);
    let mut agent = Lines::of(&AGENT);
    let mut labels = LabelBlock::new();
    for (guest, config) in inputs.each(&guest_config::GUEST_CONFIG) {
        labels
            .clear()
            .push("id", &guest.to_string())
            .push("remote", inputs.remote);
        on_boot.push(&labels, config.on_boot == Some(true));
        protection.push(&labels, config.protection);
        agent.push_known(&labels, config.agent);
    }
    vec![on_boot, protection, agent]
}

fn quantity_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut sheets = [&STARTUP_ORDER, &PENDING_CHANGES, &LINKS_DOWN].map(Lines::of);
    let mut labels = LabelBlock::new();
    for (guest, config) in inputs.each(&guest_config::GUEST_CONFIG) {
        labels
            .clear()
            .push("id", &guest.to_string())
            .push("remote", inputs.remote);
        let values = [
            config.startup_order,
            Some(config.pending_changes as f64),
            Some(links_down(config) as f64),
        ];
        for (lines, value) in sheets.iter_mut().zip(values) {
            lines.push_known(&labels, value);
        }
    }
    Vec::from(sheets)
}

fn links_down(config: &GuestConfig) -> usize {
    let interfaces = config.interfaces.iter();
    interfaces.filter(|interface| interface.link_down).count()
}

fn disk_lines(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut size = Lines::of(&DISK_SIZE);
    let mut backup = Lines::of(&DISK_BACKUP);
    let mut labels = LabelBlock::new();
    for (guest, config) in inputs.each(&guest_config::GUEST_CONFIG) {
        let id = guest.to_string();
        for disk in &config.disks {
            labels
                .clear()
                .push("device", &disk.device)
                .push("id", &id)
                .push("remote", inputs.remote);
            size.push_known(&labels, disk.size);
            backup.push(&labels, disk.in_backup);
        }
    }
    vec![size, backup]
}

#[cfg(test)]
#[path = "guest_config_tests.rs"]
mod tests;
