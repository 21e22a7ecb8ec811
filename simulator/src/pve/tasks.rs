//! `GET /nodes/{node}/tasks`, a task's status, and `/cluster/tasks`.

use super::backups::DAY;
use super::task::{self, Task};
use super::{Call, error, parameter_error, route};
use crate::http::{Answer, Body};
use crate::json::{Object, array};
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const NODE_ROUTE: Route = route("/nodes/{node}/tasks", Access::Everyone).with(&[
    Parameter::new("errors", Kind::Boolean),
    Parameter::new("limit", Kind::Integer),
    Parameter::new("since", Kind::Integer),
    Parameter::new("source", Kind::OneOf(&["archive", "active", "all"])),
    Parameter::new("start", Kind::Integer),
    Parameter::new("statusfilter", Kind::Text),
    Parameter::new("typefilter", Kind::Text),
    Parameter::new("until", Kind::Integer),
    Parameter::new("userfilter", Kind::Text),
    Parameter::new("vmid", Kind::Integer),
]);
pub(super) const STATUS_ROUTE: Route =
    route("/nodes/{node}/tasks/{upid}/status", Access::Everyone).by_daemon();
pub(super) const CLUSTER_ROUTE: Route = route("/cluster/tasks", Access::Everyone);

/// The archive of a node reaches back this far.
const ARCHIVE: i64 = 3 * DAY;
/// Each node tells the cluster of so many tasks.
const BROADCAST: usize = 25;

/// The running ones have another form here than those that ended: the owner is not taken apart.
pub(super) fn of_node(call: &Call<'_>) -> Answer {
    let wanted = Wanted::new(call);
    let oldest = call.view.now - ARCHIVE;
    let from = wanted.since.map_or(oldest, |since| since.max(oldest));
    let mut tasks = match call.holds("Sys.Audit") {
        true => task::of_node(call.cluster, call.node, from, call.view.now),
        false => Vec::new(),
    };
    tasks.retain(|task| wanted.takes(task));
    // Those that run come first, then the archive by the time at which they ended.
    tasks.sort_by_key(|task| match &task.end {
        None => (0, -task.start),
        Some((end, _)) => (1, -end),
    });
    let node = call.cluster.nodes.get(call.node);
    let name = node.map_or("", |node| node.name.as_str());
    let mut random = call.order();
    let shown: Vec<String> = tasks
        .iter()
        .skip(wanted.start)
        .take(wanted.limit)
        .map(|task| entry(task, name, &mut random))
        .collect();
    let mut answer = Object::new();
    answer.raw("data", &array(shown));
    // A total of 0 is left out.
    if !tasks.is_empty() {
        answer.int("total", tasks.len() as i64);
    }
    Answer::ok(Body::new(answer.into_json(Some(&mut random))))
}

/// Which tasks a call asks for.
struct Wanted<'a> {
    archive: bool,
    active: bool,
    errors: bool,
    since: Option<i64>,
    until: Option<i64>,
    vmid: Option<&'a str>,
    kind: Option<&'a str>,
    user: Option<&'a str>,
    statuses: Option<&'a str>,
    start: usize,
    limit: usize,
}

impl<'a> Wanted<'a> {
    fn new(call: &'a Call<'_>) -> Self {
        let text = |name| call.request.parameter(name);
        let number = |name| text(name).and_then(|value| value.parse::<i64>().ok());
        let size = |name, default| number(name).map_or(default, |size| size.max(0) as usize);
        let source = text("source").unwrap_or("archive");
        Self {
            archive: source != "active",
            active: source != "archive",
            errors: call.parameter_is_on("errors"),
            since: number("since"),
            until: number("until"),
            vmid: text("vmid"),
            kind: text("typefilter"),
            user: text("userfilter"),
            statuses: text("statusfilter"),
            start: size("start", 0),
            limit: size("limit", 50),
        }
    }

    fn takes(&self, task: &Task) -> bool {
        let (source, status) = match &task.end {
            None => (self.active, "RUNNING"),
            Some((_, status)) => (self.archive, status.as_str()),
        };
        source
            && self.since.is_none_or(|since| task.start >= since)
            && self.until.is_none_or(|until| task.start <= until)
            && self.vmid.is_none_or(|vmid| task.id == vmid)
            && self.kind.is_none_or(|kind| task.kind == kind)
            && self.user.is_none_or(|user| task.owner.contains(user))
            && !(self.errors && status == "OK")
            && self
                .statuses
                .is_none_or(|list| list.split(',').any(|wanted| wanted == class(status)))
    }
}

