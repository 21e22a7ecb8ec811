//! `GET /nodes/{node}/tasks/{upid}/log`: what a task said.

use super::backups::{DAY, fails, second_of_day};
use super::guest::{Guest, Kind as GuestKind, Status};
use super::task::{BACKUP_SECONDS, Task, backed_up};
use super::{Call, route, tasks};
use crate::clock::{Civil, civil};
use crate::http::{Answer, Body};
use crate::json::{Object, array};
use crate::plan::BackupTaskPlan;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/tasks/{upid}/log", Access::Everyone)
    .with(&[
        Parameter::new("download", Kind::Boolean),
        Parameter::new("limit", Kind::Integer),
        Parameter::new("start", Kind::Integer),
    ])
    .by_daemon();

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut lines = match tasks::find(call) {
        Ok(Some(task)) => lines(call, &task),
        Ok(None) => vec!["unable to open file - No such file or directory".to_owned()],
        Err(answer) => return answer,
    };
    if call.parameter_is_on("download") {
        return Answer::text(200, "OK", lines.join("\n") + "\n");
    }
    // A log without a line is told as one that says so.
    if lines.is_empty() {
        lines.push("no content".to_owned());
    }
    let size = |name, default: usize| {
        let given = call.request.parameter(name);
        given
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let limit = match size("limit", 50) {
        0 => usize::MAX,
        limit => limit,
    };
    let mut random = call.order();
    let shown: Vec<String> = lines
        .iter()
        .enumerate()
        .skip(size("start", 0))
        .take(limit)
        .map(|(place, line)| {
            let mut object = Object::new();
            object.int("n", place as i64 + 1).text("t", line);
            object.into_json(Some(&mut random))
        })
        .collect();
    let mut answer = Object::new();
    answer
        .raw("data", &array(shown))
        .int("total", lines.len() as i64);
    Answer::ok(Body::new(answer.into_json(Some(&mut random))))
}

fn lines(call: &Call<'_>, task: &Task) -> Vec<String> {
    let mut lines = match task.kind {
        "vzdump" => backup(call, task),
        "aptupdate" => vec!["starting apt-get update".to_owned()],
        "qmstart" if task.end.as_ref().is_some_and(|(_, status)| status != "OK") => {
            vec!["WARN: netdev net0: ignoring MTU '1400', not using VirtIO".to_owned()]
        }
        _ => Vec::new(),
    };
    if let Some((_, status)) = &task.end {
        lines.push(match status.as_str() {
            "OK" => "TASK OK".to_owned(),
            warnings if warnings.starts_with("WARNINGS: ") => format!("TASK {warnings}"),
            failure => format!("TASK ERROR: {failure}"),
        });
    }
    lines
}

/// A guest's part in a backup task.
struct Turn<'a> {
    guest: &'a Guest,
    start: i64,
    end: i64,
    fails: bool,
}

/// The guests that a backup task takes, in their order.
fn turns<'a>(call: &Call<'a>, task: &Task) -> Vec<Turn<'a>> {
    if let Some(planned) = &call.cluster.backups {
        let started = |plan: &&BackupTaskPlan| {
            plan.vmid.to_string() == task.id
                && call.cluster.started - plan.age_seconds == task.start
        };
        let plan = planned.tasks.iter().find(started);
        let turn = plan.and_then(|plan| {
            let mut guests = call.cluster.guests.iter();
            Some(Turn {
                guest: guests.find(|guest| guest.vmid == plan.vmid)?,
                start: task.start,
                end: task.start + plan.duration_seconds,
                fails: plan.fails,
            })
        });
        return turn.into_iter().collect();
    }
    let day = task.start.div_euclid(DAY);
    backed_up(call.cluster, call.node, day)
        .into_iter()
        .map(|guest| {
            let start = day * DAY + second_of_day(guest);
            Turn {
                guest,
                start,
                end: start + BACKUP_SECONDS,
                fails: fails(guest),
            }
        })
        .collect()
}

/// What a backup has said until now.
fn backup(call: &Call<'_>, task: &Task) -> Vec<String> {
    let turns = turns(call, task);
    let ids: Vec<String> = turns
        .iter()
        .map(|turn| turn.guest.vmid.to_string())
        .collect();
    let mut lines = vec![format!(
        "INFO: starting new backup job: vzdump {} --mode snapshot --storage nas --compress zstd --quiet 1",
        ids.join(" ")
    )];
    for turn in &turns {
        if turn.start > call.view.now {
            return lines;
        }
        lines.extend(begun(turn.guest, turn.start));
        if turn.end > call.view.now {
            return lines;
        }
        lines.extend(finished(turn));
    }
    lines.push(match turns.iter().any(|turn| turn.fails) {
        true => "INFO: Backup job finished with errors".to_owned(),
        false => "INFO: Backup job finished successfully".to_owned(),
    });
    lines
}

fn begun(guest: &Guest, start: i64) -> Vec<String> {
    let (what, kind) = match guest.kind {
        GuestKind::Qemu => ("VM", "qemu"),
        GuestKind::Lxc => ("CT", "lxc"),
    };
    let (status, mode) = match guest.at(start).status {
        Status::Stopped => ("stopped", "stop"),
        Status::Running | Status::Paused => ("running", "snapshot"),
    };
    vec![
        format!("INFO: Starting Backup of VM {} ({kind})", guest.vmid),
        format!("INFO: Backup started at {}", date(start)),
        format!("INFO: status = {status}"),
        format!("INFO: backup mode: {mode}"),
        "INFO: ionice priority: 7".to_owned(),
        format!("INFO: {what} Name: {}", guest.shown_name()),
    ]
}

fn finished(turn: &Turn<'_>) -> Vec<String> {
    let Turn { guest, end, .. } = *turn;
    let vmid = guest.vmid;
    if turn.fails {
        return vec![
            format!(
                "ERROR: Backup of VM {vmid} failed - job failed with err -5 - Input/output error"
            ),
            format!("INFO: Failed at {}", date(end)),
        ];
    }
    vec![
        format!("INFO: archive file size: {}MB", guest.disk / 4 / (1 << 20)),
        "INFO: adding notes to backup".to_owned(),
        format!(
            "INFO: Finished Backup of VM {vmid} ({})",
            duration(end - turn.start)
        ),
        format!("INFO: Backup finished at {}", date(end)),
    ]
}

/// `00:01:40`
fn duration(seconds: i64) -> String {
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// `Sun Nov 22 01:41:06 2026`, as `localtime` and `gmtime` are printed by Perl.
pub(super) fn clock_time(time: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let date = civil(time);
    let weekday = DAYS.get(time.div_euclid(DAY).rem_euclid(7) as usize);
    let month = MONTHS.get(date.month as usize - 1);
    format!(
        "{} {} {:>2} {:02}:{:02}:{:02} {}",
        weekday.copied().unwrap_or_default(),
        month.copied().unwrap_or_default(),
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.year
    )
}

/// `2026-11-22 01:17:18`
fn date(time: i64) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = civil(time);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}
