//! `GET /cluster/resources`: pools, guests, nodes, storages and network zones as the last broadcasts told.

use super::guest::{Guest, Moment, Status};
use super::view::NodeView;
use super::{Call, route, subscription};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::PveVersion;
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route =
    route("/cluster/resources", Access::Everyone).with(&[Parameter::new(
        "type",
        Kind::OneOf(&["vm", "storage", "node", "sdn"]),
    )]);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let only = call.request.parameter("type");
    let key = format!("{} {:?}", call.caller.id, call.request.query);
    let body = call.remote.cached(call.endpoint, key, call.view.state, || {
        let mut writer = Writer {
            call,
            random: call.order(),
            object: Object::new(),
            entries: Vec::new(),
        };
        writer.all(only);
        format!("{{\"data\":{}}}", array(&writer.entries))
    });
    Answer::ok(body)
}

struct Writer<'a> {
    call: &'a Call<'a>,
    random: Random,
    object: Object,
    entries: Vec<String>,
}

impl Writer<'_> {
    fn all(&mut self, only: Option<&str>) {
        let rights = self.call.caller.rights;
        let full = rights.are_wide();
        let wanted = |kind: &str| only.is_none_or(|only| only == kind);
        // Pools have no type of their own to ask for.
        if only.is_none() && full {
            self.section(Self::pools);
        }
        if wanted("vm") && (full || rights == Rights::Narrow) {
            self.section(Self::guests);
        }
        if wanted("node") {
            self.section(Self::nodes);
        }
        if wanted("storage") && full {
            self.section(Self::storages);
        }
        // 9.x knows `type=sdn` and has no entry of that type any more.
        let old = self.call.cluster.version == PveVersion::V8_4;
        if full && (only.is_none() || (old && only == Some("sdn"))) {
            self.section(Self::zones);
        }
    }

    /// Writes entries and puts them into a random order, as they come out of a hash there.
    fn section(&mut self, write: fn(&mut Self)) {
        let start = self.entries.len();
        write(self);
        if let Some(section) = self.entries.get_mut(start..) {
            self.random.shuffle(section);
        }
    }

    fn end_entry(&mut self) {
        let mut entry = String::new();
        self.object.finish(Some(&mut self.random), &mut entry);
        self.entries.push(entry);
    }

    fn guests(&mut self) {
        let call = self.call;
        for (index, guest) in call.cluster.guests.iter().enumerate() {
            // The narrow token sees the first guest only.
            if call.caller.rights == Rights::Narrow && index > 0 {
                break;
            }
            if let Some((moment, node)) = call.view.guest(guest) {
                self.guest(guest, &moment, node);
            }
        }
    }

    fn guest(&mut self, guest: &Guest, moment: &Moment, seen: &NodeView) {
        let cluster = self.call.cluster;
        let node = cluster
            .nodes
            .get(moment.node)
            .map(|node| node.name.as_str())
            .unwrap_or_default();
        let object = &mut self.object;
        object
            .text("id", &guest.id)
            .text("node", node)
            .text("type", guest.kind.as_str())
            .int("vmid", guest.vmid);
        if let Some(tags) = guest.tags {
            object.text("tags", tags);
        }
        if self.call.caller.rights != Rights::Narrow
            && let Some(pool) = guest.pool.and_then(|pool| cluster.pools.get(pool))
        {
            object.text("pool", pool);
        }
        if let Some(state) = guest.ha_state {
            object.text("hastate", state);
        }
        if let Some(lock) = moment.lock {
            object.text("lock", lock);
        }
        if seen.forgotten {
            object.text("status", "unknown");
            self.end_entry();
            return;
        }
        let numbers = guest.numbers(moment, seen.cycle);
        object
            .text("name", &guest.shown_name())
            .text("status", moment.status.as_str())
            .int("template", i64::from(guest.template))
            .int("uptime", moment.uptime)
            .number("cpu", numbers.cpu)
            .int("maxcpu", guest.cpus)
            .int("mem", numbers.memory)
            .int("maxmem", guest.memory)
            .int("disk", numbers.disk)
            .int("maxdisk", guest.disk)
            .int("netin", numbers.received)
            .int("netout", numbers.transmitted)
            .int("diskread", numbers.read)
            .int("diskwrite", numbers.written);
        if cluster.has_memory_of_host() {
            object.int("memhost", numbers.memory_of_host);
        }
        self.end_entry();
    }

    fn pools(&mut self) {
        let call = self.call;
        for (index, pool) in call.cluster.pools.iter().enumerate() {
            self.object
                .text("id", &format!("/pool/{pool}"))
                .text("pool", pool)
                .text("type", "pool");
            let (mut cpus, mut busy, mut memory, mut used, mut uptime) = (0, 0.0, 0, 0, 0);
            for guest in call
                .cluster
                .guests
                .iter()
                .filter(|guest| guest.pool == Some(index))
            {
                let Some((moment, seen)) = call.view.guest(guest) else {
                    continue;
                };
                if moment.status == Status::Stopped || seen.forgotten {
                    continue;
                }
                let numbers = guest.numbers(&moment, seen.cycle);
                cpus += guest.cpus;
                busy += numbers.cpu * guest.cpus as f64;
                memory += guest.memory;
                used += numbers.memory;
                uptime = uptime.max(moment.uptime);
            }
            // A pool in which nothing runs has no numbers.
            if cpus > 0 {
                self.object
                    .number("cpu", busy / cpus as f64)
                    .int("maxcpu", cpus)
                    .int("mem", used)
                    .int("maxmem", memory)
                    .int("uptime", uptime);
            }
            self.end_entry();
        }
    }

    fn nodes(&mut self) {
        let call = self.call;
        let full = call.caller.rights.are_wide();
        for (index, (node, seen)) in call.cluster.nodes.iter().zip(&call.view.nodes).enumerate() {
            self.object
                .text("id", &format!("node/{}", node.name))
                .text("node", &node.name)
                .text("type", "node")
                .text("status", seen.status())
                .int("cgroup-mode", 2)
                .text("hastate", if seen.online { "online" } else { "unknown" });
            if !seen.forgotten {
                let level = subscription::level(call.cluster, index);
                self.object.text("level", level);
                if full {
                    super::node_status::sizes(&mut self.object, node, seen);
                }
            }
            self.end_entry();
        }
    }

    fn storages(&mut self) {
        let call = self.call;
        for storage in call
            .cluster
            .storages
            .iter()
            .filter(|storage| !storage.disabled && call.sees(storage))
        {
            for (index, (node, seen)) in call.cluster.nodes.iter().zip(&call.view.nodes).enumerate()
            {
                let available = storage.active && !seen.forgotten;
                self.object
                    .text("id", &format!("storage/{}/{}", node.name, storage.name))
                    .text("storage", &storage.name)
                    .text("node", &node.name)
                    .text("type", "storage")
                    .text("plugintype", storage.plugin)
                    .int("shared", i64::from(storage.shared))
                    .text("status", if available { "available" } else { "unknown" });
                // The kinds of content come in another order each time, as well.
                let mut content: Vec<&str> = storage.content.split(',').collect();
                self.random.shuffle(&mut content);
                self.object.text("content", &content.join(","));
                if available {
                    let (size, used) = storage.numbers(index, seen.cycle);
                    self.object.int("maxdisk", size).int("disk", used);
                }
                self.end_entry();
            }
        }
    }

    /// Zones stay as they were however long their node is dead.
    fn zones(&mut self) {
        let call = self.call;
        for zone in &call.cluster.zones {
            for node in &call.cluster.nodes {
                self.object
                    .text("node", &node.name)
                    .text("status", zone.status);
                if call.cluster.version == PveVersion::V8_4 {
                    self.object
                        .text("id", &format!("sdn/{}/{}", node.name, zone.name))
                        .text("type", "sdn")
                        .text("sdn", zone.name);
                } else {
                    self.object
                        .text("id", &format!("network/{}/zone/{}", node.name, zone.name))
                        .text("type", "network")
                        .text("network", zone.name)
                        .text("network-type", "zone");
                    if let Some(kind) = zone.kind {
                        self.object.text("zone-type", kind);
                    }
                }
                self.end_entry();
            }
        }
    }
}
