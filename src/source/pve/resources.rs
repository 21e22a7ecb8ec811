//! The live picture of a cluster: `/cluster/resources` with `/cluster/status`.
//!
//! Both are answered by the asked node alone, from the cluster file system and the last status
//! broadcasts, at a cost that does not depend on the size of the fleet. They are read as one
//! picture, from one end-point, since the one says which numbers of the other can be believed.

use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer};

use super::status::{STATUS_CALL, Status, parse_status};
use crate::config::GuestFilter;
use crate::config::filter::GuestFacts;
use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::json::{self, Field, Fields, Number, Text, Unreadable};
use crate::source::topology::{GuestPlace, StoragePlace, Topology};
use crate::source::{
    ApiCall, Asked, Fetched, GuestKind, Privilege, Request, Scope, Session, Source,
};

/// `GET /cluster/resources`: open to every token, but filtered by what it may see.
pub static RESOURCES_CALL: ApiCall = ApiCall::get("/cluster/resources").filtered_by(&[
    Privilege::new("VM.Audit", "/vms"),
    Privilege::new("Datastore.Audit", "/storage"),
    Privilege::new("Sys.Audit", "/nodes"),
    Privilege::new("Pool.Audit", "/pool"),
    Privilege::new("SDN.Audit", "/sdn"),
]);

