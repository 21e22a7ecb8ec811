//! `/nodes` and `/nodes/{node}/status`.

use serde_json::json;

use super::Pve;
use super::world::Node;
use crate::answer::{self, Answer, Object};
use crate::route::{Asked, Route};

pub(super) const NODES: Route<Pve> = Route {
    path: "/nodes",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: nodes,
};

pub(super) const STATUS: Route<Pve> = Route {
    path: "/nodes/{node}/status",
    parameters: &[],
    needs: Some(("Sys.Audit", "/nodes/{node}")),
    by_daemon: false,
    answer: status,
};

fn nodes(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let sights = pve.sights(asked.endpoint, asked.now);
    let rows = sights.iter().zip(&pve.world.nodes).zip(&pve.fingerprints).map(|((sight, node), fingerprint)| {
        let row = Object::new()
            .with("id", format!("node/{}", node.name))
            .with("node", node.name.as_str())
            .with("type", "node")
            .with("status", if sight.online { "online" } else { "offline" })
            .with("ssl_fingerprint", fingerprint.as_str());
        if sight.forgotten || !asked.role.sees_all() {
            return row.with("level", "");
        }
        let row = row.with("level", "").with("maxcpu", node.cpus).with("maxmem", node.memory).with("maxdisk", node.disk);
        let state = node.at(sight.reported);
        if !sight.online {
            return row;
        }
        row.with("cpu", state.cpu)
            .with("mem", state.memory as u64)
            .with("disk", state.disk as u64)
            .with("uptime", state.uptime as u64)
    });
    let rows = rows.collect();
    Answer::Good(answer::list(rows, &mut pve.order("nodes", asked.now as u64)))
}

/// The node that a call is about, if the asked one can pass it on.
pub(super) fn reachable<'a>(pve: &'a Pve, asked: &Asked<'_>) -> Result<&'a Node, Answer> {
    let name = asked.variable("node");
    let sights = pve.sights(asked.endpoint, asked.now);
    match pve.world.node_index(name).and_then(|index| Some((pve.world.nodes.get(index)?, sights.get(index)?))) {
        None => Err(Answer::Error(
            500,
            format!("hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"),
        )),
        Some((_, sight)) if !sight.online => Err(Answer::Error(595, "No route to host".to_owned())),
        Some((node, _)) => Ok(node),
    }
}

fn status(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let node = match reachable(pve, asked) {
        Ok(node) => node,
        Err(error) => return error,
    };
    let state = node.at(asked.now);
    let (major, minor, patch) = pve.world.version;
    Answer::Good(answer::data(json!({
        "uptime": state.uptime as u64,
        "cpu": state.cpu,
        "wait": state.iowait,
        "idle": 0,
        "loadavg": state.loads.map(|load| format!("{load:.2}")),
        "pveversion": format!("pve-manager/{major}.{minor}.{patch}/0123456789abcdef"),
        "kversion": "Linux 6.17.2-1-pve #1 SMP PREEMPT_DYNAMIC",
        "current-kernel": { "sysname": "Linux", "release": "6.17.2-1-pve", "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64" },
        "boot-info": { "mode": "efi", "secureboot": 0 },
        "cpuinfo": { "cpus": node.cpus, "cores": node.cpus / 2, "sockets": 1, "model": "Simulated", "mhz": "2450.000", "hvm": "1", "user_hz": 100, "flags": "fpu" },
        "memory": { "total": node.memory, "used": state.memory as u64, "free": node.memory - state.memory as u64, "available": node.memory - state.memory as u64 },
        "swap": { "total": 0, "used": 0, "free": 0 },
        "rootfs": { "total": node.disk, "used": state.disk as u64, "free": node.disk - state.disk as u64, "avail": node.disk - state.disk as u64 },
        "ksm": { "shared": 0 },
    })))
}
