//! The jobs with their last runs (`/admin/sync`, `/admin/verify`, `/admin/prune`), and `/config/sync`.

use super::jobs::{Job, OWNER};
use super::{Call, permissions, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::{JobKind, JobState};
use crate::route::{Access, Kind, Parameter, Route};

const DIRECTIONS: Kind = Kind::OneOf(&["all", "push", "pull"]);

pub(super) const SYNC_ROUTE: Route = route("/admin/sync", Access::Everyone).with(&[
    Parameter::new("store", Kind::Text),
    Parameter::new("sync-direction", DIRECTIONS),
]);
pub(super) const VERIFY_ROUTE: Route =
    route("/admin/verify", Access::Everyone).with(&[Parameter::new("store", Kind::Text)]);
pub(super) const PRUNE_ROUTE: Route =
    route("/admin/prune", Access::Everyone).with(&[Parameter::new("store", Kind::Text)]);
pub(super) const SYNC_CONFIG_ROUTE: Route =
    route("/config/sync", Access::Everyone).with(&[Parameter::new("sync-direction", DIRECTIONS)]);

pub(super) fn sync(call: &Call<'_>) -> Answer {
    list(call, JobKind::Sync, true)
}

pub(super) fn verify(call: &Call<'_>) -> Answer {
    list(call, JobKind::Verify, true)
}

pub(super) fn prune(call: &Call<'_>) -> Answer {
    list(call, JobKind::Prune, true)
}

pub(super) fn sync_config(call: &Call<'_>) -> Answer {
    list(call, JobKind::Sync, false)
}

fn list(call: &Call<'_>, kind: JobKind, with_runs: bool) -> Answer {
    let store = call.request.parameter("store");
    let direction = call.request.parameter("sync-direction").unwrap_or("pull");
    let mut entries: Vec<String> = call
        .server
        .jobs
        .iter()
        .filter(|job| job.kind == kind && is_visible(call, job))
        .filter(|job| store.is_none_or(|store| store == job.store))
        .filter(|job| {
            kind != JobKind::Sync || direction == "all" || (direction == "push") == job.push
        })
        .map(|job| entry(call, job, with_runs))
        .collect();
    call.order().shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// Jobs with a remote are silently left out for those who may not see the remote.
fn is_visible(call: &Call<'_>, job: &Job) -> bool {
    match call.rights {
        Rights::Narrow => {
            let namespace = job.namespace.unwrap_or_default();
            job.kind != JobKind::Sync
                && call.sees_part(&job.store)
                && permissions::is_below(namespace, permissions::NAMESPACE)
        }
        rights => {
            call.sees_all() && (job.remote.is_none() || permissions::holds(rights, "Remote.Audit"))
        }
    }
}

fn entry(call: &Call<'_>, job: &Job, with_runs: bool) -> String {
    let mut object = Object::new();
    if job.state == JobState::Disabled {
        object.boolean("disable", true);
    }
    object.text("id", &job.id);
    match job.kind {
        JobKind::Verify => {
            object
                .boolean("ignore-verified", true)
                .int("outdated-after", 30);
        }
        JobKind::Prune => {
            object.int("keep-daily", 7).int("keep-last", 2);
        }
        JobKind::Sync => sync_fields(job, &mut object),
    }
    if let Some(namespace) = job.namespace {
        object.text("ns", namespace);
    }
    if let Some(schedule) = job.schedule {
        object.text("schedule", &schedule.text());
        if with_runs && job.state != JobState::Disabled {
            object.int("next-run", schedule.next(call.now));
        }
    }
    object.text("store", &job.store);
    if with_runs && let Some(task) = job.last_run(call.now) {
        object.text("last-run-upid", &task.upid(call.server));
        if let Some((end, status)) = &task.end {
            object
                .int("last-run-endtime", *end)
                .text("last-run-state", status);
        }
    }
    object.into_json(None)
}

fn sync_fields(job: &Job, object: &mut Object) {
    object.text("remote-store", job.remote_store());
    if job.state != JobState::Manual {
        object.text("owner", OWNER);
    }
    match &job.remote {
        Some(remote) => object.text("remote", remote),
        None => object
            .raw("group-filter", "[\"type:host\"]")
            .boolean("remove-vanished", false),
    };
    // Only push jobs say their direction.
    if job.push {
        object.text("remote-ns", "").text("sync-direction", "push");
    }
}
