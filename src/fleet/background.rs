//! Asking in the background: what is due, as far as the remote has room for it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::remote::{MISSED_AFTER, Remote};
use super::schedule::{FirstRound, Schedule, wait_after};
use super::slot::Slot;
use super::subject::Subject;
use crate::source::topology::{GuestPlace, Topology};
use crate::source::{AnySource, Item, Scope, Session};

/// What a scrape asks for anyway is asked in the background only where nobody scrapes.
const FIRST_WITHOUT_SCRAPE: Duration = Duration::from_secs(10);

/// Of those that are due at one time the cheap ones come first.
type Key = (Scope, &'static str, Item);

pub(super) struct Background {
    remote: Arc<Remote>,
    session: Session,
    schedule: Schedule<Key>,
    first_round: FirstRound,
    followed: Option<Arc<Topology>>,
    running: JoinSet<Key>,
    /// One that must run alone, and waits for the others to end.
    waiting: Option<Key>,
    /// Whether the one that runs must run alone.
    alone: bool,
}

impl Background {
    pub(super) fn new(remote: Arc<Remote>, after: Duration) -> Self {
        let session = remote.session.in_background();
        let start = Instant::now() + after;
        let mut background = Self {
            first_round: FirstRound::new(start, session.rate()),
            remote,
            session,
            schedule: Schedule::new(),
            followed: None,
            running: JoinSet::new(),
            waiting: None,
            alone: false,
        };
        for subject in &background.remote.subjects {
            if subject.is_live() {
                for source in &subject.sources {
                    let key = key(source.source, Item::Remote);
                    background.schedule.set(key, start + FIRST_WITHOUT_SCRAPE);
                }
            }
        }
        background
    }

    /// Asks until it is dropped.
    pub(super) async fn run(&mut self) {
        loop {
            self.follow_topology();
            let now = Instant::now();
            while self.has_room()
                && let Some(key) = self.next_due(now)
            {
                self.start(key, now);
            }

            let wake = self.schedule.next().filter(|_| self.has_room());
            let wake = wake.unwrap_or(now + MISSED_AFTER);
            tokio::select! {
                () = tokio::time::sleep_until(wake.into()) => {}
                Some(ended) = self.running.join_next() => {
                    self.alone = false;
                    if let Ok(key) = ended {
                        self.plan_next(key);
                    }
                }
                () = self.session.topology_changed() => {}
            }
        }
    }

    fn has_room(&self) -> bool {
        let running = self.running.len();
        let bound = if self.alone || self.waiting.is_some() {
            1
        } else {
            self.session.in_flight()
        };
        running < bound
    }

    fn next_due(&mut self, now: Instant) -> Option<Key> {
        self.waiting.take().or_else(|| self.schedule.take_due(now))
    }

    fn start(&mut self, key: Key, now: Instant) {
        let remote = Arc::clone(&self.remote);
        let Some((subject, source)) = remote.slots_of(key.1) else {
            return;
        };
        let Some(slot) = source.get(&key.2) else {
            return;
        };
        if subject.is_live() && !slot.is_due(now, MISSED_AFTER) {
            self.schedule.set(key, now + MISSED_AFTER);
            return;
        }
        if slot.source.is_asked_alone() {
            if !self.running.is_empty() {
                self.waiting = Some(key);
                return;
            }
            self.alone = true;
        }
        let attempts = slot.attempts();
        let session = if subject.is_live() {
            &remote.session
        } else {
            &self.session
        };
        remote.ask(&slot, session);
        self.running.spawn(async move {
            slot.wait_past(attempts).await;
            key
        });
    }

    fn plan_next(&mut self, key: Key) {
        let Some((subject, source)) = self.remote.slots_of(key.1) else {
            return;
        };
        if let Some(slot) = source.get(&key.2) {
            let wait = wait_after(interval(subject), slot.failures(), fastrand::f64());
            self.schedule.set(key, Instant::now() + wait);
        }
    }

    /// Keeps one slot for each item that there is to ask about.
    fn follow_topology(&mut self) {
        let topology = self.remote.session.topology();
        if self
            .followed
            .as_ref()
            .is_some_and(|followed| Arc::ptr_eq(followed, &topology))
        {
            return;
        }
        let remote = Arc::clone(&self.remote);
        let background = remote.subjects.iter().filter(|subject| !subject.is_live());
        let mut sources: Vec<_> = background.flat_map(|subject| &subject.sources).collect();
        sources.sort_by_key(|source| source.source.scope());
        let moved = self.moved(&topology);
        let now = Instant::now();
        for slots in sources {
            let source = slots.source;
            let before = slots.all();
            let mut after = BTreeMap::new();
            for item in topology.items(source.scope()) {
                let known = before.get(&item).cloned();
                // The slot of the remote as a whole is there before it is planned.
                let is_new = known.is_none() || (self.followed.is_none() && item == Item::Remote);
                let slot = known.unwrap_or_else(|| Arc::new(Slot::new(source, item.clone())));
                let key = key(source, item.clone());
                if is_new {
                    self.restore(&slot);
                    let at = self.first_round.place(now);
                    self.schedule.set(key, at);
                } else if source.is_asked_again_on_change() && moved.contains(&item) {
                    self.schedule.set(key, now);
                }
                after.insert(item, slot);
            }
            for gone in before.keys().filter(|item| !after.contains_key(*item)) {
                self.schedule.remove(&key(source, gone.clone()));
                remote.journal.forget(source.name(), gone);
            }
            if !before.keys().eq(after.keys()) {
                slots.replace(after);
            }
        }
        self.followed = Some(topology);
    }

    /// The guests whose node or lock is another than when they were last seen.
    fn moved(&self, topology: &Topology) -> HashSet<Item> {
        let Some(followed) = &self.followed else {
            return HashSet::new();
        };
        let is_other = |guest: &&GuestPlace| {
            followed
                .guest(guest.vmid, guest.kind)
                .is_some_and(|before| before.node != guest.node || before.lock != guest.lock)
        };
        let moved = topology.guests.iter().filter(is_other);
        moved.map(GuestPlace::item).collect()
    }

    /// Gives a slot the value that was kept of it.
    fn restore(&self, slot: &Slot) {
        if let Some(text) = self.remote.cursors.load(slot.source.name(), &slot.item)
            && let Some(value) = slot.source.load(&text)
        {
            slot.restore(value);
        }
    }
}

fn key(source: &dyn AnySource, item: Item) -> Key {
    (source.scope(), source.name(), item)
}

fn interval(subject: &Subject) -> Duration {
    if subject.is_live() {
        subject.interval.max(MISSED_AFTER)
    } else {
        subject.interval
    }
}
