//! `GET /status/datastore-usage`: sizes, garbage collection, a month of history and the estimated end.

use super::world::Datastore;
use super::{Call, datastore, error, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::{DatastoreKind, PbsVersion};
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/status/datastore-usage", Access::Everyone);

/// The history is a month of half hours.
const STEP: i64 = 1_800;
const STEPS: i64 = 1_440;

pub(super) fn answer(call: &Call<'_>) -> Answer {
    // One store whose path went away makes the whole call fail.
    if call
        .server
        .datastores
        .iter()
        .any(|store| store.vanished(&call.faults))
        && call.sees_all()
    {
        return error(400, "ENOENT: No such file or directory");
    }
    let mut entries = Vec::new();
    for (index, store) in call.server.datastores.iter().enumerate() {
        let narrow = call.rights == Rights::Narrow && index == 0;
        // Rights are looked at after the mount, so that an unmounted store is shown to everybody.
        let unmounted = store.kind == DatastoreKind::Unmounted;
        if call.sees_all() || narrow || unmounted {
            entries.push(entry(call, store));
        }
    }
    call.order().shuffle(&mut entries);
    Answer::data(&array(entries))
}

fn entry(call: &Call<'_>, store: &Datastore) -> String {
    let mut object = Object::new();
    let full = call.sees_all() && store.obstacle().is_none();
    if full {
        let space = store.space(call.now);
        object.int("avail", space.available);
    }
    if call.server.version >= PbsVersion::V4_2 {
        object.text("backend-type", store.backend());
    }
    if store.kind != DatastoreKind::Unmounted
        && call.sees_all()
        && let Some(obstacle) = store.obstacle()
    {
        object.text("error", &obstacle);
    }
    if full {
        // A store that was filled for a month gets an estimate; a new one has too few points.
        if store.collected {
            object.int(
                "estimated-full-date",
                call.now - call.now.rem_euclid(STEP) + 90 * 86_400,
            );
        }
        object.raw("gc-status", &datastore::garbage_collection(call, store));
        let last = call.now - call.now.rem_euclid(STEP);
        let first = last - (STEPS - 1) * STEP;
        let known = if store.collected { STEPS } else { 3 };
        object.raw(
            "history",
            &array((0..STEPS).map(|step| {
                if step < STEPS - known {
                    return "null".to_owned();
                }
                let space = store.space(first + step * STEP);
                format!(
                    "{:?}",
                    space.used as f64 / (space.used + space.available) as f64
                )
            })),
        );
        object
            .int("history-delta", STEP)
            .int("history-start", first);
    }
    object
        .text("mount-status", store.mount_status())
        .text("store", &store.name);
    if full {
        let space = store.space(call.now);
        object.int("total", space.total).int("used", space.used);
    }
    object.into_json(None)
}
