//! Storages: whether they can be reached from each node, and the space they have.

use std::collections::HashSet;
use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::storage::{self, BackupServer, NodeStorage, Space};

pub static STORAGE: Collector = Collector {
    name: "storage",
    about: "Storages: whether they can be reached from each node, and the space they have.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(2 * 60),
    sources: &[&storage::NODE_STORAGES, &storage::STORAGES],
    reads: &[],
    families: &[
        &ENABLED,
        &ACTIVE,
        &SIZE,
        &USED,
        &AVAILABLE,
        &BACKUP_SERVER_INFO,
    ],
    collect,
};

static ENABLED: Family = Family::gauge(
    "pve_storage_enabled",
    "Whether the storage is meant to be used on the node: neither disabled nor restricted to other nodes",
    &["id", "remote"],
);
static ACTIVE: Family = Family::gauge(
    "pve_storage_active",
    "Whether the node can reach the storage, only for storages that are enabled",
    &["id", "remote"],
);
static SIZE: Family = Family::gauge(
    "pve_storage_size_bytes",
    "Size of a storage, once for a shared one, with an empty node",
    &["node", "remote", "storage"],
);
static USED: Family = Family::gauge(
    "pve_storage_used_bytes",
    "Used space of a storage, once for a shared one, with an empty node",
    &["node", "remote", "storage"],
);
static AVAILABLE: Family = Family::gauge(
    "pve_storage_available_bytes",
    "Space of a storage that can still be used, once for a shared one, with an empty node",
    &["node", "remote", "storage"],
);
static BACKUP_SERVER_INFO: Family = Family::gauge(
    "pve_storage_backup_server_info",
    "Backup server, datastore and namespace of a storage of type pbs",
    &[
        "backup_namespace",
        "datastore",
        "port",
        "remote",
        "server",
        "storage",
    ],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut reach = Reach::new();
    let mut spaces = Spaces::new();
    for (item, storages) in inputs.each(&storage::NODE_STORAGES) {
        for storage in storages {
            reach.push(inputs.remote, item.name(), storage);
            if let Some(space) = &storage.space {
                spaces.push(inputs.remote, item.name(), storage, space);
            }
        }
    }
    let mut lines = vec![reach.enabled, reach.active];
    lines.extend([spaces.size, spaces.used, spaces.available]);
    lines.push(backup_servers(inputs));
    lines
}

/// What a node can reach.
struct Reach {
    labels: LabelBlock,
    enabled: Lines,
    active: Lines,
}

impl Reach {
    fn new() -> Self {
        Self {
            labels: LabelBlock::new(),
            enabled: Lines::of(&ENABLED),
            active: Lines::of(&ACTIVE),
        }
    }

    fn push(&mut self, remote: &str, node: &str, storage: &NodeStorage) {
        self.labels
            .clear()
            .push("id", &format!("storage/{node}/{}", storage.storage))
            .push("remote", remote);
        self.enabled.push_known(&self.labels, storage.enabled);
        // What is not meant to be there is not missing.
        if storage.enabled != Some(false) {
            self.active.push_known(&self.labels, storage.active);
        }
    }
}

/// The space of each storage, of a shared one as the first node has it that can reach it.
struct Spaces {
    labels: LabelBlock,
    shared: HashSet<Box<str>>,
    size: Lines,
    used: Lines,
    available: Lines,
}

impl Spaces {
    fn new() -> Self {
        Self {
            labels: LabelBlock::new(),
            shared: HashSet::new(),
            size: Lines::of(&SIZE),
            used: Lines::of(&USED),
            available: Lines::of(&AVAILABLE),
        }
    }

    fn push(&mut self, remote: &str, node: &str, storage: &NodeStorage, space: &Space) {
        if storage.shared && !self.shared.insert(storage.storage.clone()) {
            return;
        }
        self.labels
            .clear()
            .push("node", if storage.shared { "" } else { node })
            .push("remote", remote)
            .push("storage", &storage.storage);
        self.size.push(&self.labels, space.size);
        self.used.push_known(&self.labels, space.used);
        self.available.push_known(&self.labels, space.available);
    }
}

