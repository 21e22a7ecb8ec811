//! Version of the backup server.

use std::time::Duration;

use crate::collect::pve::version::append;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::version;

pub static VERSION: Collector = Collector {
    name: "version",
    about: "Version of the backup server.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&version::VERSION],
    reads: &[],
    families: &[&INFO],
    collect,
};

static INFO: Family = Family::gauge(
    "pbs_version_info",
    "Version of Proxmox Backup Server",
    &["release", "remote", "repoid", "version"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    if let Some(release) = inputs.get(&version::VERSION) {
        let mut labels = LabelBlock::new();
        append(&mut labels, &release, inputs.remote);
        info.push(&labels, true);
    }
    vec![info]
}