pub static RESOURCES: Source<Picture> = Source::new(
    "resources",
    Scope::Remote,
    &[&RESOURCES_CALL, &STATUS_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// What one end-point shows of its cluster, or of itself where it stands alone.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Picture {
    /// `None` for a standalone node, and where `/cluster/status` was not to be had.
    pub cluster: Option<Cluster>,
    /// Whether `/cluster/status` is part of the picture.
    pub has_status: bool,
    /// Name of the node that answered; empty without `/cluster/status`.
    pub local: Box<str>,
    /// Sorted by name.
    pub nodes: Vec<Node>,
    /// Sorted by id.
    pub guests: Vec<Guest>,
    /// Sorted by node and storage.
    pub storages: Vec<Storage>,
    /// Sorted by name.
    pub pools: Vec<Pool>,
    /// Sorted by node and zone.
    pub zones: Vec<Zone>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Cluster {
    pub name: Box<str>,
    pub quorate: bool,
    /// Number of configured nodes.
    pub nodes: Option<f64>,
    /// Version of the cluster's configuration.
    pub version: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Node {
    pub name: Box<str>,
    /// By `/cluster/status`; without it by the row's own status, where that knows.
    pub online: Option<bool>,
    pub node_id: Option<f64>,
    pub level: Box<str>,
    /// Address of the node in its cluster.
    pub address: Box<str>,
    pub ha_state: Box<str>,
    pub usage: Usage,
}

/// A virtual machine or container. Numbers are those of the last broadcast of its node.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Guest {
    pub kind: GuestKind,
    pub vmid: u32,
    pub node: Box<str>,
    /// The last name known: PVE forgets it five minutes after the node died.
    pub name: Box<str>,
    /// Whether name and template are those of an older picture.
    pub is_remembered: bool,
    /// As PVE has them, separated by semicolons.
    pub tags: Box<str>,
    pub pool: Box<str>,
    pub template: Option<bool>,
    pub status: GuestStatus,
    pub ha_state: Box<str>,
    pub lock: Box<str>,
    pub usage: Usage,
    /// Running totals in bytes since the guest's start.
    pub counters: Counters,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum GuestStatus {
    Running,
    Stopped,
    Paused,
    /// PVE itself does not know: its node is gone or does not report.
    #[default]
    Unknown,
}

impl GuestStatus {
    /// Whether there is a process of the guest, by all that is known.
    pub fn may_run(self) -> bool {
        self != Self::Stopped
    }
}

/// Gauges of a node, guest or pool; `None` where the broadcast had none.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Fraction of the CPUs of the object.
    pub cpu: Option<f64>,
    pub cpu_limit: Option<f64>,
    pub memory: Option<f64>,
    pub memory_size: Option<f64>,
    pub disk: Option<f64>,
    pub disk_size: Option<f64>,
    pub uptime: Option<f64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Counters {
    pub network_in: Option<f64>,
    pub network_out: Option<f64>,
    pub disk_read: Option<f64>,
    pub disk_written: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Storage {
    pub node: Box<str>,
    pub storage: Box<str>,
    pub available: bool,
    pub shared: Option<bool>,
    pub plugin_type: Box<str>,
    /// Kinds of content, sorted: PVE's own order changes with each call.
    pub content: Box<str>,
    pub used: Option<f64>,
    pub size: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Pool {
    pub name: Box<str>,
    pub usage: Usage,
}

/// A zone of the software-defined network on one node.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Zone {
    pub node: Box<str>,
    pub zone: Box<str>,
    pub zone_type: Box<str>,
    /// `available`, `ok`, `pending`, `error` … as PVE has it.
    pub status: Box<str>,
}

async fn fetch(asked: Asked<'_, Picture>) -> Result<Fetched<Picture>, CallError> {
    let session = asked.session;
    let (mut rows, mut status) = ask(session, None).await;
    if let Ok(found) = &status
        && found.lacks_quorum()
        && let Some(better) = quorate_endpoint(session, found.endpoint).await
    {
        session.prefer(better);
        (rows, status) = ask(session, Some(better)).await;
    }

    let mut picture = rows?;
    let mut problems = Vec::new();
    match status {
        Ok(status) => picture.join(status),
        Err(error) => {
            picture.trust_rows();
            problems.push(error);
        }
    }
    if let Some(previous) = &asked.previous {
        picture.carry_over(previous);
    }
    session.learn(picture.topology(session.filter()));
    Ok(Fetched {
        value: picture,
        problems,
        coverage: None,
    })
}

async fn ask(
    session: &Session,
    endpoint: Option<usize>,
) -> (Result<Picture, CallError>, Result<Status, CallError>) {
    tokio::join!(
        async {
            let answer = session
                .get(Request::of(&RESOURCES_CALL).at(endpoint))
                .await?;
            session
                .read(&answer, &RESOURCES_CALL, parse_resources)
                .await
        },
        ask_status(session, endpoint),
    )
}

async fn ask_status(session: &Session, endpoint: Option<usize>) -> Result<Status, CallError> {
    let answer = session.get(Request::of(&STATUS_CALL).at(endpoint)).await?;
    let mut status = session.read(&answer, &STATUS_CALL, parse_status).await?;
    status.endpoint = answer.endpoint;
    Ok(status)
}

/// An end-point that has quorum, other than the one that was found without. A node cut off from
/// its cluster sees all the others offline; it is believed only when nobody knows better.
async fn quorate_endpoint(session: &Session, without: usize) -> Option<usize> {
    for endpoint in (0..session.endpoints()).filter(|endpoint| *endpoint != without) {
        match ask_status(session, Some(endpoint)).await {
            Ok(status) if !status.lacks_quorum() => return Some(endpoint),
            Err(error) if error.outcome() == Outcome::Unauthorised => return None,
            Ok(_) | Err(_) => {}
        }
    }
    None
}

/// Reads both answers into one picture, for tests of what is made of it.
#[cfg(test)]
pub fn parse_picture(resources: &str, status: &str) -> Result<Picture, Unreadable> {
    let mut picture = parse_resources(resources)?;
    picture.join(parse_status(status)?);
    Ok(picture)
}

/// An entry of any kind; each has its own part of the fields.
#[derive(Default)]
struct Row<'a> {
    r#type: Text<'a>,
    node: Text<'a>,
    name: Text<'a>,
    status: Text<'a>,
    tags: Text<'a>,
    pool: Text<'a>,
    hastate: Text<'a>,
    lock: Text<'a>,
    level: Text<'a>,
    storage: Text<'a>,
    plugintype: Text<'a>,
    content: Text<'a>,
    network: Text<'a>,
    zone_type: Text<'a>,
    network_type: Text<'a>,
    sdn: Text<'a>,
    vmid: Number,
    template: Number,
    shared: Number,
    cpu: Number,
    maxcpu: Number,
    mem: Number,
    maxmem: Number,
    disk: Number,
    maxdisk: Number,
    uptime: Number,
    netin: Number,
    netout: Number,
    diskread: Number,
    diskwrite: Number,
}

impl<'de> Fields<'de> for Row<'de> {
    fn field(&mut self, name: &str) -> Field<'_, 'de> {
        match name {
            "type" => (&mut self.r#type).into(),
            "node" => (&mut self.node).into(),
            "name" => (&mut self.name).into(),
            "status" => (&mut self.status).into(),
            "tags" => (&mut self.tags).into(),
            "pool" => (&mut self.pool).into(),
            "hastate" => (&mut self.hastate).into(),
            "lock" => (&mut self.lock).into(),
            "level" => (&mut self.level).into(),
            "storage" => (&mut self.storage).into(),
            "plugintype" => (&mut self.plugintype).into(),
            "content" => (&mut self.content).into(),
            "network" => (&mut self.network).into(),
            "zone-type" => (&mut self.zone_type).into(),
            "network-type" => (&mut self.network_type).into(),
            "sdn" => (&mut self.sdn).into(),
            "vmid" => (&mut self.vmid).into(),
            "template" => (&mut self.template).into(),
            "shared" => (&mut self.shared).into(),
            "cpu" => (&mut self.cpu).into(),
            "maxcpu" => (&mut self.maxcpu).into(),
            "mem" => (&mut self.mem).into(),
            "maxmem" => (&mut self.maxmem).into(),
            "disk" => (&mut self.disk).into(),
            "maxdisk" => (&mut self.maxdisk).into(),
            "uptime" => (&mut self.uptime).into(),
            "netin" => (&mut self.netin).into(),
            "netout" => (&mut self.netout).into(),
            "diskread" => (&mut self.diskread).into(),
            "diskwrite" => (&mut self.diskwrite).into(),
            _ => Field::Other,
        }
    }
}

impl Row<'_> {
    fn usage(&self) -> Usage {
        Usage {
            cpu: self.cpu.quantity(),
            cpu_limit: self.maxcpu.quantity(),
            memory: self.mem.quantity(),
            memory_size: self.maxmem.quantity(),
            disk: self.disk.quantity(),
            disk_size: self.maxdisk.quantity(),
            uptime: self.uptime.quantity(),
        }
    }
}

/// Reads `/cluster/resources` of 8.x and 9.x. Rows of unknown kinds are passed over.
pub fn parse_resources(text: &str) -> Result<Picture, Unreadable> {
    struct Reading(Picture);

    impl<'de> DeserializeSeed<'de> for &mut Reading {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            json::each_row(deserializer, |row: &Row<'de>| self.0.add(row))
        }
    }

    let mut reading = Reading(Picture::default());
    json::envelope_into(text, &mut reading)?;
    let mut picture = reading.0;
    picture.sort();
    Ok(picture)
}

impl Picture {
    fn add(&mut self, row: &Row<'_>) {
        match row.r#type.as_str() {
            "qemu" => self.add_guest(GuestKind::Qemu, row),
            "lxc" => self.add_guest(GuestKind::Lxc, row),
            "node" if row.node.known().is_some() => self.nodes.push(Node {
                name: row.node.to_boxed(),
                online: match row.status.as_str() {
                    "online" => Some(true),
                    "offline" => Some(false),
                    _ => None,
                },
                node_id: None,
                level: row.level.to_boxed(),
                address: Box::default(),
                ha_state: row.hastate.to_boxed(),
                usage: row.usage(),
            }),
            "storage" if row.node.known().is_some() && row.storage.known().is_some() => {
                self.storages.push(Storage {
                    node: row.node.to_boxed(),
                    storage: row.storage.to_boxed(),
                    available: row.status.as_str() == "available",
                    shared: row.shared.flag(),
                    plugin_type: row.plugintype.to_boxed(),
                    content: sorted_content(row.content.as_str()),
                    used: row.disk.quantity(),
                    size: row.maxdisk.quantity(),
                });
            }
            "pool" if row.pool.known().is_some() => self.pools.push(Pool {
                name: row.pool.to_boxed(),
                usage: row.usage(),
            }),
            // 9.x names what 8.4 has as `sdn/NODE/ZONE`; other kinds of network carry no state.
            "network" if row.network_type.as_str() == "zone" => {
                self.add_zone(&row.network, row);
            }
            "sdn" => self.add_zone(&row.sdn, row),
            _ => {}
        }
    }

    fn add_guest(&mut self, kind: GuestKind, row: &Row<'_>) {
        let Some(vmid) = row
            .vmid
            .quantity()
            .filter(|vmid| *vmid <= f64::from(u32::MAX))
        else {
            return;
        };
        self.guests.push(Guest {
            kind,
            vmid: vmid as u32,
            node: row.node.to_boxed(),
            name: row.name.to_boxed(),
            is_remembered: false,
            tags: row.tags.to_boxed(),
            pool: row.pool.to_boxed(),
            template: row.template.flag(),
            status: match row.status.as_str() {
                "running" => GuestStatus::Running,
                "stopped" => GuestStatus::Stopped,
                "paused" => GuestStatus::Paused,
                _ => GuestStatus::Unknown,
            },
            ha_state: row.hastate.to_boxed(),
            lock: row.lock.to_boxed(),
            usage: row.usage(),
            counters: Counters {
                network_in: row.netin.quantity(),
                network_out: row.netout.quantity(),
                disk_read: row.diskread.quantity(),
                disk_written: row.diskwrite.quantity(),
            },
        });
    }

    fn add_zone(&mut self, zone: &Text<'_>, row: &Row<'_>) {
        if zone.known().is_some() && row.node.known().is_some() {
            self.zones.push(Zone {
                node: row.node.to_boxed(),
                zone: zone.to_boxed(),
                zone_type: row.zone_type.to_boxed(),
                status: row.status.to_boxed(),
            });
        }
    }

    /// PVE's order is that of a hash. One order makes two pictures comparable and removes rows
    /// that stand twice, which no exposition could carry.
    fn sort(&mut self) {
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.nodes.dedup_by(|a, b| a.name == b.name);
        // Wide rows, and many: their keys are sorted first, each row is moved once.
        self.guests.sort_by_cached_key(Guest::key);
        self.guests.dedup_by_key(|guest| guest.key());
        self.storages
            .sort_by(|a, b| (&a.node, &a.storage).cmp(&(&b.node, &b.storage)));
        self.storages
            .dedup_by(|a, b| (&a.node, &a.storage) == (&b.node, &b.storage));
        self.pools.sort_by(|a, b| a.name.cmp(&b.name));
        self.pools.dedup_by(|a, b| a.name == b.name);
        self.zones
            .sort_by(|a, b| (&a.node, &a.zone).cmp(&(&b.node, &b.zone)));
        self.zones
            .dedup_by(|a, b| (&a.node, &a.zone) == (&b.node, &b.zone));
    }

    /// Adds what `/cluster/status` knows. It decides which node is online: the row of a node whose
    /// status daemon is dead says `unknown` after five minutes, though the cluster has it.
    fn join(&mut self, status: Status) {
        self.has_status = true;
        for member in status.nodes {
            let found = self
                .nodes
                .binary_search_by(|node| node.name.cmp(&member.name));
            let index = found.unwrap_or_else(|index| {
                let name = member.name.clone();
                self.nodes.insert(
                    index,
                    Node {
                        name,
                        ..Node::default()
                    },
                );
                index
            });
            if let Some(node) = self.nodes.get_mut(index) {
                node.online = member.online;
                node.node_id = member.node_id;
                node.level = member.level;
                node.address = member.ip;
            }
        }
        self.cluster = status.cluster;
        self.local = status.local;
    }

    /// Without `/cluster/status` there is only the rows' own word, which is what it is.
    fn trust_rows(&mut self) {
        self.has_status = false;
        self.cluster = None;
    }

    /// Keeps what an older picture knew and this one cannot: names of guests whose node is gone,
    /// and counters where another end-point answered with an older broadcast.
    fn carry_over(&mut self, previous: &Self) {
        let mut older = previous.guests.iter().peekable();
        for guest in &mut self.guests {
            while older.next_if(|old| old.key() < guest.key()).is_some() {}
            if let Some(old) = older.next_if(|old| old.key() == guest.key()) {
                if guest.name.is_empty() {
                    guest.is_remembered = true;
                    guest.name.clone_from(&old.name);
                    guest.template = guest.template.or(old.template);
                }
                guest.counters.keep_up(guest.usage.uptime, old);
            }
        }
    }

    /// The node by its name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        let index = self
            .nodes
            .binary_search_by(|node| (*node.name).cmp(name))
            .ok()?;
        self.nodes.get(index)
    }

    /// The guest by its number and kind.
    pub fn guest(&self, vmid: u32, kind: GuestKind) -> Option<&Guest> {
        let index = self
            .guests
            .binary_search_by_key(&(vmid, kind), Guest::key)
            .ok()?;
        self.guests.get(index)
    }

    /// What there is to ask of the cluster.
    fn topology(&self, filter: &GuestFilter) -> Topology {
        let nodes: Vec<Arc<str>> = self
            .nodes
            .iter()
            .filter(|node| node.online == Some(true))
            .map(|node| Arc::from(&*node.name))
            .collect();
        let guests = self
            .guests
            .iter()
            .filter(|guest| filter.is_empty() || filter.admits(&guest.facts()))
            .map(|guest| GuestPlace {
                vmid: guest.vmid,
                kind: guest.kind,
                node: Arc::from(&*guest.node),
                lock: guest.lock.clone(),
                running: guest.status == GuestStatus::Running,
            })
            .collect();
        let mut storages: Vec<StoragePlace> = Vec::new();
        for storage in &self.storages {
            let online = nodes.iter().find(|node| ***node == *storage.node);
            let Some(node) = online.filter(|_| storage.available && storage.takes_backups()) else {
                continue;
            };
            let shared = storage.shared == Some(true);
            let is_known =
                |known: &StoragePlace| known.shared && shared && *known.storage == *storage.storage;
            if !storages.iter().any(is_known) {
                storages.push(StoragePlace {
                    storage: Arc::from(&*storage.storage),
                    node: Arc::clone(node),
                    shared,
                });
            }
        }
        Topology {
            nodes,
            guests,
            storages,
            datastores: Vec::new(),
        }
    }
}

