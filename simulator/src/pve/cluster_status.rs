//! `GET /cluster/status`, `/cluster/config/nodes`, `/cluster/config/qdevice`.

use super::{Call, SYSTEM_AUDIT, route, subscription};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::Route;

pub(super) const ROUTE: Route = route("/cluster/status", SYSTEM_AUDIT).by_daemon();
pub(super) const MEMBERS_ROUTE: Route = route("/cluster/config/nodes", SYSTEM_AUDIT);
pub(super) const QDEVICE_ROUTE: Route = route("/cluster/config/qdevice", SYSTEM_AUDIT).by_daemon();

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    // A node that is in no cluster has no such entry.
    if call.cluster.nodes.len() > 1 {
        let mut object = Object::new();
        object
            .text("id", "cluster")
            .text("type", "cluster")
            .text("name", &call.cluster.name)
            .int("nodes", call.cluster.nodes.len() as i64)
            .int("quorate", i64::from(call.view.quorate))
            .int("version", call.cluster.nodes.len() as i64);
        entries.push(object.into_json(Some(&mut random)));
    }
    for (index, (node, seen)) in call.cluster.nodes.iter().zip(&call.view.nodes).enumerate() {
        let mut object = Object::new();
        object
            .text("id", &format!("node/{}", node.name))
            .text("type", "node")
            .text("name", &node.name)
            .int("nodeid", index as i64 + 1)
            .text("ip", "127.0.0.1")
            .text("level", subscription::level(call.cluster, index))
            .int("local", i64::from(index == call.endpoint))
            .int("online", i64::from(seen.online));
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

/// The members of corosync.conf, with their votes as texts.
pub(super) fn members(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    if call.cluster.nodes.len() > 1 {
        for (index, node) in call.cluster.nodes.iter().enumerate() {
            let mut object = Object::new();
            object
                .text("node", &node.name)
                .text("name", &node.name)
                .text("nodeid", &(index + 1).to_string())
                .text("quorum_votes", "1")
                .text("ring0_addr", "127.0.0.1");
            entries.push(object.into_json(Some(&mut random)));
        }
        random.shuffle(&mut entries);
    }
    Answer::data(&array(entries))
}

/// What `corosync-qdevice-tool` prints, by its own names; nothing where there is no QDevice.
pub(super) fn qdevice(call: &Call<'_>) -> Answer {
    if !call.cluster.qdevice {
        return Answer::data("{}");
    }
    let mut object = Object::new();
    object
        .text("Algorithm", "Fifty-Fifty split")
        .text("Model", "Net")
        .text("QNetd host", "192.0.2.30:5403")
        .text("State", "Connected")
        .text("Tie-breaker", "Node with lowest node ID");
    Answer::data(&object.into_json(Some(&mut call.order())))
}
