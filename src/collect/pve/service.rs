//! Services of each node.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::host::service::ServiceFamilies;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::host::service::Service;
use crate::source::pve::{resources, service};

pub static SERVICE: Collector = Collector {
    name: "service",
    about: "Whether the services of each node run.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&service::SERVICES],
    reads: &[&resources::RESOURCES],
    families: &[&ACTIVE, &FAILED],
    collect,
};

static ACTIVE: Family = Family::gauge(
    "pve_node_service_active",
    "Whether a service is active, only for services that are installed and not switched off",
    &["id", "remote", "unit"],
);
static FAILED: Family = Family::gauge(
    "pve_node_service_failed",
    "Whether a service has failed, only for services that are installed and not switched off",
    &["id", "remote", "unit"],
);

static FAMILIES: ServiceFamilies = ServiceFamilies {
    active: &ACTIVE,
    failed: &FAILED,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let picture = inputs.get(&resources::RESOURCES);
    let is_alone = picture.is_some_and(|picture| picture.has_status && picture.cluster.is_none());
    let nodes = inputs.each(&service::SERVICES);
    FAMILIES.lines(nodes.map(|(node, services)| {
        let services = services
            .iter()
            .filter(|service| is_meant_to_run(service, is_alone));
        (Host::node(node, inputs.remote), services.collect())
    }))
}

/// Corosync is enabled on a node without a cluster too, and systemd does not start it there.
fn is_meant_to_run(service: &Service, is_alone: bool) -> bool {
    !(is_alone && &*service.unit == "corosync" && !service.has_failed)
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
