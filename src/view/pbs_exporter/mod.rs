//! What pbs-exporter answers: the same families and label sets, so that its dashboards and rules go
//! on working. Where it differs on purpose is listed in `docs/drop-in.md`.
//!
//! The families have no label `remote`, for Prometheus' `instance` tells the servers apart.

mod families;
mod server;
mod snapshot;

use std::sync::Arc;
use std::time::Instant;

pub use families::FAMILIES;

use super::answer::Answer;
use crate::collect::Inputs;
use crate::fleet::Remote;
use crate::fleet::remote::Lack;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::AnySource;
use crate::source::pbs::snapshot::SNAPSHOTS;
use crate::source::pbs::{datastores, metrics, node_status, subscription, version};

/// Everything that the view is made from.
pub static SOURCES: &[&dyn AnySource] = &[
    &metrics::METRICS,
    &datastores::DATASTORES,
    &version::VERSION,
    &node_status::NODE_STATUS,
    &subscription::SUBSCRIPTION,
    &SNAPSHOTS,
];

/// Of these, what a scrape does not bring up to date where the background does.
pub static BACKGROUND_SOURCES: &[&dyn AnySource] = &[
    &version::VERSION,
    &node_status::NODE_STATUS,
    &subscription::SUBSCRIPTION,
    &SNAPSHOTS,
];

/// What each source is about, for whoever is told that it is lacking.
static PARTS: &[(&str, &dyn AnySource)] = &[
    ("datastore", &metrics::METRICS),
    ("datastore", &datastores::DATASTORES),
    ("version", &version::VERSION),
    ("host", &node_status::NODE_STATUS),
    ("subscription", &subscription::SUBSCRIPTION),
    ("snapshot", &SNAPSHOTS),
];

/// Reads what is known of a server that answers.
pub fn answer(remote: &Remote, now: Instant) -> Answer {
    let lacks = PARTS.iter().flat_map(|(part, source)| {
        let lacks = remote.lacks(*source, |_| true, now);
        lacks.map(move |lack| (*part, lack))
    });
    let lines = remote.with_inputs(SOURCES, now, collect);
    Answer::new(FAMILIES, lines, lacks.collect())
}

/// What is said of a server that does not answer: that, and why.
pub fn down(reason: &str) -> Answer {
    let lack = Lack::Failed(Arc::from(reason));
    Answer::new(FAMILIES, vec![up(false)], vec![("target", lack)])
}

/// What is known of a server that answers, as samples.
pub fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = vec![up(true)];
    lines.extend(server::collect(inputs));
    lines.extend(snapshot::collect(inputs));
    lines
}

fn up(is_up: bool) -> Lines {
    let mut up = Lines::of(&families::UP);
    up.push(&LabelBlock::new(), is_up);
    up
}

#[cfg(test)]
mod tests;
