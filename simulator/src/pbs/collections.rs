//! `GET /admin/gc` and `GET /admin/datastore/{store}/gc`: the last garbage collection with its schedule.

use super::jobs::{COLLECTION, COLLECTION_SECONDS};
use super::world::Datastore;
use super::{Call, datastore, route};
use crate::http::Answer;
use crate::json::array;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const LIST_ROUTE: Route =
    route("/admin/gc", Access::Everyone).with(&[Parameter::new("store", Kind::Text)]);
pub(super) const STORE_ROUTE: Route = route(
    "/admin/datastore/{store}/gc",
    Access::Privilege {
        path: "/datastore/{store}",
        name: "Datastore.Audit",
    },
);

pub(super) fn list(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("store");
    // Whoever may see a part of a datastore sees all of its garbage collection.
    let shown = call.server.datastores.iter().filter(|store| {
        (call.sees_all() || call.sees_part(&store.name))
            && wanted.is_none_or(|wanted| wanted == store.name)
            && store.obstacle().is_none()
            && !store.vanished(&call.faults)
    });
    let mut entries: Vec<String> = shown.map(|store| entry(call, store)).collect();
    call.order().shuffle(&mut entries);
    Answer::data(&array(entries))
}

pub(super) fn of_store(call: &Call<'_>) -> Answer {
    match datastore::readable(call) {
        Ok(store) => Answer::data(&entry(call, store)),
        Err(answer) => answer,
    }
}

fn entry(call: &Call<'_>, store: &Datastore) -> String {
    let mut object = datastore::collection_fields(call, store);
    if store.collected {
        let started = COLLECTION.last(call.now);
        if started + COLLECTION_SECONDS <= call.now {
            object
                .int("duration", COLLECTION_SECONDS)
                .int("last-run-endtime", started + COLLECTION_SECONDS)
                .text("last-run-state", store.collection_status());
        }
        object
            .int("next-run", COLLECTION.next(call.now))
            .text("schedule", &COLLECTION.text());
    }
    object.text("store", &store.name);
    object.into_json(None)
}
