//! One remote of the fleet: its slots, the timer that asks in the background, and the rendered
//! blocks of its collectors.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use super::schedule::{Schedule, wait_after};
use super::slot::{Ended, Good, Slot};
use super::telemetry::RemoteTelemetry;
use crate::collect::{COLLECTORS, Class, Collector, Inputs};
use crate::config;
use crate::metric::block::Block;
use crate::remote::outcome::Outcome;
use crate::source::{Scope, Session};

/// For so long the last good value of a live source answers for one that is late or fails.
pub const KEPT_FOR: Duration = Duration::from_secs(300);

pub struct Remote {
    pub config: Arc<config::Remote>,
    pub session: Arc<Session>,
    pub telemetry: Arc<RemoteTelemetry>,
    pub subjects: Vec<Subject>,
    slots: ArcSwap<Vec<Arc<Slot>>>,
    journal: Journal,
    stop: CancellationToken,
}

/// A collector as it runs for one remote.
pub struct Subject {
    pub collector: &'static Collector,
    pub interval: Duration,
    rendered: Mutex<Option<Rendered>>,
}

struct Rendered {
    /// Of the generations that the block was rendered from.
    key: u64,
    block: Arc<Block>,
}

/// How a collector stands with one remote.
#[derive(Debug, Default)]
pub struct CollectorState {
    pub success: bool,
    /// The worst of the last attempts; `None` before the first has ended.
    pub outcome: Option<Outcome>,
    /// Of the oldest value that is shown.
    pub age: Option<Duration>,
    /// What has a fresh answer of what there is to ask, 0..1.
    pub coverage: f64,
}

/// Live answers are as fresh as the scrapes ask for them: a scrape a minute is usual.
const MISSED_AFTER: Duration = Duration::from_secs(60);

impl Remote {
    pub fn new(
        config: Arc<config::Remote>,
        session: Arc<Session>,
        telemetry: Arc<RemoteTelemetry>,
    ) -> Arc<Self> {
        let subjects: Vec<Subject> = COLLECTORS
            .iter()
            .filter(|collector| collector.product == config.product)
            .filter(|collector| config.collectors.enabled(collector.name, true))
            .map(|collector| Subject {
                collector,
                interval: config
                    .collectors
                    .interval(collector.name, collector.interval),
                rendered: Mutex::default(),
            })
            .collect();
        let slots = subjects
            .iter()
            .flat_map(|subject| subject.collector.sources)
            .filter(|source| source.scope() == Scope::Remote)
            .map(|source| Arc::new(Slot::new(*source, None)))
            .collect();
        Arc::new(Self {
            journal: Journal::new(&config.name),
            config,
            session,
            telemetry,
            subjects,
            slots: ArcSwap::from_pointee(slots),
            stop: CancellationToken::new(),
        })
    }

    /// Starts asking in the background; the first time within `spread`, so that a fleet does not
    /// start at once.
    pub fn run(self: &Arc<Self>, spread: Duration) {
        let remote = Arc::clone(self);
        tokio::spawn(async move {
            let stop = remote.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = remote.ask_in_background(spread) => {}
            }
        });
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Asks again what was refused: the operator may have granted it.
    pub fn reconsider(&self) {
        self.session.reconsider();
    }

    /// The slots of a collector's own sources.
    pub fn slots_of(&self, collector: &'static Collector) -> Vec<Arc<Slot>> {
        let slots = self.slots.load();
        slots
            .iter()
            .filter(|slot| owns(collector, slot))
            .cloned()
            .collect()
    }

    /// Starts asking what is live and older than its time to live. Adds the slots that are worth
    /// waiting for, with the number of attempts to wait past.
    pub fn refresh(
        self: &Arc<Self>,
        wanted: impl Fn(&Collector) -> bool,
        now: Instant,
        waiting: &mut Vec<(Arc<Slot>, u64)>,
    ) {
        for subject in &self.subjects {
            if subject.collector.class != Class::Live || !wanted(subject.collector) {
                continue;
            }
            for slot in self
                .slots
                .load()
                .iter()
                .filter(|slot| owns(subject.collector, slot))
            {
                // Read before the start: the attempt may end at once.
                let attempts = slot.attempts();
                let is_due = slot.is_due(now, subject.interval);
                if is_due {
                    self.ask(slot);
                }
                if slot.is_worth_waiting(now) || (is_due && slot.attempts() > attempts) {
                    waiting.push((Arc::clone(slot), attempts));
                }
            }
        }
    }

