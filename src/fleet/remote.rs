//! One remote of the fleet: what is known of it, and how it stands.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::background::Background;
use super::cursor::Cursors;
use super::journal::Journal;
use super::slot::{Ended, Good, Slot};
use super::subject::{Rendered, SourceSlots, Subject};
use super::telemetry::RemoteTelemetry;
use crate::collect::{COLLECTORS, Collector, Inputs};
use crate::config;
use crate::metric::block::Block;
use crate::remote::outcome::Outcome;
use crate::source::pve::entrance::ENTRANCE;
use crate::source::{AnySource, AnyValue, Coverage, Item, Known, Session};

/// Live answers are as fresh as the scrapes ask for them: a scrape a minute is usual.
pub(super) const MISSED_AFTER: Duration = Duration::from_secs(60);

pub struct Remote {
    pub config: Arc<config::Remote>,
    pub session: Session,
    pub telemetry: Arc<RemoteTelemetry>,
    pub subjects: Vec<Subject>,
    pub(super) cursors: Cursors,
    pub(super) journal: Journal,
    /// The node behind each end-point, for those who ask by it.
    pub(super) entrances: Vec<Arc<Slot>>,
    /// The subject and the place in it of each source, by name.
    places: HashMap<&'static str, (usize, usize)>,
    itself: Weak<Self>,
    stop: CancellationToken,
}

/// What a collector may read.
pub(super) struct Readable {
    /// Another whenever the values are others.
    pub(super) key: u64,
    values: Vec<(Arc<Slot>, Arc<Good>)>,
}

/// Why something is not known of a remote.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lack {
    #[error("its collector is off for this remote")]
    NotAsked,
    #[error("{0}: not asked yet")]
    NotYet(Item),
    #[error("{0}: the last answer is too old")]
    TooOld(Item),
    #[error("{item}: {} of {} have been asked about", coverage.answered, coverage.expected)]
    Partly { item: Item, coverage: Coverage },
    #[error("{0}")]
    Failed(Arc<str>),
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

impl Remote {
    pub fn new(
        config: Arc<config::Remote>,
        session: Session,
        telemetry: Arc<RemoteTelemetry>,
        cursors: Cursors,
    ) -> Arc<Self> {
        let subjects: Vec<Subject> = COLLECTORS
            .iter()
            .filter(|collector| collector.product == config.product)
            .filter(|collector| {
                config
                    .collectors
                    .enabled(collector.name, collector.by_default)
            })
            .map(|collector| Subject::new(collector, &config))
            .collect();
        let mut places = HashMap::new();
        for (subject_index, subject) in subjects.iter().enumerate() {
            for (index, slots) in subject.sources.iter().enumerate() {
                places.insert(slots.source.name(), (subject_index, index));
            }
        }
        Arc::new_cyclic(|itself| Self {
            journal: Journal::new(&config.name),
            entrances: (0..config.endpoints.len())
                .map(|index| Arc::new(Slot::new(&ENTRANCE, Item::Endpoint(index))))
                .collect(),
            config,
            session,
            telemetry,
            subjects,
            cursors,
            places,
            itself: Weak::clone(itself),
            stop: CancellationToken::new(),
        })
    }

