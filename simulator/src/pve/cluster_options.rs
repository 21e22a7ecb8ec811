//! `GET /cluster/options`: what stands in `datacenter.cfg`.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/cluster/options", Access::Everyone);

/// Without `Sys.Audit` there is only what the web interface needs. Numbers are texts.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut style = Object::new();
    style.text("ordering", "config").text("shape", "full");
    let mut object = Object::new();
    object
        .text("console", "html5")
        .raw("tag-style", &style.into_json(Some(&mut random)));
    if call.holds("Sys.Audit") {
        let mut next = Object::new();
        next.text("lower", "100").text("upper", "99999");
        let mut migration = Object::new();
        migration.text("type", "secure");
        object
            .text("keyboard", "en-us")
            .text("mac_prefix", "BC:24:11")
            .text("max_workers", "4")
            .text("email_from", "pve@example.test")
            .text("description", "simulated\n")
            .raw("registered-tags", &array([text("prod")]))
            .raw(
                "allowed-tags",
                &array(["db", "prod", "test", "web"].map(text)),
            )
            .raw("next-id", &next.into_json(Some(&mut random)))
            .raw("migration", &migration.into_json(Some(&mut random)));
    } else {
        object.raw("allowed-tags", "[]");
    }
    Answer::data(&object.into_json(Some(&mut random)))
}
