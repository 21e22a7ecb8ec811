//! Task lists of both products, and the ledger that counts each ended task once.
//!
//! Both products list running tasks first and then the ended ones, the latest end first. So a list
//! is read from its top until the ends are older than the last one that was counted: a task is then
//! found however long it ran, which a question by `since` does not do, as that is about the start.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::json::{self, Number, Rows, Text, Unreadable};
use super::{ApiCall, Request, Session};
use crate::remote::error::CallError;
use crate::remote::upid::Upid;

/// Tasks that end at the same time reach the list in any order, and some seconds late.
const OVERLAP_SECONDS: f64 = 600.0;

/// Entries asked for, page by page. The first is enough for a quiet minute; all of them together
/// are the most that is caught up with.
const PAGES: [usize; 5] = [50, 500, 500, 500, 500];

/// Types are a closed set on every server, so more than these come from something broken.
const MOST_TYPES: usize = 64;

/// The type of those that are too many, or whose name is none.
pub const OTHER_TYPE: &str = "other";

/// A row of a task list.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub upid: Upid,
    /// `None` while it runs.
    pub ended: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// Unix seconds.
    pub at: f64,
    pub result: TaskResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskResult {
    Ok,
    Warnings,
    Error,
    /// The task's process vanished.
    Unknown,
}

impl TaskResult {
    /// Reads the status of an ended task: `OK`, `WARNINGS: 2`, or what went wrong.
    fn parse(status: &str) -> Self {
        match status.trim() {
            "OK" => Self::Ok,
            "" | "unknown" | "unexpected status" => Self::Unknown,
            status if status.starts_with("WARNINGS: ") => Self::Warnings,
            _ => Self::Error,
        }
    }

    pub const fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Warnings)
    }
}

/// What is known of the tasks of one node or backup server.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The latest end that was seen, Unix seconds of the server.
    cursor: f64,
    /// Ended tasks that a list can still bring again, by their end.
    seen: BTreeMap<String, f64>,
    /// Those that ran when last listed.
    running: BTreeMap<String, Running>,
    pub types: BTreeMap<String, Tally>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Running {
    start: i64,
    /// When it was first neither among the running nor among the ended.
    missing_since: Option<f64>,
}

/// What is known of the tasks of one type.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub ok: u64,
    pub warnings: u64,
    pub error: u64,
    pub unknown: u64,
    /// Unix seconds.
    pub last_success: Option<f64>,
    pub last_failure: Option<f64>,
    /// The one that ended last.
    pub last: Option<Span>,
    /// Of those that run now.
    #[serde(skip)]
    pub running: u64,
    /// Start of the one that has run longest, Unix seconds.
    #[serde(skip)]
    pub oldest_start: Option<i64>,
}

/// From when to when a task ran.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    start: f64,
    end: f64,
}

impl Span {
    /// In seconds.
    pub fn duration(self) -> f64 {
        (self.end - self.start).max(0.0)
    }
}

impl Tally {
    fn count(&mut self, result: TaskResult) {
        let counter = match result {
            TaskResult::Ok => &mut self.ok,
            TaskResult::Warnings => &mut self.warnings,
            TaskResult::Error => &mut self.error,
            TaskResult::Unknown => &mut self.unknown,
        };
        *counter += 1;
    }

    fn remember(&mut self, start: i64, end: End) {
        if self.last.is_none_or(|last| last.end <= end.at) {
            self.last = Some(Span {
                start: start as f64,
                end: end.at,
            });
        }
        let last = if end.result.is_success() {
            &mut self.last_success
        } else {
            &mut self.last_failure
        };
        *last = Some(last.map_or(end.at, |last| last.max(end.at)));
    }
}

/// The ledger with what the latest list brought, and the ended tasks that were not known before.
pub struct Listed {
    pub ledger: Ledger,
    pub newly_ended: Vec<Task>,
}

/// Reads the list of a node or server from its top, as far as it is new. `request` makes the
/// request for it, to which a page's parameters are added.
pub async fn list<'a>(
    session: &Session,
    call: &'static ApiCall,
    request: impl Fn() -> Request<'a> + Send,
    previous: Option<&Ledger>,
) -> Result<Listed, CallError> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut start = 0;
    let mut now = 0.0;
    for limit in PAGES {
        let mut request = request().with("limit", limit.to_string());
        if start > 0 {
            request = request.with("start", start.to_string());
        }
        let answer = session.get(request).await?;
        if start == 0 {
            now = answer.unix_time();
        }
        let page = session.read(&answer, call, parse).await?;
        let is_last = page.rows < limit || page.reaches(horizon(previous, now));
        tasks.extend(page.tasks);
        start += limit;
        if is_last {
            break;
        }
    }
    Ok(Ledger::with(previous, tasks, now))
}

fn horizon(previous: Option<&Ledger>, now: f64) -> f64 {
    previous.map_or(now, |ledger| ledger.cursor) - OVERLAP_SECONDS
}

