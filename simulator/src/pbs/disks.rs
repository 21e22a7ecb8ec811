//! `GET /nodes/{node}/disks/list` and `…/smart`.

use super::{Call, parameter_error, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const AUDIT: Access = Access::Privilege {
    path: "/system/disks",
    name: "Sys.Audit",
};
const USAGES: &[&str] = &[
    "unused",
    "mounted",
    "lvm",
    "zfs",
    "devicemapper",
    "partitions",
    "filesystem",
];
pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/disks/list", AUDIT).with(&[
    Parameter::new("include-partitions", Kind::Boolean),
    Parameter::new("skipsmart", Kind::Boolean),
    Parameter::new("usage-type", Kind::OneOf(USAGES)),
]);
pub(super) const SMART_ROUTE: Route = route("/nodes/{node}/disks/smart", AUDIT).with(&[
    Parameter::new("disk", Kind::Text),
    Parameter::new("healthonly", Kind::Boolean),
]);

struct Disk {
    name: &'static str,
    kind: &'static str,
    used: &'static str,
    /// What is left of its life, in percent; disks that turn have no such number.
    wearout: Option<f64>,
    healthy: bool,
}

/// A mirror of SSDs to start from and two disks of a pool, one of which fails on a server with oddities.
fn disks(call: &Call<'_>) -> [Disk; 4] {
    let ssd = |name, wearout| Disk {
        name,
        kind: "ssd",
        used: "mounted",
        wearout: Some(wearout),
        healthy: true,
    };
    let hdd = |name, healthy| Disk {
        name,
        kind: "hdd",
        used: "zfs",
        wearout: None,
        healthy,
    };
    [
        ssd("sda", 96.0),
        ssd("sdb", 95.0),
        hdd("sdc", true),
        hdd("sdd", !call.server.oddities),
    ]
}

impl Disk {
    fn status(&self) -> &'static str {
        if self.healthy { "passed" } else { "failed" }
    }
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("usage-type");
    let with_smart = !call.is_on("skipsmart");
    let entries = disks(call)
        .into_iter()
        .filter(|disk| wanted.is_none_or(|wanted| wanted == disk.used))
        .map(|disk| {
            let mut object = Object::new();
            object
                .text("devpath", &format!("/dev/{}", disk.name))
                .text("disk-type", disk.kind)
                .boolean("gpt", true)
                .text("model", "SIM-4T")
                .text("name", disk.name);
            if call.is_on("include-partitions") {
                object.raw("partitions", "[]");
            } else {
                object.null("partitions");
            }
            object
                .null("rpm")
                .text("serial", &format!("S1M{}", disk.name.to_uppercase()))
                .int("size", 4_000_787_030_016)
                .text("status", if with_smart { disk.status() } else { "unknown" })
                .text("used", disk.used)
                .text("vendor", "ATA");
            match disk.wearout.filter(|_| with_smart) {
                Some(wearout) => object.float("wearout", wearout),
                None => object.null("wearout"),
            };
            object.null("wwn");
            object.into_json(None)
        });
    Answer::data(&array(entries))
}

pub(super) fn smart(call: &Call<'_>) -> Answer {
    let Some(wanted) = call.request.parameter("disk") else {
        return parameter_error("disk", "parameter is missing and it is not optional.");
    };
    let Some(disk) = disks(call).into_iter().find(|disk| disk.name == wanted) else {
        return parameter_error("disk", "value does not match the regex pattern");
    };
    let mut object = Object::new();
    let attributes = [
        (5, "Reallocated_Sector_Ct", 10),
        (194, "Temperature_Celsius", 0),
    ]
    .into_iter()
    .filter(|_| !call.is_on("healthonly"))
    .map(|(id, name, threshold)| {
        let raw = if id == 194 { "31" } else { "0" };
        let mut attribute = Object::new();
        attribute
            .text("flags", "PO--CK ")
            .int("id", id)
            .text("name", name)
            .float("normalized", 100.0)
            .text("raw", raw)
            .float("threshold", f64::from(threshold))
            // The same as `raw`, kept for older clients.
            .text("value", raw)
            .float("worst", 98.0);
        attribute.into_json(None)
    });
    object
        .raw("attributes", &array(attributes))
        .text("status", disk.status());
    if let Some(wearout) = disk.wearout {
        object.float("wearout", wearout);
    }
    Answer::data(&object.into_json(None))
}
