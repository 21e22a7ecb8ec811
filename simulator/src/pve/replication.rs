//! `GET /cluster/replication`, `/nodes/{node}/replication` and a job's status.

use super::guest::{Guest, Kind as GuestKind};
use super::{Call, error, permissions, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::{Random, noise};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const CONFIGURED_ROUTE: Route = route("/cluster/replication", Access::Everyone);
pub(super) const NODE_ROUTE: Route = route("/nodes/{node}/replication", Access::Everyone)
    .with(&[Parameter::new("guest", Kind::Integer)])
    .by_daemon();
pub(super) const STATUS_ROUTE: Route =
    route("/nodes/{node}/replication/{id}/status", Access::Everyone).by_daemon();

/// Each job runs every 15 minutes.
const PERIOD: i64 = 900;
/// A job that failed is tried again after so long.
const RETRY: i64 = 1_800;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    /// Has not reached its target since that time.
    Failing(i64),
    Disabled,
    NeverRan,
}

struct Job<'a> {
    guest: &'a Guest,
    id: String,
    source: usize,
    target: usize,
    state: State,
    place: usize,
}

/// The jobs of those guests that the token sees.
fn jobs<'a>(call: &'a Call<'_>) -> Vec<Job<'a>> {
    let cluster = call.cluster;
    let count = cluster.nodes.len();
    let replicated = cluster
        .guests
        .iter()
        .filter(|guest| count > 1 && !guest.is_restless() && !guest.template)
        .step_by(12);
    let jobs = replicated.enumerate().map(|(place, guest)| {
        let source = guest.at(call.view.placed).node;
        let target = (source + 1) % count;
        let silent = call.view.nodes.get(target).filter(|seen| !seen.online);
        let state = match (place, silent) {
            (0, _) if cluster.oddities => State::Failing(cluster.started - 4 * RETRY),
            (1, _) if cluster.oddities => State::Disabled,
            (2, _) if cluster.oddities => State::NeverRan,
            (_, Some(seen)) => State::Failing(seen.cycle),
            (_, None) => State::Healthy,
        };
        Job {
            guest,
            id: format!("{}-0", guest.vmid),
            source,
            target,
            state,
            place,
        }
    });
    jobs.filter(|job| {
        let path = format!("/vms/{}", job.guest.vmid);
        permissions::allows(cluster, call.caller.rights, &path, "VM.Audit")
    })
    .collect()
}

fn configuration(call: &Call<'_>, job: &Job<'_>) -> Object {
    let name = |node: usize| call.cluster.node_names().nth(node).unwrap_or_default();
    let mut object = Object::new();
    object
        .text("id", &job.id)
        .text("type", "local")
        .int("guest", job.guest.vmid)
        .int("jobnum", 0)
        .text("source", name(job.source))
        .text("target", name(job.target))
        .text("schedule", "*/15");
    if job.place.is_multiple_of(2) {
        object.int("rate", 50).text("comment", "to the next node");
    }
    if job.state == State::Disabled {
        object.int("disable", 1);
    }
    object
}

pub(super) fn configured(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries: Vec<String> = jobs(call)
        .iter()
        .map(|job| configuration(call, job).into_json(Some(&mut random)))
        .collect();
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// The jobs whose guests are on the node.
pub(super) fn on_node(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("guest");
    let mut random = call.order();
    let mut entries: Vec<String> = jobs(call)
        .iter()
        .filter(|job| job.source == call.node)
        .filter(|job| wanted.is_none_or(|guest| job.guest.vmid.to_string() == guest))
        .map(|job| state(call, job, &mut random))
        .collect();
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

pub(super) fn status(call: &Call<'_>) -> Answer {
    let id = call.capture("id");
    let jobs = jobs(call);
    let mut here = jobs.iter().filter(|job| job.source == call.node);
    match here.find(|job| job.id == id) {
        Some(job) => Answer::data(&state(call, job, &mut call.order())),
        None => error(500, &format!("no such replication job '{id}'")),
    }
}

fn state(call: &Call<'_>, job: &Job<'_>, random: &mut Random) -> String {
    let now = call.view.now;
    let mut object = configuration(call, job);
    object.text(
        "vmtype",
        match job.guest.kind {
            GuestKind::Qemu => "qemu",
            GuestKind::Lxc => "lxc",
        },
    );
    let (last_sync, last_try, next_sync, failures) = match job.state {
        State::Healthy => {
            let last = now - now.rem_euclid(PERIOD);
            (last, last, last + PERIOD, 0)
        }
        State::Failing(since) => {
            let last = since - since.rem_euclid(PERIOD);
            let failures = (now - last).div_euclid(RETRY);
            let tried = last + failures * RETRY;
            (last, tried, tried + RETRY, failures)
        }
        State::Disabled => (0, 0, PERIOD, 0),
        State::NeverRan => (0, 0, now - now.rem_euclid(PERIOD) + PERIOD, 0),
    };
    object
        .int("last_sync", last_sync)
        .int("last_try", last_try)
        .int("next_sync", next_sync)
        .int("fail_count", failures);
    if last_try > 0 {
        let seconds = 2.0 + 10.0 * noise(&[job.guest.seed, last_try]);
        object.number("duration", (seconds * 1e6).round() / 1e6);
    }
    if failures > 0 {
        let target = call
            .cluster
            .node_names()
            .nth(job.target)
            .unwrap_or_default();
        object.text(
            "error",
            &format!(
                "command '/usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={target}' root@127.0.0.1 -- pvesr prepare-local-job {} --last_sync {last_sync}' failed: exit code 255",
                job.id
            ),
        );
    }
    object.into_json(Some(random))
}
