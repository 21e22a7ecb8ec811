//! `GET /cluster/sdn/zones`, `…/vnets`, `…/controllers`, and `/nodes/{node}/sdn/zones`.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::hash;
use crate::route::{Access, Kind, Parameter, Route};

const PENDING: Parameter = Parameter::new("pending", Kind::Boolean);
const RUNNING: Parameter = Parameter::new("running", Kind::Boolean);

pub(super) const ZONES_ROUTE: Route = route("/cluster/sdn/zones", Access::Everyone).with(&[
    PENDING,
    RUNNING,
    Parameter::new(
        "type",
        Kind::OneOf(&["evpn", "faucet", "qinq", "simple", "vlan", "vxlan"]),
    ),
]);
pub(super) const VNETS_ROUTE: Route =
    route("/cluster/sdn/vnets", Access::Everyone).with(&[PENDING, RUNNING]);
pub(super) const CONTROLLERS_ROUTE: Route = route("/cluster/sdn/controllers", Access::Everyone)
    .with(&[
        PENDING,
        RUNNING,
        Parameter::new("type", Kind::OneOf(&["bgp", "evpn", "faucet", "isis"])),
    ]);
pub(super) const NODE_ROUTE: Route = route("/nodes/{node}/sdn/zones", Access::Everyone).by_daemon();

/// The digest of the configuration, which the running one and the pending changes do not have.
fn digest(call: &Call<'_>, object: &mut Object) {
    if call.parameter_is_on("pending") || call.parameter_is_on("running") {
        object.null("digest");
        return;
    }
    let seed = call.cluster.seed.cast_signed();
    let digest = format!(
        "{:016x}{:016x}{:08x}",
        hash(&[seed, 1]),
        hash(&[seed, 2]),
        7
    );
    object.text("digest", &digest);
}

/// The zones that somebody configured: without the one that every node has.
pub(super) fn zones(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("type");
    let mut random = call.order();
    let mut entries = Vec::new();
    for zone in call
        .cluster
        .zones
        .iter()
        .filter(|_| call.holds("SDN.Audit"))
    {
        let Some(kind) = zone
            .kind
            .filter(|kind| wanted.is_none_or(|wanted| wanted == *kind))
        else {
            continue;
        };
        let mut object = Object::new();
        object.text("zone", zone.name).text("type", kind);
        match kind {
            "vxlan" => object
                .text("peers", "192.0.2.101,192.0.2.102")
                .int("mtu", 1_450),
            _ => object.text("bridge", "vmbr0").text("nodes", "pve1"),
        };
        digest(call, &mut object);
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

/// One network in each zone. With oddities one more was deleted, and still runs until that is applied.
pub(super) fn vnets(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    let zones = call.cluster.zones.iter().filter(|zone| zone.kind.is_some());
    for (place, zone) in zones.enumerate().filter(|_| call.holds("SDN.Audit")) {
        let mut object = vnet(&format!("net{place}"), zone.name, 100 + place as i64);
        digest(call, &mut object);
        entries.push(object.into_json(Some(&mut random)));
    }
    let (pending, running) = (
        call.parameter_is_on("pending"),
        call.parameter_is_on("running"),
    );
    if call.cluster.oddities && (pending || running) && call.holds("SDN.Audit") {
        let mut object = vnet("oldnet", "tenants", 4_000);
        digest(call, &mut object);
        if pending {
            object.text("state", "deleted").raw("pending", "{}");
        }
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

fn vnet(name: &str, zone: &str, tag: i64) -> Object {
    let mut object = Object::new();
    object
        .text("vnet", name)
        .text("zone", zone)
        .text("type", "vnet")
        .int("tag", tag);
    object
}

/// No zone of the simulator needs one.
pub(super) fn controllers(_: &Call<'_>) -> Answer {
    Answer::data("[]")
}

pub(super) fn on_node(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let zones = call.cluster.zones.iter();
    let entries: Vec<String> = zones
        .filter(|zone| zone.kind.is_some() && call.holds("SDN.Audit"))
        .map(|zone| {
            let mut object = Object::new();
            object.text("zone", zone.name).text("status", zone.status);
            object.into_json(Some(&mut random))
        })
        .collect();
    Answer::data(&array(entries))
}
