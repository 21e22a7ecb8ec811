//! Proxmox Backup Server.

mod datastores;
mod metrics;
mod node;
mod permissions;
mod usage;
mod version;

use std::sync::{Mutex, PoisonError};

use crate::fault::Faults;
use crate::plan::{DatastoreKind, PbsPlan};
use crate::random::Random;
use crate::route::Route;

/// Everything that answers for one backup server.
pub(crate) struct Pbs {
    pub(crate) stores: Vec<Store>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) fingerprint: String,
    version: (u32, u32, u32),
    booted: f64,
    load: f64,
    seed: u64,
}

pub(crate) struct Store {
    name: String,
    kind: DatastoreKind,
    size: u64,
    used: f64,
}

pub(crate) static ROUTES: &[Route<Pbs>] = &[
    version::VERSION,
    version::PING,
    metrics::METRICS,
    usage::USAGE,
    datastores::LIST,
    datastores::STATUS,
    node::STATUS,
    node::CERTIFICATES,
    permissions::PERMISSIONS,
];

impl Pbs {
    pub(crate) fn new(plan: &PbsPlan, seed: u64, fingerprint: String) -> Self {
        let mut random = Random::of(seed, &plan.name, 0);
        let stores = plan
            .datastores
            .iter()
            .map(|store| Store {
                name: store.name.clone(),
                kind: store.kind,
                size: (10 << random.below(3)) << 40,
                used: 0.3 + 0.5 * random.fraction(),
            })
            .collect();
        Self {
            stores,
            faults: Mutex::default(),
            fingerprint,
            version: plan.version,
            booted: 1_788_000_000.0 + 86_400.0 * random.fraction(),
            load: 0.05 + 0.3 * random.fraction(),
            seed,
        }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn order(&self, of: &str, number: u64) -> Random {
        Random::of(self.seed, of, number)
    }

    /// When a daemon sampled last: every ten seconds.
    fn last_sample(now: f64) -> f64 {
        (now / 10.0).floor() * 10.0 + 1.0 - if now % 10.0 < 1.0 { 10.0 } else { 0.0 }
    }

    fn wave(&self, time: f64) -> f64 {
        (time / 500.0 + self.booted).sin()
    }
}

impl Store {
    /// Size, used and available bytes: the file system keeps a twentieth to itself.
    fn at(&self, time: f64) -> (u64, u64, u64) {
        let growth = 1e-9 * (time - 1_790_000_000.0);
        let used = (self.size as f64 * (self.used + growth).min(0.94)) as u64;
        (self.size, used, self.size - self.size / 20 - used)
    }

    /// Whether its numbers can be read.
    fn is_open(&self) -> bool {
        !matches!(self.kind, DatastoreKind::Offline | DatastoreKind::Unmounted)
    }

    fn backend(&self) -> &'static str {
        if self.kind == DatastoreKind::S3 { "s3" } else { "filesystem" }
    }

    fn mount_status(&self) -> &'static str {
        if self.kind == DatastoreKind::Unmounted { "notmounted" } else { "nonremovable" }
    }
}
