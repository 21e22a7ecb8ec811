//! `GET /nodes/{node}/lxc` and `GET /nodes/{node}/lxc/{vmid}/status/current`: containers, measured when asked.

use super::guest::{Guest, Kind, Moment, Status};
use super::qemu_status::managed;
use super::{Call, VM_AUDIT, error, pressure, route};
use crate::fault::Fault;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::PveVersion;
use crate::route::{Access, Route};

pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/lxc", Access::Everyone).by_daemon();
pub(super) const ROUTE: Route =
    route("/nodes/{node}/lxc/{vmid}/status/current", VM_AUDIT).by_daemon();

pub(super) fn list(call: &Call<'_>) -> Answer {
    if sick(call).is_some() {
        return no_answer();
    }
    let mut random = call.order();
    let mut entries: Vec<String> = call
        .hosted(Kind::Lxc)
        .map(|(guest, moment)| describe(call, guest, &moment))
        .map(|object| object.into_json(Some(&mut random)))
        .collect();
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

pub(super) fn current(call: &Call<'_>) -> Answer {
    let (guest, moment) = match call.guest(Kind::Lxc) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    if sick(call) == Some(guest.vmid) {
        return no_answer();
    }
    let mut random = call.order();
    let mut object = describe(call, guest, &moment);
    object.raw("ha", &managed(guest, &mut random));
    Answer::data(&object.into_json(Some(&mut random)))
}

/// The container whose monitor does not answer: the first that runs on a node with this fault.
fn sick(call: &Call<'_>) -> Option<i64> {
    let name = call.node_name();
    let broken = call.faults.has(
        call.endpoint,
        |fault| matches!(fault, Fault::ListBroken { node } if node == name),
    );
    call.cluster
        .guests
        .iter()
        .filter(|guest| broken && guest.kind == Kind::Lxc)
        .map(|guest| (guest, call.view.live(guest)))
        .find(|(_, moment)| moment.node == call.node && moment.status == Status::Running)
        .map(|(guest, _)| guest.vmid)
}

fn no_answer() -> Answer {
    error(500, "short read on command socket (16 != 0)")
}

fn describe(call: &Call<'_>, guest: &Guest, moment: &Moment) -> Object {
    let numbers = guest.numbers(moment, call.view.now);
    let running = moment.status != Status::Stopped;
    let swap = guest.swap();
    let mut object = Object::new();
    object
        .int("vmid", guest.vmid)
        .text("type", "lxc")
        .text("name", &guest.shown_name())
        .text("status", if running { "running" } else { "stopped" })
        .int("uptime", moment.uptime)
        .number("cpu", numbers.cpu)
        .int("cpus", guest.cpus)
        .int("mem", numbers.memory)
        .int("maxmem", guest.memory)
        .int("swap", if running { swap / 50 } else { 0 })
        .int("maxswap", swap)
        .int("disk", numbers.disk)
        .int("maxdisk", guest.disk)
        .int("netin", numbers.received)
        .int("netout", numbers.transmitted)
        .int("diskread", numbers.read)
        .int("diskwrite", numbers.written);
    if let Some(tags) = guest.tags {
        object.text("tags", tags);
    }
    if let Some(lock) = moment.lock {
        object.text("lock", lock);
    }
    if guest.template {
        object.int("template", 1);
    }
    if running {
        object.int("pid", guest.process());
        if call.cluster.version >= PveVersion::V9_1 {
            for (kind, value) in pressure::of_guest(guest, call.view.now) {
                object.text(kind, &format!("{value:.2}"));
            }
        }
    }
    object
}
