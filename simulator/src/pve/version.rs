//! `GET /version`, `GET /nodes/{node}/version`.

use super::{Call, route};
use crate::http::Answer;
use crate::json::Object;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/version", Access::Everyone);
pub(super) const NODE_ROUTE: Route = route("/nodes/{node}/version", Access::Everyone);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let version = call.cluster.version;
    let mut object = Object::new();
    object
        .text("version", version.version())
        .text("release", version.release())
        .text("repoid", &call.cluster.repository_id);
    if call.request.path == "/version" {
        object.text("console", "html5");
    }
    Answer::data(&object.into_json(Some(&mut call.order())))
}