impl Ledger {
    /// Enters a list. Without a previous ledger nothing is counted: what ended before is only
    /// marked as seen.
    fn with(previous: Option<&Self>, tasks: Vec<Task>, now: f64) -> Listed {
        let horizon = horizon(previous, now);
        let counts = previous.is_some();
        let mut ledger = previous.cloned().unwrap_or_default();
        let mut newly_ended = Vec::new();
        let mut still_running = BTreeMap::new();

        for task in tasks {
            let text = task.upid.to_string();
            let Some(end) = task.ended else {
                let running = Running {
                    start: task.upid.start_time,
                    missing_since: None,
                };
                still_running.insert(text, running);
                continue;
            };
            let ran = ledger.running.remove(&text).is_some();
            let is_recent = end.at >= horizon;
            let tally = ledger.tally(&task.upid.task_type);
            tally.remember(task.upid.start_time, end);
            if ledger.seen.contains_key(&text) || !(ran || is_recent || !counts) {
                continue;
            }
            if counts {
                ledger.tally(&task.upid.task_type).count(end.result);
            }
            ledger.cursor = ledger.cursor.max(end.at.min(now));
            ledger.seen.insert(text, end.at);
            newly_ended.push(task);
        }
        if !counts && ledger.cursor == 0.0 {
            ledger.cursor = now;
        }
        ledger.follow_running(still_running, now);
        let oldest = ledger.cursor - OVERLAP_SECONDS;
        ledger.seen.retain(|_, end| *end >= oldest);
        Listed {
            ledger,
            newly_ended,
        }
    }

    /// Takes over which tasks run. One that vanished is waited for: the two halves of a list are
    /// not read at one moment. If it does not come, nobody knows how it ended.
    fn follow_running(&mut self, mut listed: BTreeMap<String, Running>, now: f64) {
        listed.retain(|upid, _| !self.seen.contains_key(upid));
        for (upid, mut before) in std::mem::take(&mut self.running) {
            if listed.contains_key(&upid) {
                continue;
            }
            let since = *before.missing_since.get_or_insert(now);
            if now - since <= OVERLAP_SECONDS {
                listed.insert(upid, before);
            } else {
                self.tally(&type_of(&upid)).count(TaskResult::Unknown);
                self.seen.insert(upid, now);
            }
        }
        self.running = listed;
        self.tally_running();
    }

    fn tally_running(&mut self) {
        for tally in self.types.values_mut() {
            tally.running = 0;
            tally.oldest_start = None;
        }
        let listed = self.running.iter();
        let present: Vec<(String, i64)> = listed
            .filter(|(_, running)| running.missing_since.is_none())
            .map(|(upid, running)| (type_of(upid), running.start))
            .collect();
        for (task_type, start) in present {
            let tally = self.tally(&task_type);
            tally.running += 1;
            tally.oldest_start = Some(tally.oldest_start.map_or(start, |old| old.min(start)));
        }
    }

    fn tally(&mut self, task_type: &str) -> &mut Tally {
        let has_room = self.types.contains_key(task_type) || self.types.len() < MOST_TYPES;
        let name = if has_room && is_type(task_type) {
            task_type
        } else {
            OTHER_TYPE
        };
        self.types.entry(name.to_owned()).or_default()
    }

    pub fn save(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn load(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

fn type_of(upid: &str) -> String {
    upid.parse::<Upid>()
        .map_or_else(|_| OTHER_TYPE.to_owned(), |upid| upid.task_type.into())
}

fn is_type(text: &str) -> bool {
    let is_usual =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    text.len() <= 40 && text.bytes().all(is_usual)
}

/// A page of a task list.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// With those that could not be read.
    rows: usize,
    pub tasks: Vec<Task>,
}

impl Page {
    /// Whether a task that ended before this is on the page.
    fn reaches(&self, time: f64) -> bool {
        let mut ends = self.tasks.iter().filter_map(|task| task.ended);
        ends.any(|end| end.at < time)
    }
}

/// Reads `/nodes/{node}/tasks` of either product. PVE calls the status of a running task `RUNNING`,
/// PBS gives it none.
pub fn parse(text: &str) -> Result<Page, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        upid: Text<'a>,
        endtime: Number,
        status: Text<'a>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut known = HashSet::new();
    let mut tasks: Vec<Task> = rows
        .iter()
        .filter_map(|row| {
            let end = row.endtime.quantity().filter(|end| *end > 0.0);
            Some(Task {
                upid: row.upid.as_str().parse().ok()?,
                ended: end.map(|at| End {
                    at,
                    result: TaskResult::parse(row.status.as_str()),
                }),
            })
        })
        .collect();
    // Who has just ended may stand among the running as well.
    tasks.sort_by_key(|task| task.ended.is_none());
    tasks.retain(|task| known.insert(task.upid.clone()));
    Ok(Page {
        rows: rows.len(),
        tasks,
    })
}

#[cfg(test)]
#[path = "tasks_tests.rs"]
mod tests;