    /// Starts asking in the background; the first time within `spread`, so that a fleet does not
    /// start at once.
    pub fn run(self: &Arc<Self>, spread: Duration) {
        let remote = Arc::clone(self);
        tokio::spawn(async move {
            let stop = remote.stop.clone();
            let mut background = Background::new(remote, spread.mul_f64(fastrand::f64()));
            tokio::select! {
                () = stop.cancelled() => {}
                () = background.run() => {}
            }
        });
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Asks again what was refused: the operator may have granted it.
    pub fn reconsider(self: &Arc<Self>) {
        let remote = Arc::clone(self);
        tokio::spawn(async move { remote.session.reconsider().await });
    }

    /// The slots of a source, with the subject that owns it.
    pub(super) fn slots_of(&self, source: &str) -> Option<(&Subject, &SourceSlots)> {
        let (subject, index) = *self.places.get(source)?;
        let subject = self.subjects.get(subject)?;
        Some((subject, subject.sources.get(index)?))
    }

    /// Every slot, with the subject that owns it.
    fn slots(&self) -> impl Iterator<Item = (&Subject, Arc<Slot>)> {
        self.subjects.iter().flat_map(|subject| {
            let sources = subject.sources.iter();
            sources.flat_map(move |source| {
                let slots: Vec<Arc<Slot>> = source.all().values().cloned().collect();
                slots.into_iter().map(move |slot| (subject, slot))
            })
        })
    }

    /// Starts asking what is live and older than its time to live. Adds the slots that are worth
    /// waiting for, with the number of attempts to wait past.
    pub fn refresh(
        &self,
        wanted: impl Fn(&Collector) -> bool,
        now: Instant,
        waiting: &mut Vec<(Arc<Slot>, u64)>,
    ) {
        let live = self.subjects.iter().filter(|subject| subject.is_live());
        for subject in live.filter(|subject| wanted(subject.collector)) {
            for source in &subject.sources {
                for slot in source.all().values() {
                    // Read before the start: the attempt may end at once.
                    let attempts = slot.attempts();
                    let is_due = slot.is_due(now, subject.interval);
                    if is_due {
                        self.ask(slot, &self.session);
                    }
                    if slot.is_worth_waiting(now) || (is_due && slot.attempts() > attempts) {
                        waiting.push((Arc::clone(slot), attempts));
                    }
                }
            }
        }
    }

    /// Starts an attempt, unless one runs.
    pub(super) fn ask(&self, slot: &Arc<Slot>, session: &Session) {
        let Some(remote) = self.itself.upgrade() else {
            return;
        };
        let known: Arc<dyn Known> = Arc::clone(&remote) as _;
        slot.start(session, known, move |slot, ended| remote.note(slot, &ended));
    }

    fn note(&self, slot: &Arc<Slot>, ended: &Ended) {
        self.journal.note(slot, ended);
        if ended.attempt.brought_value
            && let Some(good) = slot.good()
            && let Some(text) = slot.source.save(&good.value)
        {
            self.cursors.save(slot.source.name(), &slot.item, text);
        }
        if let Some((subject, source)) = self.slots_of(slot.source.name()) {
            source.note_ended();
            if subject.is_live() {
                self.session.has_learned();
            }
        }
    }

    /// One collector's samples, rendered at most once for each generation of what it reads.
    pub fn block(&self, subject: &Subject, now: Instant) -> Arc<Block> {
        let collector = subject.collector;
        let sources = collector.sources.iter().chain(collector.reads);
        let readable = self.readable(sources, now);
        let mut rendered = subject.rendered();
        if let Some(rendered) = rendered.as_ref().filter(|known| known.key == readable.key) {
            return Arc::clone(&rendered.block);
        }
        let inputs = self.inputs(&readable);
        let block = Arc::new(Block::from_lines((collector.collect)(&inputs)));
        *rendered = Some(Rendered {
            key: readable.key,
            block: Arc::clone(&block),
        });
        block
    }

    /// The values of these sources that are not too old to be shown.
    pub(super) fn readable<'s>(
        &self,
        sources: impl Iterator<Item = &'s &'static dyn AnySource>,
        now: Instant,
    ) -> Readable {
        let mut hasher = DefaultHasher::new();
        let mut values = Vec::new();
        for (owner, source) in sources.filter_map(|source| self.slots_of(source.name())) {
            source.generation().hash(&mut hasher);
            for slot in source.all().values() {
                if let Some(good) = owner.shown(slot, now) {
                    values.push((Arc::clone(slot), good));
                }
            }
        }
        // Values also leave by age.
        values.len().hash(&mut hasher);
        Readable {
            key: hasher.finish(),
            values,
        }
    }

    /// Makes something of what these sources have told.
    pub fn with_inputs<T>(
        &self,
        sources: &[&'static dyn AnySource],
        now: Instant,
        make: impl FnOnce(&Inputs<'_>) -> T,
    ) -> T {
        make(&self.inputs(&self.readable(sources.iter(), now)))
    }

    /// What a source does not know now, of the items on nodes that `is_wanted`.
    pub fn lacks<'a>(
        &'a self,
        source: &'static dyn AnySource,
        is_wanted: impl Fn(Option<&str>) -> bool + 'a,
        now: Instant,
    ) -> impl Iterator<Item = Lack> + 'a {
        let topology = self.session.topology();
        let known = self.slots_of(source.name());
        let off = known.is_none().then_some(Lack::NotAsked);
        let of_items = known.into_iter().flat_map(move |(subject, slots)| {
            let slots = slots.all();
            let lack = |item: Item| {
                let node = topology.node_of(&item);
                if !is_wanted(node.as_deref()) {
                    return None;
                }
                // What has just been heard of has no slot yet.
                let Some(slot) = slots.get(&item) else {
                    return Some(Lack::NotYet(item));
                };
                let attempt = slot.last_attempt();
                let shown = subject.shown(slot, now);
                match (attempt, shown) {
                    (Some(attempt), _) if attempt.outcome.is_error() => {
                        Some(Lack::Failed(attempt.report.unwrap_or_default()))
                    }
                    (_, Some(good)) => good
                        .coverage
                        .filter(|coverage| coverage.answered < coverage.expected)
                        .map(|coverage| Lack::Partly { item, coverage }),
                    (Some(attempt), None) if attempt.brought_value => Some(Lack::TooOld(item)),
                    // There is no such thing here.
                    (Some(_), None) => None,
                    (None, None) => Some(Lack::NotYet(item)),
                }
            };
            let items = topology.items(source.scope()).into_iter();
            items.filter_map(lack).collect::<Vec<_>>()
        });
        off.into_iter().chain(of_items)
    }