    fn ask(self: &Arc<Self>, slot: &Arc<Slot>) {
        let remote = Arc::downgrade(self);
        slot.start(&self.session, move |slot, ended| {
            if let Some(remote) = remote.upgrade() {
                remote.note(slot, &ended);
            }
        });
    }

    fn note(&self, slot: &Slot, ended: &Ended) {
        self.journal
            .note(slot.source.name(), slot.node.as_deref(), ended);
    }

    /// One collector's samples, rendered at most once for each generation of what it reads.
    pub fn block(&self, subject: &Subject, now: Instant) -> Arc<Block> {
        let slots = self.slots.load();
        let readable = || {
            slots
                .iter()
                .filter(|slot| reads(subject.collector, slot))
                .filter_map(|slot| {
                    let good = slot.good()?;
                    (now.saturating_duration_since(good.at) <= self.kept_for(slot))
                        .then_some((slot, good))
                })
        };

        let mut hasher = DefaultHasher::new();
        for (slot, good) in readable() {
            (Arc::as_ptr(slot).addr(), good.generation).hash(&mut hasher);
        }
        let key = hasher.finish();
        let mut rendered = subject
            .rendered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(rendered) = rendered.as_ref().filter(|rendered| rendered.key == key) {
            return Arc::clone(&rendered.block);
        }

        let mut inputs = Inputs::new(&self.config.name, &self.config.filter);
        for (slot, good) in readable() {
            inputs.add(
                slot.source.name(),
                slot.node.clone(),
                Arc::clone(&good.value),
            );
        }
        let block = Arc::new(Block::from_lines((subject.collector.collect)(&inputs)));
        *rendered = Some(Rendered {
            key,
            block: Arc::clone(&block),
        });
        block
    }

    /// How old a value may be to be shown: what is asked rarely is kept over two missed intervals.
    fn kept_for(&self, slot: &Slot) -> Duration {
        self.subjects
            .iter()
            .find(|subject| owns(subject.collector, slot))
            .filter(|subject| subject.collector.class == Class::Background)
            .map_or(KEPT_FOR, |subject| KEPT_FOR + 2 * subject.interval)
    }

    /// The value of a slot, where it is not too old to be shown.
    pub fn shown(&self, slot: &Slot, now: Instant) -> Option<Arc<Good>> {
        let good = slot.good()?;
        (now.saturating_duration_since(good.at) <= self.kept_for(slot)).then_some(good)
    }

    /// Whether the remote answers: any of its live sources, or of the others where none is live.
    pub fn is_up(&self) -> bool {
        let slots = self.slots.load();
        let answers = |slot: &Arc<Slot>| slot.last_outcome().is_some_and(is_an_answer);
        let mut live = slots
            .iter()
            .filter(|slot| !self.is_background(slot))
            .peekable();
        if live.peek().is_some() {
            live.any(answers)
        } else {
            slots.iter().any(answers)
        }
    }

    /// What is wrong with the remote, as the last attempt that failed has said it.
    pub fn trouble(&self) -> Option<Arc<str>> {
        let slots = self.slots.load();
        let attempts = slots.iter().filter_map(|slot| slot.last_attempt());
        attempts
            .filter(|attempt| attempt.outcome.is_error())
            .max_by_key(|a| a.outcome)?
            .report
    }

