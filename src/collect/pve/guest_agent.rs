//! What is known only inside virtual machines: file systems and operating system.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::guest_agent::{self, GuestAgent};
use crate::source::pve::guest_config;
use crate::source::pve::resources::{self, GuestStatus, Picture};
use crate::source::{GuestKind, Item};

pub static GUEST_AGENT: Collector = Collector {
    name: "guest_agent",
    about: "File systems and operating system of running virtual machines, by their guest agents, where `guest_config` has found one configured.",
    product: Product::Pve,
    class: Class::Background,
    by_default: false,
    interval: Duration::from_secs(5 * 60),
    sources: &[&guest_agent::GUEST_AGENT],
    reads: &[&guest_config::GUEST_CONFIG, &resources::RESOURCES],
    families: &[&UP, &FILE_SYSTEM_SIZE, &FILE_SYSTEM_USED, &OS_INFO],
    collect,
};

static UP: Family = Family::gauge(
    "pve_guest_agent_up",
    "Whether the guest agent answers, only for running virtual machines that are configured to have one",
    &["id", "remote"],
);
static FILE_SYSTEM_SIZE: Family = Family::gauge(
    "pve_guest_filesystem_size_bytes",
    "Size of the file system inside the virtual machine, by its guest agent",
    &["id", "mountpoint", "remote"],
);
static FILE_SYSTEM_USED: Family = Family::gauge(
    "pve_guest_filesystem_used_bytes",
    "Used space of the file system inside the virtual machine, by its guest agent",
    &["id", "mountpoint", "remote"],
);
static OS_INFO: Family = Family::gauge(
    "pve_guest_os_info",
    "Operating system inside the virtual machine, by its guest agent",
    &["id", "kernel", "name", "os", "remote", "version"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(picture) = inputs.get(&resources::RESOURCES) else {
        return Vec::new();
    };
    let mut exposing = Exposing::new();
    for (guest, agent) in inputs.each(&guest_agent::GUEST_AGENT) {
        if runs(&picture, guest) {
            exposing.expose(&guest.to_string(), agent, inputs.remote);
        }
    }
    vec![exposing.up, exposing.size, exposing.used, exposing.os_info]
}

/// Whether the virtual machine runs still: what its agent told last is kept for longer than that.
fn runs(picture: &Picture, item: &Item) -> bool {
    let Item::Guest {
        vmid,
        kind: GuestKind::Qemu,
    } = *item
    else {
        return false;
    };
    let guest = picture.guest(vmid, GuestKind::Qemu);
    guest.is_some_and(|guest| guest.status == GuestStatus::Running)
}

struct Exposing {
    labels: LabelBlock,
    up: Lines,
    size: Lines,
    used: Lines,
    os_info: Lines,
}

impl Exposing {
    fn new() -> Self {
        Self {
            labels: LabelBlock::new(),
            up: Lines::of(&UP),
            size: Lines::of(&FILE_SYSTEM_SIZE),
            used: Lines::of(&FILE_SYSTEM_USED),
            os_info: Lines::of(&OS_INFO),
        }
    }

    fn expose(&mut self, id: &str, agent: &GuestAgent, remote: &str) {
        self.labels.clear().push("id", id).push("remote", remote);
        self.up.push(&self.labels, agent.responds);
        for file_system in &agent.file_systems {
            self.labels
                .clear()
                .push("id", id)
                .push("mountpoint", &file_system.mount_point)
                .push("remote", remote);
            self.size.push_known(&self.labels, file_system.size);
            self.used.push_known(&self.labels, file_system.used);
        }
        let system = &agent.operating_system;
        if !(system.id.is_empty() && system.name.is_empty()) {
            self.labels
                .clear()
                .push("id", id)
                .push("kernel", &system.kernel)
                .push("name", &system.name)
                .push("os", &system.id)
                .push("remote", remote)
                .push("version", &system.version);
            self.os_info.push(&self.labels, true);
        }
    }
}

#[cfg(test)]
#[path = "guest_agent_tests.rs"]
mod tests;
