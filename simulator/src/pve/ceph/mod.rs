//! The calls that tell of Ceph.

pub(super) mod flags;
pub(super) mod metadata;
pub(super) mod osds;
pub(super) mod pools;
pub(super) mod status;

use super::{Call, error};
use crate::http::Answer;
use crate::plan::CephPlan;
use crate::random::{hash, noise};
use crate::route::Access;

const AUDIT: Access = Access::Privilege {
    path: "/",
    name: "Sys.Audit|Datastore.Audit",
};

const VERSION: &str = "19.2.3";
const BUILD: &str = "2f03f1cd83e5d40cdf1393cb64a662a8e8bb07c6";
const RELEASE: &str = "squid";

const MONITORS: usize = 3;
const REPLICAS: i64 = 3;
const OSD_SIZE: i64 = 1_920_378_863_616;
const OBJECT_SIZE: i64 = 4 << 20;

/// What the manager keeps for itself, and the disks of the guests.
const POOLS: [Pool; 2] = [
    Pool {
        id: 1,
        name: ".mgr",
        application: "mgr",
        groups: 1,
        share: 0.0,
    },
    Pool {
        id: 2,
        name: "guests",
        application: "rbd",
        groups: 128,
        share: 1.0,
    },
];

struct Pool {
    id: i64,
    name: &'static str,
    application: &'static str,
    /// Placement groups.
    groups: i64,
    /// Of all the data.
    share: f64,
}

/// Ceph as the monitors know it at one time.
struct Ceph<'a> {
    call: &'a Call<'a>,
    plan: &'a CephPlan,
    osds: Vec<Osd>,
}

#[derive(Debug, Clone, Copy)]
struct Osd {
    id: usize,
    /// The place of its node.
    node: usize,
    is_up: bool,
    is_in: bool,
    /// Copies of placement groups that CRUSH wants on it.
    groups: i64,
    used: i64,
    latency: i64,
}

impl<'a> Ceph<'a> {
    /// What is told of Ceph, where there is any.
    fn tell(call: &'a Call<'a>, told: impl FnOnce(&Self) -> String) -> Answer {
        match Self::of(call) {
            Ok(ceph) => Answer::data(&told(&ceph)),
            Err(refusal) => refusal,
        }
    }

    /// Ceph, or the error in its place: it is not installed, or has no monitors in quorum.
    fn of(call: &'a Call<'a>) -> Result<Self, Answer> {
        let Some(plan) = &call.cluster.ceph else {
            return Err(error(500, "binary not installed: /usr/bin/ceph-mon"));
        };
        let mut ceph = Self {
            call,
            plan,
            osds: Vec::new(),
        };
        if ceph.monitors_in_quorum().count() * 2 <= ceph.monitors().len() {
            return Err(error(500, "rados_connect failed - Connection timed out"));
        }
        ceph.osds = ceph.lay_out();
        Ok(ceph)
    }

    /// Which nodes have a monitor and a manager.
    fn monitors(&self) -> std::ops::Range<usize> {
        0..MONITORS.min(self.call.cluster.nodes.len())
    }

    fn monitors_in_quorum(&self) -> impl Iterator<Item = usize> {
        self.monitors().filter(|node| self.is_online(*node))
    }

    fn is_online(&self, node: usize) -> bool {
        let seen = self.call.view.nodes.get(node);
        seen.is_some_and(|seen| seen.online)
    }

    fn node_name(&self, node: usize) -> &'a str {
        let node = self.call.cluster.nodes.get(node);
        node.map(|node| node.name.as_str()).unwrap_or_default()
    }

    /// Every OSD that is in gets its part of the copies.
    fn lay_out(&self) -> Vec<Osd> {
        let count = self.call.cluster.nodes.len() * self.plan.osds_per_node;
        let is_in = |id: &usize| !self.plan.osds_out.contains(id);
        let sharing = (0..count).filter(is_in).count().max(1) as i64;
        let copies = REPLICAS * groups();
        let mut before = 0;
        let osds = (0..count).map(|id| {
            let node = id / self.plan.osds_per_node;
            let is_in = is_in(&id);
            let groups = match is_in {
                true => (before + 1) * copies / sharing - before * copies / sharing,
                false => 0,
            };
            before += i64::from(is_in);
            Osd {
                id,
                node,
                is_up: self.is_online(node) && !self.plan.osds_down.contains(&id),
                is_in,
                groups,
                used: self.data() * REPLICAS * groups / copies,
                latency: (hash(&[self.seed(), 3, id as i64, self.call.view.now / 10]) % 8)
                    .cast_signed(),
            }
        });
        osds.collect()
    }

    fn seed(&self) -> i64 {
        self.call.cluster.seed.cast_signed()
    }

    /// Bytes, without replicas: a quarter of what fits, and a little more or less each hour.
    fn data(&self) -> i64 {
        let osds = self.call.cluster.nodes.len() * self.plan.osds_per_node;
        let fits = osds as i64 * OSD_SIZE / REPLICAS;
        let hour = self.call.view.now.div_euclid(3_600);
        let fill = 0.25 + 0.002 * noise(&[self.seed(), 1, hour]);
        (fits as f64 * fill) as i64
    }

    fn objects(&self) -> i64 {
        self.data() / OBJECT_SIZE
    }

    /// Copies of placement groups that no running OSD has.
    fn lacking(&self) -> i64 {
        let down = self.osds.iter().filter(|osd| osd.is_in && !osd.is_up);
        down.map(|osd| osd.groups).sum()
    }

    /// Placement groups that lack a copy, of which none lacks two as long as there are enough.
    fn degraded(&self) -> i64 {
        self.lacking().min(groups())
    }

    /// Placement groups that move away from OSDs that are out.
    fn moving(&self) -> i64 {
        let out = self.osds.iter().filter(|osd| !osd.is_in && osd.is_up);
        let each = REPLICAS * groups() / self.osds.len().max(1) as i64;
        (out.count() as i64 * each).min(groups() - self.degraded())
    }

    fn down(&self) -> impl Iterator<Item = &Osd> {
        self.osds.iter().filter(|osd| !osd.is_up)
    }
}

fn groups() -> i64 {
    POOLS.iter().map(|pool| pool.groups).sum()
}
