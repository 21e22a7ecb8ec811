//! `GET /nodes/{node}/time`; the node's name is not looked at.

use super::{Call, route};
use crate::http::Answer;
use crate::json::Object;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/time", Access::Everyone);

/// Simulated servers have the time of UTC.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut object = Object::new();
    object
        .int("localtime", call.now)
        .int("time", call.now)
        .text("timezone", "Etc/UTC");
    Answer::data(&object.into_json(None))
}
