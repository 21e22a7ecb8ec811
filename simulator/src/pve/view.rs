//! What one endpoint knows of its cluster at one time: who is online, and when each node was last heard.

use crate::fault::{Fault, Faults};
use crate::pve::guest::Moment;
use crate::pve::world::Cluster;
use crate::random::hash;

/// After this long without a broadcast a node's guests and storages are `unknown`.
pub(super) const STALE: i64 = 300;

pub(super) struct View {
    pub(super) now: i64,
    pub(super) quorate: bool,
    pub(super) nodes: Vec<NodeView>,
    /// The time for which guests are placed: nothing moves while a node is dead or quorum is lost.
    pub(super) placed: i64,
    /// Changes when anything that the view shows has changed.
    pub(super) state: u64,
}

pub(super) struct NodeView {
    pub(super) online: bool,
    /// When its status daemon last reported.
    pub(super) cycle: i64,
    /// Its last report is older than [`STALE`].
    pub(super) forgotten: bool,
}

impl NodeView {
    /// `online`, `offline`, `unknown`, as the resources show it.
    pub(super) fn status(&self) -> &'static str {
        match (self.online, self.forgotten) {
            (false, _) => "offline",
            (true, true) => "unknown",
            (true, false) => "online",
        }
    }
}

impl Cluster {
    pub(super) fn view(&self, endpoint: usize, now: f64, faults: &Faults) -> View {
        let now = now as i64;
        let alone = faults
            .at(endpoint)
            .find(|active| active.fault == Fault::NoQuorum)
            .map(|active| active.since as i64);
        let mut placed = alone.map_or(now, |since| since.min(now));
        let nodes: Vec<NodeView> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let dead = faults
                    .node_since(|fault| matches!(fault, Fault::NodeOffline { node: name } if *name == node.name))
                    .map(|since| since as i64)
                    .or(alone.filter(|_| index != endpoint));
                let silent = faults
                    .node_since(|fault| matches!(fault, Fault::StatusDaemonDead { node: name } if *name == node.name))
                    .map(|since| since as i64);
                placed = dead.map_or(placed, |since| since.min(placed));
                let heard = [dead, silent].into_iter().flatten().fold(now, i64::min);
                let cycle = node.cycle(heard);
                NodeView { online: dead.is_none(), cycle, forgotten: now - cycle > STALE }
            })
            .collect();
        let dead = nodes.iter().filter(|node| !node.online).count();
        let quorate = alone.is_none() && (nodes.len() - dead) * 2 > nodes.len();
        let mut parts = vec![endpoint as i64, i64::from(quorate)];
        for node in &nodes {
            parts.extend([
                node.cycle,
                i64::from(node.online),
                i64::from(node.forgotten),
            ]);
        }
        for moment in self
            .restless
            .iter()
            .filter_map(|i| self.guests.get(*i))
            .map(|guest| guest.at(placed))
        {
            parts.extend([moment.node as i64, i64::from(moment.lock.is_some())]);
        }
        View {
            now,
            quorate,
            nodes,
            placed,
            state: hash(&parts),
        }
    }
}

impl View {
    /// Where a guest is now and what it does, as its node knows without waiting for a broadcast.
    pub(super) fn live(&self, guest: &super::guest::Guest) -> Moment {
        let placed = guest.at(self.placed);
        Moment {
            node: placed.node,
            lock: placed.lock,
            ..guest.at(self.now)
        }
    }

    /// Where a guest is now, with the numbers' time: its node's last broadcast.
    pub(super) fn guest<'v>(
        &'v self,
        guest: &super::guest::Guest,
    ) -> Option<(Moment, &'v NodeView)> {
        let placed = guest.at(self.placed);
        let node = self.nodes.get(placed.node)?;
        // Placement and lock are in the cluster file system and known at once, all else with the next broadcast.
        let heard = guest.at(node.cycle);
        Some((
            Moment {
                node: placed.node,
                lock: placed.lock,
                ..heard
            },
            node,
        ))
    }
}
