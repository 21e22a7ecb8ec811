//! The tasks of a node, `/nodes/{node}/tasks`, and the last backup of each guest from the logs of
//! the backup tasks among them, `/nodes/{node}/tasks/{upid}/log`.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::backup_log::{self, GuestBackup};
use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::tasks::{self, Ledger, Listed, Task};
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
/// Backup tasks that the first look asks for.
const EARLIER_BACKUPS: usize = 20;
/// The type of a backup task.
const BACKUP: &str = "vzdump";
/// How often a log is asked for that cannot be fetched.
const LOG_ATTEMPTS: u32 = 5;
/// Logs that may wait, the latest.
const MOST_UNREAD_LOGS: usize = 100;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeTasks {
    pub ledger: Ledger,
    /// The last backup that a task of this node made of a guest, by its id, `qemu/100`.
    pub backups: BTreeMap<String, GuestBackup>,
    /// Of ended backup tasks, the latest first.
    unread_logs: Vec<UnreadLog>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct UnreadLog {
    upid: String,
    /// When the task ended, Unix seconds.
    end: f64,
    attempts: u32,
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
    let mut problems = Vec::new();
    if previous.is_none() {
        // A busy node's list is full of newer tasks than the backups of the night.
        match earlier_backups(&asked).await {
            Ok(earlier) => tasks.await_logs(earlier.iter()),
            Err(error) => problems.push(error),
        }
    }
    problems.extend(tasks.read_logs(&asked).await);
    tasks.forget_gone_guests(&asked.session.topology());
    Ok(Fetched::with_problems(tasks, problems))
}

/// The backup tasks that ended last, however many others have ended since.
async fn earlier_backups(asked: &Asked<'_, NodeTasks>) -> Result<Vec<Task>, CallError> {
    let request = Request::of(&TASKS_CALL)
        .node(asked.node())
        .with("source", "archive")
        .with("typefilter", BACKUP)
        .with("limit", EARLIER_BACKUPS.to_string());
    let answer = asked.session.get(request).await?;
    let page = asked
        .session
        .read(&answer, &TASKS_CALL, tasks::parse)
        .await?;
    Ok(page.tasks)
}

impl NodeTasks {
    fn with(previous: Option<&Self>, listed: Listed) -> Self {
        let mut tasks = previous.cloned().unwrap_or_default();
        tasks.ledger = listed.ledger;
        tasks.await_logs(listed.newly_ended.iter());
        tasks
    }

    /// Adds the logs of the backup tasks among these that have ended.
    fn await_logs<'t>(&mut self, ended: impl Iterator<Item = &'t Task>) {
        for task in ended.filter(|task| &*task.upid.task_type == BACKUP) {
            let upid = task.upid.to_string();
            if let Some(end) = task.ended
                && !self.unread_logs.iter().any(|known| known.upid == upid)
            {
                self.unread_logs.push(UnreadLog {
                    upid,
                    end: end.at,
                    attempts: 0,
                });
            }
        }
        self.unread_logs.sort_by(|a, b| b.end.total_cmp(&a.end));
        self.unread_logs.truncate(MOST_UNREAD_LOGS);
    }

    /// Reads the latest logs. One that could not be fetched is asked for again.
    async fn read_logs(&mut self, asked: &Asked<'_, Self>) -> Vec<CallError> {
        let mut unread = std::mem::take(&mut self.unread_logs).into_iter();
        let mut problems = Vec::new();
        for mut log in unread.by_ref().take(LOGS_AT_ONCE) {
            match read_log(asked, &log).await {
                Ok(backups) => self.enter(backups),
                Err(error) => {
                    log.attempts += 1;
                    if may_pass(&error) && log.attempts < LOG_ATTEMPTS {
                        self.unread_logs.push(log);
                    }
                    problems.push(error);
                }
            }
        }
        self.unread_logs.extend(unread);
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

/// Whether the same call may succeed later.
fn may_pass(error: &CallError) -> bool {
    matches!(
        error.outcome(),
        Outcome::Unavailable | Outcome::OtherNodeDown
    )
}

async fn read_log(
    asked: &Asked<'_, NodeTasks>,
    log: &UnreadLog,
) -> Result<Vec<GuestBackup>, CallError> {
    let request = Request::of(&TASK_LOG_CALL)
        .node(asked.node())
        .fill("upid", &log.upid)
        .with("limit", LOG_LINES.to_string());
    let answer = asked.session.get(request).await?;
    let read = asked
        .session
        .read(&answer, &TASK_LOG_CALL, backup_log::parse)
        .await?;
    Ok(read.backups(log.end))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Product;
    use crate::remote::table::AnswerTable;
    use crate::source::{AnySource, AnyValue, Item, Known, Session};

    const LOG: &str =
        "/nodes/a/tasks/UPID%3Aa%3A00000002%3A00000001%3A00000064%3Avzdump%3A%3Aroot%40pam%3A/log";

    struct Nothing;

    impl Known for Nothing {
        fn value(&self, _: &str, _: &Item) -> Option<AnyValue> {
            None
        }
    }

    async fn ask(answers: AnswerTable, previous: Option<&NodeTasks>) -> NodeTasks {
        let tasks = r#"{"data":[{"upid":"UPID:a:00000002:00000001:00000064:vzdump::root@pam:",
            "status":"OK","endtime":110}]}"#;
        let session = Session::new(answers.with("/nodes/a/tasks", tasks), Product::Pve);
        let previous = previous.map(|tasks| Arc::new(tasks.clone()) as _);
        let item = Item::Node("a".into());
        let fetched = TASKS.fetch(&session, &item, previous, &Nothing).await;
        let value = fetched.unwrap().value.downcast::<NodeTasks>().unwrap();
        NodeTasks::load(&value.save()).unwrap()
    }

    fn answers() -> AnswerTable {
        AnswerTable::new(Product::Pve, 120)
    }

    #[tokio::test]
    async fn a_log_that_could_not_be_fetched_is_asked_for_again_but_not_for_ever() {
        let down = || answers().with_status(LOG, 595, "No route to host");
        let mut tasks = ask(down(), None).await;
        assert_eq!(tasks.unread_logs.len(), 1);
        let log = r#"{"data":[{"t":"INFO: Starting Backup of VM 7 (qemu)"},
            {"t":"INFO: Finished Backup of VM 7 (00:00:05)"}]}"#;
        let read = ask(answers().with(LOG, log), Some(&tasks)).await;
        assert_eq!(read.unread_logs, []);
        assert_eq!(read.backups["qemu/7"].end, 110.0);

        for _ in 1..LOG_ATTEMPTS {
            tasks = ask(down(), Some(&tasks)).await;
        }
        assert_eq!(tasks.unread_logs, []);
    }

    #[tokio::test]
    async fn the_first_look_finds_the_last_backup_behind_newer_tasks() {
        let newer = r#"{"data":[{"upid":"UPID:a:00000003:00000001:00000065:qmstart:7:root@pam:",
            "status":"OK","endtime":119}]}"#;
        let backups = r#"{"data":[{"upid":"UPID:a:00000002:00000001:00000064:vzdump::root@pam:",
            "status":"OK","endtime":110}]}"#;
        let log = r#"{"data":[{"t":"INFO: Starting Backup of VM 7 (qemu)"},
            {"t":"INFO: Finished Backup of VM 7 (00:00:05)"}]}"#;
        let answers = answers()
            .with("/nodes/a/tasks", newer)
            .with(
                "/nodes/a/tasks?source=archive&typefilter=vzdump&limit=20",
                backups,
            )
            .with(LOG, log);
        let session = Session::new(answers, Product::Pve);
        let item = Item::Node("a".into());
        let fetched = TASKS.fetch(&session, &item, None, &Nothing).await.unwrap();
        let tasks = fetched.value.downcast::<NodeTasks>().unwrap();
        assert_eq!(tasks.backups["qemu/7"].end, 110.0);
    }

    #[tokio::test]
    async fn a_log_that_is_refused_is_not_asked_for_again() {
        let refused = answers().with_status(LOG, 403, "Permission check failed");
        assert_eq!(ask(refused, None).await.unread_logs, []);
    }
}
