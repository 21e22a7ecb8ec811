//! The log of a remote's state: a line on each change, none while it stays.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::slot::{Ended, Slot};
use crate::remote::outcome::Outcome;
use crate::source::Item;

pub(super) struct Journal {
    remote: Arc<str>,
    troubles: Mutex<Troubles>,
}

#[derive(Default)]
struct Troubles {
    /// An outcome that concerns the remote as a whole: it is told once, not for each source.
    whole: Option<Outcome>,
    /// By source: what it was asked about and failed. A line for the first and for the end of all,
    /// not for each of a thousand guests.
    sources: HashMap<&'static str, HashSet<Item>>,
}

impl Journal {
    pub(super) fn new(remote: &str) -> Self {
        Self {
            remote: Arc::from(remote),
            troubles: Mutex::default(),
        }
    }

    pub(super) fn note(&self, slot: &Slot, ended: &Ended) {
        let (source, item) = (slot.source.name(), &slot.item);
        let outcome = ended.attempt.outcome;
        let report = ended.attempt.report.as_deref().unwrap_or_default();
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);

        if concerns_the_whole(outcome) {
            if troubles.whole.replace(outcome) != Some(outcome) {
                tracing::warn!(remote = %self.remote, outcome = outcome.as_str(), "{report}");
            }
            return;
        }
        if troubles.whole.take().is_some() {
            tracing::info!(remote = %self.remote, "the remote answers again");
        }
        if outcome.is_error() {
            let failing = troubles.sources.entry(source).or_default();
            if failing.is_empty() {
                tracing::warn!(remote = %self.remote, source, %item, outcome = outcome.as_str(), "{report}");
            }
            failing.insert(item.clone());
        } else if let Some(failing) = troubles.sources.get_mut(source)
            && failing.remove(item)
        {
            if failing.is_empty() {
                tracing::info!(remote = %self.remote, source, "{source} is answered again");
            }
        } else if outcome != Outcome::Ok && ended.before != Some(outcome) {
            tracing::debug!(remote = %self.remote, source, %item, outcome = outcome.as_str(), "{report}");
        }
    }

    /// What is there no longer fails no longer.
    pub(super) fn forget(&self, source: &'static str, item: &Item) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failing) = troubles.sources.get_mut(source) {
            failing.remove(item);
        }
    }
}

fn concerns_the_whole(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Unavailable | Outcome::Unauthorised)
}
