//! Services of the backup server.

use std::time::Duration;

use crate::collect::host::Host;
use crate::collect::host::service::ServiceFamilies;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;

use crate::source::pbs::service;

pub static SERVICE: Collector = Collector {
    name: "service",
    about: "Whether the services of the backup server run.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&service::SERVICES],
    reads: &[],
    families: &[&ACTIVE, &FAILED],
    collect,
};

static ACTIVE: Family = Family::gauge(
    "pbs_host_service_active",
    "Whether a service is active, only for services that are installed and not switched off",
    &["remote", "unit"],
);
static FAILED: Family = Family::gauge(
    "pbs_host_service_failed",
    "Whether a service has failed, only for services that are installed and not switched off",
    &["remote", "unit"],
);

static FAMILIES: ServiceFamilies = ServiceFamilies {
    active: &ACTIVE,
    failed: &FAILED,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let services = inputs.get(&service::SERVICES);
    let services = services.iter().map(|services| services.iter().collect());
    FAMILIES.lines(services.map(|services| (Host::backup_server(inputs.remote), services)))
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
