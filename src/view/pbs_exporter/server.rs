//! The server itself: version, subscription, host, and the room in its datastores.

use super::families as f;
use crate::collect::Inputs;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::datastores::Datastore;
use crate::source::pbs::metrics::{self, Host};
use crate::source::pbs::node_status::{self, NodeStatus};
use crate::source::pbs::{datastores, subscription, version};
use crate::source::pve::version::Release;
use crate::source::subscription::{STATUSES, Subscription};

pub(super) fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = Vec::new();
    if let Some(release) = inputs.get(&version::VERSION) {
        lines.push(version_line(&release));
    }
    if let Some(subscription) = inputs.get(&subscription::SUBSCRIPTION) {
        lines.extend(subscription_lines(&subscription));
    }
    if let Some(status) = inputs.get(&node_status::NODE_STATUS) {
        lines.extend(status_lines(&status));
    }
    if let Some(metrics) = inputs.get(&metrics::METRICS) {
        lines.extend(host_lines(&metrics.host));
        let datastores = inputs.get(&datastores::DATASTORES).unwrap_or_default();
        lines.extend(size_lines(&metrics, &datastores));
    }
    lines
}

fn version_line(release: &Release) -> Lines {
    let mut lines = Lines::of(&f::VERSION);
    let mut labels = LabelBlock::new();
    labels
        .push("release", &release.release)
        .push("repoid", &release.repoid)
        .push("version", &release.version);
    lines.push(&labels, true);
    lines
}

fn subscription_lines(subscription: &Subscription) -> [Lines; 3] {
    let mut info = Lines::of(&f::SUBSCRIPTION_INFO);
    let mut status = Lines::of(&f::SUBSCRIPTION_STATUS);
    let mut due = Lines::of(&f::SUBSCRIPTION_DUE);
    let product = match &*subscription.product {
        "" => "unknown",
        product => product,
    };
    let mut labels = LabelBlock::new();
    labels.push("productname", product);
    due.push(&labels, subscription.next_due.unwrap_or_default());
    if !subscription.status.is_empty() {
        info.push_with(&labels, "status", &subscription.status, true);
        status.state_set(&LabelBlock::new(), "status", STATUSES, &subscription.status);
    }
    [info, status, due]
}

/// What the live numbers do not have.
fn status_lines(status: &NodeStatus) -> [Lines; 2] {
    [
        plain(&f::HOST_UPTIME, status.uptime),
        plain(&f::HOST_MEMORY_FREE, status.memory.free),
    ]
}

fn host_lines(host: &Host) -> [Lines; 13] {
    let swap_free = host.swap_size.zip(host.swap_used);
    let swap_free = swap_free.map(|(size, used)| (size - used).max(0.0));
    [
        plain(&f::HOST_CPU, host.cpu),
        plain(&f::HOST_IO_WAIT, host.iowait),
        plain(&f::HOST_LOAD1, host.load1),
        plain(&f::HOST_LOAD5, host.load5),
        plain(&f::HOST_LOAD15, host.load15),
        plain(&f::HOST_MEMORY_TOTAL, host.memory_size),
        plain(&f::HOST_MEMORY_USED, host.memory_used),
        plain(&f::HOST_SWAP_TOTAL, host.swap_size),
        plain(&f::HOST_SWAP_USED, host.swap_used),
        plain(&f::HOST_SWAP_FREE, swap_free),
        plain(&f::HOST_DISK_TOTAL, host.root_size),
        plain(&f::HOST_DISK_USED, host.root_used),
        plain(&f::HOST_DISK_AVAILABLE, host.root_available),
    ]
}

fn plain(family: &'static Family, value: Option<f64>) -> Lines {
    let mut lines = Lines::of(family);
    lines.push_known(&LabelBlock::new(), value);
    lines
}

/// Of the datastores that can be opened: of others the last numbers would stand still.
fn size_lines(metrics: &metrics::Metrics, datastores: &[Datastore]) -> [Lines; 3] {
    let mut available = Lines::of(&f::AVAILABLE);
    let mut size = Lines::of(&f::SIZE);
    let mut used = Lines::of(&f::USED);
    let mut labels = LabelBlock::new();
    let is_closed = |name: &str| {
        let mut datastores = datastores.iter();
        datastores.any(|datastore| &*datastore.name == name && !datastore.is_open())
    };
    for (name, space) in &metrics.datastores {
        if is_closed(name) {
            continue;
        }
        labels.clear().push("datastore", name);
        available.push_known(&labels, space.available);
        size.push_known(&labels, space.size);
        used.push_known(&labels, space.used);
    }
    [available, size, used]
}