fn backup_servers(inputs: &Inputs<'_>) -> Lines {
    let mut info = Lines::of(&BACKUP_SERVER_INFO);
    let mut labels = LabelBlock::new();
    let storages = inputs.get(&storage::STORAGES);
    for storage in storages.iter().flat_map(|all| &all.storages) {
        let Some(BackupServer {
            server,
            port,
            datastore,
            namespace,
            ..
        }) = &storage.backup_server
        else {
            continue;
        };
        labels
            .clear()
            .push("backup_namespace", namespace)
            .push("datastore", datastore)
            .push("port", &port.to_string())
            .push("remote", inputs.remote)
            .push("server", server)
            .push("storage", &storage.storage);
        info.push(&labels, true);
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATE: i64 = 1_795_310_000;

    /// Two nodes that are online and one that is not.
    fn cluster() -> AnswerTable {
        AnswerTable::new(Product::Pve, DATE)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"node","node":"b","status":"online"},
                    {"type":"node","node":"c","status":"offline"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"cluster","name":"lab","quorate":1},
                    {"type":"node","name":"a","online":1},{"type":"node","name":"b","online":1},
                    {"type":"node","name":"c","online":0}]}"#,
            )
    }

    #[tokio::test]
    async fn a_shared_storage_has_its_size_once_from_a_node_that_reaches_it() {
        let answers = cluster()
            .with(
                "/nodes/a/storage",
                r#"{"data":[
                {"storage":"local","type":"dir","active":1,"enabled":1,"shared":0,"total":100,"used":60,"avail":30},
                {"storage":"nas","type":"nfs","active":0,"enabled":1,"shared":1,"total":0,"used":0,"avail":0},
                {"storage":"tank","type":"zfspool","active":1,"enabled":1,"total":"7","used":null}]}"#,
            )
            .with(
                "/nodes/b/storage",
                r#"{"data":[
                {"storage":"local","type":"dir","active":1,"enabled":1,"shared":0,"total":50,"used":20,"avail":30},
                {"storage":"nas","type":"nfs","active":1,"enabled":1,"shared":1,"total":900,"used":400,"avail":500},
                {"storage":"tank","type":"zfspool","active":0,"enabled":0,"total":0,"used":0,"avail":0}]}"#,
            )
            .with("/nodes/c/storage", r#"{"data":[{"storage":"x","active":1,"total":1}]}"#)
            .with(
                "/storage",
                r#"{"data":[{"storage":"local","type":"dir"},{"storage":"pbs","type":"pbs",
                "server":"pbs.example.test","datastore":"main","username":"u@pbs","fingerprint":"aa"}]}"#,
            );
        assert_eq!(
            walk::exposed(&STORAGE, answers).await,
            [
                r#"pve_storage_enabled{id="storage/a/local",remote="r"} 1"#,
                r#"pve_storage_enabled{id="storage/a/nas",remote="r"} 1"#,
                r#"pve_storage_enabled{id="storage/a/tank",remote="r"} 1"#,
                r#"pve_storage_enabled{id="storage/b/local",remote="r"} 1"#,
                r#"pve_storage_enabled{id="storage/b/nas",remote="r"} 1"#,
                r#"pve_storage_enabled{id="storage/b/tank",remote="r"} 0"#,
                r#"pve_storage_active{id="storage/a/local",remote="r"} 1"#,
                r#"pve_storage_active{id="storage/a/nas",remote="r"} 0"#,
                r#"pve_storage_active{id="storage/a/tank",remote="r"} 1"#,
                r#"pve_storage_active{id="storage/b/local",remote="r"} 1"#,
                r#"pve_storage_active{id="storage/b/nas",remote="r"} 1"#,
                r#"pve_storage_size_bytes{node="a",remote="r",storage="local"} 100"#,
                r#"pve_storage_size_bytes{node="a",remote="r",storage="tank"} 7"#,
                r#"pve_storage_size_bytes{node="b",remote="r",storage="local"} 50"#,
                r#"pve_storage_size_bytes{node="",remote="r",storage="nas"} 900"#,
                r#"pve_storage_used_bytes{node="a",remote="r",storage="local"} 60"#,
                r#"pve_storage_used_bytes{node="b",remote="r",storage="local"} 20"#,
                r#"pve_storage_used_bytes{node="",remote="r",storage="nas"} 400"#,
                r#"pve_storage_available_bytes{node="a",remote="r",storage="local"} 30"#,
                r#"pve_storage_available_bytes{node="b",remote="r",storage="local"} 30"#,
                r#"pve_storage_available_bytes{node="",remote="r",storage="nas"} 500"#,
                r#"pve_storage_backup_server_info{backup_namespace="",datastore="main",port="8007",remote="r",server="pbs.example.test",storage="pbs"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn a_shared_storage_that_two_nodes_reach_is_one() {
        let nas = r#"{"data":[{"storage":"nas","active":1,"shared":1,"total":900}]}"#;
        let answers = cluster()
            .with("/nodes/a/storage", nas)
            .with("/nodes/b/storage", nas);
        let lines = walk::exposed(&STORAGE, answers).await;
        let sizes = lines.iter().filter(|line| line.contains("size_bytes"));
        assert_eq!(sizes.count(), 1);
    }

    #[tokio::test]
    async fn nothing_is_told_where_nothing_can_be_seen() {
        let answers = cluster()
            .with("/nodes/a/storage", r#"{"data":[]}"#)
            .with_status("/nodes/b/storage", 595, "Connection refused")
            .with("/storage", r#"{"data":null}"#);
        assert!(walk::exposed(&STORAGE, answers).await.is_empty());
    }
}
