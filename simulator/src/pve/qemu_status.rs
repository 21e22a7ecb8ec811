//! `GET /nodes/{node}/qemu` and `GET /nodes/{node}/qemu/{vmid}/status/current`: VMs, measured when asked.

use super::guest::{Guest, GuestNumbers, Kind as GuestKind, Moment, Status};
use super::hardware::{Agent, Disk, Hardware, part};
use super::{Call, VM_AUDIT, pressure, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::PveVersion;
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/qemu", Access::Everyone)
    .with(&[Parameter::new("full", Kind::Boolean)])
    .by_daemon();
pub(super) const ROUTE: Route =
    route("/nodes/{node}/qemu/{vmid}/status/current", VM_AUDIT).by_daemon();

pub(super) fn list(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let full = call.parameter_is_on("full");
    let mut entries: Vec<String> = call
        .hosted(GuestKind::Qemu)
        .map(|(guest, moment)| {
            describe(call, guest, &moment, full, &mut random).into_json(Some(&mut random))
        })
        .collect();
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

pub(super) fn current(call: &Call<'_>) -> Answer {
    let (guest, moment) = match call.guest(GuestKind::Qemu) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let mut random = call.order();
    let mut object = describe(call, guest, &moment, true, &mut random);
    object.raw("ha", &managed(guest, &mut random));
    if guest.hardware().agent != Agent::NotConfigured {
        object.int("agent", 1);
    }
    Answer::data(&object.into_json(Some(&mut random)))
}

/// Whether the HA manager looks after the guest, and what it makes of it.
pub(super) fn managed(guest: &Guest, random: &mut Random) -> String {
    let mut object = Object::new();
    object.int("managed", i64::from(guest.ha_state.is_some()));
    if let Some(state) = guest.ha_state {
        object.text("state", state);
    }
    object.into_json(Some(random))
}

fn describe(
    call: &Call<'_>,
    guest: &Guest,
    moment: &Moment,
    full: bool,
    random: &mut Random,
) -> Object {
    let numbers = guest.numbers(moment, call.view.now);
    let running = moment.status != Status::Stopped;
    let mut object = Object::new();
    object
        .int("vmid", guest.vmid)
        .text("name", &guest.shown_name())
        .text("status", if running { "running" } else { "stopped" })
        .int("uptime", moment.uptime)
        .number("cpu", numbers.cpu)
        .int("cpus", guest.cpus)
        .int("mem", numbers.memory)
        .int("maxmem", guest.memory)
        .int("disk", 0)
        .int("maxdisk", guest.disk)
        .int("netin", numbers.received)
        .int("netout", numbers.transmitted);
    if call.cluster.has_memory_of_host() {
        object.int("memhost", numbers.memory_of_host);
    }
    if let Some(tags) = guest.tags {
        object.text("tags", tags);
    }
    if let Some(lock) = moment.lock {
        object.text("lock", lock);
    }
    if guest.template {
        object.int("template", 1);
    }
    if full {
        // A paused VM is only here told from a running one.
        object.text("qmpstatus", moment.status.as_str());
    }
    if running {
        let hardware = guest.hardware();
        object.int("pid", guest.process());
        if let Some(least) = hardware.balloon {
            object.int("balloon_min", least).int("shares", 1000);
        }
        if call.cluster.version >= PveVersion::V9_1 {
            for (kind, value) in pressure::of_guest(guest, call.view.now) {
                object.number(kind, value);
            }
        }
        if full {
            object.raw("nics", &interfaces(guest, &hardware, &numbers, random));
            told_by_qemu(call, &mut object, guest, &hardware, &numbers, random);
        }
    }
    object
}

fn interfaces(
    guest: &Guest,
    hardware: &Hardware,
    numbers: &GuestNumbers,
    random: &mut Random,
) -> String {
    let count = hardware.interfaces.len();
    let mut devices = Object::new();
    for interface in &hardware.interfaces {
        let mut object = Object::new();
        object
            .int("netin", part(numbers.received, interface.index, count))
            .int("netout", part(numbers.transmitted, interface.index, count));
        devices.raw(&interface.device(guest), &object.into_json(Some(random)));
    }
    devices.into_json(Some(random))
}

/// What QEMU tells over its monitor.
fn told_by_qemu(
    call: &Call<'_>,
    object: &mut Object,
    guest: &Guest,
    hardware: &Hardware,
    numbers: &GuestNumbers,
    random: &mut Random,
) {
    object
        .text("running-machine", "pc-i440fx-9.2+pve1")
        .text("running-qemu", qemu_version(call.cluster.version))
        .int("balloon", guest.memory)
        .int("diskread", numbers.read)
        .int("diskwrite", numbers.written);
    let mut balloon = Object::new();
    balloon
        .int("actual", guest.memory)
        .int("max_mem", guest.memory);
    // Only a guest that has the balloon's driver tells more.
    if guest.constant(20) < 0.8 {
        let free = guest.memory - numbers.memory;
        object.int("freemem", free);
        balloon
            .int("total_mem", guest.memory)
            .int("free_mem", free)
            .int("mem_swapped_in", 0)
            .int("mem_swapped_out", 0)
            .int("major_page_faults", numbers.read >> 20)
            .int("minor_page_faults", numbers.read >> 12)
            .int("last_update", call.view.now);
    }
    object.raw("ballooninfo", &balloon.into_json(Some(random)));
    let mut devices = Object::new();
    let count = hardware.disks.len();
    for (index, disk) in hardware.disks.iter().enumerate() {
        let read = part(numbers.read, index, count);
        let written = part(numbers.written, index, count);
        devices.raw(disk.key, &block_statistics(disk, read, written, random));
    }
    object.raw("blockstat", &devices.into_json(Some(random)));
}

fn qemu_version(version: PveVersion) -> &'static str {
    match version {
        PveVersion::V8_4 => "9.2.0",
        PveVersion::V9_1 | PveVersion::V9_2 => "10.1.2",
    }
}

/// The `stats` of QEMU's `query-blockstats`.
fn block_statistics(disk: &Disk, read: i64, written: i64, random: &mut Random) -> String {
    let mut object = Object::new();
    object
        .int("rd_bytes", read)
        .int("wr_bytes", written)
        .int("rd_operations", read >> 14)
        .int("wr_operations", written >> 13)
        .int("flush_operations", written >> 16)
        .int("rd_total_time_ns", (read >> 14) * 180_000)
        .int("wr_total_time_ns", (written >> 13) * 450_000)
        .int("flush_total_time_ns", (written >> 16) * 2_000_000)
        .int("rd_merged", 0)
        .int("wr_merged", 0)
        .int("wr_highest_offset", disk.size / 10 * 9)
        .int("idle_time_ns", 40_000_000)
        .raw("account_failed", "true")
        .raw("account_invalid", "true")
        .raw("timed_stats", "[]");
    for kind in ["rd", "wr", "flush", "unmap"] {
        object
            .int(&format!("failed_{kind}_operations"), 0)
            .int(&format!("invalid_{kind}_operations"), 0);
    }
    for kind in ["bytes", "operations", "merged", "total_time_ns"] {
        object.int(&format!("unmap_{kind}"), 0);
    }
    object.into_json(Some(random))
}
