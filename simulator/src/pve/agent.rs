//! `GET /nodes/{node}/qemu/{vmid}/agent/get-fsinfo` and `…/get-osinfo`: what the agent inside a VM tells.

use std::time::Duration;

use super::guest::{Guest, Kind, Status};
use super::hardware::Agent;
use super::{Call, error, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::Random;
use crate::route::{Access, Route};

const AGENT_AUDIT: Access = Access::Privilege {
    path: "/vms/{vmid}",
    name: "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted",
};
/// How long PVE waits for an agent that does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) const FILE_SYSTEMS_ROUTE: Route =
    route("/nodes/{node}/qemu/{vmid}/agent/get-fsinfo", AGENT_AUDIT).by_daemon();
pub(super) const SYSTEM_ROUTE: Route =
    route("/nodes/{node}/qemu/{vmid}/agent/get-osinfo", AGENT_AUDIT).by_daemon();

pub(super) fn file_systems(call: &Call<'_>) -> Answer {
    ask(call, "guest-get-fsinfo", |guest, random| {
        let disk = array([disk(random)]);
        let root = file_system("sda1", "/", "ext4", &disk, Some(guest), random);
        let boot = file_system("sda15", "/boot/efi", "vfat", "[]", Some(guest), random);
        // An image in the drive has no sizes.
        let image = file_system("sr0", "/media", "iso9660", "[]", None, random);
        match guest.constant(50) < 0.3 {
            true => array([root, boot, image]),
            false => array([root, boot]),
        }
    })
}

pub(super) fn system(call: &Call<'_>) -> Answer {
    ask(call, "guest-get-osinfo", |_, random| {
        let mut object = Object::new();
        object
            .text("id", "debian")
            .text("name", "Debian GNU/Linux")
            .text("pretty-name", "Debian GNU/Linux 13 (trixie)")
            .text("version", "13 (trixie)")
            .text("version-id", "13")
            .text("machine", "x86_64")
            .text("kernel-release", "6.12.57+deb13-amd64")
            .text("kernel-version", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1");
        object.into_json(Some(random))
    })
}

fn ask(call: &Call<'_>, command: &str, tell: impl FnOnce(&Guest, &mut Random) -> String) -> Answer {
    let (guest, moment) = match call.guest(Kind::Qemu) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let agent = guest.hardware().agent;
    let mut random = call.order();
    let result = match (agent, moment.status) {
        (Agent::NotConfigured, _) => return error(500, "No QEMU guest agent configured"),
        (_, Status::Stopped) => {
            return error(500, &format!("VM {} is not running", guest.vmid));
        }
        (Agent::Silent, _) | (_, Status::Paused) => {
            return error(500, "QEMU guest agent is not running").after(PATIENCE);
        }
        (Agent::Refusing, _) => refusal(command, &mut random),
        (Agent::Answering, _) => tell(guest, &mut random),
    };
    let mut object = Object::new();
    object.raw("result", &result);
    Answer::data(&object.into_json(None))
}

fn refusal(command: &str, random: &mut Random) -> String {
    let text = format!("Command {command} has been disabled");
    let mut reason = Object::new();
    reason.text("class", "CommandNotFound").text("desc", &text);
    let mut object = Object::new();
    object.raw("error", &reason.into_json(Some(random)));
    object.into_json(None)
}

fn file_system(
    name: &str,
    place: &str,
    kind: &str,
    disks: &str,
    sized: Option<&Guest>,
    random: &mut Random,
) -> String {
    let mut object = Object::new();
    object
        .text("name", name)
        .text("mountpoint", place)
        .text("type", kind)
        .raw("disk", disks);
    if let Some(guest) = sized {
        let size = if place == "/" {
            guest.disk / 20 * 19
        } else {
            124 << 20
        };
        object.int("total-bytes", size).int(
            "used-bytes",
            (size as f64 * (0.1 + 0.8 * guest.constant(51))) as i64,
        );
        if place == "/" {
            object.int("total-bytes-privileged", guest.disk);
        }
    }
    object.into_json(Some(random))
}

fn disk(random: &mut Random) -> String {
    let mut controller = Object::new();
    for (key, value) in [("domain", 0), ("bus", 6), ("slot", 1), ("function", 0)] {
        controller.int(key, value);
    }
    let mut object = Object::new();
    object
        .text("dev", "/dev/sda1")
        .text("serial", "0QEMU_QEMU_HARDDISK_drive-scsi0")
        .text("bus-type", "scsi")
        .int("bus", 0)
        .int("target", 0)
        .int("unit", 0)
        .raw("pci-controller", &controller.into_json(Some(random)));
    object.into_json(Some(random))
}
