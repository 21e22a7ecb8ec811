//! `GET /nodes/{node}/disks/zfs` and `…/zfs/{name}`: the ZFS pool of a server, a mirror of two of its disks.

use super::disks::AUDIT;
use super::{Call, error, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/disks/zfs", AUDIT);
pub(super) const ROUTE: Route = route("/nodes/{node}/disks/zfs/{name}", AUDIT);

const POOL: &str = "tank";

/// A server with oddities has lost a disk.
fn health(call: &Call<'_>) -> &'static str {
    if call.server.oddities {
        "DEGRADED"
    } else {
        "ONLINE"
    }
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    let size: i64 = 3_985_729_650_688;
    let used = size / 3;
    let mut object = Object::new();
    object
        .int("alloc", used)
        .float("dedup", 1.0)
        .int("frag", 7)
        .int("free", size - used)
        .text("health", health(call))
        .text("name", POOL)
        .int("size", size);
    Answer::data(&array([object.into_json(None)]))
}

/// What stands in `zpool status` beside the devices is at the top, by its own names.
pub(super) fn pool(call: &Call<'_>) -> Answer {
    let name = call.capture("name");
    if name != POOL {
        let text = format!(
            "command \"zpool\" \"status\" \"-p\" \"-P\" \"{name}\" failed - status code: 1"
        );
        return error(400, &text);
    }
    let (state, errors) = match call.server.oddities {
        true => ("UNAVAIL", 12),
        false => ("ONLINE", 0),
    };
    let devices = [
        part("/dev/sdc1", 4, "ONLINE", 0, None),
        part("/dev/sdd1", 4, state, errors, None),
    ];
    let mirror = part("mirror-0", 2, health(call), 0, Some(&devices));
    let tree = part(POOL, 0, health(call), 0, Some(&[mirror]));
    let mut object = Object::new();
    object
        .raw("children", &array([tree]))
        .text("errors", "No known data errors")
        .boolean("leaf", false)
        .text("name", POOL)
        .text(
            "scan",
            "scrub repaired 0B in 00:48:12 with 0 errors on Sun Jan 10 01:12:13 2027",
        )
        .text("state", health(call));
    if call.server.oddities {
        object
            .text("action", "Replace the device using 'zpool replace'.")
            .text("status", "One or more devices could not be used.");
    }
    Answer::data(&object.into_json(None))
}

/// `level` is the depth in blanks, as `zpool` indents it.
fn part(name: &str, level: i64, state: &str, errors: i64, children: Option<&[String]>) -> String {
    let mut object = Object::new();
    if let Some(children) = children {
        object.raw("children", &array(children));
    }
    object
        .int("cksum", errors)
        .boolean("leaf", children.is_none())
        .int("lvl", level)
        .text("name", name)
        .int("read", errors)
        .text("state", state)
        .int("write", 0);
    object.into_json(None)
}
