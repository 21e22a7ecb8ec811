//! The cluster as a whole.

use super::{Exposing, set};
use crate::metric::family::Family;
use crate::metric::lines::Lines;

pub(super) static INFO: Family = Family::gauge(
    "pve_cluster_info",
    "Nodes, quorum and configuration version of a cluster; there is none for a standalone node",
    &["id", "nodes", "quorate", "remote", "version"],
);

pub(super) fn expose(exposing: &mut Exposing<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    if let Some(cluster) = &exposing.picture.cluster {
        set(&mut exposing.id, &["cluster/", &cluster.name]);
        exposing.identify();
        exposing.up.push(&exposing.labels, cluster.quorate);

        let count = |count: Option<f64>| count.map(|count| count.to_string()).unwrap_or_default();
        exposing.labels.clear();
        exposing
            .labels
            .push("id", &exposing.id)
            .push("nodes", &count(cluster.nodes))
            .push("quorate", if cluster.quorate { "1" } else { "0" })
            .push("remote", exposing.inputs.remote)
            .push("version", &count(cluster.version));
        info.push(&exposing.labels, true);
    }
    vec![info]
}
