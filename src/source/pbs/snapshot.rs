//! The snapshots of each backup group: `/admin/datastore/{store}/snapshots`.
//!
//! The server opens every manifest that it tells of, so a group is asked about only when the list
//! of groups shows that it has changed. What that list cannot show (a verification, a protection)
//! is learned once a day.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::group::{self, Group, GroupId, Groups};
use crate::remote::error::CallError;
use crate::remote::upid::Upid;
use crate::source::json::{self, List, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Coverage, Fetched, Request, Scope, Session, Source};

pub static SNAPSHOTS_CALL: ApiCall =
    ApiCall::get("/admin/datastore/{store}/snapshots").filtered_by(group::AUDIT);

pub static SNAPSHOTS: Source<Snapshots> = Source::new(
    "pbs_snapshots",
    Scope::EachDatastore,
    &[
        &SNAPSHOTS_CALL,
        &group::NAMESPACES_CALL,
        &group::GROUPS_CALL,
    ],
    |asked| Box::pin(fetch(asked)),
);

/// How long what is known of an unchanged group is believed.
const LOOKS_LAST: Duration = Duration::from_secs(24 * 60 * 60);

/// Groups that one attempt asks about; the others have their turn in the next ones.
const GROUPS_AT_ONCE: usize = 200;

/// So many calls without any answer end an attempt.
const SILENCES_AT_MOST: usize = 3;

#[derive(Debug, Default, Clone)]
pub struct Snapshots {
    /// By id.
    pub groups: Vec<Arc<GroupSnapshots>>,
}

/// The snapshots of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSnapshots {
    pub id: GroupId,
    /// The newest of those that are finished.
    pub newest: Option<Snapshot>,
    /// When those that are finished were begun, oldest first; Unix seconds.
    pub times: Vec<f64>,
    /// Bytes of all archives before deduplication; `None` where no snapshot tells its size.
    pub size: Option<f64>,
    /// Of those that are finished.
    pub verified: usize,
    pub failed: usize,
    pub never_verified: usize,
    pub encrypted: usize,
    pub protected: usize,
    pub unfinished: usize,
    seen: Seen,
    asked_at: Instant,
}

/// What the list of groups told of a group. A backup that ends changes neither count nor time, but
/// `last_backup`.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    count: Option<f64>,
    newest: Option<f64>,
    last_backup: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verification {
    /// Never verified.
    #[default]
    Never,
    Ok,
    Failed,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// When it was begun; Unix seconds.
    pub time: f64,
    /// Bytes of its archives before deduplication.
    pub size: Option<f64>,
    pub verification: Verification,
    /// When the task that verified it was begun; Unix seconds.
    pub verified_at: Option<f64>,
    /// Whether an archive is encrypted, not only signed.
    pub encrypted: bool,
    pub protected: bool,
    /// Whether it has a manifest.
    pub finished: bool,
}

async fn fetch(asked: Asked<'_, Snapshots>) -> Result<Fetched<Snapshots>, CallError> {
    let store = asked.item.name();
    let (groups, mut problems) = match asked.value(&group::GROUPS, asked.item) {
        Some(groups) => (groups, Vec::new()),
        None => {
            let fetched = group::ask(asked.session, store).await?;
            (Arc::new(fetched.value), fetched.problems)
        }
    };
    let mut known = still_there(asked.previous.as_deref(), &groups);
    let mut silences = 0;
    for group in turns(&groups, &known) {
        match ask(asked.session, store, &group.id).await {
            Ok(snapshots) => {
                let summary = GroupSnapshots::of(group, &snapshots);
                known.insert(&group.id, Arc::new(summary));
            }
            Err(error) => {
                silences += usize::from(!error.is_answered());
                problems.push(error);
            }
        }
        if silences >= SILENCES_AT_MOST {
            break;
        }
    }
    if known.is_empty()
        && let Some(error) = problems.pop()
    {
        return Err(error);
    }
    let (answered, expected) = (known.len(), groups.groups.len());
    let mut groups: Vec<_> = known.into_values().collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Fetched {
        value: Snapshots { groups },
        problems,
        coverage: (answered < expected).then_some(Coverage { answered, expected }),
    })
}

type ByGroup<'g> = HashMap<&'g GroupId, Arc<GroupSnapshots>>;

/// What was known before of the groups that there still are.
fn still_there<'g>(previous: Option<&Snapshots>, groups: &'g Groups) -> ByGroup<'g> {
    let previous = previous.into_iter().flat_map(|previous| &previous.groups);
    previous
        .filter_map(|known| Some((&groups.group(&known.id)?.id, Arc::clone(known))))
        .collect()
}

