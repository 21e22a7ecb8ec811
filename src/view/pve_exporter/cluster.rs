//! The families of `cluster=1`: what `/cluster/resources` and `/cluster/status` say, row by row.

use super::families as f;
use crate::collect::Inputs;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::GuestKind;
use crate::source::Item;
use crate::source::pve::resources::{self, Guest, GuestStatus, Node, Picture, Storage, Usage};
use crate::source::pve::{not_backed_up, qdevice, version};

/// Every other state, such as `ignored`, is none here.
const GUEST_HA_STATES: &[&str] = &[
    "stopped",
    "request_stop",
    "request_start",
    "request_start_balance",
    "started",
    "fence",
    "recovery",
    "migrate",
    "relocate",
    "freeze",
    "error",
];
const NODE_HA_STATES: &[&str] = &["online", "maintenance", "unknown", "fence", "gone"];
const LOCK_STATES: &[&str] = &[
    "backup",
    "clone",
    "create",
    "migrate",
    "rollback",
    "snapshot",
    "snapshot-delete",
    "suspended",
    "suspending",
];

pub(super) fn collect(inputs: &Inputs<'_>, has: impl Fn(&str) -> bool) -> Vec<Lines> {
    let mut lines = Vec::new();
    if let Some(picture) = inputs.get(&resources::RESOURCES) {
        if has("status") {
            lines.push(up(inputs, &picture));
        }
        if has("resources") {
            lines.extend(Rows::of(inputs, &picture));
        }
        if has("node") {
            lines.push(node_info(&picture));
        }
        if has("cluster") {
            lines.push(cluster_info(&picture));
        }
        if has("backup-info") {
            lines.extend(backup_info(inputs, &picture));
        }
        if has("qdevice") {
            lines.extend(qdevice_info(inputs, &picture));
        }
    }
    if has("version") {
        lines.push(version_info(inputs));
    }
    lines
}

/// The guests that the remote's filter admits.
fn guests<'a>(inputs: &'a Inputs<'_>, picture: &'a Picture) -> impl Iterator<Item = &'a Guest> {
    let filter = inputs.filter;
    let guests = picture.guests.iter();
    guests.filter(move |guest| filter.is_empty() || filter.admits(&guest.facts()))
}

fn guest_id(vmid: u32, kind: GuestKind) -> String {
    Item::Guest { vmid, kind }.to_string()
}

fn storage_id(storage: &Storage) -> String {
    format!("storage/{}/{}", storage.node, storage.storage)
}

fn up(inputs: &Inputs<'_>, picture: &Picture) -> Lines {
    let mut up = Lines::of(&f::UP);
    let mut labels = LabelBlock::new();
    let mut push = |id: &str, is_up: bool| up.push(labels.clear().push("id", id), is_up);
    for node in &picture.nodes {
        push(&format!("node/{}", node.name), node.online == Some(true));
    }
    if let Some(cluster) = &picture.cluster {
        push(&format!("cluster/{}", cluster.name), cluster.quorate);
    }
    for guest in guests(inputs, picture) {
        let is_running = guest.status == GuestStatus::Running;
        push(&guest_id(guest.vmid, guest.kind), is_running);
    }
    for storage in &picture.storages {
        push(&storage_id(storage), storage.available);
    }
    up
}

/// What the rows of `/cluster/resources` become. The fields decide, not the kind of the row.
struct Rows {
    labels: LabelBlock,
    disk_size: Lines,
    disk_usage: Lines,
    memory_size: Lines,
    memory_usage: Lines,
    cpu_usage: Lines,
    cpu_limit: Lines,
    uptime: Lines,
    shared: Lines,
    /// Each counter twice: as it was before it was one, and as it is.
    transmit: [Lines; 2],
    receive: [Lines; 2],
    written: [Lines; 2],
    read: [Lines; 2],
    ha_state: Lines,
    lock_state: Lines,
    guest_info: Lines,
    storage_info: Lines,
}

