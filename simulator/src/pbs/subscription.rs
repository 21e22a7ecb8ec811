//! `GET /nodes/{node}/subscription`: there is no key.

use super::{Call, route};
use crate::http::Answer;
use crate::json::Object;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/subscription", Access::Everyone);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut object = Object::new();
    object.text("message", "There is no subscription key");
    if call.sees_all() {
        let id = call.server.repository_id.to_uppercase();
        object.text("serverid", id.get(..32).unwrap_or(&id));
    }
    object.text("status", "notfound").text(
        "url",
        "https://www.proxmox.com/en/proxmox-backup-server/pricing",
    );
    Answer::data(&object.into_json(None))
}
