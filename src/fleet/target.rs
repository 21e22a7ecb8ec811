//! What a scrape asks about by `?target=`: a configured remote, one of its end-points, or a host
//! that a module admits.
//!
//! Credentials go to configured end-points and to what a module's `targets` admit, nowhere else:
//! who is not admitted is refused before any connection is made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::cursor::Cursors;
use super::pins::{self, PinError};
use super::slot::Slot;
use super::telemetry::Telemetry;
use super::{Fleet, Remote, wait};
use crate::collect::{COLLECTORS, Collector};
use crate::config::{self, CollectorSetting, Endpoint, Module, Origin, Product};
use crate::remote::SetupError;
use crate::source::{AnySource, Item, Source};

/// The module of a scrape that names none.
pub const DEFAULT_MODULE: &str = "default";

/// Targets of modules that are remembered at once, with their connections.
const REMEMBERED: u64 = 1000;
/// How long one is remembered that is not asked for.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// An answer that is asked for by a scrape is not asked for again for so long.
pub const LIFE: Duration = Duration::from_secs(5);

/// Whom a scrape asks about.
#[derive(Clone)]
pub enum Target {
    /// A configured remote, with all its nodes.
    Remote(Arc<Remote>),
    /// The remote behind one of its end-points, and the node there.
    Endpoint(Arc<Remote>, usize),
    /// A host that a module admits. Nothing is asked of it in the background.
    Admitted(Arc<Remote>),
}

impl Target {
    pub fn remote(&self) -> &Arc<Remote> {
        match self {
            Self::Remote(remote) | Self::Endpoint(remote, _) | Self::Admitted(remote) => remote,
        }
    }
}

/// Why a target is not asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    #[error("Module '{0}' not found in config")]
    UnknownModule(String),
    #[error("the target cannot be read: {0}")]
    Unreadable(String),
    #[error(
        "target {target:?} is not allowed: it is no {product} remote and no end-point of one, and \
         `targets` of [modules.{module}] does not admit it"
    )]
    NotAdmitted {
        target: String,
        product: &'static str,
        module: String,
    },
    #[error(
        "target {target:?} is not allowed: it is no {product} remote and no end-point of one, and \
         there is no [modules.{DEFAULT_MODULE}] that could admit it; remotes are: {remotes}"
    )]
    NotKnown {
        target: String,
        product: &'static str,
        remotes: String,
    },
    #[error("the target cannot be asked: {0}")]
    Setup(Arc<SetupError>),
    #[error("the target {target} is not asked: {reason}")]
    Unpinned {
        target: String,
        reason: Arc<PinError>,
    },
}

/// The targets of modules that were asked lately.
pub(super) struct Admitted(Cache<(String, String), Arc<Remote>>);

impl Admitted {
    pub(super) fn new(telemetry: Arc<Telemetry>) -> Self {
        Self(
            Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_idle(FORGOTTEN_AFTER)
                // What was counted of it goes with it: who may name targets names many.
                .eviction_listener(move |_, remote: Arc<Remote>, _| {
                    telemetry.forget(&remote.config.name);
                })
                .build(),
        )
    }

