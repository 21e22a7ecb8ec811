//! What a cluster is made of. Nothing here changes: what moves is a function of these values and of the time,
//! so that the past can be asked for, and a frozen node is simply asked at an earlier time.

use std::collections::HashMap;

use crate::plan::{BackupKind, BackupStorage, CephPlan, ClusterBackups, PvePlan, PveVersion};
use crate::pve::guest::{Guest, Kind};
use crate::random::{Random, noise};
use crate::remote::Endpoint;

/// pvestatd broadcasts once in this many seconds.
pub(crate) const CYCLE: i64 = 10;

pub(crate) struct Cluster {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) version: PveVersion,
    pub(super) repository_id: String,
    pub(super) nodes: Vec<Node>,
    pub(super) guests: Vec<Guest>,
    /// The guests that start, stop or move while one looks, by their place in `guests`.
    pub(super) restless: Vec<usize>,
    pub(super) storages: Vec<Storage>,
    pub(super) zones: Vec<Zone>,
    pub(super) pools: Vec<String>,
    pub(super) backups: Option<ClusterBackups>,
    pub(super) oddities: bool,
    pub(super) qdevice: bool,
    pub(super) subscriptions: bool,
    pub(super) ceph: Option<CephPlan>,
    /// When the fleet started.
    pub(super) started: i64,
}

pub(crate) struct Node {
    pub(super) name: String,
    pub(super) cpus: i64,
    pub(super) memory: i64,
    pub(super) root_size: i64,
    pub(super) swap_size: i64,
    /// The second of each cycle in which the node broadcasts.
    pub(super) phase: i64,
    pub(super) booted: i64,
    /// Bytes per second.
    pub(super) receive_rate: f64,
    pub(super) transmit_rate: f64,
    load: f64,
    pub(super) seed: i64,
}

/// A node's numbers at one time.
pub(super) struct NodeNumbers {
    pub(super) uptime: i64,
    pub(super) cpu: f64,
    pub(super) iowait: f64,
    pub(super) load: [f64; 3],
    pub(super) memory_used: i64,
    pub(super) swap_used: i64,
    pub(super) root_used: i64,
    pub(super) received: i64,
    pub(super) transmitted: i64,
}

pub(crate) struct Storage {
    pub(super) name: String,
    pub(super) plugin: &'static str,
    pub(super) content: &'static str,
    pub(super) shared: bool,
    pub(super) active: bool,
    /// Not enabled: absent from `/cluster/resources`, and a 0 of 0 in the export.
    pub(super) disabled: bool,
    /// What stands in its configuration beside the kinds of content.
    pub(super) options: Vec<(&'static str, StorageOption)>,
    size: i64,
    seed: i64,
}

#[derive(Debug, Clone)]
pub(super) enum StorageOption {
    Text(String),
    Number(i64),
}

pub(crate) struct Zone {
    pub(super) name: &'static str,
    /// Absent for the zone that every node has.
    pub(super) kind: Option<&'static str>,
    pub(super) status: &'static str,
}

impl Cluster {
    /// What each guest is to a backup server, by its vmid.
    pub(crate) fn backup_kinds(&self) -> HashMap<i64, BackupKind> {
        let kind = |guest: &Guest| match guest.kind {
            Kind::Qemu => BackupKind::Vm,
            Kind::Lxc => BackupKind::Ct,
        };
        self.guests
            .iter()
            .map(|guest| (guest.vmid, kind(guest)))
            .collect()
    }

    /// `origin` is the time at which the fleet starts; everything booted before it.
    pub(crate) fn new(plan: &PvePlan, seed: u64, origin: i64) -> Self {
        let mut random = Random::new(seed);
        let repository_id = random.uuid().replace('-', "").chars().take(16).collect();
        let nodes: Vec<Node> = (0..plan.nodes.max(1))
            .map(|i| Node::new(i, plan.report_together, origin, &mut random))
            .collect();
        let pools = if plan.guests >= 3 {
            vec!["prod".to_owned(), "prod/web".to_owned(), "test".to_owned()]
        } else {
            Vec::new()
        };
        let guests: Vec<Guest> = (0..plan.guests)
            .map(|i| Guest::new(i, plan, nodes.len(), origin, &mut random))
            .collect();
        let restless = guests
            .iter()
            .enumerate()
            .filter(|(_, guest)| guest.is_restless())
            .map(|(i, _)| i)
            .collect();
        Self {
            name: plan.name.clone(),
            seed,
            version: plan.version,
            repository_id,
            nodes,
            guests,
            restless,
            storages: storages(plan, &mut random),
            started: origin,
            zones: zones(plan.oddities),
            oddities: plan.oddities,
            qdevice: plan.qdevice && plan.nodes > 1,
            subscriptions: plan.subscriptions,
            ceph: plan.ceph.clone(),
            pools,
            backups: plan.backups.clone(),
        }
    }

