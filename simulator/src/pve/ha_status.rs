//! `GET /cluster/ha/status/current` and `/cluster/ha/status/manager_status`.

use super::guest::{Guest, Kind};
use super::task_log::clock_time;
use super::{Call, SYSTEM_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::plan::PveVersion;
use crate::random::{Random, hash};
use crate::route::Route;

pub(super) const CURRENT_ROUTE: Route = route("/cluster/ha/status/current", SYSTEM_AUDIT);
pub(super) const MANAGER_ROUTE: Route = route("/cluster/ha/status/manager_status", SYSTEM_AUDIT);

/// A daemon that has not written for so long is shown as dead.
const OLD: i64 = 30;
/// A node that is gone for so long is fenced.
const FENCED: i64 = 60;
/// The next node becomes master when the last one's lock has run out.
const LOCK: i64 = 120;

/// A guest that the HA manager looks after.
struct Service<'a> {
    guest: &'a Guest,
    sid: String,
    node: usize,
    requested: &'static str,
    state: &'static str,
}

struct Manager<'a> {
    call: &'a Call<'a>,
    services: Vec<Service<'a>>,
    master: usize,
}

impl<'a> Manager<'a> {
    fn new(call: &'a Call<'a>) -> Self {
        let mut manager = Self {
            call,
            services: Vec::new(),
            master: 0,
        };
        manager.master = (0..call.cluster.nodes.len())
            .find(|node| call.view.now - manager.written(*node) <= LOCK)
            .unwrap_or(call.endpoint);
        let managed = call.cluster.guests.iter();
        manager.services = managed.filter_map(|guest| manager.service(guest)).collect();
        manager
    }

    fn service(&self, guest: &'a Guest) -> Option<Service<'a>> {
        let known = guest.ha_state?;
        let moment = guest.at(self.call.view.placed);
        let prefix = match guest.kind {
            Kind::Qemu => "vm",
            Kind::Lxc => "ct",
        };
        let state = match (known, self.node_state(moment.node), moment.lock) {
            (_, "fence", _) => "fence",
            ("started", _, Some("migrate")) => "migrate",
            (known, ..) => known,
        };
        Some(Service {
            guest,
            sid: format!("{prefix}:{}", guest.vmid),
            node: moment.node,
            requested: if known == "stopped" {
                "stopped"
            } else {
                "started"
            },
            state,
        })
    }

    /// When the daemons of a node last wrote their state. Without quorum nobody can.
    fn written(&self, node: usize) -> i64 {
        let view = &self.call.view;
        let latest = if view.quorate { view.now } else { view.placed };
        match (self.call.cluster.nodes.get(node), view.nodes.get(node)) {
            (Some(known), Some(seen)) if seen.online => known.cycle(latest),
            (_, Some(seen)) => seen.cycle,
            _ => latest,
        }
    }

    fn node_state(&self, node: usize) -> &'static str {
        let view = &self.call.view;
        let online = view.nodes.get(node).is_some_and(|seen| seen.online);
        match view.now - self.written(node) {
            _ if online || !view.quorate => "online",
            ..=FENCED => "unknown",
            _ => "fence",
        }
    }

    fn is_used(&self) -> bool {
        !self.services.is_empty()
    }

    fn name(&self, node: usize) -> &'a str {
        let node = self.call.cluster.nodes.get(node);
        node.map_or("", |node| node.name.as_str())
    }

    fn serves(&self, node: usize) -> bool {
        let mut services = self.services.iter();
        services.any(|service| service.node == node && service.state != "error")
    }

    /// `active, Sun Nov 22 01:41:06 2026` with what stands between in newer versions.
    fn told(&self, node: usize, healthy: &str, watchdog: &str) -> String {
        let written = self.written(node);
        let state = match self.call.view.now - written > OLD {
            true => "old timestamp - dead?",
            false => healthy,
        };
        let date = clock_time(written);
        format!("{} ({state}{watchdog}, {date})", self.name(node))
    }
}

/// Keys and entries as of 9.1; 8.4 knows neither the fencing entry nor watchdogs, nor fail-back.
pub(super) fn current(call: &Call<'_>) -> Answer {
    let manager = Manager::new(call);
    let here = manager.name(call.endpoint);
    let mut random = call.order();
    let mut entries = vec![quorum(call, here, &mut random)];
    let new = call.cluster.version >= PveVersion::V9_1;
    if manager.is_used() {
        let mut object = Object::new();
        object
            .text("id", "master")
            .text("type", "master")
            .text("node", manager.name(manager.master))
            .text("status", &manager.told(manager.master, "active", ""))
            .int("timestamp", manager.written(manager.master));
        entries.push(object.into_json(Some(&mut random)));
    }
    if new {
        entries.push(fencing(&manager, here, &mut random));
    }
    if manager.is_used() {
        for node in 0..call.cluster.nodes.len() {
            entries.push(local_manager(&manager, node, new, &mut random));
        }
    }
    for service in &manager.services {
        entries.push(shown(&manager, service, new, &mut random));
    }
    Answer::data(&array(entries))
}

fn quorum(call: &Call<'_>, here: &str, random: &mut Random) -> String {
    let status = match call.view.quorate {
        true => "OK".to_owned(),
        false => format!("No quorum on node '{here}'!"),
    };
    let mut object = Object::new();
    object
        .text("id", "quorum")
        .text("type", "quorum")
        .text("node", here)
        .text("status", &status)
        .int("quorate", i64::from(call.view.quorate));
    object.into_json(Some(random))
}

