//! `GET /nodes/{node}/{qemu,lxc}/{vmid}/snapshot`: a guest's snapshots, and `current`, which is none.

use super::guest::{Guest, Kind, Status};
use super::guest_config::digest;
use super::{Call, VM_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const QEMU_ROUTE: Route =
    route("/nodes/{node}/qemu/{vmid}/snapshot", VM_AUDIT).by_daemon();
pub(super) const LXC_ROUTE: Route =
    route("/nodes/{node}/lxc/{vmid}/snapshot", VM_AUDIT).by_daemon();

/// In the order in which they were taken.
const NAMES: [&str; 3] = ["installed", "before-upgrade", "after-upgrade"];
const DAY: i64 = 86_400;

pub(super) fn qemu(call: &Call<'_>) -> Answer {
    list(call, Kind::Qemu)
}

pub(super) fn lxc(call: &Call<'_>) -> Answer {
    list(call, Kind::Lxc)
}

/// The snapshot that the guest's present state descends from.
pub(super) fn newest(guest: &Guest) -> Option<&'static str> {
    names(guest).last().copied()
}

/// One guest in six has snapshots.
fn names(guest: &Guest) -> &'static [&'static str] {
    let count = match guest.constant(40) {
        _ if guest.template => 0,
        low if low < 0.06 => 1,
        low if low < 0.12 => 2,
        low if low < 0.16 => 3,
        _ => 0,
    };
    NAMES.get(..count).unwrap_or_default()
}

fn list(call: &Call<'_>, kind: Kind) -> Answer {
    let (guest, moment) = match call.guest(kind) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let mut random = call.order();
    let mut entries = Vec::new();
    let mut parent = None;
    let age = 1 + (guest.constant(41) * 300.0) as i64;
    for (index, name) in names(guest).iter().enumerate() {
        // The first is the oldest; all of them are older than the fleet.
        let days = age * (3 - index as i64);
        let mut object = Object::new();
        object
            .text("name", name)
            .text("description", "")
            .int("snaptime", call.cluster.started - days * DAY);
        if kind == Kind::Qemu {
            object.int("vmstate", i64::from(index == 1));
        }
        if let Some(parent) = parent {
            object.text("parent", parent);
        }
        parent = Some(*name);
        entries.push(object.into_json(Some(&mut random)));
    }
    random.shuffle(&mut entries);
    let mut current = Object::new();
    current
        .text("name", "current")
        .text("description", "You are here!")
        .text("digest", &digest(guest))
        .int("running", i64::from(moment.status != Status::Stopped));
    if let Some(parent) = parent {
        current.text("parent", parent);
    }
    entries.push(current.into_json(Some(&mut random)));
    Answer::data(&array(entries))
}