    pub(crate) fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.as_str())
    }

    /// Gives the storages that name a backup server of the fleet its address and certificate.
    pub(crate) fn connect_backup_servers(&mut self, servers: &HashMap<String, Endpoint>) {
        for storage in &mut self.storages {
            let named = storage
                .options
                .iter_mut()
                .find_map(|(name, option)| match option {
                    StorageOption::Text(server) if *name == "server" => Some(server),
                    _ => None,
                });
            let Some(server) = named else { continue };
            if let Some(endpoint) = servers.get(server) {
                *server = endpoint.address.ip().to_string();
                let port = StorageOption::Number(i64::from(endpoint.address.port()));
                let fingerprint = StorageOption::Text(endpoint.fingerprint.clone());
                storage
                    .options
                    .extend([("port", port), ("fingerprint", fingerprint)]);
            }
        }
    }

    pub(super) fn has_memory_of_host(&self) -> bool {
        self.version >= PveVersion::V9_1
    }
}

impl Node {
    fn new(index: usize, together: bool, origin: i64, random: &mut Random) -> Self {
        let gib = 1 << 30;
        Self {
            name: format!("pve{}", index + 1),
            cpus: *random.pick(&[16, 32, 64]).unwrap_or(&16),
            memory: random.pick(&[64, 128, 256, 512]).unwrap_or(&64) * gib
                - random.between(0, 1 << 28),
            root_size: 96 * gib,
            swap_size: 8 * gib,
            phase: if together {
                0
            } else {
                random.between(0, CYCLE - 1)
            },
            booted: origin - random.between(3_600, 60 * 86_400),
            receive_rate: random.unit() * 2e7 + 1e5,
            transmit_rate: random.unit() * 2e7 + 1e5,
            load: random.unit() * 0.5 + 0.05,
            seed: random.between(1, 1 << 40),
        }
    }

    /// The stamp of the last broadcast at or before `time`.
    pub(super) fn cycle(&self, time: i64) -> i64 {
        time - (time - self.phase).rem_euclid(CYCLE)
    }

    pub(super) fn numbers(&self, time: i64) -> NodeNumbers {
        let uptime = (time - self.booted).max(1);
        let minute = time.div_euclid(60);
        let steady = |minute: i64| self.load * (0.8 + 0.4 * noise(&[self.seed, 1, minute]));
        let cpu = (steady(minute) * (0.7 + 0.6 * noise(&[self.seed, 2, time.div_euclid(CYCLE)])))
            .min(1.0);
        let load = |minutes: i64| {
            let sum: f64 = (0..minutes).map(|back| steady(minute - back)).sum();
            (sum / minutes as f64 * self.cpus as f64 * 100.0).round() / 100.0
        };
        let share = |kind: i64, low: f64, width: f64| {
            low + width * noise(&[self.seed, kind, time.div_euclid(CYCLE)])
        };
        NodeNumbers {
            uptime,
            cpu,
            iowait: share(3, 0.0, 0.02),
            load: [load(1), load(5), load(15)],
            memory_used: (self.memory as f64 * share(4, 0.4 + 0.3 * self.load, 0.01)) as i64,
            swap_used: (self.swap_size as f64 * share(5, 0.01, 0.001)) as i64,
            root_used: (self.root_size as f64 * share(6, 0.2, 0.0005)) as i64,
            received: counter(self.receive_rate, uptime),
            transmitted: counter(self.transmit_rate, uptime),
        }
    }
}

impl Storage {
    /// Size and use on a node; a shared storage shows the same on each.
    pub(super) fn numbers(&self, node: usize, time: i64) -> (i64, i64) {
        let place = if self.shared { 0 } else { node as i64 };
        let fill = 0.2
            + 0.5 * noise(&[self.seed, place])
            + 0.001 * noise(&[self.seed, place, time.div_euclid(CYCLE)]);
        (self.size, (self.size as f64 * fill) as i64)
    }
}

