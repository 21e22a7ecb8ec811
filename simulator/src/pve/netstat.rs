//! `GET /nodes/{node}/netstat`: the counters of the guests' network interfaces, all as texts.

use super::guest::{Kind, Status};
use super::hardware::part;
use super::{Call, NODE_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const ROUTE: Route = route("/nodes/{node}/netstat", NODE_AUDIT);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    let running = call
        .hosted(Kind::Qemu)
        .chain(call.hosted(Kind::Lxc))
        .filter(|(_, moment)| moment.status != Status::Stopped);
    for (guest, moment) in running {
        let numbers = guest.numbers(&moment, call.view.now);
        let interfaces = guest.hardware().interfaces;
        let count = interfaces.len();
        for interface in interfaces {
            let mut object = Object::new();
            object
                .text("vmid", &guest.vmid.to_string())
                .text("dev", &format!("net{}", interface.index))
                .text(
                    "in",
                    &part(numbers.received, interface.index, count).to_string(),
                )
                .text(
                    "out",
                    &part(numbers.transmitted, interface.index, count).to_string(),
                );
            entries.push(object.into_json(Some(&mut random)));
        }
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}