fn fencing(manager: &Manager<'_>, here: &str, random: &mut Random) -> String {
    let (state, watchdog, node) = match manager.is_used() {
        true => ("armed", "active", manager.name(manager.master)),
        false => ("standby", "standby", here),
    };
    let mut object = Object::new();
    object
        .text("id", "fencing")
        .text("type", "fencing")
        .text("node", node)
        .text("armed-state", state)
        .text("status", &format!("{state} (CRM watchdog {watchdog})"));
    object.into_json(Some(random))
}

fn local_manager(manager: &Manager<'_>, node: usize, new: bool, random: &mut Random) -> String {
    let old = manager.call.view.now - manager.written(node) > OLD;
    let (state, watchdog) = match manager.serves(node) {
        true if !old => ("active", ", watchdog active"),
        true => ("active", ", watchdog standby"),
        false => ("idle", ", watchdog standby"),
    };
    let watchdog = if new { watchdog } else { "" };
    let mut object = Object::new();
    object
        .text("id", &format!("lrm:{}", manager.name(node)))
        .text("type", "lrm")
        .text("node", manager.name(node))
        .text("status", &manager.told(node, state, watchdog))
        .int("timestamp", manager.written(node));
    object.into_json(Some(random))
}

fn shown(manager: &Manager<'_>, service: &Service<'_>, new: bool, random: &mut Random) -> String {
    let (sid, node) = (&service.sid, manager.name(service.node));
    let mut object = Object::new();
    object
        .text("id", &format!("service:{sid}"))
        .text("type", "service")
        .text("sid", sid)
        .text("node", node)
        .text("status", &format!("{sid} ({node}, {})", service.state))
        .text("state", service.state)
        .text("crm_state", service.state)
        .text("request_state", service.requested)
        .int("max_restart", 1)
        .int("max_relocate", 1);
    if new {
        object.int("failback", 1);
    }
    object.into_json(Some(random))
}

pub(super) fn manager(call: &Call<'_>) -> Answer {
    let manager = Manager::new(call);
    let mut random = call.order();
    let mut quorum = Object::new();
    // A truth of Perl as a text: "1" or "".
    quorum
        .text("node", manager.name(call.endpoint))
        .text("quorate", if call.view.quorate { "1" } else { "" });
    let mut answer = Object::new();
    answer.raw("quorum", &quorum.into_json(Some(&mut random)));
    let mut state = Object::new();
    if manager.is_used() {
        state
            .text("master_node", manager.name(manager.master))
            .int("timestamp", manager.written(manager.master))
            .raw("node_request", "{}")
            .raw("service_status", &services(&manager, &mut random));
        answer.raw("lrm_status", &local_managers(&manager, &mut random));
    }
    let mut nodes = Object::new();
    for node in (0..call.cluster.nodes.len()).filter(|_| manager.is_used()) {
        nodes.text(manager.name(node), manager.node_state(node));
    }
    state.raw("node_status", &nodes.into_json(Some(&mut random)));
    answer.raw("manager_status", &state.into_json(Some(&mut random)));
    Answer::data(&answer.into_json(Some(&mut random)))
}

fn services(manager: &Manager<'_>, random: &mut Random) -> String {
    let mut services = Object::new();
    for service in &manager.services {
        let node = manager.name(service.node);
        let mut object = Object::new();
        object
            .text("node", node)
            .text("state", service.state)
            .text("uid", &uid(service));
        match service.state {
            "error" => {
                object.raw("failed_nodes", &array([text(node), text(node)]));
            }
            "migrate" => {
                let target = (service.node + 1) % manager.call.cluster.nodes.len().max(1);
                object.text("target", manager.name(target));
            }
            _ => {}
        }
        services.raw(&service.sid, &object.into_json(Some(random)));
    }
    services.into_json(Some(random))
}

fn local_managers(manager: &Manager<'_>, random: &mut Random) -> String {
    let mut nodes = Object::new();
    for node in 0..manager.call.cluster.nodes.len() {
        let mut results = Object::new();
        for service in manager
            .services
            .iter()
            .filter(|service| service.node == node)
        {
            let mut result = Object::new();
            result
                .text("sid", &service.sid)
                .text("state", service.state)
                .int("exit_code", 0);
            results.raw(&uid(service), &result.into_json(Some(random)));
        }
        let state = match manager.serves(node) {
            true => "active",
            false => "wait_for_agent_lock",
        };
        let mut object = Object::new();
        object
            .text("mode", "active")
            .text("state", state)
            .int("timestamp", manager.written(node))
            .raw("results", &results.into_json(Some(random)));
        nodes.raw(manager.name(node), &object.into_json(Some(random)));
    }
    nodes.into_json(Some(random))
}

/// 22 characters of Base64, another one for each state.
fn uid(service: &Service<'_>) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let state = service.state.len() as i64;
    let parts = [service.guest.seed, service.node as i64, state];
    let mut random = Random::new(hash(&parts));
    (0..22)
        .filter_map(|_| random.pick(ALPHABET))
        .map(|byte| char::from(*byte))
        .collect()
}
