//! `GET /nodes/{node}/time`.

use super::{Call, NODE_AUDIT, route};
use crate::http::Answer;
use crate::json::Object;
use crate::route::Route;

pub(super) const ROUTE: Route = route("/nodes/{node}/time", NODE_AUDIT);

/// Simulated nodes have the time of UTC.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut object = Object::new();
    object
        .int("localtime", call.view.now)
        .text("timezone", "UTC")
        .int("time", call.view.now);
    Answer::data(&object.into_json(Some(&mut call.order())))
}
