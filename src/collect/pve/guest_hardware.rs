//! The configured cores and memory of a guest, and which storage and bridge each of its disks and
//! network interfaces is on.
//!
//! It makes no call of its own, and is not on by default for the number of its series alone.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::guest_config::{self, Interface};

pub static GUEST_HARDWARE: Collector = Collector {
    name: "guest_hardware",
    about: "Configured cores and memory, storage of each disk, bridge, model and limits of each network interface of the guests, as `guest_config` has asked for them.",
    product: Product::Pve,
    class: Class::Background,
    by_default: false,
    interval: Duration::from_secs(15 * 60),
    sources: &[],
    reads: &[&guest_config::GUEST_CONFIG],
    families: &[
        &CORES,
        &MEMORY,
        &DISK_INFO,
        &NIC_INFO,
        &NIC_LINK_DOWN,
        &NIC_RATE_LIMIT,
    ],
    collect,
};

static CORES: Family = Family::gauge(
    "pve_guest_configured_cores",
    "Configured CPU cores of all sockets of the guest, absent for a container without a limit",
    &["id", "remote"],
);
static MEMORY: Family = Family::gauge(
    "pve_guest_configured_memory_bytes",
    "Configured memory of the guest",
    &["id", "remote"],
);

static DISK_INFO: Family = Family::gauge(
    "pve_guest_disk_info",
    "Storage of the disk or mount point, empty for a directory or device of the node",
    &["device", "id", "remote", "storage"],
);
static NIC_INFO: Family = Family::gauge(
    "pve_guest_nic_info",
    "Bridge and model of the network interface",
    &["bridge", "id", "interface", "model", "remote"],
);
static NIC_LINK_DOWN: Family = Family::gauge(
    "pve_guest_nic_link_down",
    "Whether the link of the network interface is configured to be down",
    &["id", "interface", "remote"],
);
static NIC_RATE_LIMIT: Family = Family::gauge(
    "pve_guest_nic_rate_limit_bytes",
    "Bytes that may pass the network interface in a second, only for interfaces that are limited",
    &["id", "interface", "remote"],
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut cores = Lines::of(&CORES);
    let mut memory = Lines::of(&MEMORY);
    let mut disks = Lines::of(&DISK_INFO);
    let mut interfaces = InterfaceLines::new();
    let mut labels = LabelBlock::new();
    for (guest, config) in inputs.each(&guest_config::GUEST_CONFIG) {
        let id = guest.to_string();
        labels.clear().push("id", &id).push("remote", inputs.remote);
        cores.push_known(&labels, config.cores);
        memory.push(&labels, config.memory);
        for disk in &config.disks {
            labels
                .clear()
                .push("device", &disk.device)
                .push("id", &id)
                .push("remote", inputs.remote)
                .push("storage", &disk.storage);
            disks.push(&labels, true);
        }
        for interface in &config.interfaces {
            interfaces.push(interface, &id, inputs.remote);
        }
    }
    vec![
        cores,
        memory,
        disks,
        interfaces.info,
        interfaces.link_down,
        interfaces.rate_limit,
    ]
}

struct InterfaceLines {
    labels: LabelBlock,
    info: Lines,
    link_down: Lines,
    rate_limit: Lines,
}

impl InterfaceLines {
    fn new() -> Self {
        Self {
            labels: LabelBlock::new(),
            info: Lines::of(&NIC_INFO),
            link_down: Lines::of(&NIC_LINK_DOWN),
            rate_limit: Lines::of(&NIC_RATE_LIMIT),
        }
    }

    fn push(&mut self, interface: &Interface, id: &str, remote: &str) {
        self.labels
            .clear()
            .push("bridge", &interface.bridge)
            .push("id", id)
            .push("interface", &interface.name)
            .push("model", &interface.model)
            .push("remote", remote);
        self.info.push(&self.labels, true);
        self.labels
            .clear()
            .push("id", id)
            .push("interface", &interface.name)
            .push("remote", remote);
        self.link_down.push(&self.labels, interface.link_down);
        self.rate_limit
            .push_known(&self.labels, interface.rate_limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    #[tokio::test]
    async fn a_guest_tells_its_size_and_each_disk_and_interface_what_it_is_on() {
        let answers = AnswerTable::new(Product::Pve, 1_700_000_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"qemu","vmid":100,"node":"a","status":"running"},
                    {"type":"lxc","vmid":110,"node":"a","status":"running"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/nodes/a/qemu/100/pending",
                r#"{"data":[
                    {"key":"sockets","value":2},{"key":"cores","value":2,"pending":8},
                    {"key":"memory","value":"128"},
                    {"key":"scsi0","value":"shared:100/disk.raw,size=1G"},
                    {"key":"virtio1","value":"/dev/disk/by-id/x:1,size=1G"},
                    {"key":"net0","value":"virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,rate=2.5"},
                    {"key":"net1","value":"model=e1000,macaddr=BC:24:11:00:00:02,link_down=1"},
                    {"key":"netbad","value":"virtio=x"}]}"#,
            )
            .with(
                "/nodes/a/lxc/110/pending",
                r#"{"data":[
                    {"key":"memory","value":64},
                    {"key":"mp0","value":"/srv/data,mp=/data"},
                    {"key":"net0","value":"name=eth0,bridge=vm\"br1,hwaddr=BC:24:11:00:00:03,type=veth"}]}"#,
            );
        assert_eq!(
            walk::exposed(&GUEST_HARDWARE, answers).await,
            [
                r#"pve_guest_configured_cores{id="qemu/100",remote="r"} 4"#,
                r#"pve_guest_configured_memory_bytes{id="qemu/100",remote="r"} 134217728"#,
                r#"pve_guest_configured_memory_bytes{id="lxc/110",remote="r"} 67108864"#,
                r#"pve_guest_disk_info{device="scsi0",id="qemu/100",remote="r",storage="shared"} 1"#,
                r#"pve_guest_disk_info{device="virtio1",id="qemu/100",remote="r",storage=""} 1"#,
                r#"pve_guest_disk_info{device="mp0",id="lxc/110",remote="r",storage=""} 1"#,
                r#"pve_guest_nic_info{bridge="vmbr0",id="qemu/100",interface="net0",model="virtio",remote="r"} 1"#,
                r#"pve_guest_nic_info{bridge="",id="qemu/100",interface="net1",model="e1000",remote="r"} 1"#,
                r#"pve_guest_nic_info{bridge="vm\"br1",id="lxc/110",interface="net0",model="veth",remote="r"} 1"#,
                r#"pve_guest_nic_link_down{id="qemu/100",interface="net0",remote="r"} 0"#,
                r#"pve_guest_nic_link_down{id="qemu/100",interface="net1",remote="r"} 1"#,
                r#"pve_guest_nic_link_down{id="lxc/110",interface="net0",remote="r"} 0"#,
                r#"pve_guest_nic_rate_limit_bytes{id="qemu/100",interface="net0",remote="r"} 2621440"#,
            ]
        );
    }
}
