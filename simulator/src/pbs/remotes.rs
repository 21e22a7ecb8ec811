//! `GET /config/remote`: the other servers that jobs sync with.

use std::collections::BTreeSet;

use super::{Call, permissions, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/config/remote", Access::Everyone);

const FINGERPRINT: &str = "b7:04:3d:92:6e:f1:58:0a:cc:47:1b:e5:80:29:d6:7f:33:a8:95:0e:5c:62:fb:14:d9:71:ae:48:06:bd:2f:83";

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let visible = permissions::holds(call.rights, "Remote.Audit");
    let names: BTreeSet<&str> = call
        .server
        .jobs
        .iter()
        .filter(|_| visible)
        .filter_map(|job| job.remote.as_deref())
        .collect();
    let mut entries: Vec<String> = names
        .into_iter()
        .map(|name| {
            let mut object = Object::new();
            object
                .text("auth-id", "sync@pbs!copies")
                .text("fingerprint", FINGERPRINT)
                .text("host", &format!("{name}.example.com"))
                .text("name", name)
                .int("port", 8007);
            object.into_json(None)
        })
        .collect();
    call.order().shuffle(&mut entries);
    call.listed(&array(entries))
}
