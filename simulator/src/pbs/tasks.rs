//! `GET /nodes/{node}/tasks` and a task's status and log.

use super::jobs::{COLLECTION, COLLECTION_SECONDS, OWNER, starts};
use super::schedule::Schedule;
use super::task::{Task, Upid};
use super::{Call, error, parameter_error, route};
use crate::http::{Answer, Body};
use crate::json::{Object, array};
use crate::plan::PbsVersion;
use crate::route::{Access, Kind, Parameter, Route};

const STATUSES: &[&str] = &["ok", "warning", "error", "unknown"];
/// The archive reaches back this far.
const ARCHIVE: i64 = 7 * 86_400;

pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/tasks", Access::Everyone).with(&[
    Parameter::new("errors", Kind::Boolean),
    Parameter::new("limit", Kind::Integer),
    Parameter::new("running", Kind::Boolean),
    Parameter::new("since", Kind::Integer),
    Parameter::new("start", Kind::Integer),
    Parameter::new("statusfilter", Kind::ListOf(STATUSES)),
    Parameter::new("store", Kind::Text),
    Parameter::new("typefilter", Kind::Text),
    Parameter::new("until", Kind::Integer),
    Parameter::new("userfilter", Kind::Text),
]);
pub(super) const STATUS_ROUTE: Route = route("/nodes/{node}/tasks/{upid}/status", Access::Everyone);
pub(super) const LOG_ROUTE: Route =
    route("/nodes/{node}/tasks/{upid}/log", Access::Everyone).with(&[
        Parameter::new("download", Kind::Boolean),
        Parameter::new("limit", Kind::Integer),
        Parameter::new("start", Kind::Integer),
        Parameter::new("test-status", Kind::Boolean),
    ]);

/// Running tasks first, then by the time they ended, newest first.
fn tasks(call: &Call<'_>, from: i64) -> Vec<Task> {
    let (server, now) = (call.server, call.now);
    let mut tasks = Vec::new();
    for store in &server.datastores {
        for group in &store.groups {
            let id = format!("{}:{}/{}", store.name, group.kind.as_str(), group.id);
            tasks.extend(group.runs(from, now).into_iter().map(|run| {
                let died = run.end.is_none() && now - run.start > 3_600;
                let end = match run.end {
                    Some(end) => Some((end, "OK")),
                    None if died => Some((run.start + 270, "unknown")),
                    None => None,
                };
                Task::new("backup", &id, &group.owner, run.start).ended(end)
            }));
        }
        if store.collected {
            tasks.extend(starts(COLLECTION, from, now).map(|start| {
                let end = start + COLLECTION_SECONDS;
                Task::new("garbage_collection", &store.name, OWNER, start)
                    .ended((end <= now).then_some((end, store.collection_status())))
            }));
        }
    }
    for job in &server.jobs {
        tasks.extend(job.runs(from, now));
    }
    for (kind, id, schedule) in [
        ("logrotate", "", Schedule::Daily(0)),
        ("aptupdate", "", Schedule::Daily(2)),
        ("reader", "vault:host/web00", Schedule::Saturdays(9)),
    ] {
        tasks.extend(starts(schedule, from, now).map(|start| {
            Task::new(kind, id, OWNER, start).ended((start + 3 <= now).then_some((start + 3, "OK")))
        }));
    }
    tasks.sort_by_key(|task| match &task.end {
        None => (0, -task.start),
        Some((end, _)) => (1, -end),
    });
    tasks
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    let wanted = match Wanted::new(call) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let archive = call.now - ARCHIVE;
    let known = if call.sees_all() {
        tasks(
            call,
            wanted.since.map_or(archive, |since| since.max(archive)),
        )
    } else {
        Vec::new()
    };
    let shown: Vec<String> = known
        .iter()
        .filter(|task| wanted.takes(task))
        .skip(wanted.start)
        .take(wanted.limit)
        .map(|task| entry(call, task))
        .collect();
    // One more than is shown stands for all that follow.
    let more = usize::from(!shown.is_empty() && shown.len() >= wanted.limit);
    let total = wanted.start + shown.len() + more;
    Answer::ok(Body::new(format!(
        "{{\"data\":{},\"total\":{total}}}",
        array(shown)
    )))
}

/// Which tasks a call asks for.
struct Wanted<'a> {
    running: bool,
    errors: bool,
    since: Option<i64>,
    until: Option<i64>,
    kind: Option<&'a str>,
    user: Option<&'a str>,
    store: Option<&'a str>,
    statuses: Vec<&'a str>,
    start: usize,
    limit: usize,
}

impl<'a> Wanted<'a> {
    fn new(call: &'a Call<'_>) -> Result<Self, Answer> {
        let number = |name: &str| {
            call.request
                .parameter(name)
                .and_then(|value| value.parse::<i64>().ok())
        };
        let size = |name: &str, default: i64| {
            let value = number(name).unwrap_or(default);
            usize::try_from(value).map_err(|_| {
                error(
                    400,
                    &format!("invalid value: integer `{value}`, expected u64"),
                )
            })
        };
        let statuses: Vec<&str> = call
            .request
            .query
            .iter()
            .filter(|(name, _)| name == "statusfilter")
            .map(|(_, value)| value.as_str())
            .collect();
        if let Some(wrong) = statuses.iter().find(|status| !STATUSES.contains(status)) {
            let text = format!(
                "unknown variant `{wrong}`, expected one of `ok`, `warning`, `error`, `unknown`"
            );
            return Err(error(400, &text));
        }
        Ok(Self {
            running: call.is_on("running"),
            errors: call.is_on("errors"),
            since: number("since"),
            until: number("until"),
            kind: call.request.parameter("typefilter"),
            user: call.request.parameter("userfilter"),
            store: call.request.parameter("store"),
            statuses,
            start: size("start", 0)?,
            limit: match size("limit", 50)? {
                0 => usize::MAX,
                limit => limit,
            },
        })
    }

