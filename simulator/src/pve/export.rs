//! `GET /cluster/metrics/export`: the points of each node's last broadcasts.

use std::time::Duration;

use super::guest::{Guest, Kind as GuestKind, Status};
use super::world::CYCLE;
use super::{Call, Obstacle, SYSTEM_AUDIT, error, route};
use crate::fault::Fault;
use crate::http::{Answer, Body};
use crate::json::Object;
use crate::random::{Random, hash};
use crate::route::{Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/cluster/metrics/export", SYSTEM_AUDIT).with(&[
    Parameter::new("history", Kind::Boolean),
    Parameter::new("local-only", Kind::Boolean),
    Parameter::since("node-list", Kind::Text, "9.0.8"),
    Parameter::new("start-time", Kind::Integer),
]);

/// Generations kept beside the newest one: half an hour.
const OLD_GENERATIONS: i64 = 180;
/// How long the asked node waits for another one.
const NODE_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let history = call.parameter_is_on("history");
    let start = call
        .request
        .parameter("start-time")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    let nodes = match asked_nodes(call) {
        Ok(nodes) => nodes,
        Err(answer) => return answer,
    };
    let now = call.view.now + call.faults.clock_skew(call.endpoint);
    if history && start > now {
        return error(
            500,
            &format!(
                "invalid value: integer {}, expected u32",
                (now - start) / CYCLE
            ),
        );
    }
    let mut delay = Duration::ZERO;
    let mut present = Vec::new();
    for node in nodes {
        let (there, waited) = reach(call, node);
        delay += waited;
        if there {
            present.push(node);
        }
    }
    let make = || Points::collect(call, &present, history, start).into_json();
    let answer = if history || call.request.parameter("start-time").is_some() {
        Answer::ok(Body::new(make()))
    } else {
        let zeros: Vec<i64> = present
            .iter()
            .map(|node| i64::from(stamps_are_zero(call, *node)) + 2 * skew(call, *node))
            .collect();
        let state = hash(&[
            call.view.state.cast_signed(),
            hash(&zeros).cast_signed(),
            hash(&present.iter().map(|node| *node as i64).collect::<Vec<_>>()).cast_signed(),
        ]);
        Answer::ok(
            call.remote
                .cached(call.endpoint, call.request.call(), state, make),
        )
    };
    answer.after(delay)
}

/// The nodes that the parameters ask for, by their place in the cluster.
fn asked_nodes(call: &Call<'_>) -> Result<Vec<usize>, Answer> {
    let Some(list) = call
        .request
        .parameter("node-list")
        .filter(|list| !list.is_empty())
    else {
        return Ok(match call.parameter_is_on("local-only") {
            true => vec![call.endpoint],
            // The asked node's own points come first.
            false => std::iter::once(call.endpoint)
                .chain((0..call.cluster.nodes.len()).filter(|node| *node != call.endpoint))
                .collect(),
        });
    };
    // A node outside a cluster has an empty list of members, so that even its own name is unknown.
    let alone = call.cluster.nodes.len() == 1;
    let place = |name: &str| {
        call.cluster
            .node_names()
            .position(|known| known == name && !alone)
    };
    let (known, unknown): (Vec<&str>, Vec<&str>) = list
        .split(',')
        .map(str::trim)
        .partition(|name| place(name).is_some());
    if !unknown.is_empty() {
        return Err(error(
            500,
            &format!(
                "Requested node-list contains unknown nodes - {}",
                unknown.join(", ")
            ),
        ));
    }
    Ok(known.into_iter().filter_map(place).collect())
}

/// Whether a node's points come, and how long that takes. A node that fails is left out without a word.
fn reach(call: &Call<'_>, node: usize) -> (bool, Duration) {
    let name = call
        .cluster
        .nodes
        .get(node)
        .map(|node| node.name.as_str())
        .unwrap_or_default();
    let mut waited = Duration::ZERO;
    for active in call.faults.at(call.endpoint) {
        match &active.fault {
            Fault::ExportWithout { node } if node == name => return (false, waited),
            Fault::ExportSlow { node, milliseconds } if node == name => {
                waited += Duration::from_millis(*milliseconds)
            }
            _ => {}
        }
    }
    if waited > NODE_TIMEOUT && node != call.endpoint {
        return (false, NODE_TIMEOUT);
    }
    if call.view.nodes.get(node).is_some_and(|seen| !seen.online) {
        return (false, waited);
    }
    match call.obstacle(node) {
        Some(Obstacle::Refused) => (false, waited),
        Some(Obstacle::Hangs) => (false, NODE_TIMEOUT),
        None => (true, waited),
    }
}

fn stamps_are_zero(call: &Call<'_>, node: usize) -> bool {
    let name = call.cluster.nodes.get(node).map(|node| node.name.as_str());
    call.faults.has(
        call.endpoint,
        |fault| matches!(fault, Fault::ExportTimestampZero { node } if Some(node.as_str()) == name),
    )
}

fn skew(call: &Call<'_>, node: usize) -> i64 {
    call.faults.clock_skew(node)
}

/// Points by their time; within one time in the order in which they were measured.
struct Points<'a> {
    call: &'a Call<'a>,
    random: Random,
    object: Object,
    points: Vec<(i64, String)>,
    start: i64,
}

