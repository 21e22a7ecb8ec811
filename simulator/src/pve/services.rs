//! `GET /nodes/{node}/services`.

use super::{Call, NODE_AUDIT, route};
use crate::fault::Fault;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const ROUTE: Route = route("/nodes/{node}/services", NODE_AUDIT).by_daemon();

/// With what systemd says of them; `None` for units that are not installed.
const SERVICES: &[(&str, Option<&str>)] = &[
    ("chrony", Some("chrony, an NTP client/server")),
    ("corosync", Some("Corosync Cluster Engine")),
    ("cron", Some("Regular background program processing daemon")),
    ("ksmtuned", None),
    ("lxcfs", Some("FUSE filesystem for LXC")),
    ("postfix", Some("Postfix Mail Transport Agent")),
    ("pve-cluster", Some("The Proxmox VE cluster filesystem")),
    ("pve-firewall", Some("Proxmox VE firewall")),
    ("pve-ha-crm", Some("PVE Cluster HA Resource Manager Daemon")),
    ("pve-ha-lrm", Some("PVE Local HA Resource Manager Daemon")),
    ("pvedaemon", Some("PVE API Daemon")),
    ("pveproxy", Some("PVE API Proxy Server")),
    ("pvescheduler", Some("Proxmox VE scheduler")),
    ("pvestatd", Some("PVE Status Daemon")),
    ("qmeventd", Some("PVE Qemu Event Daemon")),
    ("spiceproxy", Some("PVE SPICE Proxy Server")),
    ("sshd", Some("OpenBSD Secure Shell server")),
    ("syslog", None),
    ("systemd-timesyncd", None),
];

/// A node alone has no corosync; the mail agent of the second node failed where there are oddities.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let node = call.cluster.nodes.get(call.node);
    let name = node.map_or("", |node| node.name.as_str());
    let silent =
        call.faults.active.iter().any(
            |active| matches!(&active.fault, Fault::StatusDaemonDead { node } if node == name),
        );
    let alone = call.cluster.nodes.len() == 1;
    let mut random = call.order();
    let mut entries = Vec::new();
    for (service, description) in SERVICES {
        let (state, active) = match *service {
            _ if description.is_none() => ("dead", "inactive"),
            "corosync" if alone => ("dead", "inactive"),
            "pvestatd" if silent => ("dead", "inactive"),
            "postfix" if call.cluster.oddities && call.node == 1 => ("failed", "failed"),
            _ => ("running", "active"),
        };
        let unit = match description {
            Some(_) => "enabled",
            None => "not-found",
        };
        let fallback = format!("{service}.service");
        let mut object = Object::new();
        object
            .text("service", service)
            .text("name", service)
            .text("desc", description.unwrap_or(&fallback))
            .text("state", state)
            .text("active-state", active)
            .text("unit-state", unit);
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}