impl Storage {
    /// Whether backups may be kept on it.
    pub fn takes_backups(&self) -> bool {
        self.content.split(',').any(|kind| kind == "backup")
    }
}

impl Guest {
    /// What a filter decides on.
    pub fn facts(&self) -> GuestFacts<'_> {
        GuestFacts {
            name: &self.name,
            tags: &self.tags,
            pool: &self.pool,
            template: self.template.unwrap_or(false),
        }
    }

    fn key(&self) -> (u32, GuestKind) {
        (self.vmid, self.kind)
    }
}

/// How much older the picture of another end-point may be, in seconds: broadcasts come every 10 s.
const OLDER_PICTURE: f64 = 30.0;

impl Counters {
    /// A counter goes back only with a restart, which `uptime` shows: it falls to nothing. Where
    /// it grows, or falls by no more than a picture can be older, the larger value stands.
    fn keep_up(&mut self, uptime: Option<f64>, old: &Guest) {
        let (Some(uptime), Some(old_uptime)) = (uptime, old.usage.uptime) else {
            return;
        };
        let restarted =
            uptime < old_uptime && (uptime < OLDER_PICTURE || uptime + OLDER_PICTURE < old_uptime);
        if restarted || old_uptime == 0.0 {
            return;
        }
        for (value, old) in [
            (&mut self.network_in, old.counters.network_in),
            (&mut self.network_out, old.counters.network_out),
            (&mut self.disk_read, old.counters.disk_read),
            (&mut self.disk_written, old.counters.disk_written),
        ] {
            if let (Some(value), Some(old)) = (value.as_mut(), old) {
                *value = value.max(old);
            }
        }
    }
}

fn sorted_content(content: &str) -> Box<str> {
    let mut kinds: Vec<&str> = content.split(',').filter(|kind| !kind.is_empty()).collect();
    kinds.sort_unstable();
    kinds.join(",").into_boxed_str()
}

#[cfg(test)]
#[path = "resources_tests.rs"]
mod tests;
