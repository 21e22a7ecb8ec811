//! `GET /nodes/{node}/disks/list` and `…/smart`.

use super::{Call, SYSTEM_AUDIT, error, parameter_error, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const LIST_ROUTE: Route = route(
    "/nodes/{node}/disks/list",
    Access::Either {
        paths: ["/", "/nodes/{node}"],
        name: "Sys.Audit",
    },
)
.with(&[
    Parameter::new("include-partitions", Kind::Boolean),
    Parameter::new("skipsmart", Kind::Boolean),
    Parameter::new("type", Kind::OneOf(&["unused", "journal_disks"])),
])
.by_daemon();
pub(super) const SMART_ROUTE: Route = route("/nodes/{node}/disks/smart", SYSTEM_AUDIT)
    .with(&[
        Parameter::new("disk", Kind::Text),
        Parameter::new("healthonly", Kind::Boolean),
    ])
    .by_daemon();

struct Disk {
    path: &'static str,
    kind: &'static str,
    rpm: i64,
    size: i64,
    used: Option<&'static str>,
    /// What is left of its life, in percent; disks that turn have no such number.
    wearout: Option<i64>,
    health: &'static str,
    temperature: i64,
}

/// An NVMe for the system, a pool of two disks that turn, a spare SSD. On the second node of a cluster with
/// oddities one disk fails and the SSD is worn out.
fn disks(call: &Call<'_>) -> Vec<Disk> {
    let odd = call.cluster.oddities && call.node == 1;
    let turning = |path, health| Disk {
        path,
        kind: "hdd",
        rpm: 7_200,
        size: 4_000_787_030_016,
        used: Some("ZFS"),
        wearout: None,
        health,
        temperature: 34,
    };
    vec![
        Disk {
            path: "/dev/nvme0n1",
            kind: "nvme",
            rpm: 0,
            size: 1_000_204_886_016,
            used: Some("LVM"),
            wearout: Some(97),
            health: "PASSED",
            temperature: 41,
        },
        turning("/dev/sda", "PASSED"),
        turning("/dev/sdb", if odd { "FAILED" } else { "PASSED" }),
        Disk {
            path: "/dev/sdc",
            kind: "ssd",
            rpm: 0,
            size: 480_103_981_056,
            used: None,
            wearout: Some(if odd { 3 } else { 88 }),
            health: "PASSED",
            temperature: 29,
        },
    ]
}

impl Disk {
    fn name(&self) -> &'static str {
        self.path.trim_start_matches("/dev/")
    }
}

/// Partitions are not simulated, so that `include-partitions` adds nothing.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let unused_only = call.request.parameter("type").is_some();
    let with_smart = !call.parameter_is_on("skipsmart");
    let mut random = call.order();
    let entries: Vec<String> = disks(call)
        .iter()
        .filter(|disk| !unused_only || disk.used.is_none())
        .map(|disk| listed(call, disk, with_smart, &mut random))
        .collect();
    Answer::data(&array(entries))
}

fn listed(call: &Call<'_>, disk: &Disk, with_smart: bool, random: &mut Random) -> String {
    let mut object = Object::new();
    object
        .text("devpath", disk.path)
        .text("type", disk.kind)
        .int("rpm", disk.rpm)
        .int("size", disk.size)
        .int("gpt", i64::from(disk.used.is_some()))
        .text("model", "SIM-DISK")
        .text("vendor", "ATA")
        .text("serial", &format!("S{}{}", call.node + 1, disk.name()))
        .text("wwn", "unknown")
        .int("osdid", -1)
        .null("osdid-list")
        .text("health", if with_smart { disk.health } else { "UNKNOWN" });
    // What is not used for anything has no such key.
    if let Some(used) = disk.used {
        object.text("used", used);
    }
    match disk.wearout.filter(|_| with_smart) {
        Some(left) => object.int("wearout", left),
        None => object.text("wearout", "N/A"),
    };
    object.into_json(Some(random))
}

pub(super) fn smart(call: &Call<'_>) -> Answer {
    let Some(wanted) = call.request.parameter("disk") else {
        return parameter_error("disk", "property is missing and it is not optional");
    };
    let disks = disks(call);
    let Some(disk) = disks.iter().find(|disk| disk.path == wanted) else {
        return error(500, "failed to get real path - No such file or directory");
    };
    let mut random = call.order();
    let mut object = Object::new();
    object.text("health", disk.health);
    if !call.parameter_is_on("healthonly") {
        match disk.kind {
            "nvme" => object.text("type", "text").text("text", &report(disk)),
            _ => object
                .text("type", "ata")
                .raw("attributes", &attributes(disk, &mut random)),
        };
    }
    Answer::data(&object.into_json(Some(&mut random)))
}

/// Numbers of three digits, filled up with blanks, are the ids of attributes.
fn attributes(disk: &Disk, random: &mut Random) -> String {
    let reallocated = if disk.health == "FAILED" { 1_944 } else { 0 };
    let temperature = format!("{} (Min/Max 18/52)", disk.temperature);
    let all = [
        (5, "Reallocated_Sector_Ct", 10, reallocated.to_string()),
        (9, "Power_On_Hours", 0, "21034".to_owned()),
        (12, "Power_Cycle_Count", 0, "31".to_owned()),
        (194, "Temperature_Celsius", 0, temperature),
        (197, "Current_Pending_Sector", 0, "0".to_owned()),
    ];
    array(all.map(|(id, name, threshold, raw)| {
        let failed = id == 5 && disk.health == "FAILED";
        let value = if failed { 3 } else { 100 };
        let mut object = Object::new();
        object
            .text("id", &format!("{id:>3}"))
            .text("name", name)
            .text("flags", "PO--CK")
            .int("value", value)
            .int("normalized", value)
            .int("worst", value)
            .int("threshold", threshold)
            .text("fail", if failed { "NOW" } else { "-" })
            .text("raw", &raw);
        object.into_json(Some(random))
    }))
}

/// What `smartctl` prints of an NVMe.
fn report(disk: &Disk) -> String {
    let used = 100 - disk.wearout.unwrap_or(100);
    format!(
        "\nSMART/Health Information (NVMe Log 0x02)\n\
         Critical Warning:                   0x00\n\
         Temperature:                        {} Celsius\n\
         Available Spare:                    100%\n\
         Available Spare Threshold:          10%\n\
         Percentage Used:                    {used}%\n\
         Data Units Read:                    12,345,678 [6.32 TB]\n\
         Data Units Written:                 23,456,789 [12.0 TB]\n\
         Power On Hours:                     8,760\n\
         Media and Data Integrity Errors:    0\n",
        disk.temperature
    )
}
