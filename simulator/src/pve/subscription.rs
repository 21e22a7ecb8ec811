//! `GET /nodes/{node}/subscription`: there is no key.

use super::{Call, route};
use crate::http::Answer;
use crate::json::Object;
use crate::random::hash;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/subscription", Access::Everyone);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut object = Object::new();
    object
        .text("status", "notfound")
        .text("message", "There is no subscription key")
        .text(
            "url",
            "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
        );
    if call.holds("Sys.Audit") {
        let seed = call
            .cluster
            .nodes
            .get(call.node)
            .map_or(0, |node| node.seed);
        let id = [hash(&[seed, 1]), hash(&[seed, 2])].map(|part| format!("{part:016X}"));
        object.text("serverid", &id.concat());
    }
    Answer::data(&object.into_json(Some(&mut call.order())))
}