    pub(super) fn inputs(&self, readable: &Readable) -> Inputs<'_> {
        let running = self.subjects.iter().map(|subject| subject.collector);
        let mut inputs = Inputs::new(&self.config.name, &self.config.filter).with_running(running);
        for (slot, good) in &readable.values {
            let value = Arc::clone(&good.value);
            inputs.add(slot.source.name(), slot.item.clone(), value);
        }
        inputs
    }

    /// Whether the remote answers: any of its live sources, or of the others where none is live.
    pub fn is_up(&self) -> bool {
        let answers = |slot: &Slot| slot.last_outcome().is_some_and(is_an_answer);
        if self.subjects.iter().any(Subject::is_live) {
            self.slots()
                .any(|(subject, slot)| subject.is_live() && answers(&slot))
        } else {
            self.slots().any(|(_, slot)| answers(&slot))
        }
    }

    /// How long the slowest of the live sources that have an answer took for it.
    pub fn answer_time(&self) -> Option<Duration> {
        self.slots()
            .filter(|(subject, _)| subject.is_live())
            .filter_map(|(_, slot)| slot.last_attempt())
            .filter(|attempt| attempt.brought_value)
            .map(|attempt| attempt.took)
            .max()
    }

    /// What is wrong with the remote, as the worst of the last attempts has said it.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.slots()
            .filter_map(|(_, slot)| slot.last_attempt())
            .filter(|attempt| attempt.outcome.is_error())
            .max_by_key(|attempt| attempt.outcome)?
            .report
    }

    /// How a collector stands.
    pub fn state_of(&self, subject: &Subject, now: Instant) -> CollectorState {
        let mut state = CollectorState::default();
        let (mut answered, mut expected) = (0.0, 0.0);
        for source in &subject.sources {
            for slot in source.all().values() {
                let outcome = slot.last_outcome();
                state.outcome = state.outcome.max(outcome);
                let shown = subject.shown(slot, now);
                if let Some(good) = &shown {
                    let age = now.saturating_duration_since(good.at);
                    state.age = state.age.max(Some(age));
                }
                let fresh = shown
                    .filter(|good| now.saturating_duration_since(good.at) <= subject.fresh_for());
                match fresh.map(|good| good.coverage) {
                    Some(Some(coverage)) => {
                        expected += coverage.expected as f64;
                        answered += coverage.answered as f64;
                    }
                    Some(None) => {
                        expected += 1.0;
                        answered += 1.0;
                    }
                    // There is no such thing here: that is an answer, too.
                    None if outcome == Some(Outcome::NotApplicable) => {}
                    None => expected += 1.0,
                }
            }
        }
        let nothing_to_ask = expected == 0.0 && (state.outcome.is_some() || self.is_up());
        state.success = nothing_to_ask || state.outcome.is_some_and(|outcome| !outcome.is_error());
        state.coverage = match () {
            () if expected > 0.0 => answered / expected,
            () if nothing_to_ask => 1.0,
            () => 0.0,
        };
        state
    }

    /// Changes whenever what a scrape waits for has been answered, or not. What is asked in the
    /// background does not count: a body is made anew soon enough, and not at each of its answers.
    pub fn generation(&self) -> u64 {
        let live = self.subjects.iter().filter(|subject| subject.is_live());
        live.flat_map(|subject| &subject.sources)
            .map(SourceSlots::generation)
            .sum()
    }
}

impl Known for Remote {
    fn value(&self, source: &str, item: &Item) -> Option<AnyValue> {
        let (subject, slots) = self.slots_of(source)?;
        let good = subject.shown(&*slots.get(item)?, Instant::now())?;
        Some(Arc::clone(&good.value))
    }
}

fn is_an_answer(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Unavailable | Outcome::Unauthorised | Outcome::Invalid
    )
}
