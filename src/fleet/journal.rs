//! The log of a remote's state: a line on each change, none while it stays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::slot::Ended;
use crate::remote::outcome::Outcome;

pub(super) struct Journal {
    remote: Arc<str>,
    troubles: Mutex<Troubles>,
}

#[derive(Default)]
struct Troubles {
    /// An outcome that concerns the remote as a whole: it is told once, not for each source.
    whole: Option<Outcome>,
    /// By source and node.
    sources: HashMap<(&'static str, Option<Box<str>>), Outcome>,
}

impl Journal {
    pub(super) fn new(remote: &str) -> Self {
        Self {
            remote: Arc::from(remote),
            troubles: Mutex::default(),
        }
    }

    pub(super) fn note(&self, source: &'static str, node: Option<&str>, ended: &Ended) {
        let outcome = ended.attempt.outcome;
        let report = ended.attempt.report.as_deref().unwrap_or_default();
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source, node.map(Box::from));

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
            if troubles.sources.insert(key, outcome) != Some(outcome) {
                tracing::warn!(remote = %self.remote, source, node, outcome = outcome.as_str(), "{report}");
            }
        } else if troubles.sources.remove(&key).is_some() {
            tracing::info!(remote = %self.remote, source, node, "{source} is answered again");
        } else if outcome != Outcome::Ok && ended.before != Some(outcome) {
            tracing::debug!(remote = %self.remote, source, node, outcome = outcome.as_str(), "{report}");
        }
    }
}

fn concerns_the_whole(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Unavailable | Outcome::Unauthorised)
}
