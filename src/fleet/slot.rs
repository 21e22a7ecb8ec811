//! One thing known of one remote: the last good value, and how the asking for it goes.
//!
//! Readers take the value without waiting. Asking is a task of its own: whoever wants a fresh
//! value joins the attempt that runs or starts one, waits as long as it likes, and never owns it,
//! so a late answer still arrives for whoever comes next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::{AnySource, AnyValue, Coverage, Fetched, Item, Known, Session};

/// An attempt that takes this much longer than the last one is taken to hang.
const HANGS_AFTER: Duration = Duration::from_secs(2);

pub struct Slot {
    pub source: &'static dyn AnySource,
    /// What the source is asked about.
    pub item: Item,
    good: ArcSwapOption<Good>,
    state: Mutex<State>,
    /// Number of attempts that have ended.
    ended: watch::Sender<u64>,
}

/// A value as it was answered.
pub struct Good {
    pub value: AnyValue,
    pub at: Instant,
    /// Changes with every answer; unique within the slot.
    pub generation: u64,
    pub coverage: Option<Coverage>,
}

#[derive(Default)]
struct State {
    running_since: Option<Instant>,
    last: Option<Attempt>,
    /// Attempts in a row that brought no value.
    failures: u32,
    restored: Option<AnyValue>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub started: Instant,
    pub took: Duration,
    /// Whether it brought a value, if only a part of one.
    pub brought_value: bool,
    /// The worst of its calls.
    pub outcome: Outcome,
    /// For the operator: what went wrong, where, and what to do about it.
    pub report: Option<Arc<str>>,
}

/// What a finished attempt changed, for the log.
pub struct Ended {
    pub attempt: Attempt,
    pub before: Option<Outcome>,
}

impl Slot {
    pub fn new(source: &'static dyn AnySource, item: Item) -> Self {
        Self {
            source,
            item,
            good: ArcSwapOption::empty(),
            state: Mutex::default(),
            ended: watch::Sender::new(0),
        }
    }

    /// The last good value.
    pub fn good(&self) -> Option<Arc<Good>> {
        self.good.load_full()
    }

    pub fn last_attempt(&self) -> Option<Attempt> {
        self.state().last.clone()
    }

    /// The outcome of the last attempt, without what it said.
    pub fn last_outcome(&self) -> Option<Outcome> {
        self.state().last.as_ref().map(|last| last.outcome)
    }

    pub fn failures(&self) -> u32 {
        self.state().failures
    }

    /// Number of attempts that have ended, to wait for the next.
    pub fn attempts(&self) -> u64 {
        *self.ended.borrow()
    }

    /// Whether an attempt that started at least so long ago is the latest, and none runs.
    pub fn is_due(&self, now: Instant, interval: Duration) -> bool {
        let state = self.state();
        state.running_since.is_none()
            && state.last.as_ref().is_none_or(|last| {
                now.saturating_duration_since(last.started + last.took) >= interval
            })
    }

    /// Whether waiting for the next end of an attempt is likely to bring a value: not where the
    /// last one ended without an answer, and not for one that hangs already. So a remote that
    /// hangs costs one scrape its time, and no other.
    pub fn is_worth_waiting(&self, now: Instant) -> bool {
        let was_silent = self
            .state()
            .last
            .as_ref()
            .is_some_and(|last| !last.brought_value && last.outcome == Outcome::Unavailable);
        !was_silent && self.is_under_way(now)
    }

    /// Whether an attempt runs, and does not hang by all that is known.
    pub fn is_under_way(&self, now: Instant) -> bool {
        let state = self.state();
        let usual = state.last.as_ref().map_or(Duration::ZERO, |last| last.took);
        state
            .running_since
            .is_some_and(|since| now.saturating_duration_since(since) < HANGS_AFTER + usual)
    }

    /// Waits until more than `attempts` have ended.
    pub async fn wait_past(&self, attempts: u64) {
        let mut ended = self.ended.subscribe();
        // The sender lives in self, so there is no other end than a value.
        drop(ended.wait_for(|ended| *ended > attempts).await);
    }

    /// Starts an attempt, unless one runs. `ended` is called once it has.
    pub fn start<F>(self: &Arc<Self>, session: &Session, known: Arc<dyn Known>, ended: F)
    where
        F: FnOnce(&Arc<Self>, Ended) + Send + 'static,
    {
        let started = Instant::now();
        {
            let mut state = self.state();
            if state.running_since.is_some() {
                return;
            }
            state.running_since = Some(started);
        }
        let slot = Arc::clone(self);
        let session = session.clone();
        tokio::spawn(async move {
            // In a task of its own, so that a panic in it ends the attempt like any other error.
            let asking = tokio::spawn({
                let slot = Arc::clone(&slot);
                async move {
                    let previous = slot.previous();
                    slot.source
                        .fetch(&session, &slot.item, previous, &*known)
                        .await
                }
            });
            let finished = slot.finish(started, asking.await.ok());
            ended(&slot, finished);
            // Only now: whoever waits must find all that the attempt has changed.
            slot.ended.send_modify(|ended| *ended += 1);
        });
    }

    /// A value of an earlier process, to go on from. It is not shown.
    pub fn restore(&self, value: AnyValue) {
        self.state().restored = Some(value);
    }

    fn previous(&self) -> Option<AnyValue> {
        match self.good() {
            Some(good) => Some(Arc::clone(&good.value)),
            None => self.state().restored.clone(),
        }
    }

    fn finish(
        &self,
        started: Instant,
        result: Option<Result<Fetched<AnyValue>, CallError>>,
    ) -> Ended {
        let now = Instant::now();
        let (outcome, report) = match &result {
            Some(Ok(fetched)) => {
                match fetched.problems.iter().max_by_key(|error| error.outcome()) {
                    None => (Outcome::Ok, None),
                    Some(error) => (error.outcome(), Some(error.report())),
                }
            }
            Some(Err(error)) => (error.outcome(), Some(error.report())),
            None => (
                Outcome::Invalid,
                Some(format!(
                    "{}: reading the answer failed unexpectedly",
                    self.source.name()
                )),
            ),
        };
        let brought_value = matches!(result, Some(Ok(_)));
        if let Some(Ok(fetched)) = result {
            let generation = self
                .good
                .load()
                .as_ref()
                .map_or(1, |good| good.generation + 1);
            self.good.store(Some(Arc::new(Good {
                value: fetched.value,
                at: now,
                generation,
                coverage: fetched.coverage,
            })));
        }

        let attempt = Attempt {
            started,
            took: now.saturating_duration_since(started),
            brought_value,
            outcome,
            report: report.map(Arc::from),
        };
        let before = {
            let mut state = self.state();
            state.running_since = None;
            state.failures = if brought_value || !outcome.is_error() {
                0
            } else {
                state.failures.saturating_add(1)
            };
            state.last.replace(attempt.clone()).map(|last| last.outcome)
        };
        Ended { attempt, before }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
