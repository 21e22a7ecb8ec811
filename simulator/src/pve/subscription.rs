//! `GET /nodes/{node}/subscription`: a key, or that there is none.

use super::world::Cluster;
use super::{Call, route};
use crate::clock::civil;
use crate::http::Answer;
use crate::json::Object;
use crate::random::hash;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/subscription", Access::Everyone);

const DAY: i64 = 86_400;

struct Key {
    status: &'static str,
    level: &'static str,
    product: &'static str,
    /// Seconds from the start of the fleet to the day on which it is due.
    due: i64,
}

fn key(cluster: &Cluster, node: usize) -> Option<Key> {
    match node {
        _ if !cluster.subscriptions => None,
        0 => Some(Key {
            status: "active",
            level: "c",
            product: "Proxmox VE Community Subscription 2 CPUs/year",
            due: 200 * DAY,
        }),
        1 => Some(Key {
            status: "expired",
            level: "s",
            product: "Proxmox VE Standard Subscription 2 CPUs/year",
            due: -20 * DAY,
        }),
        _ => None,
    }
}

/// As other lists show it; empty without a subscription.
pub(super) fn level(cluster: &Cluster, node: usize) -> &'static str {
    key(cluster, node).map_or("", |key| key.level)
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut object = Object::new();
    match key(call.cluster, call.node) {
        Some(key) => {
            let day = civil(call.cluster.started + key.due);
            object
                .text("status", key.status)
                .text("level", key.level)
                .text("productname", key.product)
                .text(
                    "nextduedate",
                    &format!("{:04}-{:02}-{:02}", day.year, day.month, day.day),
                )
                .int("checktime", call.view.now - call.view.now.rem_euclid(DAY))
                .int("sockets", 2);
        }
        None => {
            object
                .text("status", "notfound")
                .text("message", "There is no subscription key");
        }
    }
    object.text(
        "url",
        "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    );
    if call.holds("Sys.Audit") {
        let seed = call
            .cluster
            .nodes
            .get(call.node)
            .map_or(0, |node| node.seed);
        let id = [hash(&[seed, 1]), hash(&[seed, 2])].map(|part| format!("{part:016X}"));
        object.text("serverid", &id.concat());
    }
    Answer::data(&object.into_json(Some(&mut call.order())))
}
