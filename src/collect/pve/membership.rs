//! Votes in the cluster.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::{membership, resources};

pub static MEMBERSHIP: Collector = Collector {
    name: "membership",
    about: "Votes of the cluster's nodes, as configured and as present.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&membership::MEMBERSHIP],
    reads: &[&resources::RESOURCES],
    families: &[&EXPECTED, &PRESENT],
    collect,
};

static EXPECTED: Family = Family::gauge(
    "pve_cluster_votes_expected",
    "Sum of the votes of all configured nodes of the cluster",
    &["id", "remote"],
);
static PRESENT: Family = Family::gauge(
    "pve_cluster_votes_present",
    "Sum of the votes of the nodes of the cluster that are online",
    &["id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut expected = Lines::of(&EXPECTED);
    let mut present = Lines::of(&PRESENT);
    let membership = inputs.get(&membership::MEMBERSHIP);
    let picture = inputs.get(&resources::RESOURCES);
    if let (Some(membership), Some(picture)) = (membership, picture)
        && let Some(cluster) = &picture.cluster
        && !membership.members.is_empty()
    {
        let mut labels = LabelBlock::new();
        labels
            .push("id", &format!("cluster/{}", cluster.name))
            .push("remote", inputs.remote);
        expected.push(
            &labels,
            membership
                .members
                .iter()
                .map(|member| member.votes)
                .sum::<f64>(),
        );
        let online = |name: &str| {
            picture
                .node(name)
                .is_some_and(|node| node.online == Some(true))
        };
        let votes = membership
            .members
            .iter()
            .filter(|member| online(&member.name));
        present.push(&labels, votes.map(|member| member.votes).sum::<f64>());
    }
    vec![expected, present]
}
