//! Version of PVE, of the node that answers and of every node.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::version::{self, Release};

const INTERVAL: Duration = Duration::from_secs(15 * 60);

pub static VERSION: Collector = Collector {
    name: "version",
    about: "Version of PVE, of the node that answers and of every node.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: INTERVAL,
    sources: &[&version::VERSION, &version::NODE_VERSION],
    reads: &[],
    families: &[&PVE_INFO, &NODE_INFO],
    collect,
};

static PVE_INFO: Family = Family::gauge(
    "pve_version_info",
    "Version of Proxmox VE on the node that answered",
    &["release", "remote", "repoid", "version"],
);
static NODE_INFO: Family = Family::gauge(
    "pve_node_version_info",
    "Version of Proxmox VE on each node",
    &["id", "release", "remote", "repoid", "version"],
);
fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&PVE_INFO);
    let mut node_info = Lines::of(&NODE_INFO);
    let mut labels = LabelBlock::new();
    if let Some(release) = inputs.get(&version::VERSION) {
        append(&mut labels, &release, inputs.remote);
        info.push(&labels, true);
    }
    for (node, release) in inputs.each(&version::NODE_VERSION) {
        labels.clear();
        labels.push("id", &node.to_string());
        append(&mut labels, release, inputs.remote);
        node_info.push(&labels, true);
    }
    vec![info, node_info]
}

pub(in crate::collect) fn append(labels: &mut LabelBlock, release: &Release, remote: &str) {
    labels
        .push("release", &release.release)
        .push("remote", remote)
        .push("repoid", &release.repoid)
        .push("version", &release.version);
}
