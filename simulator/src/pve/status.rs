//! `/cluster/status`, `/cluster/config/nodes`, `/cluster/config/qdevice`: membership and quorum.

use serde_json::json;

use super::Pve;
use crate::answer::{self, Answer, Object};
use crate::route::{Asked, Route};

pub(super) const STATUS: Route<Pve> = Route {
    path: "/cluster/status",
    parameters: &[],
    needs: Some(("Sys.Audit", "/")),
    by_daemon: true,
    answer: status,
};

pub(super) const MEMBERS: Route<Pve> = Route {
    path: "/cluster/config/nodes",
    parameters: &[],
    needs: Some(("Sys.Audit", "/")),
    by_daemon: false,
    answer: members,
};

/// Empty where there is none, as in every cluster here.
pub(super) const QDEVICE: Route<Pve> = Route {
    path: "/cluster/config/qdevice",
    parameters: &[],
    needs: Some(("Sys.Audit", "/")),
    by_daemon: false,
    answer: |_, _| Answer::Good(answer::data(json!({}))),
};

fn status(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let own = pve.own_node(asked.endpoint);
    let mut rows: Vec<Object> = pve
        .sights(asked.endpoint, asked.now)
        .iter()
        .zip(&pve.world.nodes)
        .enumerate()
        .map(|(index, (sight, node))| {
            Object::new()
                .with("id", format!("node/{}", node.name))
                .with("type", "node")
                .with("name", node.name.as_str())
                .with("ip", format!("127.0.0.{}", index + 1))
                .with("level", "")
                .with("local", u8::from(index == own))
                .with("online", u8::from(sight.online))
                .with("nodeid", if pve.world.is_cluster() { index + 1 } else { 0 })
        })
        .collect();
    if pve.world.is_cluster() {
        rows.push(
            Object::new()
                .with("id", "cluster")
                .with("type", "cluster")
                .with("name", pve.world.name.as_str())
                .with("nodes", pve.world.nodes.len())
                .with("quorate", u8::from(pve.has_quorum(asked.endpoint)))
                .with("version", 3),
        );
    }
    Answer::Good(answer::list(rows, &mut pve.order("status", asked.now as u64)))
}

fn members(pve: &Pve, asked: &Asked<'_>) -> Answer {
    if !pve.world.is_cluster() {
        return Answer::Good(answer::data(json!([])));
    }
    let member = |(index, node): (usize, &super::world::Node)| {
        Object::new()
            .with("node", node.name.as_str())
            .with("name", node.name.as_str())
            .with("nodeid", (index + 1).to_string())
            .with("quorum_votes", "1")
            .with("ring0_addr", format!("127.0.0.{}", index + 1))
    };
    let rows = pve.world.nodes.iter().enumerate().map(member).collect();
    Answer::Good(answer::list(rows, &mut pve.order("members", asked.now as u64)))
}