impl Rows {
    fn of(inputs: &Inputs<'_>, picture: &Picture) -> Vec<Lines> {
        let mut rows = Self {
            labels: LabelBlock::new(),
            disk_size: Lines::of(&f::DISK_SIZE),
            disk_usage: Lines::of(&f::DISK_USAGE),
            memory_size: Lines::of(&f::MEMORY_SIZE),
            memory_usage: Lines::of(&f::MEMORY_USAGE),
            cpu_usage: Lines::of(&f::CPU_USAGE),
            cpu_limit: Lines::of(&f::CPU_LIMIT),
            uptime: Lines::of(&f::UPTIME),
            shared: Lines::of(&f::STORAGE_SHARED),
            transmit: [
                Lines::of(&f::NETWORK_TRANSMIT_GAUGE),
                Lines::of(&f::NETWORK_TRANSMIT),
            ],
            receive: [
                Lines::of(&f::NETWORK_RECEIVE_GAUGE),
                Lines::of(&f::NETWORK_RECEIVE),
            ],
            written: [Lines::of(&f::DISK_WRITE_GAUGE), Lines::of(&f::DISK_WRITTEN)],
            read: [Lines::of(&f::DISK_READ_GAUGE), Lines::of(&f::DISK_READ)],
            ha_state: Lines::of(&f::HA_STATE),
            lock_state: Lines::of(&f::LOCK_STATE),
            guest_info: Lines::of(&f::GUEST_INFO),
            storage_info: Lines::of(&f::STORAGE_INFO),
        };
        picture.nodes.iter().for_each(|node| rows.add_node(node));
        guests(inputs, picture).for_each(|guest| rows.add_guest(guest));
        let storages = picture.storages.iter();
        storages.for_each(|storage| rows.add_storage(storage));
        for pool in &picture.pools {
            rows.identify(&format!("/pool/{}", pool.name));
            rows.usage(&pool.usage);
        }
        rows.finish()
    }

    fn identify(&mut self, id: &str) {
        self.labels.clear().push("id", id);
    }

    fn usage(&mut self, usage: &Usage) {
        let labels = &self.labels;
        self.disk_size.push_known(labels, usage.disk_size);
        self.disk_usage.push_known(labels, usage.disk);
        self.memory_size.push_known(labels, usage.memory_size);
        self.memory_usage.push_known(labels, usage.memory);
        self.cpu_usage.push_known(labels, usage.cpu);
        self.cpu_limit.push_known(labels, usage.cpu_limit);
        self.uptime.push_known(labels, usage.uptime);
    }

    fn add_node(&mut self, node: &Node) {
        self.identify(&format!("node/{}", node.name));
        self.usage(&node.usage);
        states(
            &mut self.ha_state,
            &self.labels,
            NODE_HA_STATES,
            &node.ha_state,
        );
    }

    fn add_guest(&mut self, guest: &Guest) {
        let id = guest_id(guest.vmid, guest.kind);
        self.identify(&id);
        self.usage(&guest.usage);
        let labels = &self.labels;
        for (lines, value) in [
            (&mut self.transmit, guest.counters.network_out),
            (&mut self.receive, guest.counters.network_in),
            (&mut self.written, guest.counters.disk_written),
            (&mut self.read, guest.counters.disk_read),
        ] {
            for lines in lines {
                lines.push_known(labels, value);
            }
        }
        states(&mut self.ha_state, labels, GUEST_HA_STATES, &guest.ha_state);
        states(&mut self.lock_state, labels, LOCK_STATES, &guest.lock);

        let (name, template) = match (guest.is_remembered, guest.template) {
            (true, _) => ("", ""),
            (false, Some(true)) => (&*guest.name, "1"),
            (false, Some(false)) => (&*guest.name, "0"),
            (false, None) => (&*guest.name, ""),
        };
        self.labels
            .push("name", name)
            .push("node", &guest.node)
            .push("tags", &guest.tags)
            .push("template", template)
            .push("type", guest.kind.as_str());
        self.guest_info.push(&self.labels, true);
    }

    fn add_storage(&mut self, storage: &Storage) {
        self.identify(&storage_id(storage));
        self.disk_size.push_known(&self.labels, storage.size);
        self.disk_usage.push_known(&self.labels, storage.used);
        self.shared.push_known(&self.labels, storage.shared);
        self.labels
            .push("content", &storage.content)
            .push("node", &storage.node)
            .push("plugintype", &storage.plugin_type)
            .push("storage", &storage.storage);
        self.storage_info.push(&self.labels, true);
    }

