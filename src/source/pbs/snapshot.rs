//! The snapshots of each backup group: `/admin/datastore/{store}/snapshots`.
//!
//! The server opens every manifest that it tells of, so a group is asked about only when the list
//! of groups shows that it has changed. What that list cannot show is learned once a day; that a
//! snapshot was verified, when a verification job has ended, and an hour after a backup, for servers
//! that verify each new one.
//!
//! Where somebody waits, a namespace of which much is to be learned is asked for as a whole.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::group::{self, Group, GroupId, Groups};
use super::job::{self, JobType};
use crate::remote::error::CallError;
use crate::remote::upid::Upid;
use crate::source::json::{self, List, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Coverage, Fetched, Item, Request, Scope, Session, Source};

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

/// When a group whose newest snapshot is not verified is looked at once more after it has changed.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(60 * 60);

/// The first where somebody waits: of such a server nothing is asked in the background, and a
/// verification shows only this way.
const LOOKS_LAST_WAITED_FOR: Duration = Duration::from_secs(10 * 60);

/// Groups that one attempt in the background asks about; the others have their turn in the next
/// ones.
const GROUPS_AT_ONCE: usize = 200;

/// Where somebody waits, more groups than this in one namespace are one call.
const GROUPS_ALONE: usize = 4;

/// So many calls without any answer end an attempt.
const SILENCES_AT_MOST: usize = 3;

