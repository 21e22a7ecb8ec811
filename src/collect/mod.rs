//! From typed values to samples: one file a subject.
//!
//! A [`Collector`] is a pure function from the values of its sources to the samples of its
//! declared families. It makes no call and knows no clock, so its test is a table: answers in,
//! exposition out.

pub mod access;
mod host;
pub mod pbs;
pub mod protection;
pub mod pve;
mod task;
mod update;
pub mod walk;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, CollectorKey, Fingerprint, GuestFilter, Product};
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::{AnySource, AnyValue, Item, Known, Source};

/// When a collector's sources are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// For a scrape, where older than the interval. Costs a remote a constant number of calls.
    Live,
    /// By the clock, at the interval. A scrape never waits for it.
    Background,
}

/// One subject of the exposition, declared once.
pub struct Collector {
    /// The key in `[collectors]`, and the label `collector` of the self metrics.
    pub name: &'static str,
    /// One sentence for the documentation.
    pub about: &'static str,
    pub product: Product,
    pub class: Class,
    /// Whether it runs where the configuration says nothing.
    pub by_default: bool,
    /// Time to live of a live collector's answers, interval of a background one.
    pub interval: Duration,
    /// The sources that are asked at this collector's pace.
    pub sources: &'static [&'static dyn AnySource],
    /// Sources of other collectors whose values are read where they are there.
    pub reads: &'static [&'static dyn AnySource],
    pub families: &'static [&'static Family],
    pub collect: fn(&Inputs<'_>) -> Vec<Lines>,
}

/// Every collector, in the order of the exposition.
pub static COLLECTORS: &[&Collector] = &[
    &pve::resources::RESOURCES,
    &pve::usage::USAGE,
    &pve::version::VERSION,
    &pve::membership::MEMBERSHIP,
    &pve::storage::STORAGE,
    &pve::backup_content::BACKUP_CONTENT,
    &pve::backup_detail::BACKUP_DETAIL,
    &pve::backup_job::BACKUP_JOB,
    &pve::replication::REPLICATION,
    &pve::ha::HA,
    &pve::qdevice::QDEVICE,
    &pve::options::OPTIONS,
    &pve::node::NODE,
    &pve::guest::GUEST,
    &pve::block_detail::BLOCK_DETAIL,
    &pve::balloon_detail::BALLOON_DETAIL,
    &pve::guest_config::GUEST_CONFIG,
    &pve::guest_hardware::GUEST_HARDWARE,
    &pve::snapshot::SNAPSHOT,
    &pve::guest_agent::GUEST_AGENT,
    &pve::task::TASK,
    &pve::update::UPDATE,
    &pve::certificate::CERTIFICATE,
    &pve::subscription::SUBSCRIPTION,
    &pve::access::ACCESS,
    &pve::disk::DISK,
    &pve::disk::DISK_HEALTH,
    &pve::zfs::ZFS,
    &pve::ceph::CEPH,
    &pve::service::SERVICE,
    &pve::network::NETWORK,
    &pve::sdn::SDN,
    &pbs::datastore::DATASTORE,
    &pbs::host::HOST,
    &pbs::forecast::FORECAST,
    &pbs::version::VERSION,
    &pbs::group::GROUP,
    &pbs::snapshot::SNAPSHOT,
    &pbs::gc::GC,
    &pbs::job::JOB,
    &pbs::task::TASK,
    &pbs::update::UPDATE,
    &pbs::subscription::SUBSCRIPTION,
    &pbs::traffic::TRAFFIC,
    &pbs::s3::S3,
    &pbs::tape::TAPE,
    &pbs::access::ACCESS,
    &pbs::disk::DISK,
    &pbs::disk::DISK_HEALTH,
    &pbs::zfs::ZFS,
    &pbs::service::SERVICE,
];

/// A subject that joins what is known of all remotes. Like a collector it makes no call.
pub struct FleetCollector {
    /// The key in `[collectors]`, for remotes of PVE: one that is off is not told of.
    pub name: &'static str,
    pub about: &'static str,
    /// Sources of either product whose values are read where they are there.
    pub reads: &'static [&'static dyn AnySource],
    pub families: &'static [&'static Family],
    /// At a time in Unix seconds.
    pub collect: fn(&[RemoteInputs<'_>], f64) -> Vec<LinesOfRemote>,
}

/// The lines about one remote, by its place among all.
pub type LinesOfRemote = (usize, Vec<Lines>);

/// Every fleet collector, in the order of the exposition.
pub static FLEET_COLLECTORS: &[&FleetCollector] = &[&protection::PROTECTION];

/// What is known of one remote among all.
pub struct RemoteInputs<'a> {
    pub config: &'a config::Remote,
    /// Of the certificates that our own connections have seen, and of the pins.
    pub fingerprints: Vec<Fingerprint>,
    pub inputs: Inputs<'a>,
}

