//! `GET /cluster/ceph/metadata`: what runs where, in which version.

use super::{AUDIT, BUILD, Ceph, RELEASE, VERSION};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::pve::{Call, route};
use crate::random::Random;
use crate::route::{Kind, Parameter, Route};

pub(in crate::pve) const ROUTE: Route = route("/cluster/ceph/metadata", AUDIT)
    .with(&[Parameter::new("scope", Kind::OneOf(&["all", "versions"]))])
    .by_daemon();

pub(in crate::pve) fn answer(call: &Call<'_>) -> Answer {
    if call.request.parameter("scope") == Some("versions") {
        // Told even where nothing is set up.
        let mut object = Object::new();
        if call.cluster.ceph.is_some() {
            object.raw("node", &versions(call, &mut call.order()));
        }
        return Answer::data(&object.into_json(None));
    }
    Ceph::tell(call, |ceph| {
        let mut random = call.order();
        let services = services(ceph, &mut random);
        let mut object = Object::new();
        object
            .raw("node", &versions(call, &mut random))
            .raw("mon", &services)
            .raw("mgr", &services)
            .raw("mds", "{}")
            .raw("osd", &osds(ceph, &mut random));
        object.into_json(Some(&mut random))
    })
}

fn versions(call: &Call<'_>, random: &mut Random) -> String {
    let mut nodes = Object::new();
    for name in call.cluster.node_names() {
        let mut version = Object::new();
        version
            .text("str", VERSION)
            .raw("parts", &array(VERSION.split('.').map(text)));
        let mut node = Object::new();
        node.text("buildcommit", BUILD)
            .raw("version", &version.into_json(None));
        nodes.raw(name, &node.into_json(Some(random)));
    }
    nodes.into_json(Some(random))
}

/// Monitors and managers are told of alike.
fn services(ceph: &Ceph<'_>, random: &mut Random) -> String {
    let mut services = Object::new();
    for node in ceph.monitors_in_quorum() {
        let name = ceph.node_name(node);
        let mut service = running_on(name);
        service.text("name", name);
        services.raw(&format!("{name}@{name}"), &service.into_json(Some(random)));
    }
    services.into_json(Some(random))
}

fn osds(ceph: &Ceph<'_>, random: &mut Random) -> String {
    array(ceph.osds.iter().map(|osd| {
        let mut object = running_on(ceph.node_name(osd.node));
        object
            .int("id", osd.id as i64)
            .text("osd_objectstore", "bluestore")
            .text("osd_data", &format!("/var/lib/ceph/osd/ceph-{}", osd.id))
            .text("front_addr", "[v2:127.0.0.1:6802/1,v1:127.0.0.1:6803/1]")
            .text("back_addr", "[v2:127.0.0.1:6804/1,v1:127.0.0.1:6805/1]");
        object.into_json(Some(random))
    }))
}

fn running_on(host: &str) -> Object {
    let mut object = Object::new();
    object
        .text("hostname", host)
        .text("ceph_release", RELEASE)
        .text("ceph_version_short", VERSION)
        .text(
            "ceph_version",
            &format!("ceph version {VERSION} ({BUILD}) {RELEASE} (stable)"),
        )
        .text("mem_total_kb", "263856000")
        .text("mem_swap_kb", "8388604");
    object
}