#[derive(Debug, Default, Clone)]
pub struct Snapshots {
    /// By id.
    pub groups: Vec<Arc<GroupSnapshots>>,
    /// Those whose groups were listed, by name.
    pub namespaces: Vec<Namespace>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Empty for the root.
    pub name: Box<str>,
    /// Whether something is known of each of its groups.
    pub complete: bool,
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
    /// When the last verification job had ended by then; Unix seconds.
    verification: Option<f64>,
    /// Whether it was looked at again after it had changed.
    seen_twice: bool,
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
    /// The first line of its notes, which PVE makes the name of the guest; empty without.
    pub comment: Box<str>,
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
    let verification = asked
        .value(&job::JOBS, &Item::Remote)
        .and_then(|jobs| last_verification(&jobs, store));
    let mut known = still_there(asked.previous.as_deref(), &groups);
    let mut silences = 0;
    for turn in turns(&groups, &known, verification, asked.session) {
        let answered = match &turn[..] {
            [group] => ask(asked.session, store, &group.id)
                .await
                .map(|snapshots| vec![(group.id.clone(), snapshots)]),
            [group, ..] => ask_namespace(asked.session, store, &group.id.namespace).await,
            [] => continue,
        };
        match answered {
            Ok(by_group) => {
                let by_group: HashMap<GroupId, Vec<Snapshot>> = by_group.into_iter().collect();
                for group in turn {
                    let snapshots = by_group.get(&group.id).map_or(&[][..], Vec::as_slice);
                    let before = known.get(&group.id).map(|known| &known.seen);
                    let seen_twice = before == Some(&Seen::of(group));
                    let summary = GroupSnapshots {
                        verification,
                        seen_twice,
                        ..GroupSnapshots::of(group, snapshots)
                    };
                    known.insert(&group.id, Arc::new(summary));
                }
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
    let namespaces = namespaces(&groups, &known);
    let (answered, expected) = (known.len(), groups.groups.len());
    let mut groups: Vec<_> = known.into_values().collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Fetched {
        value: Snapshots { groups, namespaces },
        problems,
        coverage: (answered < expected).then_some(Coverage { answered, expected }),
    })
}

/// When the last verification job of a datastore ended.
fn last_verification(jobs: &job::Jobs, store: &str) -> Option<f64> {
    let jobs = jobs.jobs.iter();
    jobs.filter(|job| job.job_type == JobType::Verify && &*job.store == store)
        .filter_map(|job| job.ended)
        .reduce(f64::max)
}

fn namespaces(groups: &Groups, known: &ByGroup<'_>) -> Vec<Namespace> {
    let unknown = groups.groups.iter().map(|group| &group.id);
    let incomplete: HashSet<&str> = unknown
        .filter(|id| !known.contains_key(id))
        .map(|id| &*id.namespace)
        .collect();
    let names = groups.namespaces.iter();
    names
        .map(|name| Namespace {
            name: name.clone(),
            complete: !incomplete.contains(&**name),
        })
        .collect()
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
/// before those that were not looked at for long; together where one call is to tell of several.
fn turns<'g>(
    groups: &'g Groups,
    known: &ByGroup<'_>,
    verification: Option<f64>,
    session: &Session,
) -> Vec<Vec<&'g Group>> {
    let looks_last = if session.is_background() {
        LOOKS_LAST
    } else {
        LOOKS_LAST_WAITED_FOR
    };
    let mut due: Vec<_> = groups
        .groups
        .iter()
        .filter_map(|group| match known.get(&group.id) {
            None => Some((0, None, group)),
            Some(known) if known.has_changed(group, verification) => Some((1, None, group)),
            Some(known) if known.asked_at.elapsed() >= looks_last => {
                Some((2, Some(known.asked_at), group))
            }
            Some(_) => None,
        })
        .collect();
    if session.is_background() {
        due.sort_by_key(|(urgency, asked_at, _)| (*urgency, *asked_at));
        due.truncate(GROUPS_AT_ONCE);
        return due.into_iter().map(|(_, _, group)| vec![group]).collect();
    }
    // They are sorted by namespace.
    let due: Vec<&Group> = due.into_iter().map(|(_, _, group)| group).collect();
    let mut turns = Vec::new();
    for of_namespace in due.chunk_by(|a, b| a.id.namespace == b.id.namespace) {
        if of_namespace.len() > GROUPS_ALONE {
            turns.push(of_namespace.to_vec());
        } else {
            turns.extend(of_namespace.iter().map(|group| vec![*group]));
        }
    }
    turns
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
    /// Whether there may be more to know of the group than is.
    fn has_changed(&self, group: &Group, verification: Option<f64>) -> bool {
        let is_new = |newest: &Snapshot| newest.verification == Verification::Never;
        let may_be_verified = (self.never_verified > 0 && verification > self.verification)
            || (self.newest.as_ref().is_some_and(is_new)
                && !self.seen_twice
                && self.asked_at.elapsed() >= SECOND_LOOK_AFTER);
        self.seen != Seen::of(group) || may_be_verified
    }

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
            verification: None,
            seen_twice: false,
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

/// Asks for the snapshots of all groups of one namespace.
async fn ask_namespace(
    session: &Session,
    store: &str,
    namespace: &str,
) -> Result<Vec<(GroupId, Vec<Snapshot>)>, CallError> {
    let request = Request::of(&SNAPSHOTS_CALL)
        .fill("store", store)
        .with("ns", namespace);
    let answer = session.get(request).await?;
    let mut groups = session.read(&answer, &SNAPSHOTS_CALL, parse_groups).await?;
    for (id, _) in &mut groups {
        id.namespace = Box::from(namespace);
    }
    Ok(groups)
}

/// When the newest finished one was begun.
pub(super) fn newest_finished(snapshots: &[Snapshot]) -> Option<f64> {
    let newest = snapshots.iter().rfind(|one| one.finished)?;
    Some(newest.time)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Row<'a> {
    #[serde(borrow)]
    backup_type: Text<'a>,
    backup_id: Text<'a>,
    backup_time: Number,
    comment: Text<'a>,
    size: Number,
    protected: Number,
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

impl Row<'_> {
    /// Verification, size and comment are missing from what has no manifest.
    fn snapshot(&self) -> Option<Snapshot> {
        let files = || {
            let files = self.files.iter().flat_map(|files| &files.0);
            files.map(|Object(file)| file)
        };
        let Object(verification) = &self.verification;
        let task: Option<Upid> = verification.upid.as_str().parse().ok();
        Some(Snapshot {
            time: self.backup_time.quantity().filter(|time| *time > 0.0)?,
            comment: self.comment.to_boxed(),
            size: self.size.quantity(),
            verification: match verification.state.as_str() {
                "ok" => Verification::Ok,
                "failed" => Verification::Failed,
                _ => Verification::Never,
            },
            verified_at: task.map(|task| task.start_time as f64),
            encrypted: files().any(|file| file.crypt_mode.as_str() == "encrypt"),
            protected: self.protected.flag().unwrap_or(false),
            finished: files().any(|file| file.filename.as_str() == group::MANIFEST),
        })
    }
}

/// By time, each once; answers are in the order of the directory.
fn sorted(mut snapshots: Vec<Snapshot>) -> Vec<Snapshot> {
    snapshots.sort_by(|a, b| a.time.total_cmp(&b.time));
    snapshots.dedup_by(|a, b| a.time == b.time);
    snapshots
}

/// Reads `/admin/datastore/{store}/snapshots` of one group. Sorted by time.
pub fn parse(text: &str) -> Result<Vec<Snapshot>, Unreadable> {
    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    Ok(sorted(rows.iter().filter_map(Row::snapshot).collect()))
}

/// Reads `/admin/datastore/{store}/snapshots` of a namespace, which it does not name. Each group
/// once, its snapshots sorted by time.
pub fn parse_groups(text: &str) -> Result<Vec<(GroupId, Vec<Snapshot>)>, Unreadable> {
    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut groups: HashMap<(&str, &str), Vec<Snapshot>> = HashMap::new();
    for row in rows.iter() {
        if let (Some(backup_type), Some(backup_id), Some(snapshot)) = (
            row.backup_type.known(),
            row.backup_id.known(),
            row.snapshot(),
        ) {
            let group = groups.entry((backup_type, backup_id)).or_default();
            group.push(snapshot);
        }
    }
    let by_id = groups
        .into_iter()
        .map(|((backup_type, backup_id), snapshots)| {
            let id = GroupId {
                namespace: Box::default(),
                backup_type: Box::from(backup_type),
                backup_id: Box::from(backup_id),
            };
            (id, sorted(snapshots))
        });
    Ok(by_id.collect())
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
