//! The tasks of a node, `/nodes/{node}/tasks`, and the last backup of each guest from the logs of
//! the backup tasks among them, `/nodes/{node}/tasks/{upid}/log`.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::backup_log::{self, GuestBackup};
use crate::remote::error::CallError;
use crate::source::tasks::{self, Ledger, Listed};
use crate::source::topology::{GuestPlace, Topology};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Open to every token; without the right it sees only its own tasks.
pub static TASKS_CALL: ApiCall = ApiCall::get("/nodes/{node}/tasks")
    .filtered_by(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static TASK_LOG_CALL: ApiCall = ApiCall::get("/nodes/{node}/tasks/{upid}/log")
    .needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static TASKS: Source<NodeTasks> = Source::new(
    "pve_tasks",
    Scope::EachNode,
    &[&TASKS_CALL, &TASK_LOG_CALL],
    |asked| Box::pin(fetch(asked)),
)
.kept(NodeTasks::save, NodeTasks::load);

/// Lines of a log that are read: a job for some hundred guests has fewer.
const LOG_LINES: usize = 50_000;
/// Logs that are read at one time.
const LOGS_AT_ONCE: usize = 3;
/// Logs that may wait, the latest.
const MOST_UNREAD_LOGS: usize = 100;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeTasks {
    pub ledger: Ledger,
    /// The last backup that a task of this node made of a guest, by its id, `qemu/100`.
    pub backups: BTreeMap<String, GuestBackup>,
    /// Ended backup tasks whose log has not been read, with their end.
    unread_logs: Vec<(String, f64)>,
}

async fn fetch(asked: Asked<'_, NodeTasks>) -> Result<Fetched<NodeTasks>, CallError> {
    let request = || {
        Request::of(&TASKS_CALL)
            .node(asked.node())
            .with("source", "all")
    };
    let previous = asked.previous.as_deref();
    let ledger = previous.map(|tasks| &tasks.ledger);
    let listed = tasks::list(asked.session, &TASKS_CALL, request, ledger).await?;
    let mut tasks = NodeTasks::with(previous, listed);
    let problems = tasks.read_logs(&asked).await;
    tasks.forget_gone_guests(&asked.session.topology());
    Ok(Fetched::with_problems(tasks, problems))
}

impl NodeTasks {
    fn with(previous: Option<&Self>, listed: Listed) -> Self {
        let mut tasks = previous.cloned().unwrap_or_default();
        tasks.ledger = listed.ledger;
        let backups = listed.newly_ended.iter().filter_map(|task| {
            let end = task.ended?;
            (&*task.upid.task_type == "vzdump").then(|| (task.upid.to_string(), end.at))
        });
        tasks.unread_logs.extend(backups);
        tasks.unread_logs.sort_by(|a, b| b.1.total_cmp(&a.1));
        tasks.unread_logs.truncate(MOST_UNREAD_LOGS);
        tasks
    }

    /// Reads the latest logs. One that was not to be had is asked for again, unless the node itself
    /// says that it has none.
    async fn read_logs(&mut self, asked: &Asked<'_, Self>) -> Vec<CallError> {
        let later = self
            .unread_logs
            .split_off(LOGS_AT_ONCE.min(self.unread_logs.len()));
        let mut again = Vec::new();
        let mut problems = Vec::new();
        for (upid, end) in std::mem::take(&mut self.unread_logs) {
            match read_log(asked, &upid, end).await {
                Ok(backups) => self.enter(backups),
                Err(error) => {
                    if !error.is_answered() {
                        again.push((upid, end));
                    }
                    problems.push(error);
                }
            }
        }
        again.extend(later);
        self.unread_logs = again;
        problems
    }

    fn enter(&mut self, backups: Vec<GuestBackup>) {
        for backup in backups {
            let id = backup.guest.clone();
            let known = self.backups.remove(&id);
            self.backups.insert(id, backup.after(known));
        }
    }

    fn forget_gone_guests(&mut self, topology: &Topology) {
        if !topology.guests.is_empty() {
            let guests = topology.guests.iter().map(GuestPlace::item);
            let ids: HashSet<String> = guests.map(|guest| guest.to_string()).collect();
            self.backups.retain(|guest, _| ids.contains(guest));
        }
    }

    fn save(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn load(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

async fn read_log(
    asked: &Asked<'_, NodeTasks>,
    upid: &str,
    end: f64,
) -> Result<Vec<GuestBackup>, CallError> {
    let request = Request::of(&TASK_LOG_CALL)
        .node(asked.node())
        .fill("upid", upid)
        .with("limit", LOG_LINES.to_string());
    let answer = asked.session.get(request).await?;
    let log = asked
        .session
        .read(&answer, &TASK_LOG_CALL, backup_log::parse)
        .await?;
    Ok(log.backups(end))
}
