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

/// A mirror of SSDs to start from, two disks of a pool, one of which fails on a server with oddities, and an NVMe,
/// which is no kind of its own.
fn disks(call: &Call<'_>) -> [Disk; 5] {
    let ssd = |name, used, wearout| Disk {
        name,
        kind: "ssd",
        used,
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
        ssd("sda", "mounted", 96.0),
        ssd("sdb", "mounted", 95.0),
        hdd("sdc", true),
        hdd("sdd", !call.server.oddities),
        ssd("nvme0n1", "filesystem", 97.0),
    ]
}

impl Disk {
    fn status(&self) -> &'static str {
        if self.healthy { "passed" } else { "failed" }
    }

    fn is_nvme(&self) -> bool {
        self.name.starts_with("nvme")
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
    let attributes = match disk.is_nvme() {
        _ if call.is_on("healthonly") => Vec::new(),
        true => health_log(&disk),
        false => attributes(&disk),
    };
    let mut object = Object::new();
    object
        .raw("attributes", &array(attributes))
        .text("status", disk.status());
    if let Some(wearout) = disk.wearout {
        object.float("wearout", wearout);
    }
    Answer::data(&object.into_json(None))
}

/// Of an ATA disk, with the vendor's scale beside the raw values.
fn attributes(disk: &Disk) -> Vec<String> {
    let reallocated = if disk.healthy { "0" } else { "1944" };
    let all = [
        (5, "Reallocated_Sector_Ct", 10, reallocated),
        (9, "Power_On_Hours", 0, "21034"),
        (194, "Temperature_Celsius", 0, "31"),
        (197, "Current_Pending_Sector", 0, "0"),
        (241, "Total_LBAs_Written", 0, "58593750000"),
    ];
    let all = all.map(|(id, name, threshold, raw)| {
        let mut attribute = attribute(name, raw);
        attribute
            .text("flags", "PO--CK ")
            .int("id", id)
            .float("normalized", 100.0)
            .float("threshold", f64::from(threshold))
            .float("worst", 98.0);
        attribute.into_json(None)
    });
    all.to_vec()
}

/// Of an NVMe, by the names of smartctl's JSON, and without the scale.
fn health_log(disk: &Disk) -> Vec<String> {
    let used = (100.0 - disk.wearout.unwrap_or(100.0)).to_string();
    let all = [
        ("available_spare", "100"),
        ("available_spare_threshold", "10"),
        ("critical_warning", "0"),
        ("data_units_written", "23456789"),
        ("media_errors", "0"),
        ("percentage_used", &used),
        ("power_on_hours", "8760"),
        ("temperature", "41"),
    ];
    let all = all.map(|(name, raw)| attribute(name, raw).into_json(None));
    all.to_vec()
}

fn attribute(name: &str, raw: &str) -> Object {
    let mut object = Object::new();
    object
        .text("name", name)
        .text("raw", raw)
        // The same as `raw`, kept for older clients.
        .text("value", raw);
    object
}