    /// How a collector stands.
    pub fn state_of(&self, subject: &Subject, now: Instant) -> CollectorState {
        let slots = self.slots.load();
        let mut state = CollectorState::default();
        let (mut answered, mut expected) = (0.0, 0.0);
        for slot in slots.iter().filter(|slot| owns(subject.collector, slot)) {
            let outcome = slot.last_outcome();
            state.outcome = state.outcome.max(outcome);
            let shown = self.shown(slot, now);
            if let Some(good) = &shown {
                let age = now.saturating_duration_since(good.at);
                state.age = state.age.max(Some(age));
            }
            // An answer is fresh until the one after it has been missed.
            let fresh = shown.filter(|good| {
                now.saturating_duration_since(good.at) <= 2 * subject.interval.max(MISSED_AFTER)
            });
            match fresh.as_ref().map(|good| good.coverage) {
                Some(Some(coverage)) => {
                    expected += coverage.expected as f64;
                    answered += coverage.answered as f64;
                }
                Some(None) => {
                    expected += 1.0;
                    answered += 1.0;
                }
                None => expected += 1.0,
            }
        }
        state.success = state.outcome.is_some_and(|outcome| !outcome.is_error());
        state.coverage = if expected > 0.0 {
            answered / expected
        } else {
            0.0
        };
        state
    }

    /// Changes whenever an attempt of the remote has ended.
    pub fn generation(&self) -> u64 {
        self.slots.load().iter().map(|slot| slot.attempts()).sum()
    }

    async fn ask_in_background(self: &Arc<Self>, spread: Duration) {
        let mut schedule = Schedule::new();
        let mut keys: HashMap<usize, Arc<Slot>> = HashMap::new();
        let mut next_key = 0;
        let first = Instant::now() + spread.mul_f64(fastrand::f64());
        loop {
            self.follow_topology();
            for slot in self.slots.load().iter() {
                if keys.values().any(|known| Arc::ptr_eq(known, slot)) {
                    continue;
                }
                if self.is_background(slot) {
                    schedule.add(next_key, first.max(Instant::now()));
                    keys.insert(next_key, Arc::clone(slot));
                    next_key += 1;
                }
            }

            let due = schedule.next().unwrap_or_else(|| Instant::now() + KEPT_FOR);
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = self.session.topology_changed() => continue,
            }
            while let Some(key) = schedule.take_due(Instant::now()) {
                let Some(slot) = keys.get(&key) else { continue };
                let slots = self.slots.load();
                if !slots.iter().any(|current| Arc::ptr_eq(current, slot)) {
                    keys.remove(&key);
                    continue;
                }
                self.ask(slot);
                let wait = wait_after(self.interval(slot), slot.failures(), fastrand::f64());
                schedule.add(key, Instant::now() + wait);
            }
        }
    }

    fn is_background(&self, slot: &Slot) -> bool {
        self.subjects
            .iter()
            .any(|s| s.collector.class == Class::Background && owns(s.collector, slot))
    }

    fn interval(&self, slot: &Slot) -> Duration {
        self.subjects
            .iter()
            .find(|subject| owns(subject.collector, slot))
            .map_or(KEPT_FOR, |subject| subject.interval)
    }

    /// Keeps one slot for each online node, for the sources that are asked of each.
    fn follow_topology(&self) {
        let nodes = self.session.online_nodes();
        let slots = self.slots.load();
        let mut followed: Vec<Arc<Slot>> = slots
            .iter()
            .filter(|slot| slot.node.as_ref().is_none_or(|node| nodes.contains(node)))
            .cloned()
            .collect();
        let kept = followed.len();
        let sources = self
            .subjects
            .iter()
            .flat_map(|subject| subject.collector.sources);
        for source in sources.filter(|source| source.scope() == Scope::EachNode) {
            for node in nodes.iter() {
                let is_known = |slot: &Arc<Slot>| {
                    slot.source.name() == source.name() && slot.node.as_ref() == Some(node)
                };
                if !followed.iter().any(is_known) {
                    followed.push(Arc::new(Slot::new(*source, Some(Arc::clone(node)))));
                }
            }
        }
        if kept != slots.len() || followed.len() != kept {
            self.slots.store(Arc::new(followed));
        }
    }
}

fn is_an_answer(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Unavailable | Outcome::Unauthorised | Outcome::Invalid
    )
}

fn owns(collector: &Collector, slot: &Slot) -> bool {
    collector
        .sources
        .iter()
        .any(|source| source.name() == slot.source.name())
}

fn reads(collector: &Collector, slot: &Slot) -> bool {
    owns(collector, slot)
        || collector
            .reads
            .iter()
            .any(|source| source.name() == slot.source.name())
}