    fn finish(self) -> Vec<Lines> {
        let mut lines = vec![
            self.disk_size,
            self.disk_usage,
            self.memory_size,
            self.memory_usage,
            self.cpu_usage,
            self.cpu_limit,
            self.uptime,
            self.shared,
            self.ha_state,
            self.lock_state,
            self.guest_info,
            self.storage_info,
        ];
        let counters = [self.transmit, self.receive, self.written, self.read];
        lines.extend(counters.into_iter().flatten());
        lines
    }
}

/// One sample for each of the states, and none for another.
fn states(lines: &mut Lines, labels: &LabelBlock, states: &[&str], current: &str) {
    for state in states {
        lines.push_with(labels, "state", state, *state == current);
    }
}

fn node_info(picture: &Picture) -> Lines {
    let mut info = Lines::of(&f::NODE_INFO);
    let mut labels = LabelBlock::new();
    for node in &picture.nodes {
        let Some(number) = node.node_id else {
            continue;
        };
        labels
            .clear()
            .push("id", &format!("node/{}", node.name))
            .push("level", &node.level)
            .push("name", &node.name)
            .push("nodeid", &number.to_string());
        info.push(&labels, true);
    }
    info
}

fn cluster_info(picture: &Picture) -> Lines {
    let mut info = Lines::of(&f::CLUSTER_INFO);
    if let Some(cluster) = &picture.cluster {
        let text = |number: Option<f64>| number.map(|number| number.to_string());
        let mut labels = LabelBlock::new();
        labels
            .push("id", &format!("cluster/{}", cluster.name))
            .push("nodes", &text(cluster.nodes).unwrap_or_default())
            .push("quorate", if cluster.quorate { "1" } else { "0" })
            .push("version", &text(cluster.version).unwrap_or_default());
        info.push(&labels, true);
    }
    info
}

fn backup_info(inputs: &Inputs<'_>, picture: &Picture) -> [Lines; 2] {
    let mut total = Lines::of(&f::NOT_BACKED_UP_TOTAL);
    let mut info = Lines::of(&f::NOT_BACKED_UP_INFO);
    // A standalone node stands for a cluster of its name.
    let name = match &picture.cluster {
        Some(cluster) => Some(&*cluster.name),
        None => picture.nodes.first().map(|node| &*node.name),
    };
    if let (Some(uncovered), Some(name)) = (inputs.get(&not_backed_up::NOT_BACKED_UP), name) {
        let mut labels = LabelBlock::new();
        labels.push("id", &format!("cluster/{name}"));
        total.push(&labels, uncovered.len());
        for (vmid, kind) in uncovered.iter() {
            labels.clear().push("id", &guest_id(*vmid, *kind));
            info.push(&labels, true);
        }
    }
    [total, info]
}

fn qdevice_info(inputs: &Inputs<'_>, picture: &Picture) -> [Lines; 2] {
    let mut up = Lines::of(&f::QDEVICE_UP);
    let mut info = Lines::of(&f::QDEVICE_INFO);
    let known = inputs.get(&qdevice::QDEVICE);
    if let (Some(Some(qdevice)), Some(cluster)) = (known.as_deref(), &picture.cluster) {
        let mut labels = LabelBlock::new();
        labels.push("id", &format!("cluster/{}", cluster.name));
        up.push(&labels, qdevice.is_connected());
        labels
            .push("algorithm", &qdevice.algorithm)
            .push("model", &qdevice.model)
            .push("qnetd_host", &qdevice.qnetd_host)
            .push("state", &qdevice.state)
            .push("tie_breaker", &qdevice.tie_breaker);
        info.push(&labels, true);
    }
    [up, info]
}

fn version_info(inputs: &Inputs<'_>) -> Lines {
    let mut info = Lines::of(&f::VERSION_INFO);
    if let Some(release) = inputs.get(&version::VERSION) {
        let mut labels = LabelBlock::new();
        labels
            .push("release", &release.release)
            .push("repoid", &release.repoid)
            .push("version", &release.version);
        info.push(&labels, true);
    }
    info
}
