//! Network interfaces of each node.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pve::network;

pub static NETWORK: Collector = Collector {
    name: "network",
    about: "Whether the network interfaces of each node are there and active.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&network::NETWORK],
    reads: &[],
    families: &[&ACTIVE, &PRESENT, &INFO, &PENDING],
    collect,
};

static ACTIVE: Family = Family::gauge(
    "pve_node_network_interface_active",
    "Whether the network interface is up",
    &["id", "interface", "remote"],
);
static PRESENT: Family = Family::gauge(
    "pve_node_network_interface_present",
    "Whether the hardware of a physical network interface is there",
    &["id", "interface", "remote"],
);
static INFO: Family = Family::gauge(
    "pve_node_network_interface_info",
    "Type of a network interface, and whether it is brought up at boot",
    &["autostart", "id", "interface", "remote", "type"],
);
static PENDING: Family = Family::gauge(
    "pve_node_network_changes_pending",
    "Whether the network configuration of the node was changed and not applied",
    &["id", "remote"],
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut active = Lines::of(&ACTIVE);
    let mut present = Lines::of(&PRESENT);
    let mut info = Lines::of(&INFO);
    let mut pending = Lines::of(&PENDING);
    for (node, network) in inputs.each(&network::NETWORK) {
        let host = Host::node(node, inputs.remote);
        pending.push(&host.labels(&[]), network.has_pending_changes);
        for interface in &network.interfaces {
            let labels = host.labels(&[("interface", &interface.name)]);
            active.push(&labels, interface.is_active);
            present.push_known(&labels, interface.is_present);
            let autostart = if interface.is_automatic { "1" } else { "0" };
            let labels = host.labels(&[
                ("autostart", autostart),
                ("interface", &interface.name),
                ("type", &interface.kind),
            ]);
            info.push(&labels, true);
        }
    }
    vec![active, present, info, pending]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    #[tokio::test]
    async fn each_interface_is_there_and_active_or_not() {
        let answers = AnswerTable::new(Product::Pve, 1_800_000_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"id":"node/pve1","node":"pve1","status":"online","type":"node"},
                    {"id":"node/pve2","node":"pve2","status":"online","type":"node"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"id":"node/pve1","name":"pve1","online":1,"type":"node"}]}"#,
            )
            .with(
                "/nodes/pve1/network",
                r#"{"data":[{"iface":"eth1","type":"eth","families":["inet"],"method":"manual","priority":5},
                    {"iface":"eth0","type":"eth","exists":1,"active":1,"priority":3},
                    {"iface":"vmbr0","type":"bridge","active":1,"autostart":1,"bridge_ports":"eth0",
                     "cidr":"192.0.2.2/24","comments":"a \"note\"\n"}]}"#,
            )
            .with_status("/nodes/pve2/network", 595, "Connection refused");
        assert_eq!(
            walk::exposed(&NETWORK, answers).await,
            [
                r#"pve_node_network_interface_active{id="node/pve1",interface="eth0",remote="r"} 1"#,
                r#"pve_node_network_interface_active{id="node/pve1",interface="eth1",remote="r"} 0"#,
                r#"pve_node_network_interface_active{id="node/pve1",interface="vmbr0",remote="r"} 1"#,
                r#"pve_node_network_interface_present{id="node/pve1",interface="eth0",remote="r"} 1"#,
                r#"pve_node_network_interface_present{id="node/pve1",interface="eth1",remote="r"} 0"#,
                r#"pve_node_network_interface_info{autostart="0",id="node/pve1",interface="eth0",remote="r",type="eth"} 1"#,
                r#"pve_node_network_interface_info{autostart="0",id="node/pve1",interface="eth1",remote="r",type="eth"} 1"#,
                r#"pve_node_network_interface_info{autostart="1",id="node/pve1",interface="vmbr0",remote="r",type="bridge"} 1"#,
                r#"pve_node_network_changes_pending{id="node/pve1",remote="r"} 0"#,
            ]
        );
    }
}
