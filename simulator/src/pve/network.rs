//! `GET /nodes/{node}/network`: the interfaces of a node.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::route::{Access, Kind, Parameter, Route};

const TYPES: &[&str] = &[
    "bridge",
    "bond",
    "eth",
    "alias",
    "vlan",
    "fabric",
    "OVSBridge",
    "OVSBond",
    "OVSPort",
    "OVSIntPort",
    "vnet",
    "any_bridge",
    "any_local_bridge",
    "include_sdn",
];

pub(super) const ROUTE: Route = route("/nodes/{node}/network", Access::Everyone)
    .with(&[Parameter::new("type", Kind::OneOf(TYPES))]);

/// Bridges are for those who may see the network zone that they are in.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("type");
    let takes = |kind: &str| {
        wanted.is_none_or(|wanted| match wanted {
            "any_bridge" | "any_local_bridge" => kind == "bridge",
            "include_sdn" => true,
            wanted => wanted == kind,
        })
    };
    let mut random = call.order();
    let mut entries = Vec::new();
    for (name, connected) in [("eno1", true), ("eno2", !call.cluster.oddities)] {
        if takes("eth") {
            let mut object = interface(name, "eth", "manual", 3);
            if connected {
                object.int("active", 1);
            }
            object.int("exists", 1);
            entries.push(object.into_json(Some(&mut random)));
        }
    }
    if takes("bridge") && call.holds("SDN.Audit") {
        let address = format!("192.0.2.{}", 101 + call.node);
        let mut object = interface("vmbr0", "bridge", "static", 4);
        object
            .int("active", 1)
            .int("autostart", 1)
            .text("address", &address)
            .text("netmask", "24")
            .text("cidr", &format!("{address}/24"))
            .text("bridge_ports", "eno1")
            .text("bridge_stp", "off")
            .text("bridge_fd", "0")
            .text("comments", "all guests\n");
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

fn interface(name: &str, kind: &str, method: &str, priority: i64) -> Object {
    let mut object = Object::new();
    object
        .text("iface", name)
        .text("type", kind)
        .text("method", method)
        .text("method6", "manual")
        .raw("families", &array([text("inet")]))
        .int("priority", priority);
    object
}
