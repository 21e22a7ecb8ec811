//! `/cluster/resources`: everything, from the last reports of the nodes.

use std::sync::Arc;

use super::world::Guest;
use super::{Pve, Sight, key_of};
use crate::access::Role;
use crate::answer::{self, Answer, Body, Object};
use crate::route::{Asked, Route};

pub(super) const RESOURCES: Route<Pve> = Route {
    path: "/cluster/resources",
    parameters: &["type"],
    needs: None,
    by_daemon: false,
    answer: resources,
};

fn resources(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let kind = asked.query.get("type").map(String::as_str);
    if let Some(kind) = kind.filter(|kind| !["vm", "storage", "node", "sdn"].contains(kind)) {
        let text = format!("value '{kind}' does not have a value in the enumeration 'vm, storage, node, sdn'");
        return Answer::BadParameter("type".to_owned(), text);
    }
    let sights = pve.sights(asked.endpoint, asked.now);
    if kind.is_none() && asked.role.sees_all() {
        let key = key_of(&sights, &[]);
        return Answer::Good(pve.cached("resources", key, || body(pve, &sights, asked.role, None, asked.now)));
    }
    Answer::Good(body(pve, &sights, asked.role, kind, asked.now))
}

fn body(pve: &Pve, sights: &[Sight], role: Role, kind: Option<&str>, now: f64) -> Arc<Body> {
    let wants = |of: &str| kind.is_none_or(|kind| kind == of);
    let mut rows = Vec::new();
    if wants("node") {
        rows.extend((0..sights.len()).map(|index| node(pve, sights, index, role)));
    }
    if wants("vm") {
        let seen = |guest: &&Guest| match role {
            Role::OneObject => guest.vmid == 100,
            role => role.sees_all(),
        };
        rows.extend(pve.world.guests.iter().filter(seen).map(|guest| guest_row(pve, sights, guest, now)));
    }
    if role.sees_all() {
        if wants("storage") {
            rows.extend((0..sights.len()).flat_map(|index| storages(pve, sights, index)));
        }
        if kind.is_none() {
            rows.extend(pools(pve, sights, now));
            rows.extend((0..sights.len()).flat_map(|index| zones(pve, index)));
        }
    }
    answer::list(rows, &mut pve.order("resources", now as u64))
}

fn node(pve: &Pve, sights: &[Sight], index: usize, role: Role) -> Object {
    let (Some(node), Some(sight)) = (pve.world.nodes.get(index), sights.get(index)) else {
        return Object::new();
    };
    let status = match (sight.online, sight.forgotten) {
        (false, _) => "offline",
        (true, true) => "unknown",
        (true, false) => "online",
    };
    let state = node.at(sight.reported);
    let row = Object::new()
        .with("id", format!("node/{}", node.name))
        .with("type", "node")
        .with("node", node.name.as_str())
        .with("status", status);
    let row = match (sight.forgotten, pve.world.is_cluster()) {
        (true, _) => row,
        (false, true) => row.with("level", "").with("cgroup-mode", 2).with("hastate", "online"),
        (false, false) => row.with("level", "").with("cgroup-mode", 2),
    };
    if sight.forgotten || !role.sees_all() {
        return row;
    }
    let row = row.with("maxcpu", node.cpus).with("maxmem", node.memory).with("maxdisk", node.disk);
    if !sight.online {
        return row;
    }
    row.with("cpu", state.cpu)
        .with("mem", state.memory as u64)
        .with("disk", state.disk as u64)
        .with("uptime", state.uptime as u64)
}

