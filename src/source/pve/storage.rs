//! Storages as each node has them and as the cluster configures them: `/nodes/{node}/storage` and
//! `/storage`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

const AUDIT: Privilege = Privilege::new("Datastore.Audit", "/storage");

/// Each of these shows a storage to the token.
const SEES: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

/// Answered by the node itself, which looks at each of its storages: one that hangs costs seconds.
pub static NODE_STORAGES_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/storage").filtered_by(&[AUDIT]);

pub static STORAGES_CALL: ApiCall = ApiCall::get("/storage").filtered_by(&[AUDIT]);

/// The storages of each node.
pub static NODE_STORAGES: Source<Vec<NodeStorage>> = Source::new(
    "node_storages",
    Scope::EachNode,
    &[&NODE_STORAGES_CALL],
    |asked| Box::pin(fetch_of_node(asked)),
);

/// The storages that the cluster has configured.
pub static STORAGES: Source<Storages> =
    Source::new("storages", Scope::Remote, &[&STORAGES_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// A storage as one node has it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct NodeStorage {
    pub storage: Box<str>,
    pub shared: bool,
    /// Whether it is meant to be used on the node: neither disabled nor restricted to other nodes.
    pub enabled: Option<bool>,
    /// Whether the node could reach it.
    pub active: Option<bool>,
    /// `None` where it is not active, and where its plugin knows no size: both come as zeros.
    pub space: Option<Space>,
}

/// In bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Space {
    pub size: f64,
    pub used: Option<f64>,
    pub available: Option<f64>,
}

/// The storages that the token sees.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Storages {
    /// Sorted by name.
    pub storages: Vec<Storage>,
    /// Whether it may see all that there are; `None` where its rights are not known.
    pub are_all: Option<bool>,
}

/// A storage as it is configured.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Storage {
    pub storage: Box<str>,
    pub plugin_type: Box<str>,
    pub takes_backups: bool,
    /// Where a storage of type `pbs` keeps its backups.
    pub backup_server: Option<BackupServer>,
}

/// A datastore of a backup server, as the storage names it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct BackupServer {
    pub server: Box<str>,
    /// The server's usual one where none is configured.
    pub port: u16,
    pub datastore: Box<str>,
    /// Empty for the root namespace.
    pub namespace: Box<str>,
    /// User or token, as the backup server names it.
    pub username: Box<str>,
    /// Of the server's certificate, empty where it is trusted by its chain.
    pub fingerprint: Box<str>,
}

impl BackupServer {
    const PORT: u16 = 8007;
}

async fn fetch_of_node(
    asked: Asked<'_, Vec<NodeStorage>>,
) -> Result<Fetched<Vec<NodeStorage>>, CallError> {
    let session = asked.session;
    let request = Request::of(&NODE_STORAGES_CALL).node(asked.node());
    let answer = session.get(request).await?;
    let storages = session
        .read(&answer, &NODE_STORAGES_CALL, parse_of_node)
        .await?;
    // `local` is there even where nobody has configured a storage.
    if storages.is_empty() {
        return Err(session.nothing_visible(&answer, &NODE_STORAGES_CALL, AUDIT));
    }
    Ok(Fetched::whole(storages))
}

async fn fetch(asked: Asked<'_, Storages>) -> Result<Fetched<Storages>, CallError> {
    let session = asked.session;
    let answer = session.get(Request::of(&STORAGES_CALL)).await?;
    let storages = session.read(&answer, &STORAGES_CALL, parse).await?;
    if storages.is_empty() {
        return Err(session.nothing_visible(&answer, &STORAGES_CALL, AUDIT));
    }
    let permissions = session.permissions().await;
    let are_all = permissions.map(|rights| rights.has_on_all_below(SEES, AUDIT.path));
    Ok(Fetched::whole(Storages { storages, are_all }))
}

/// Reads `/nodes/{node}/storage`, sorted by name.
pub fn parse_of_node(text: &str) -> Result<Vec<NodeStorage>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        storage: Text<'a>,
        shared: Number,
        enabled: Number,
        active: Number,
        total: Number,
        used: Number,
        avail: Number,
    }

    let mut storages: Vec<NodeStorage> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter(|row| row.storage.known().is_some())
        .map(|row| {
            let active = row.active.flag();
            let size = row.total.quantity().filter(|size| *size > 0.0);
            NodeStorage {
                storage: row.storage.to_boxed(),
                shared: row.shared.flag() == Some(true),
                enabled: row.enabled.flag(),
                active,
                space: size.filter(|_| active == Some(true)).map(|size| Space {
                    size,
                    used: row.used.quantity(),
                    available: row.avail.quantity(),
                }),
            }
        })
        .collect();
    storages.sort_by(|a, b| a.storage.cmp(&b.storage));
    storages.dedup_by(|a, b| a.storage == b.storage);
    Ok(storages)
}

