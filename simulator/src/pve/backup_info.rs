//! `GET /cluster/backup-info/not-backed-up`: the guests that no backup job covers.

use super::{Call, SYSTEM_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const ROUTE: Route =
    route("/cluster/backup-info/not-backed-up", SYSTEM_AUDIT).by_daemon();

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    for guest in call.cluster.guests.iter().filter(|guest| !guest.in_backup) {
        let mut object = Object::new();
        object
            .int("vmid", guest.vmid)
            .text("type", guest.kind.as_str());
        // Here an unnamed guest has no name at all.
        if let Some(name) = &guest.name {
            object.text("name", name);
        }
        entries.push(object.into_json(Some(&mut random)));
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}
