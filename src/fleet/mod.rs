//! The fleet: every configured remote, asked at once or by the clock.

mod background;
pub mod cursor;
mod joined;
mod journal;
mod pins;
pub mod process;
pub mod remote;
mod schedule;
pub mod slot;
pub mod status;
pub mod subject;
pub mod target;
pub mod telemetry;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::collect::Collector;
use crate::config::{self, Config, Module};
use crate::remote::in_flight::InFlight;
use crate::remote::{Client, SetupError, trust::SystemRoots};
use crate::source::Session;
use cursor::Cursors;
pub use remote::Remote;
use slot::Slot;
use telemetry::Telemetry;

/// Every remote, and what they share.
pub struct Fleet {
    roster: ArcSwap<Roster>,
    telemetry: Arc<Telemetry>,
    roots: Arc<SystemRoots>,
    joined: joined::Joined,
    admitted: target::Admitted,
    pins: pins::Pins,
}

/// The remotes of one configuration, in its order.
#[derive(Default)]
pub struct Roster {
    pub remotes: Vec<Arc<Remote>>,
    /// Names of the labels that any remote's configuration sets, sorted.
    pub label_names: Vec<String>,
    modules: Vec<Arc<Module>>,
    in_flight_total: Option<(usize, Arc<InFlight>)>,
    state_directory: Option<PathBuf>,
}

/// Which part of the fleet is asked for; `None` is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    pub remotes: Option<BTreeSet<String>>,
    pub collectors: Option<BTreeSet<&'static str>>,
}

impl Selection {
    pub fn has_remote(&self, remote: &Remote) -> bool {
        self.remotes
            .as_ref()
            .is_none_or(|names| names.contains(&remote.config.name))
    }

    pub fn has_collector(&self, collector: &Collector) -> bool {
        self.has_named(collector.name)
    }

    /// Whether a collector of this name is asked for.
    pub fn has_named(&self, collector: &str) -> bool {
        self.collectors
            .as_ref()
            .is_none_or(|names| names.contains(collector))
    }

    pub fn is_everything(&self) -> bool {
        self.remotes.is_none() && self.collectors.is_none()
    }
}

impl Roster {
    /// The bound on calls to all remotes together.
    fn in_flight_total(&self) -> Arc<InFlight> {
        match &self.in_flight_total {
            Some((_, in_flight)) => Arc::clone(in_flight),
            None => Arc::new(InFlight::new(1)),
        }
    }
}

impl Fleet {
    pub fn new(telemetry: Arc<Telemetry>, roots: Arc<SystemRoots>) -> Self {
        Self {
            roster: ArcSwap::default(),
            admitted: target::Admitted::new(Arc::clone(&telemetry)),
            telemetry,
            roots,
            joined: joined::Joined::default(),
            pins: pins::Pins::default(),
        }
    }

    /// Makes the fleet that of a configuration. Remotes that have not changed go on with their
    /// connections and what they know, and are asked again what they refused.
    pub fn apply(&self, config: &Config) -> Result<(), SetupError> {
        let old = self.roster.load_full();
        let (total, in_flight_total) = match &old.in_flight_total {
            Some((total, in_flight)) if *total == config.max_in_flight_total => {
                (*total, Arc::clone(in_flight))
            }
            _ => (
                config.max_in_flight_total,
                Arc::new(InFlight::new(config.max_in_flight_total)),
            ),
        };
        let shares_limit = old
            .in_flight_total
            .as_ref()
            .is_some_and(|(old, _)| *old == total);

        // Cursors elsewhere are other cursors.
        let shares_state = old.state_directory == config.state_directory;

        let mut remotes = Vec::with_capacity(config.remotes.len());
        let mut started = Vec::new();
        for remote in &config.remotes {
            let unchanged = old
                .remotes
                .iter()
                .find(|old| shares_limit && shares_state && old.config == *remote);
            if let Some(unchanged) = unchanged {
                unchanged.reconsider();
                remotes.push(Arc::clone(unchanged));
            } else {
                let cursors = Cursors::of_remote(config.state_directory.as_deref(), &remote.name);
                let new = self.connect(Arc::clone(remote), &in_flight_total, cursors)?;
                started.push(Arc::clone(&new));
                remotes.push(new);
            }
        }

        let label_names: BTreeSet<String> = config
            .remotes
            .iter()
            .flat_map(|remote| remote.labels.keys().cloned())
            .collect();
        let roster = Roster {
            remotes,
            label_names: label_names.into_iter().collect(),
            modules: config.modules.clone(),
            in_flight_total: Some((total, in_flight_total)),
            state_directory: config.state_directory.clone(),
        };
        for gone in &old.remotes {
            if !roster.remotes.iter().any(|kept| Arc::ptr_eq(kept, gone)) {
                gone.stop();
                self.telemetry.forget(&gone.config.name);
            }
        }
        // A pin that the operator has removed must not live on in a connection.
        let may_be_unpinned = config.modules.iter().any(|module| module.pin_first_seen);
        if !shares_limit || !shares_state || old.modules != config.modules || may_be_unpinned {
            self.admitted.forget_all();
        }
        let spread = first_spread(roster.remotes.len());
        self.roster.store(Arc::new(roster));
        started.iter().for_each(|remote| remote.run(spread));
        Ok(())
    }

    fn connect(
        &self,
        config: Arc<config::Remote>,
        in_flight_total: &Arc<InFlight>,
        cursors: Cursors,
    ) -> Result<Arc<Remote>, SetupError> {
        let telemetry = self.telemetry.of_remote(&config);
        let client = Client::new(
            Arc::clone(&config),
            Arc::clone(&self.roots),
            Arc::clone(in_flight_total),
            Arc::clone(&telemetry) as _,
        )?;
        let session = Session::of_remote(client, &config);
        Ok(Remote::new(config, session, telemetry, cursors))
    }

    pub fn roster(&self) -> Arc<Roster> {
        self.roster.load_full()
    }

    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// Asks all selected remotes at once for what is live and too old, and waits for those that
    /// are likely to answer, until the deadline. Attempts that run already are joined.
    pub async fn refresh(&self, selection: &Selection, deadline: Instant) {
        let now = Instant::now();
        let mut waiting = Vec::new();
        for remote in &self.roster.load().remotes {
            if selection.has_remote(remote) {
                remote.refresh(
                    |collector| selection.has_collector(collector),
                    now,
                    &mut waiting,
                );
            }
        }
        wait(waiting, deadline).await;
    }

    /// Stops asking.
    pub fn stop(&self) {
        self.roster
            .load()
            .remotes
            .iter()
            .for_each(|remote| remote.stop());
    }
}

/// Waits until each of these slots has ended more than so many attempts, or until the deadline.
async fn wait(waiting: Vec<(Arc<Slot>, u64)>, deadline: Instant) {
    for (slot, attempts) in waiting {
        let waited = tokio::time::timeout_at(deadline.into(), slot.wait_past(attempts)).await;
        if waited.is_err() {
            break;
        }
    }
}

/// How long the first background calls of a fleet are spread over.
fn first_spread(remotes: usize) -> Duration {
    const EACH: Duration = Duration::from_millis(20);
    (EACH * u32::try_from(remotes).unwrap_or(u32::MAX)).clamp(EACH, Duration::from_secs(30))
}