/// The groups to ask about now, those of which nothing is known before those that have changed
/// before those that were not looked at for long.
fn turns<'g>(groups: &'g Groups, known: &ByGroup<'_>) -> Vec<&'g Group> {
    let mut due: Vec<_> = groups
        .groups
        .iter()
        .filter_map(|group| match known.get(&group.id) {
            None => Some((0, None, group)),
            Some(known) if known.seen != Seen::of(group) => Some((1, None, group)),
            Some(known) if known.asked_at.elapsed() >= LOOKS_LAST => {
                Some((2, Some(known.asked_at), group))
            }
            Some(_) => None,
        })
        .collect();
    due.sort_by_key(|(urgency, asked_at, _)| (*urgency, *asked_at));
    due.truncate(GROUPS_AT_ONCE);
    due.into_iter().map(|(_, _, group)| group).collect()
}

impl Seen {
    fn of(group: &Group) -> Self {
        Self {
            count: group.count,
            newest: group.newest,
            last_backup: group.last_backup,
        }
    }
}

impl GroupSnapshots {
    fn of(group: &Group, snapshots: &[Snapshot]) -> Self {
        let finished: Vec<&Snapshot> = snapshots.iter().filter(|one| one.finished).collect();
        let with = |verification| {
            let those = finished.iter();
            those.filter(|one| one.verification == verification).count()
        };
        let sizes = finished.iter().filter_map(|one| one.size);
        Self {
            id: group.id.clone(),
            // They are sorted by time.
            newest: finished.last().map(|one| (*one).clone()),
            times: finished.iter().map(|one| one.time).collect(),
            size: sizes.reduce(|sum, size| sum + size),
            verified: with(Verification::Ok),
            failed: with(Verification::Failed),
            never_verified: with(Verification::Never),
            encrypted: finished.iter().filter(|one| one.encrypted).count(),
            protected: finished.iter().filter(|one| one.protected).count(),
            unfinished: snapshots.len() - finished.len(),
            seen: Seen::of(group),
            asked_at: Instant::now(),
        }
    }
}

/// Asks for the snapshots of one group.
pub(super) async fn ask(
    session: &Session,
    store: &str,
    group: &GroupId,
) -> Result<Vec<Snapshot>, CallError> {
    let request = Request::of(&SNAPSHOTS_CALL)
        .fill("store", store)
        .with("ns", &*group.namespace)
        .with("backup-type", &*group.backup_type)
        .with("backup-id", &*group.backup_id);
    let answer = session.get(request).await?;
    session.read(&answer, &SNAPSHOTS_CALL, parse).await
}

/// When the newest finished one was begun.
pub(super) fn newest_finished(snapshots: &[Snapshot]) -> Option<f64> {
    let newest = snapshots.iter().rfind(|one| one.finished)?;
    Some(newest.time)
}

/// Reads `/admin/datastore/{store}/snapshots`, where verification, size and comment are missing
/// from what has no manifest. Sorted by time; the answer is in the order of the directory.
pub fn parse(text: &str) -> Result<Vec<Snapshot>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        backup_time: Number,
        size: Number,
        protected: Number,
        #[serde(borrow)]
        verification: Object<VerificationRow<'a>>,
        files: Option<List<Object<File<'a>>>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct VerificationRow<'a> {
        #[serde(borrow)]
        state: Text<'a>,
        upid: Text<'a>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct File<'a> {
        #[serde(borrow)]
        filename: Text<'a>,
        crypt_mode: Text<'a>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut snapshots: Vec<Snapshot> = rows
        .iter()
        .filter_map(|row| {
            let files = || {
                let files = row.files.iter().flat_map(|files| &files.0);
                files.map(|Object(file)| file)
            };
            let Object(verification) = &row.verification;
            let task: Option<Upid> = verification.upid.as_str().parse().ok();
            Some(Snapshot {
                time: row.backup_time.quantity().filter(|time| *time > 0.0)?,
                size: row.size.quantity(),
                verification: match verification.state.as_str() {
                    "ok" => Verification::Ok,
                    "failed" => Verification::Failed,
                    _ => Verification::Never,
                },
                verified_at: task.map(|task| task.start_time as f64),
                encrypted: files().any(|file| file.crypt_mode.as_str() == "encrypt"),
                protected: row.protected.flag().unwrap_or(false),
                finished: files().any(|file| file.filename.as_str() == group::MANIFEST),
            })
        })
        .collect();
    snapshots.sort_by(|a, b| a.time.total_cmp(&b.time));
    snapshots.dedup_by(|a, b| a.time == b.time);
    Ok(snapshots)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