/// Reads `/storage`, sorted by name.
pub fn parse(text: &str) -> Result<Vec<Storage>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        storage: Text<'a>,
        r#type: Text<'a>,
        content: Text<'a>,
        server: Text<'a>,
        port: Number,
        datastore: Text<'a>,
        namespace: Text<'a>,
        username: Text<'a>,
        fingerprint: Text<'a>,
    }

    let port = |number: Number| {
        let port = number.quantity().map(|port| port as u16);
        port.filter(|port| *port > 0).unwrap_or(BackupServer::PORT)
    };
    let mut storages: Vec<Storage> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter(|row| row.storage.known().is_some())
        .map(|row| Storage {
            storage: row.storage.to_boxed(),
            plugin_type: row.r#type.to_boxed(),
            takes_backups: row.content.as_str().split(',').any(|kind| kind == "backup"),
            backup_server: (row.r#type.as_str() == "pbs").then(|| BackupServer {
                server: row.server.to_boxed(),
                port: port(row.port),
                datastore: row.datastore.to_boxed(),
                namespace: row.namespace.to_boxed(),
                username: row.username.to_boxed(),
                fingerprint: row.fingerprint.to_boxed(),
            }),
        })
        .collect();
    storages.sort_by(|a, b| a.storage.cmp(&b.storage));
    storages.dedup_by(|a, b| a.storage == b.storage);
    Ok(storages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Product;
    use crate::remote::outcome::Outcome;
    use crate::remote::table::AnswerTable;
    use crate::source::{AnySource, AnyValue, Item, Known, Session};

    #[test]
    fn zeros_of_a_storage_that_is_not_active_are_no_size() {
        let text = r#"{"data":[
            {"storage":"nas","active":0,"enabled":1,"shared":1,"total":0,"used":0,"avail":0},
            {"storage":"stale","active":0,"total":10,"used":5,"avail":5},
            {"storage":"iscsi","active":1,"enabled":1,"total":0,"used":0,"avail":0},
            {"storage":"local","active":"1","enabled":1,"total":"10","used":null,"avail":4},
            {"storage":"local","active":0},{"active":1},null]}"#;
        let storages = parse_of_node(text).unwrap();
        let spaces: Vec<_> = storages
            .iter()
            .map(|storage| (&*storage.storage, storage.active, storage.space))
            .collect();
        let space = Space {
            size: 10.0,
            used: None,
            available: Some(4.0),
        };
        assert_eq!(
            spaces,
            [
                ("iscsi", Some(true), None),
                ("local", Some(true), Some(space)),
                ("nas", Some(false), None),
                ("stale", Some(false), None),
            ]
        );
    }

    struct Nothing;

    impl Known for Nothing {
        fn value(&self, _: &str, _: &Item) -> Option<AnyValue> {
            None
        }
    }

    #[tokio::test]
    async fn an_empty_list_is_a_lack_of_rights() {
        let answers = AnswerTable::new(Product::Pve, 0)
            .with("/storage", r#"{"data":[]}"#)
            .with("/nodes//storage", r#"{"data":[]}"#);
        let session = Session::new(answers, Product::Pve);
        let (of_cluster, of_node): (&dyn AnySource, &dyn AnySource) = (&STORAGES, &NODE_STORAGES);
        for source in [of_cluster, of_node] {
            let fetching = source.fetch(&session, &Item::Remote, None, &Nothing);
            let outcome = fetching.await.err().map(|error| error.outcome());
            assert_eq!(outcome, Some(Outcome::Forbidden), "{}", source.name());
        }
    }

    #[tokio::test]
    async fn whether_there_may_be_others_is_known_by_the_rights() {
        let are_all = async |rights: Option<&str>| {
            let mut answers = AnswerTable::new(Product::Pve, 0)
                .with("/storage", r#"{"data":[{"storage":"nas"}]}"#);
            if let Some(rights) = rights {
                answers = answers.with("/access/permissions", rights);
            }
            let session = Session::new(answers, Product::Pve);
            let fetched = STORAGES
                .fetch(&session, &Item::Remote, None, &Nothing)
                .await;
            let value = fetched.unwrap().value.downcast::<Storages>().unwrap();
            value.are_all
        };
        let everywhere = r#"{"data":{"/":{"Datastore.Audit":1}}}"#;
        let here = r#"{"data":{"/storage/nas":{"Datastore.Audit":1}}}"#;
        assert_eq!(are_all(Some(everywhere)).await, Some(true));
        assert_eq!(are_all(Some(here)).await, Some(false));
        assert_eq!(are_all(None).await, None);
    }

    #[test]
    fn a_backup_server_is_kept_as_it_is_configured() {
        let text = r#"{"data":[
            {"storage":"pbs","type":"pbs","server":"pbs.example.test","datastore":"main",
             "namespace":"lab/a","username":"pve@pbs!lab","fingerprint":"aa:bb","content":"backup"},
            {"storage":"old","type":"pbs","server":"10.0.0.9","port":"18007","datastore":"d"},
            {"storage":"nas","type":"nfs","server":"10.0.0.8"},{"type":"pbs"}]}"#;
        let storages = parse(text).unwrap();
        let take_backups: Vec<bool> = storages.iter().map(|one| one.takes_backups).collect();
        assert_eq!(take_backups, [false, false, true]);
        assert_eq!(storages[0].backup_server, None);
        let old = storages[1].backup_server.as_ref().unwrap();
        assert_eq!((&*old.namespace, old.port), ("", 18007));
        assert_eq!(
            storages[2].backup_server,
            Some(BackupServer {
                server: "pbs.example.test".into(),
                port: 8007,
                datastore: "main".into(),
                namespace: "lab/a".into(),
                username: "pve@pbs!lab".into(),
                fingerprint: "aa:bb".into(),
            })
        );
    }
}