    pub(super) fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

impl Fleet {
    /// Finds whom `?target=` and `?module=` name. `sources` is what will be asked of it.
    pub async fn target(
        &self,
        product: Product,
        target: &str,
        module: &str,
        sources: &[&'static dyn AnySource],
    ) -> Result<Target, Refused> {
        let roster = self.roster();
        let found = roster
            .modules
            .iter()
            .find(|known| known.name == module && known.product() == product);
        let remotes = || {
            let remotes = roster.remotes.iter();
            remotes.filter(|remote| remote.config.product == product)
        };
        // Remotes need no module: who has some may go without.
        let needs_module = module != DEFAULT_MODULE || remotes().next().is_none();
        if found.is_none() && needs_module {
            return Err(Refused::UnknownModule(module.to_owned()));
        }
        if let Some(remote) = remotes().find(|remote| remote.config.name == target) {
            return Ok(Target::Remote(Arc::clone(remote)));
        }

        // 0 stands for no port: no text can name it.
        let place = Endpoint::parse_with_port(target, 0).map_err(Refused::Unreadable)?;
        for remote in remotes() {
            let is_meant = |endpoint: &Endpoint| {
                endpoint.host == place.host && (place.port == 0 || endpoint.port == place.port)
            };
            if let Some(index) = remote.config.endpoints.iter().position(is_meant) {
                return Ok(Target::Endpoint(Arc::clone(remote), index));
            }
        }

        let Some(module) = found else {
            let names: Vec<&str> = remotes()
                .map(|remote| remote.config.name.as_str())
                .collect();
            return Err(Refused::NotKnown {
                target: target.to_owned(),
                product: product.as_str(),
                remotes: names.join(", "),
            });
        };
        let endpoint = Endpoint {
            port: if place.port == 0 {
                module.port
            } else {
                place.port
            },
            ..place
        };
        if !module.admits(&endpoint) {
            return Err(Refused::NotAdmitted {
                target: target.to_owned(),
                product: product.as_str(),
                module: module.name.clone(),
            });
        }
        let key = (module.name.clone(), endpoint.address());
        let connecting = self.connect_admitted(module, endpoint, sources);
        match self.admitted.0.try_get_with(key, connecting).await {
            Ok(remote) => Ok(Target::Admitted(remote)),
            Err(refused) => Err(Refused::clone(&refused)),
        }
    }

    /// Makes a remote of a target, its pin decided first: until then nothing may be sent to it.
    async fn connect_admitted(
        &self,
        module: &Module,
        mut endpoint: Endpoint,
        sources: &[&'static dyn AnySource],
    ) -> Result<Arc<Remote>, Refused> {
        let roster = self.roster();
        let authority = module.access.ca.as_ref();
        let mut first_seen = None;
        if module.pin_first_seen {
            let kept_in = pins::kept_in(roster.state_directory.as_deref());
            let pin = self
                .pins
                .of(&module.name, &endpoint, &kept_in, &self.roots, authority);
            endpoint.fingerprint = pin.await.map_err(|reason| Refused::Unpinned {
                target: endpoint.address(),
                reason: Arc::new(reason),
            })?;
            first_seen = Some(kept_in);
        }
        let mut config = config::Remote::clone(&module.remote_at(endpoint));
        config.origin = Origin::Module {
            name: module.name.clone(),
            first_seen,
        };
        let of_product = COLLECTORS
            .iter()
            .filter(|collector| collector.product == module.product());
        for collector in of_product {
            let owns = |wanted: &&dyn AnySource| {
                let mut owned = collector.sources.iter();
                owned.any(|source| source.name() == wanted.name())
            };
            let setting = CollectorSetting {
                enabled: Some(sources.iter().any(owns)),
                interval: None,
            };
            config.collectors.set(collector.name, setting);
        }
        self.connect(
            Arc::new(config),
            &roster.in_flight_total(),
            Cursors::of_remote(None, &module.name),
        )
        .map_err(|error| Refused::Setup(Arc::new(error)))
    }
}

impl Remote {
    /// Asks what is live of the collectors that are wanted and too old, and waits until the
    /// deadline. Unlike a scrape of the whole fleet it waits for a remote that did not answer when it
    /// was last asked: nobody else's time is lost, and who is up again is so at once.
    pub async fn refresh_by(&self, wanted: impl Fn(&Collector) -> bool, deadline: Instant) {
        let now = Instant::now();
        let mut waiting = Vec::new();
        let live = self.subjects.iter().filter(|subject| subject.is_live());
        for subject in live.filter(|subject| wanted(subject.collector)) {
            for source in &subject.sources {
                for slot in source.all().values() {
                    waiting.extend(self.renew(slot, subject.interval, now));
                }
            }
        }
        wait(waiting, deadline).await;
    }

    /// Starts an attempt where the last one is older than `life`. Where one runs then, comes back
    /// with what to wait for.
    fn renew(&self, slot: &Arc<Slot>, life: Duration, now: Instant) -> Option<(Arc<Slot>, u64)> {
        // Read before the start: the attempt may end at once.
        let attempts = slot.attempts();
        if slot.is_due(now, life) {
            self.ask(slot, &self.session);
        }
        let runs = slot.is_under_way(now) || slot.attempts() > attempts;
        runs.then(|| (Arc::clone(slot), attempts))
    }

    /// The value of a live source, if the last attempt brought one that was fresh at `since`.
    ///
    /// # Errors
    /// What the remote has said instead, or that it has said nothing.
    pub fn fresh<T: Send + Sync>(
        &self,
        source: &Source<T>,
        since: Instant,
    ) -> Result<Arc<T>, String> {
        let not_asked = || format!("{} is not asked of {}", source.name, self.config.name);
        let (subject, slots) = self.slots_of(source.name).ok_or_else(not_asked)?;
        let slot = slots.get(&Item::Remote).ok_or_else(not_asked)?;
        // The operator may have said that answers live longer.
        if let Some(good) = slot.good()
            && good.at + LIFE.max(subject.interval) >= since
            && let Ok(value) = Arc::clone(&good.value).downcast::<T>()
        {
            return Ok(value);
        }
        let attempt = slot.last_attempt().filter(|attempt| !attempt.brought_value);
        let report = attempt.and_then(|attempt| attempt.report);
        Err(match report {
            Some(report) => report.to_string(),
            None => format!("{} has not answered in time", self.config.name),
        })
    }

    /// Asks what these sources know of one node, or of all, where it is older than [`LIFE`]: for a
    /// target of which nothing is asked in the background. Waits until the deadline.
    pub async fn ask_now(
        &self,
        sources: &[&'static dyn AnySource],
        node: Option<&str>,
        deadline: Instant,
    ) {
        let topology = self.session.topology();
        let is_wanted = |item: &Item| match (node, topology.node_of(item)) {
            (Some(wanted), Some(node)) => *node == *wanted,
            _ => true,
        };
        let now = Instant::now();
        let mut waiting = Vec::new();
        for source in sources {
            let Some((_, slots)) = self.slots_of(source.name()) else {
                continue;
            };
            let mut items = topology.items(source.scope());
            items.retain(&is_wanted);
            slots.keep(items);
            for slot in slots.all().values() {
                waiting.extend(self.renew(slot, LIFE, now));
            }
        }
        wait(waiting, deadline).await;
    }

    /// The node behind one of the remote's end-points, asked there alone.
    ///
    /// # Errors
    /// What the end-point has said, or that it has said nothing by the deadline.
    pub async fn node_behind(&self, endpoint: usize, deadline: Instant) -> Result<String, String> {
        let unknown = || format!("{} has no such end-point", self.config.name);
        let slot: &Arc<Slot> = self.entrances.get(endpoint).ok_or_else(unknown)?;
        let asked = self.renew(slot, LIFE, Instant::now());
        wait(asked.into_iter().collect(), deadline).await;
        let attempt = slot.last_attempt();
        match (slot.good(), attempt) {
            (Some(good), Some(attempt)) if attempt.brought_value => good
                .value
                .downcast_ref::<Box<str>>()
                .filter(|name| !name.is_empty())
                .map(|name| name.to_string())
                .ok_or_else(|| "the end-point does not tell which node it is".to_owned()),
            (_, Some(attempt)) => Err(attempt.report.map_or_else(
                || "the end-point did not answer".to_owned(),
                |report| report.to_string(),
            )),
            (_, None) => Err("the end-point did not answer in time".to_owned()),
        }
    }
}
