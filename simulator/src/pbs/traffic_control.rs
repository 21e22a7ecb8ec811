//! `GET /admin/traffic-control` and `/config/traffic-control`: rules, and what flows under them now.

use super::world::CYCLE;
use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::noise;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route(
    "/admin/traffic-control",
    Access::Privilege {
        path: "/",
        name: "Sys.Audit",
    },
);
pub(super) const CONFIG_ROUTE: Route = route(
    "/config/traffic-control",
    Access::Privilege {
        path: "/",
        name: "Sys.Modify",
    },
);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    rules(call, true)
}

pub(super) fn config(call: &Call<'_>) -> Answer {
    rules(call, false)
}

fn rules(call: &Call<'_>, with_rates: bool) -> Answer {
    let rate = |rule: i64, most: f64| (noise(&[rule, call.now.div_euclid(CYCLE)]) * most) as i64;
    let mut office = Object::new();
    office
        .text("burst-in", "160 MB")
        .text("comment", "working hours")
        .text("name", "office")
        .raw("network", "[\"10.20.0.0/16\"]")
        .text("rate-in", "80 MB")
        .text("rate-out", "40 MB")
        .raw("timeframe", "[\"mon..fri 7:00-19:00\"]");
    let mut copies = Object::new();
    copies
        .text("name", "copies")
        .raw("network", "[\"192.0.2.0/24\"]")
        .text("rate-out", "250 MB");
    let mut entries: Vec<String> = [(office, 8e7, 4e7), (copies, 1e8, 2.5e8)]
        .into_iter()
        .zip(1..)
        .map(|((mut rule, received, sent), number)| {
            if with_rates {
                rule.int("cur-rate-in", rate(number, received))
                    .int("cur-rate-out", rate(number + 100, sent));
            }
            rule.into_json(None)
        })
        .collect();
    call.order().shuffle(&mut entries);
    call.listed(&array(entries))
}