/// Every family that is collected, once. Collectors of two products may share one that is about
/// proxfleet itself.
pub fn families() -> Vec<&'static Family> {
    let mut families: Vec<&'static Family> = Vec::new();
    let of_remotes = COLLECTORS.iter().map(|collector| collector.families);
    let of_fleets = FLEET_COLLECTORS.iter().map(|collector| collector.families);
    for family in of_remotes.chain(of_fleets).flatten() {
        if !families.iter().any(|known| std::ptr::eq(*known, *family)) {
            families.push(family);
        }
    }
    families
}

/// No remote is asked more often for the same thing.
const MINIMUM_INTERVAL: Duration = Duration::from_secs(1);

/// The names that may stand in `[collectors]`, for whoever reads the configuration.
pub fn configuration_keys() -> Vec<CollectorKey> {
    let of_remotes = COLLECTORS
        .iter()
        .map(|collector| (collector.name, collector.product));
    let of_fleets = FLEET_COLLECTORS
        .iter()
        .map(|collector| (collector.name, Product::Pve));
    of_remotes
        .chain(of_fleets)
        .map(|(name, product)| CollectorKey {
            name,
            product,
            minimum_interval: MINIMUM_INTERVAL,
        })
        .collect()
}

/// The values that a collector sees: of one remote, and only those that are not too old.
pub struct Inputs<'a> {
    /// Name of the remote.
    pub remote: &'a str,
    pub filter: &'a GuestFilter,
    /// By source.
    values: HashMap<&'static str, Vec<(Item, AnyValue)>>,
    running: Vec<&'static Collector>,
}

impl<'a> Inputs<'a> {
    pub fn new(remote: &'a str, filter: &'a GuestFilter) -> Self {
        Self {
            remote,
            filter,
            values: HashMap::new(),
            running: Vec::new(),
        }
    }

    /// Says which collectors run for the remote.
    pub fn with_running(mut self, running: impl Iterator<Item = &'static Collector>) -> Self {
        self.running.extend(running);
        self
    }

    /// The collectors that run for the remote.
    pub fn running(&self) -> impl Iterator<Item = &'static Collector> {
        self.running.iter().copied()
    }

    /// Adds what a source has told of an item.
    pub fn add(&mut self, source: &'static str, item: Item, value: AnyValue) {
        self.values.entry(source).or_default().push((item, value));
    }

    /// The value of a source that is asked once a remote.
    pub fn get<T: Send + Sync>(&self, source: &Source<T>) -> Option<Arc<T>> {
        let (_, value) = self.values.get(source.name)?.first()?;
        value.clone().downcast::<T>().ok()
    }

    /// The values of a source that is asked of each node, guest, datastore …, in their order.
    pub fn each<T: Send + Sync>(&self, source: &Source<T>) -> impl Iterator<Item = (&Item, &T)> {
        let values = self.values.get(source.name);
        values
            .into_iter()
            .flatten()
            .filter_map(|(item, value)| Some((item, value.downcast_ref::<T>()?)))
    }
}

impl Known for Inputs<'_> {
    fn value(&self, source: &str, item: &Item) -> Option<AnyValue> {
        let values = self.values.get(source)?;
        let (_, value) = values.iter().find(|(known, _)| known == item)?;
        Some(Arc::clone(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_source_is_owned_by_one_collector() {
        let mut owned = HashSet::new();
        for collector in COLLECTORS {
            for source in collector.sources {
                assert!(
                    owned.insert(source.name()),
                    "{} has two owners",
                    source.name()
                );
            }
        }
        for collector in COLLECTORS {
            for source in collector.reads {
                assert!(
                    owned.contains(source.name()),
                    "nobody asks {}",
                    source.name()
                );
            }
        }
    }

    #[test]
    fn every_family_has_one_source() {
        let mut declared = HashSet::new();
        for family in families() {
            assert!(
                declared.insert(family.name),
                "{} is declared twice",
                family.name
            );
            assert!(
                family.labels.contains(&"remote"),
                "{} has no remote",
                family.name
            );
        }
        for product in [Product::Pve, Product::Pbs] {
            let collectors = COLLECTORS.iter().filter(|c| c.product == product);
            let mut told = HashSet::new();
            for family in collectors.flat_map(|c| c.families) {
                assert!(told.insert(family.name), "{} has two tellers", family.name);
            }
        }
    }

    /// Names that other exporters had before the rules.
    const INHERITED: &[&str] = &["pve_not_backed_up_total"];

    #[test]
    fn the_catalogue_keeps_the_naming_rules() {
        let findings = crate::metric::lint::lint(&families(), INHERITED);
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