/// A total that grows by `rate` per second on the average, unevenly, and never falls.
pub(super) fn counter(rate: f64, seconds: i64) -> i64 {
    let elapsed = seconds as f64;
    // The derivative is rate * (1 + 0.5 cos), which is never negative.
    let wave =
        0.5 * 600.0 / std::f64::consts::TAU * (elapsed * std::f64::consts::TAU / 600.0).sin();
    (rate * (elapsed + wave)).max(0.0) as i64
}

fn storages(plan: &PvePlan, random: &mut Random) -> Vec<Storage> {
    use StorageOption::{Number, Text};
    let tib: i64 = 1 << 40;
    let mut storage = |name: &str, plugin, content, shared, size| Storage {
        name: name.to_owned(),
        plugin,
        content,
        shared,
        active: true,
        disabled: false,
        options: Vec::new(),
        size,
        seed: random.between(1, 1 << 40),
    };
    let text = |value: &str| Text(value.to_owned());
    let nfs = |name: &str| {
        vec![
            ("server", text("192.0.2.20")),
            ("export", Text(format!("/export/{name}"))),
            ("path", Text(format!("/mnt/pve/{name}"))),
        ]
    };
    let mut storages = vec![
        Storage {
            options: vec![("path", text("/var/lib/vz"))],
            ..storage("local", "dir", "iso,vztmpl,backup", false, tib / 10)
        },
        Storage {
            options: vec![("vgname", text("pve")), ("thinpool", text("data"))],
            ..storage("local-lvm", "lvmthin", "images,rootdir", false, 2 * tib)
        },
        Storage {
            options: nfs("nas"),
            ..storage("nas", "nfs", "images,iso,backup", true, 20 * tib)
        },
    ];
    if plan.oddities {
        storages.push(Storage {
            active: false,
            options: nfs("attic"),
            ..storage("attic", "nfs", "backup", true, tib)
        });
        storages.push(Storage {
            active: false,
            disabled: true,
            options: vec![("path", text("/mnt/pve/retired")), ("disable", Number(1))],
            ..storage("retired", "dir", "images", false, tib)
        });
    }
    for server in &plan.backup_servers {
        storages.push(Storage {
            options: backup_server_options(server),
            ..storage(&server.storage, "pbs", "backup", true, 50 * tib)
        });
    }
    for storage in &mut storages {
        storage.active &= !plan.unreachable_storages.contains(&storage.name);
        if storage.shared {
            storage.options.push(("shared", Number(1)));
        }
    }
    storages
}

fn backup_server_options(server: &BackupStorage) -> Vec<(&'static str, StorageOption)> {
    let text = |value: &String| StorageOption::Text(value.clone());
    let mut options = vec![
        ("server", text(&server.server)),
        ("datastore", text(&server.datastore)),
        ("username", text(&server.username)),
    ];
    let port = server
        .port
        .map(|port| StorageOption::Number(i64::from(port)));
    options.extend(port.map(|port| ("port", port)));
    options.extend(
        server
            .namespace
            .as_ref()
            .map(|name| ("namespace", text(name))),
    );
    let fingerprint = server.fingerprint.as_ref().map(text);
    options.extend(fingerprint.map(|fingerprint| ("fingerprint", fingerprint)));
    options
}

fn zones(oddities: bool) -> Vec<Zone> {
    let mut zones = vec![
        Zone {
            name: "localnetwork",
            kind: None,
            status: "ok",
        },
        Zone {
            name: "tenants",
            kind: Some("vxlan"),
            status: "available",
        },
    ];
    if oddities {
        zones.push(Zone {
            name: "legacy",
            kind: Some("vlan"),
            status: "error",
        });
    }
    zones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_never_falls() {
        let mut last = 0;
        for second in 0..5_000 {
            let now = counter(100.0, second);
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn broadcasts_come_every_ten_seconds() {
        let node = Node {
            phase: 3,
            ..Node::new(0, false, 1_000_000, &mut Random::new(1))
        };
        assert_eq!(node.cycle(1_000_003), 1_000_003);
        assert_eq!(node.cycle(1_000_012), 1_000_003);
        assert_eq!(node.cycle(1_000_013), 1_000_013);
    }
}
