//! The backup groups of a datastore: `/admin/datastore/{store}/groups` for each namespace that
//! `/admin/datastore/{store}/namespace` tells.
//!
//! `last-backup` is the time of the newest snapshot, finished or not: of a backup that runs or was
//! broken off it is no backup at all. A group whose newest snapshot has no manifest is looked up
//! in its snapshots.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::snapshot;
use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::json::{self, List, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// A right on any namespace of a datastore. The namespaces are filtered to those that the token
/// may see, and only those are asked about.
pub(super) const AUDIT: &[Privilege] = &[Privilege::new("Datastore.Audit", "/datastore/{store}")];

/// Every namespace at any depth; the root is the empty one.
pub static NAMESPACES_CALL: ApiCall =
    ApiCall::get("/admin/datastore/{store}/namespace").filtered_by(AUDIT);

/// Of one namespace, without those below it.
pub static GROUPS_CALL: ApiCall =
    ApiCall::get("/admin/datastore/{store}/groups").filtered_by(AUDIT);

pub static GROUPS: Source<Groups> = Source::new(
    "pbs_groups",
    Scope::EachDatastore,
    &[&NAMESPACES_CALL, &GROUPS_CALL, &snapshot::SNAPSHOTS_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// From here on the server lists directories; before, it opened every manifest, as for snapshots.
const CHEAP_SINCE: Version = Version::new(4, 0, 17);

/// How long the groups of a server before that are believed.
const DEAR_GROUPS_LAST: Duration = Duration::from_secs(60 * 60);

/// In the list of files only once a backup has finished.
pub(super) const MANIFEST: &str = "index.json.blob";

#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// By id.
    pub groups: Vec<Group>,
    /// Those that were read, by name, the root as the empty one; there may be others that the token does
    /// not see.
    pub namespaces: Vec<Box<str>>,
    asked_at: Instant,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// Empty for the root.
    pub namespace: Box<str>,
    /// `vm`, `ct` or `host`.
    pub backup_type: Box<str>,
    pub backup_id: Box<str>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Group {
    pub id: GroupId,
    /// User or token.
    pub owner: Box<str>,
    /// Number of snapshots, with unfinished ones.
    pub count: Option<f64>,
    /// When the newest snapshot was begun, finished or not; Unix seconds.
    pub newest: Option<f64>,
    /// Whether the newest snapshot is a backup that runs or was broken off.
    pub unfinished: bool,
    /// When the newest finished snapshot was begun; Unix seconds.
    pub last_backup: Option<f64>,
}

impl Groups {
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        let index = self.groups.binary_search_by(|group| group.id.cmp(id));
        self.groups.get(index.ok()?)
    }
}

async fn fetch(asked: Asked<'_, Groups>) -> Result<Fetched<Groups>, CallError> {
    let previous = asked.previous.as_deref();
    if let Some(previous) = previous
        && !asked.session.is_at_least(CHEAP_SINCE)
        && previous.asked_at.elapsed() < DEAR_GROUPS_LAST
    {
        return Ok(Fetched::whole(previous.clone()));
    }
    let store = asked.item.name();
    let mut fetched = ask(asked.session, store).await?;
    for group in fetched
        .value
        .groups
        .iter_mut()
        .filter(|group| group.unfinished)
    {
        let before = previous.and_then(|previous| previous.group(&group.id));
        match before {
            Some(before) if group.is_as(before) => group.last_backup = before.last_backup,
            _ => match snapshot::ask(asked.session, store, &group.id).await {
                Ok(snapshots) => group.last_backup = snapshot::newest_finished(&snapshots),
                Err(error) => fetched.problems.push(error),
            },
        }
    }
    Ok(fetched)
}

impl Group {
    /// Whether nothing was begun, finished or removed since.
    fn is_as(&self, before: &Self) -> bool {
        self.count == before.count
            && self.newest == before.newest
            && self.unfinished == before.unfinished
    }
}

/// Asks for the groups of all namespaces. A namespace that is not answered for is a problem, as
/// long as another is.
pub(super) async fn ask(session: &Session, store: &str) -> Result<Fetched<Groups>, CallError> {
    let asked_at = Instant::now();
    let mut groups = Vec::new();
    let mut namespaces = Vec::new();
    let mut problems = Vec::new();
    for namespace in ask_namespaces(session, store).await? {
        match ask_namespace(session, store, &namespace).await {
            Ok(found) => {
                groups.extend(found);
                namespaces.push(namespace);
            }
            Err(error) if error.is_answered() => problems.push(error),
            Err(error) => return Err(error),
        }
    }
    if namespaces.is_empty()
        && let Some(error) = problems.pop()
    {
        return Err(error);
    }
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups.dedup_by(|a, b| a.id == b.id);
    Ok(Fetched::with_problems(
        Groups {
            groups,
            namespaces,
            asked_at,
        },
        problems,
    ))
}

async fn ask_namespaces(session: &Session, store: &str) -> Result<Vec<Box<str>>, CallError> {
    let request = Request::of(&NAMESPACES_CALL).fill("store", store);
    let answer = session.get(request).await?;
    session
        .read(&answer, &NAMESPACES_CALL, parse_namespaces)
        .await
}

async fn ask_namespace(
    session: &Session,
    store: &str,
    namespace: &str,
) -> Result<Vec<Group>, CallError> {
    let request = Request::of(&GROUPS_CALL)
        .fill("store", store)
        .with("ns", namespace);
    let answer = session.get(request).await?;
    let mut groups = session.read(&answer, &GROUPS_CALL, parse).await?;
    for group in &mut groups {
        group.id.namespace = Box::from(namespace);
    }
    Ok(groups)
}

/// Reads `/admin/datastore/{store}/namespace`. The root has the empty name, so a row is told from
/// an odd one by the presence of the key.
pub fn parse_namespaces(text: &str) -> Result<Vec<Box<str>>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        ns: Option<Text<'a>>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut namespaces: Vec<Box<str>> = rows
        .iter()
        .filter_map(|row| Some(row.ns.as_ref()?.to_boxed()))
        .collect();
    namespaces.sort();
    namespaces.dedup();
    Ok(namespaces)
}

/// Reads `/admin/datastore/{store}/groups`, which does not name the namespace.
pub fn parse(text: &str) -> Result<Vec<Group>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        backup_type: Text<'a>,
        backup_id: Text<'a>,
        owner: Text<'a>,
        backup_count: Number,
        last_backup: Number,
        files: Option<List<Text<'a>>>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let groups = rows.iter().filter_map(|row| {
        let newest = row.last_backup.quantity().filter(|time| *time > 0.0);
        let unfinished = row
            .files
            .as_ref()
            .is_some_and(|files| files.0.iter().all(|file| file.as_str() != MANIFEST));
        Some(Group {
            id: GroupId {
                namespace: Box::default(),
                backup_type: Box::from(row.backup_type.known()?),
                backup_id: Box::from(row.backup_id.known()?),
            },
            owner: row.owner.to_boxed(),
            count: row.backup_count.quantity(),
            newest,
            unfinished,
            last_backup: newest.filter(|_| !unfinished),
        })
    });
    Ok(groups.collect())
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
