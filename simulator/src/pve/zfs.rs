//! `GET /nodes/{node}/disks/zfs` and `…/zfs/{name}`: the ZFS pools of a node.

use super::{Call, SYSTEM_AUDIT, error, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::{Random, noise};
use crate::route::Route;

pub(super) const LIST_ROUTE: Route = route("/nodes/{node}/disks/zfs", SYSTEM_AUDIT).by_daemon();
pub(super) const ROUTE: Route = route("/nodes/{node}/disks/zfs/{name}", SYSTEM_AUDIT).by_daemon();

/// The one pool of each node.
const POOL: &str = "tank";
const SIZE: i64 = 3_985_729_650_688;

/// The second node of a cluster with oddities has lost a disk.
fn is_degraded(call: &Call<'_>) -> bool {
    call.cluster.oddities && call.node == 1
}

fn health(call: &Call<'_>) -> &'static str {
    if is_degraded(call) {
        "DEGRADED"
    } else {
        "ONLINE"
    }
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    let seed = call
        .cluster
        .nodes
        .get(call.node)
        .map_or(0, |node| node.seed);
    let hour = call.view.now.div_euclid(3_600);
    let fill = 0.3 + 0.4 * noise(&[seed, 20]) + 0.001 * noise(&[seed, 21, hour]);
    let used = (SIZE as f64 * fill) as i64;
    let mut object = Object::new();
    object
        .text("name", POOL)
        .text("health", health(call))
        .int("size", SIZE)
        .int("alloc", used)
        .int("free", SIZE - used)
        .int("frag", (fill * 30.0) as i64)
        .number("dedup", 1.0);
    Answer::data(&array([object.into_json(Some(&mut call.order()))]))
}

pub(super) fn pool(call: &Call<'_>) -> Answer {
    let name = call.capture("name");
    if name != POOL {
        let text = format!("command 'zpool status -P {name}' failed: exit code 1");
        return error(500, &text);
    }
    let mut random = call.order();
    let mut object = Object::new();
    object
        .text("name", POOL)
        .text("state", health(call))
        .text(
            "scan",
            "scrub repaired 0B in 00:12:34 with 0 errors on Sun Nov  8 00:36:35 2026",
        )
        .text("errors", "No known data errors")
        .int("leaf", 0)
        .raw("children", &array([root(call, &mut random)]));
    if is_degraded(call) {
        object
            .text("status", "One or more devices could not be used.")
            .text("action", "Replace the device using 'zpool replace'.")
            .text(
                "see",
                "https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-4J",
            );
    }
    Answer::data(&object.into_json(Some(&mut random)))
}

fn root(call: &Call<'_>, random: &mut Random) -> String {
    let healthy = device("/dev/sda1", "ONLINE", 0, random);
    let state = if is_degraded(call) {
        "UNAVAIL"
    } else {
        "ONLINE"
    };
    let errors = if is_degraded(call) { 12 } else { 0 };
    let other = device("/dev/sdb1", state, errors, random);
    let mirror = group("mirror-0", health(call), &[healthy, other], random);
    group(POOL, health(call), &[mirror], random)
}

fn device(name: &str, state: &str, errors: i64, random: &mut Random) -> String {
    let mut object = part(name, state, errors);
    object.int("leaf", 1);
    object.into_json(Some(random))
}

fn group(name: &str, state: &str, children: &[String], random: &mut Random) -> String {
    let mut object = part(name, state, 0);
    object.int("leaf", 0).raw("children", &array(children));
    object.into_json(Some(random))
}

fn part(name: &str, state: &str, errors: i64) -> Object {
    let mut object = Object::new();
    object
        .text("name", name)
        .text("state", state)
        .text("msg", "")
        .int("read", errors)
        .int("write", 0)
        .int("cksum", errors);
    object
}
