//! A collector as it runs for one remote, and the slots of its sources.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::remote::MISSED_AFTER;
use super::slot::{Good, Slot};
use crate::collect::{Class, Collector};
use crate::config;
use crate::metric::block::Block;
use crate::source::{AnySource, Item, Scope};

/// For so long the last good value of a live source answers for one that is late or fails.
pub const KEPT_FOR: Duration = Duration::from_secs(300);

pub struct Subject {
    pub collector: &'static Collector,
    pub interval: Duration,
    pub(super) sources: Vec<SourceSlots>,
    rendered: Mutex<Option<Rendered>>,
}

/// What a source is asked about, each with what is known of it.
pub(super) struct SourceSlots {
    pub(super) source: &'static dyn AnySource,
    slots: ArcSwap<BTreeMap<Item, Arc<Slot>>>,
    ended: AtomicU64,
}

pub(super) struct Rendered {
    /// Of what the block was rendered from.
    pub(super) key: u64,
    pub(super) block: Arc<Block>,
}

impl Subject {
    pub(super) fn new(collector: &'static Collector, config: &config::Remote) -> Self {
        Self {
            collector,
            interval: config
                .collectors
                .interval(collector.name, collector.interval),
            sources: collector
                .sources
                .iter()
                .map(|source| SourceSlots::new(*source))
                .collect(),
            rendered: Mutex::default(),
        }
    }

    pub fn is_live(&self) -> bool {
        self.collector.class == Class::Live
    }

    /// How old a value may be to be shown: what is asked rarely is kept over two missed intervals.
    fn kept_for(&self) -> Duration {
        match self.collector.class {
            Class::Live => KEPT_FOR,
            Class::Background => KEPT_FOR + 2 * self.interval,
        }
    }

    /// How old a value may be to be fresh: until the one after it has been missed. What is asked for
    /// scrapes is missed when they are.
    pub(super) fn fresh_for(&self) -> Duration {
        match self.collector.class {
            Class::Live => 2 * self.interval.max(MISSED_AFTER),
            Class::Background => 2 * self.interval,
        }
    }

    /// The value of one of its slots, where it is not too old to be shown.
    pub(super) fn shown(&self, slot: &Slot, now: Instant) -> Option<Arc<Good>> {
        let good = slot.good()?;
        (now.saturating_duration_since(good.at) <= self.kept_for()).then_some(good)
    }

    pub(super) fn rendered(&self) -> MutexGuard<'_, Option<Rendered>> {
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceSlots {
    fn new(source: &'static dyn AnySource) -> Self {
        let mut slots = BTreeMap::new();
        if source.scope() == Scope::Remote {
            slots.insert(Item::Remote, Arc::new(Slot::new(source, Item::Remote)));
        }
        Self {
            source,
            slots: ArcSwap::from_pointee(slots),
            ended: AtomicU64::new(0),
        }
    }

    pub(super) fn all(&self) -> Arc<BTreeMap<Item, Arc<Slot>>> {
        self.slots.load_full()
    }

    pub(super) fn get(&self, item: &Item) -> Option<Arc<Slot>> {
        self.slots.load().get(item).cloned()
    }

    pub(super) fn replace(&self, slots: BTreeMap<Item, Arc<Slot>>) {
        self.slots.store(Arc::new(slots));
        self.note_ended();
    }

    /// Changes whenever an attempt of any slot has ended, or there are others.
    pub(super) fn generation(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    pub(super) fn note_ended(&self) {
        self.ended.fetch_add(1, Ordering::Release);
    }
}