impl<'a> Points<'a> {
    fn collect(call: &'a Call<'a>, nodes: &[usize], history: bool, start: i64) -> Self {
        let mut points = Self {
            call,
            random: call.order(),
            object: Object::new(),
            points: Vec::new(),
            start,
        };
        for &node in nodes {
            let Some(newest) = call.view.nodes.get(node).map(|seen| seen.cycle) else {
                continue;
            };
            let first = if history {
                call.view.now - OLD_GENERATIONS * CYCLE
            } else {
                newest
            };
            let mut cycle = newest;
            while cycle >= first {
                if cycle == newest && !history || points.was_reporting(node, cycle) {
                    points.generation(node, cycle);
                }
                cycle -= CYCLE;
            }
        }
        points.points.sort_by_key(|(stamp, _)| *stamp);
        points
    }

    fn into_json(self) -> String {
        let mut out = String::from("{\"data\":{\"data\":[");
        for (i, (_, point)) in self.points.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(point);
        }
        out.push_str("]}}");
        out
    }

    /// Whether the node's status daemon ran at that time: an outage leaves a hole that nothing fills.
    fn was_reporting(&self, node: usize, time: i64) -> bool {
        let name = self
            .call
            .cluster
            .nodes
            .get(node)
            .map(|node| node.name.as_str())
            .unwrap_or_default();
        !self.call.faults.outages.iter().any(|outage| {
            outage.node == name && (outage.from as i64..outage.to as i64).contains(&time)
        })
    }

    fn generation(&mut self, index: usize, cycle: i64) {
        let call = self.call;
        let Some(node) = call.cluster.nodes.get(index) else {
            return;
        };
        let stamp = if stamps_are_zero(call, index) {
            0
        } else {
            cycle + skew(call, index)
        };
        // Containers and storages are sometimes measured a second later.
        let late = if stamp > 0 && hash(&[index as i64, cycle]).is_multiple_of(9) {
            stamp + 1
        } else {
            stamp
        };

        let numbers = node.numbers(cycle);
        let id = format!("node/{}", node.name);
        let [load1, load5, load15] = numbers.load;
        self.point(stamp, &id, "uptime", numbers.uptime as f64);
        self.total(stamp, &id, "net_in", numbers.received);
        self.total(stamp, &id, "net_out", numbers.transmitted);
        for (metric, value) in [
            ("cpu_avg1", load1),
            ("cpu_avg5", load5),
            ("cpu_avg15", load15),
            ("cpu_max", node.cpus as f64),
            ("cpu_current", numbers.cpu),
            ("cpu_iowait", numbers.iowait),
            ("mem_total", node.memory as f64),
            ("mem_used", numbers.memory_used as f64),
            ("swap_total", node.swap_size as f64),
            ("swap_used", numbers.swap_used as f64),
            ("disk_total", node.root_size as f64),
            ("disk_used", numbers.root_used as f64),
        ] {
            self.point(stamp, &id, metric, value);
        }

        // No guest moves to or from a node that is not there.
        let placed = cycle.min(call.view.placed);
        let mut here: Vec<&Guest> = call
            .cluster
            .guests
            .iter()
            .filter(|guest| guest.at(placed).node == index)
            .collect();
        self.random.shuffle(&mut here);
        for guest in here.iter().filter(|guest| guest.kind == GuestKind::Qemu) {
            self.guest(stamp, cycle, guest);
        }
        for guest in here.iter().filter(|guest| guest.kind == GuestKind::Lxc) {
            self.guest(late, cycle, guest);
        }
        for storage in &call.cluster.storages {
            let (size, used) = if storage.active {
                storage.numbers(index, cycle)
            } else {
                (0, 0)
            };
            let id = format!("storage/{}/{}", node.name, storage.name);
            self.point(late, &id, "disk_total", size as f64);
            self.point(late, &id, "disk_used", used as f64);
        }
    }

    fn guest(&mut self, stamp: i64, cycle: i64, guest: &Guest) {
        let moment = guest.at(cycle);
        if moment.status != Status::Stopped {
            let numbers = guest.numbers(&moment, cycle);
            self.point(stamp, &guest.id, "cpu_current", numbers.cpu);
            self.point(stamp, &guest.id, "mem_used", numbers.memory as f64);
            self.total(stamp, &guest.id, "disk_read", numbers.read);
            self.total(stamp, &guest.id, "disk_write", numbers.written);
            self.total(stamp, &guest.id, "net_in", numbers.received);
            self.total(stamp, &guest.id, "net_out", numbers.transmitted);
            if guest.kind == GuestKind::Lxc {
                self.point(stamp, &guest.id, "disk_used", numbers.disk as f64);
            }
        }
        self.point(stamp, &guest.id, "uptime", moment.uptime as f64);
        self.point(stamp, &guest.id, "cpu_max", guest.cpus as f64);
        self.point(stamp, &guest.id, "mem_total", guest.memory as f64);
        self.point(stamp, &guest.id, "disk_total", guest.disk as f64);
    }

    fn point(&mut self, stamp: i64, id: &str, metric: &str, value: f64) {
        self.push(stamp, id, metric, "gauge", value);
    }

    /// A running total, which PVE calls `derive`.
    fn total(&mut self, stamp: i64, id: &str, metric: &str, value: i64) {
        self.push(stamp, id, metric, "derive", value as f64);
    }

    fn push(&mut self, stamp: i64, id: &str, metric: &str, kind: &str, value: f64) {
        if self.start > 0 && stamp <= self.start {
            return;
        }
        self.object
            .int("timestamp", stamp)
            .text("id", id)
            .text("metric", metric)
            .text("type", kind)
            .number("value", value);
        let mut point = String::new();
        self.object.finish(Some(&mut self.random), &mut point);
        self.points.push((stamp, point));
    }
}
