//! `GET /nodes/{node}/ceph/osd`: the CRUSH tree.

use super::{AUDIT, BUILD, Ceph, OSD_SIZE, Osd, RELEASE, VERSION};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::pve::{Call, route};
use crate::random::Random;
use crate::route::Route;

pub(in crate::pve) const ROUTE: Route = route("/nodes/{node}/ceph/osd", AUDIT).by_daemon();

pub(in crate::pve) fn answer(call: &Call<'_>) -> Answer {
    Ceph::tell(call, tree)
}

fn tree(ceph: &Ceph<'_>) -> String {
    let call = ceph.call;
    let mut random = call.order();
    let hosts: Vec<String> = (0..call.cluster.nodes.len())
        .map(|node| host(ceph, node, &mut random))
        .collect();
    // The numbers of buckets are negative, and grow with the map.
    let all = bucket(-1, "default", "root", &hosts, &mut random);
    let mut root = Object::new();
    root.int("leaf", 0).raw("children", &array([all]));
    let mut object = Object::new();
    object
        .raw("root", &root.into_json(Some(&mut random)))
        .text("flags", &ceph.map_flags());
    object.into_json(Some(&mut random))
}

fn host(ceph: &Ceph<'_>, node: usize, random: &mut Random) -> String {
    let name = ceph.node_name(node);
    let osds: Vec<String> = ceph
        .osds
        .iter()
        .filter(|osd| osd.node == node)
        .map(|osd| leaf(osd, name, random))
        .collect();
    bucket(-3 - 2 * node as i64, name, "host", &osds, random)
}

fn bucket(id: i64, name: &str, kind: &str, children: &[String], random: &mut Random) -> String {
    let mut object = Object::new();
    object
        .int("id", id)
        .text("name", name)
        .text("type", kind)
        .int("leaf", 0)
        .raw("children", &array(children));
    object.into_json(Some(random))
}

fn leaf(osd: &Osd, host: &str, random: &mut Random) -> String {
    let status = if osd.is_up { "up" } else { "down" };
    let (groups, latency) = match osd.is_up {
        true => (osd.groups, osd.latency),
        false => (0, 0),
    };
    let mut object = Object::new();
    object
        .int("id", osd.id as i64)
        .text("name", &format!("osd.{}", osd.id))
        .text("type", "osd")
        .text("host", host)
        .int("leaf", 1)
        .text("status", status)
        .int("in", i64::from(osd.is_in))
        .number("crush_weight", 1.746_597)
        .int("reweight", i64::from(osd.is_in))
        .text("device_class", "ssd")
        .int("pgs", groups)
        .int("total_space", OSD_SIZE)
        .int("bytes_used", osd.used)
        .number("percent_used", osd.used as f64 * 100.0 / OSD_SIZE as f64)
        .int("commit_latency_ms", latency)
        .int("apply_latency_ms", latency)
        .text("osdtype", "bluestore")
        .text("blfsdev", &format!("/dev/dm-{}", osd.id))
        .null("dbdev")
        .null("waldev")
        .text("ceph_version_short", VERSION)
        .text(
            "ceph_version",
            &format!("ceph version {VERSION} ({BUILD}) {RELEASE} (stable)"),
        );
    object.into_json(Some(random))
}
