//! `/cluster/metrics/export`: the last reports of the status daemons, and half an hour of them.

use std::time::Duration;

use super::world::{CYCLE, Guest, Node};
use super::{Pve, key_of};
use crate::answer::{self, Answer, Object};
use crate::route::{Asked, Route};

pub(super) const EXPORT: Route<Pve> = Route {
    path: "/cluster/metrics/export",
    parameters: &["history", "local-only", "node-list", "start-time"],
    needs: Some(("Sys.Audit", "/")),
    by_daemon: false,
    answer: export,
};

/// What the daemons keep.
const HISTORY: f64 = 1800.0;
/// pveproxy waits so long for one node, and leaves it out then.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

fn export(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let faults = pve.faults();
    let mut wanted: Vec<bool> = vec![!asked.flag("local-only"); pve.world.nodes.len()];
    if let Some(list) = asked.query.get("node-list") {
        if pve.world.version < (9, 0, 8) {
            let text = "property is not defined in schema and the schema does not allow additional properties";
            return Answer::BadParameter("node-list".to_owned(), text.to_owned());
        }
        wanted.fill(false);
        for name in list.split(',') {
            match pve.world.node_index(name).filter(|_| pve.world.is_cluster()).and_then(|i| wanted.get_mut(i)) {
                Some(wanted) => *wanted = true,
                None => return Answer::Error(500, format!("Requested node-list contains unknown nodes - {name}")),
            }
        }
    } else if let Some(own) = wanted.get_mut(pve.own_node(asked.endpoint)) {
        *own = true;
    }

    let sights = pve.sights(asked.endpoint, asked.now);
    let mut delay = Duration::ZERO;
    for ((node, sight), wanted) in pve.world.nodes.iter().zip(&sights).zip(&mut wanted) {
        if !*wanted {
            continue;
        }
        let node_delay = faults.export_delay(&node.name);
        delay += node_delay.min(LONGEST_WAIT);
        *wanted = sight.online && !faults.leaves_out_of_export(&node.name) && node_delay < LONGEST_WAIT;
    }

    let history = asked.flag("history");
    let start = asked.query.get("start-time").and_then(|start| start.parse::<f64>().ok());
    if history && start.is_some_and(|start| start > asked.now + CYCLE) {
        return Answer::Error(500, "invalid value: integer, expected u32".to_owned());
    }
    let make = || {
        let mut points = Vec::new();
        for (index, sight) in sights.iter().enumerate().filter(|(index, _)| wanted.get(*index) == Some(&true)) {
            let timed = pve.world.nodes.get(index).is_some_and(|node| !faults.has_no_timestamp(&node.name));
            let first = if history { asked.now - HISTORY } else { sight.reported };
            let mut time = sight.reported - ((sight.reported - first) / CYCLE).floor() * CYCLE;
            while time <= sight.reported {
                if start.is_none_or(|start| time > start || !history) {
                    let mut cycle = Cycle { pve, index, time, timed, points: Vec::new() };
                    cycle.fill();
                    points.push((time, cycle.points));
                }
                time += CYCLE;
            }
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rows = points.into_iter().flat_map(|(_, points)| points).collect();
        answer::points(rows, &mut pve.order("export", asked.now as u64))
    };
    let body = if history || asked.query.contains_key("node-list") {
        make()
    } else {
        let more: Vec<u64> = wanted.iter().map(|wanted| u64::from(*wanted)).collect();
        pve.cached("export", key_of(&sights, &more), make)
    };
    if delay.is_zero() { Answer::Good(body) } else { Answer::Late(body, delay) }
}

/// One report of one node.
struct Cycle<'a> {
    pve: &'a Pve,
    index: usize,
    time: f64,
    /// Whether the report of the node itself has its time.
    timed: bool,
    points: Vec<Object>,
}

impl Cycle<'_> {
    fn fill(&mut self) {
        let pve = self.pve;
        let (world, time, index) = (&pve.world, self.time, self.index);
        let Some(node) = world.nodes.get(index) else { return };
        self.node(node);
        let nodes = world.nodes.len();
        for guest in world.guests.iter().filter(|guest| guest.at(time, nodes).node == index) {
            self.guest(guest, nodes);
        }
        for storage in &world.storages {
            let id = format!("storage/{}/{}", node.name, storage.name);
            let (size, used) = if storage.active { storage.at(time) } else { (0, 0) };
            self.gauge(&id, "disk_total", size as f64);
            self.gauge(&id, "disk_used", used as f64);
        }
    }

    fn node(&mut self, node: &Node) {
        let id = format!("node/{}", node.name);
        let state = node.at(self.time);
        let (time, timed) = (self.time, self.timed);
        if !timed {
            self.time = 0.0;
        }
        for (metric, value) in [
            ("uptime", state.uptime),
            ("cpu_avg1", state.loads[0]),
            ("cpu_avg5", state.loads[1]),
            ("cpu_avg15", state.loads[2]),
            ("cpu_max", f64::from(node.cpus)),
            ("cpu_current", state.cpu),
            ("cpu_iowait", state.iowait),
            ("mem_total", node.memory as f64),
            ("mem_used", state.memory),
            ("swap_total", 8_589_934_592.0),
            ("swap_used", state.swap),
            ("disk_total", node.disk as f64),
            ("disk_used", state.disk),
        ] {
            self.gauge(&id, metric, value);
        }
        self.push(&id, "net_in", "derive", state.received as f64);
        self.push(&id, "net_out", "derive", state.sent as f64);
        self.time = time;
    }

    fn guest(&mut self, guest: &Guest, nodes: usize) {
        let id = format!("{}/{}", if guest.is_vm { "qemu" } else { "lxc" }, guest.vmid);
        let state = guest.at(self.time, nodes);
        self.gauge(&id, "uptime", state.uptime);
        self.gauge(&id, "cpu_max", f64::from(guest.cpus));
        self.gauge(&id, "mem_total", guest.memory as f64);
        self.gauge(&id, "disk_total", guest.disk as f64);
        if state.status == "stopped" {
            return;
        }
        self.gauge(&id, "cpu_current", state.cpu);
        self.gauge(&id, "mem_used", state.memory);
        for (metric, value) in ["net_in", "net_out", "disk_read", "disk_write"].into_iter().zip(state.counters) {
            self.push(&id, metric, "derive", value as f64);
        }
        if !guest.is_vm {
            self.gauge(&id, "disk_used", (guest.disk / 4) as f64);
        }
    }

    fn gauge(&mut self, id: &str, metric: &'static str, value: f64) {
        self.push(id, metric, "gauge", value);
    }

    fn push(&mut self, id: &str, metric: &'static str, kind: &'static str, value: f64) {
        let value: serde_json::Value =
            if value.fract() == 0.0 { (value as i64).into() } else { value.into() };
        self.points.push(
            Object::new()
                .with("id", id)
                .with("metric", metric)
                .with("timestamp", self.time as i64)
                .with("type", kind)
                .with("value", value),
        );
    }
}

