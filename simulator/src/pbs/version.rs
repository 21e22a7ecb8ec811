//! `GET /ping`, `GET /version`.

use super::{Call, route};
use crate::http::Answer;
use crate::json::Object;
use crate::plan::PbsVersion;
use crate::route::{Access, Route};

pub(super) const PING_ROUTE: Route = route("/ping", Access::World);
pub(super) const ROUTE: Route = route("/version", Access::Everyone);

pub(super) fn ping(_: &Call<'_>) -> Answer {
    Answer::data("{\"pong\":true}")
}

/// 4.2.1 is version 4.2 and release 1, which is a text.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let (version, release) = match call.server.version {
        PbsVersion::V3_4 => ("3.4", "8"),
        PbsVersion::V4_2 => ("4.2", "1"),
    };
    let mut object = Object::new();
    object
        .text("release", release)
        .text("repoid", &call.server.repository_id)
        .text("version", version);
    Answer::data(&object.into_json(None))
}