/// What `statusfilter` takes a status for.
fn class(status: &str) -> &'static str {
    match status {
        "OK" => "ok",
        "unexpected status" => "unknown",
        _ if status.starts_with("WARNINGS: ") => "warning",
        _ => "error",
    }
}

fn entry(task: &Task, node: &str, random: &mut Random) -> String {
    let mut object = described(task, node);
    object.int("pid", task.pid).int("pstart", task.pstart);
    match &task.end {
        None => {
            object
                .text("user", task.owner)
                .text("status", "RUNNING")
                .text("saved", "0");
        }
        Some((end, status)) => {
            owned(&mut object, task);
            object.int("endtime", *end).text("status", status);
        }
    }
    object.into_json(Some(random))
}

fn described(task: &Task, node: &str) -> Object {
    let mut object = Object::new();
    object
        .text("upid", &task.upid)
        .text("node", node)
        .int("starttime", task.start)
        .text("type", task.kind)
        .text("id", &task.id);
    object
}

fn owned(object: &mut Object, task: &Task) {
    let (user, token) = task.user();
    object.text("user", user);
    if let Some(token) = token {
        object.text("tokenid", token);
    }
}

/// The newest tasks of each node, as it last told them.
pub(super) fn of_cluster(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut tasks = Vec::new();
    for (index, (node, seen)) in call.cluster.nodes.iter().zip(&call.view.nodes).enumerate() {
        if !call.holds("Sys.Audit") {
            break;
        }
        let now = if seen.online {
            call.view.now
        } else {
            seen.cycle
        };
        let known = task::of_node(call.cluster, index, now - DAY, now);
        tasks.extend(known.into_iter().take(BROADCAST).map(|task| (node, task)));
    }
    tasks.sort_by_key(|(_, task)| -task.start);
    let entries = tasks.iter().map(|(node, task)| {
        let mut object = described(task, &node.name);
        owned(&mut object, task);
        match &task.end {
            None => object.int("pid", task.pid).text("saved", "0"),
            Some((end, status)) => object
                .int("endtime", *end)
                .text("status", status)
                .text("saved", "1"),
        };
        object.into_json(Some(&mut random))
    });
    Answer::data(&array(entries))
}

/// What stands behind the UPID in the path: its task, or nothing where there is none.
pub(super) fn find(call: &Call<'_>) -> Result<Option<Task>, Answer> {
    let text = call.capture("upid");
    let Some(start) = started(text) else {
        return Err(parameter_error("upid", "unable to parse worker upid"));
    };
    if !call.holds("Sys.Audit") {
        let node = call.capture("node");
        let text = format!("Permission check failed (/nodes/{node}, Sys.Audit)");
        return Err(error(403, &text));
    }
    let from = start.max(call.view.now - ARCHIVE);
    let mut tasks = task::of_node(call.cluster, call.node, from, call.view.now).into_iter();
    Ok(tasks.find(|task| task.upid == text))
}

/// The start time of `UPID:node:pid:pstart:start:type:id:user:`.
fn started(upid: &str) -> Option<i64> {
    let parts: Vec<&str> = upid.split(':').collect();
    match parts.as_slice() {
        ["UPID", _, _, _, start, _, _, _, ""] => i64::from_str_radix(start, 16).ok(),
        _ => None,
    }
}

pub(super) fn status(call: &Call<'_>) -> Answer {
    let task = match find(call) {
        Ok(Some(task)) => task,
        Ok(None) => return parameter_error("upid", "no such task"),
        Err(answer) => return answer,
    };
    let mut object = described(&task, call.capture("node"));
    owned(&mut object, &task);
    object.int("pid", task.pid).int("pstart", task.pstart);
    match &task.end {
        None => object.text("status", "running"),
        Some((_, status)) => object.text("status", "stopped").text("exitstatus", status),
    };
    Answer::data(&object.into_json(Some(&mut call.order())))
}
