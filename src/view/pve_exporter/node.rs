//! The families of `node=1`: of the guests, the replication and the subscription of nodes.

use std::collections::BTreeMap;

use super::{Nodes, families as f};
use crate::collect::Inputs;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::replication::ReplicationJob;
use crate::source::pve::{guest_config, replication, resources, subscription};
use crate::source::subscription::STATUSES;

pub(super) fn collect(
    inputs: &Inputs<'_>,
    nodes: &Nodes,
    has: impl Fn(&str) -> bool,
) -> Vec<Lines> {
    let mut lines = Vec::new();
    if has("subscription") {
        lines.extend(subscriptions(inputs, nodes));
    }
    if has("config") {
        lines.push(on_boot(inputs, nodes));
    }
    if has("replication") {
        lines.extend(replications(inputs, nodes));
    }
    lines
}

fn subscriptions(inputs: &Inputs<'_>, nodes: &Nodes) -> [Lines; 3] {
    let mut info = Lines::of(&f::SUBSCRIPTION_INFO);
    let mut status = Lines::of(&f::SUBSCRIPTION_STATUS);
    let mut next_due = Lines::of(&f::SUBSCRIPTION_NEXT_DUE);
    let mut labels = LabelBlock::new();
    for (item, known) in inputs.each(&subscription::SUBSCRIPTION) {
        if !nodes.has(item.name()) {
            continue;
        }
        labels.clear().push("id", &item.to_string());
        for state in STATUSES {
            status.push_with(&labels, "status", state, *state == &*known.status);
        }
        next_due.push_known(&labels, known.next_due);
        let level = match &*known.level {
            "" => "unknown",
            level => level,
        };
        info.push_with(&labels, "level", level, true);
    }
    [info, status, next_due]
}

fn on_boot(inputs: &Inputs<'_>, nodes: &Nodes) -> Lines {
    let mut status = Lines::of(&f::ONBOOT_STATUS);
    let Some(picture) = inputs.get(&resources::RESOURCES) else {
        return status;
    };
    let mut labels = LabelBlock::new();
    for (item, config) in inputs.each(&guest_config::GUEST_CONFIG) {
        let Item::Guest { vmid, kind } = *item else {
            continue;
        };
        let Some(guest) = picture.guest(vmid, kind) else {
            continue;
        };
        let node = picture.node(&guest.node);
        let is_told = nodes.has(&guest.node)
            // Nobody could ask a node that is down.
            && node.is_none_or(|node| node.online != Some(false));
        if let Some(on_boot) = config.on_boot.filter(|_| is_told) {
            labels
                .clear()
                .push("id", &item.to_string())
                .push("node", &guest.node)
                .push("type", kind.as_str());
            status.push(&labels, on_boot);
        }
    }
    status
}

fn replications(inputs: &Inputs<'_>, nodes: &Nodes) -> [Lines; 6] {
    let mut info = Lines::of(&f::REPLICATION_INFO);
    let mut duration = Lines::of(&f::REPLICATION_DURATION);
    let mut last_sync = Lines::of(&f::REPLICATION_LAST_SYNC);
    let mut last_try = Lines::of(&f::REPLICATION_LAST_TRY);
    let mut next_sync = Lines::of(&f::REPLICATION_NEXT_SYNC);
    let mut failed = Lines::of(&f::REPLICATION_FAILED);
    let mut labels = LabelBlock::new();
    for job in jobs(inputs, nodes) {
        labels.clear().push("id", &job.id);
        duration.push_known(&labels, job.duration);
        last_sync.push_known(&labels, job.last_sync);
        last_try.push_known(&labels, job.last_try);
        next_sync.push_known(&labels, job.next_sync);
        failed.push_known(&labels, job.failures);
        labels
            .push("guest", &format!("{}/{}", job.kind.as_str(), job.vmid))
            .push("source", &format!("node/{}", job.source))
            .push("target", &format!("node/{}", job.target))
            .push("type", &job.job_type);
        info.push(&labels, true);
    }
    [info, duration, last_sync, last_try, next_sync, failed]
}

/// Each job once: after a migration both nodes have it for a while.
fn jobs<'a>(
    inputs: &'a Inputs<'_>,
    nodes: &Nodes,
) -> impl Iterator<Item = &'a ReplicationJob> + use<'a> {
    let mut jobs: BTreeMap<&str, &ReplicationJob> = BTreeMap::new();
    for (item, of_node) in inputs.each(&replication::REPLICATION) {
        for job in of_node.iter().filter(|_| nodes.has(item.name())) {
            let latest = jobs.entry(&job.id).or_insert(job);
            if job.last_try > latest.last_try {
                *latest = job;
            }
        }
    }
    jobs.into_values()
}