fn guest_row(pve: &Pve, sights: &[Sight], guest: &Guest, now: f64) -> Object {
    let nodes = pve.world.nodes.len();
    // Where a guest is stands in the cluster file system; its numbers come with the reports.
    let place = guest.at(now, nodes).node;
    let sight = sights.get(place).copied();
    let kind = if guest.is_vm { "qemu" } else { "lxc" };
    let row = Object::new()
        .with("id", format!("{kind}/{}", guest.vmid))
        .with("type", kind)
        .with("vmid", guest.vmid)
        .with("node", pve.world.nodes.get(place).map_or("", |node| &node.name))
        .with_some("pool", guest.pool)
        .with_some("lock", guest.lock)
        .with_some("hastate", guest.ha_state)
        .with_some("tags", (!guest.tags.is_empty()).then_some(guest.tags.as_str()));
    let Some(sight) = sight.filter(|sight| !sight.forgotten) else {
        return row.with("status", "unknown");
    };
    let state = guest.at(sight.reported, nodes);
    let [received, sent, read, written] = state.counters;
    let row = row
        .with("status", state.status)
        .with("name", guest.name.as_str())
        .with("template", u8::from(guest.template))
        .with("maxcpu", guest.cpus)
        .with("maxmem", guest.memory)
        .with("maxdisk", guest.disk)
        .with("cpu", number(state.cpu))
        .with("mem", state.memory as u64)
        .with("disk", if guest.is_vm || state.status == "stopped" { 0 } else { guest.disk / 4 })
        .with("uptime", state.uptime as u64)
        .with("netin", received)
        .with("netout", sent)
        .with("diskread", read)
        .with("diskwrite", written);
    if pve.world.version.0 >= 9 {
        row.with("memhost", if guest.is_vm { state.memory as u64 } else { 0 })
    } else {
        row
    }
}

/// Perl writes 0 where others write 0.0.
fn number(value: f64) -> serde_json::Value {
    if value == 0.0 { 0.into() } else { value.into() }
}

fn storages(pve: &Pve, sights: &[Sight], index: usize) -> Vec<Object> {
    let (Some(node), Some(sight)) = (pve.world.nodes.get(index), sights.get(index)) else {
        return Vec::new();
    };
    let mut order = pve.order("content", sight.reported as u64);
    pve.world
        .storages
        .iter()
        .map(|storage| {
            let mut content: Vec<&str> = storage.content.split(',').collect();
            order.shuffle(&mut content);
            let row = Object::new()
                .with("id", format!("storage/{}/{}", node.name, storage.name))
                .with("type", "storage")
                .with("node", node.name.as_str())
                .with("storage", storage.name)
                .with("plugintype", storage.kind)
                .with("content", content.join(","))
                .with("shared", u8::from(storage.shared));
            if sight.forgotten || !storage.active {
                return row.with("status", "unknown");
            }
            let (size, used) = storage.at(sight.reported);
            row.with("status", "available").with("maxdisk", size).with("disk", used)
        })
        .collect()
}

fn pools(pve: &Pve, sights: &[Sight], now: f64) -> Vec<Object> {
    let nodes = pve.world.nodes.len();
    ["prod", "prod/web", "staging"]
        .into_iter()
        .map(|pool| {
            let row = Object::new().with("id", format!("/pool/{pool}")).with("type", "pool").with("pool", pool);
            let members = pve.world.guests.iter().filter(|guest| guest.pool == Some(pool));
            let states: Vec<_> = members
                .filter_map(|guest| {
                    let sight = sights.get(guest.at(now, nodes).node).filter(|sight| !sight.forgotten)?;
                    let state = guest.at(sight.reported, nodes);
                    (state.status == "running").then_some((guest, state))
                })
                .collect();
            if states.is_empty() {
                return row;
            }
            let cpus: u32 = states.iter().map(|(guest, _)| guest.cpus).sum();
            let busy: f64 = states.iter().map(|(guest, state)| state.cpu * f64::from(guest.cpus)).sum();
            let longest = states.iter().map(|(_, state)| state.uptime as u64).max();
            row.with("maxcpu", cpus)
                .with("cpu", busy / f64::from(cpus))
                .with("mem", states.iter().map(|(_, state)| state.memory as u64).sum::<u64>())
                .with("maxmem", states.iter().map(|(guest, _)| guest.memory).sum::<u64>())
                .with_some("uptime", longest)
        })
        .collect()
}

/// Zones stay as they were for ever, whatever happens to their node.
fn zones(pve: &Pve, index: usize) -> Vec<Object> {
    let Some(node) = pve.world.nodes.get(index) else {
        return Vec::new();
    };
    let zone = |zone: &&'static str| {
        let is_local = *zone == "localnetwork";
        let row = Object::new()
            .with("node", node.name.as_str())
            .with("status", if is_local { "ok" } else { "available" });
        if pve.world.version.0 < 9 {
            return row.with("id", format!("sdn/{}/{zone}", node.name)).with("type", "sdn").with("sdn", *zone);
        }
        row.with("id", format!("network/{}/zone/{zone}", node.name))
            .with("type", "network")
            .with("network", *zone)
            .with("network-type", "zone")
            .with_some("zone-type", (!is_local).then_some("simple"))
    };
    pve.world.zones.iter().map(zone).collect()
}