    fn takes(&self, task: &Task) -> bool {
        let of_store = |store: &str| task.id.split(':').any(|part| part == store);
        self.until.is_none_or(|until| task.start <= until)
            && self.since.is_none_or(|since| task.start >= since)
            && self.user.is_none_or(|user| task.owner.contains(user))
            && self.kind.is_none_or(|kind| task.kind.contains(kind))
            && self.store.is_none_or(of_store)
            && match &task.end {
                // `errors` does not leave out what still runs.
                None => self.statuses.is_empty(),
                Some((_, status)) => {
                    let unwanted = self.running || self.errors && status == "OK";
                    !unwanted
                        && (self.statuses.is_empty() || self.statuses.contains(&class(status)))
                }
            }
    }
}

fn class(status: &str) -> &'static str {
    match status {
        "OK" => "ok",
        "unknown" => "unknown",
        _ if status.starts_with("WARNINGS") => "warning",
        _ => "error",
    }
}

fn entry(call: &Call<'_>, task: &Task) -> String {
    let upid = task.upid(call.server);
    let mut object = Object::new();
    object.text("upid", &upid).text("node", "localhost");
    if let Some(parsed) = Upid::parse(&upid) {
        object.int("pid", parsed.pid).int("pstart", parsed.pstart);
    }
    object
        .int("starttime", task.start)
        .text("worker_type", task.kind);
    match task.id.as_str() {
        "" => object.null("worker_id"),
        id => object.text("worker_id", id),
    };
    object.text("user", &task.owner);
    if let Some((end, status)) = &task.end {
        object.int("endtime", *end).text("status", status);
    }
    object.into_json(None)
}

/// The UPID in the path, and its task if there is one.
fn find<'a>(call: &'a Call<'_>) -> Result<(Upid<'a>, Option<Task>), Answer> {
    let text = call.capture("upid");
    if text.len() < 36 {
        return Err(parameter_error(
            "upid",
            "value must be at least 36 characters long",
        ));
    }
    let Some(upid) = Upid::parse(text) else {
        return Err(parameter_error("upid", "unable to parse UPID"));
    };
    if !call.sees_all() {
        return Err(error(400, "task access not allowed"));
    }
    let found = tasks(call, upid.start.max(call.now - ARCHIVE))
        .into_iter()
        .find(|task| task.start == upid.start && task.upid(call.server) == text);
    Ok((upid, found))
}

/// A UPID of no task is one of a task that ended in an unknown way.
pub(super) fn status(call: &Call<'_>) -> Answer {
    let (upid, task) = match find(call) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let mut object = Object::new();
    let end = task.as_ref().map(|task| task.end.as_ref());
    if let Some(Some((end, _))) = end
        && call.server.version >= PbsVersion::V4_2
    {
        object.int("endtime", *end);
    }
    match end {
        Some(Some((_, status))) => {
            object.text("exitstatus", status);
        }
        Some(None) => {}
        None => {
            object.text("exitstatus", "unknown");
        }
    }
    match upid.id.as_str() {
        "" => object.null("id"),
        id => object.text("id", id),
    };
    let running = end == Some(None);
    object
        .text("node", upid.node)
        .int("pid", upid.pid)
        .int("pstart", upid.pstart)
        .int("starttime", upid.start)
        .text("status", if running { "running" } else { "stopped" });
    let (user, token) = match upid.owner.split_once('!') {
        Some((user, token)) => (user, Some(token)),
        None => (upid.owner, None),
    };
    if let Some(token) = token {
        object.text("tokenid", token);
    }
    object
        .text("type", upid.kind)
        .text("upid", call.capture("upid"))
        .text("user", user);
    Answer::data(&object.into_json(None))
}

pub(super) fn log(call: &Call<'_>) -> Answer {
    let task = match find(call) {
        Ok((_, Some(task))) => task,
        Ok((_, None)) => return error(400, "No such file or directory (os error 2)"),
        Err(answer) => return answer,
    };
    let mut lines = vec![(task.start, format!("starting task {}", task.kind))];
    if let Some((end, status)) = &task.end {
        let last = match class(status) {
            "ok" => "TASK OK".to_owned(),
            "warning" => format!("TASK {status}"),
            _ => format!("TASK ERROR: {status}"),
        };
        // A task that died with the daemon has no last line.
        if status != "unknown" {
            lines.push((*end, last));
        }
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(time, text)| format!("{}: {text}", date(time)))
        .collect();
    if call.is_on("download") {
        return Answer::text(200, "OK", lines.join("\n") + "\n");
    }
    let size = |name: &str, default: usize| {
        let given = call.request.parameter(name);
        given
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let limit = match size("limit", 50) {
        0 => usize::MAX,
        limit => limit,
    };
    let total = lines.len();
    let shown = lines
        .iter()
        .enumerate()
        .skip(size("start", 0))
        .take(limit)
        .map(|(place, line)| {
            let mut object = Object::new();
            object.int("n", place as i64 + 1).text("t", line);
            object.into_json(None)
        });
    let mut answer = Object::new();
    if call.is_on("test-status") {
        answer.boolean("active", task.end.is_none());
    }
    answer
        .raw("data", &array(shown))
        .int("success", 1)
        .int("total", total as i64);
    Answer::ok(Body::new(answer.into_json(None)))
}

/// `2026-11-22T00:57:00+00:00`
fn date(time: i64) -> String {
    let days = time.div_euclid(86_400);
    let seconds = time.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}+00:00",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
