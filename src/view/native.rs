//! The native view: every family of the catalogue, each sample with the label `remote`.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use bytes::Bytes;

use crate::collect::{self, FLEET_COLLECTORS};
use crate::fleet::{Fleet, Selection, process, status};
use crate::metric::exposition::{self, Format};
use crate::metric::family::Family;

/// Every family of the view, in the order of the exposition.
pub static FAMILIES: LazyLock<Vec<&'static Family>> = LazyLock::new(|| {
    let mut families = collect::families();
    families.extend(status::FAMILIES);
    families.extend(process::FAMILIES);
    families
});

/// Renders the selected part of the fleet, compressed or not. `own` is the program's own metrics in
/// the same format.
pub fn render(
    fleet: &Fleet,
    selection: &Selection,
    format: Format,
    own: &str,
    gzip: bool,
) -> Bytes {
    let now = Instant::now();
    let roster = fleet.roster();
    let remotes = || {
        roster
            .remotes
            .iter()
            .filter(|remote| selection.has_remote(remote))
    };

    let mut blocks = Vec::new();
    for remote in remotes() {
        for subject in &remote.subjects {
            if selection.has_collector(subject.collector) {
                blocks.push(remote.block(subject, now));
            }
        }
    }
    for collector in FLEET_COLLECTORS {
        if selection.has_named(collector.name) {
            let joined = fleet.joined(collector, now);
            let wanted = joined.iter().filter(|(remote, _)| {
                let names = selection.remotes.as_ref();
                names.is_none_or(|names| names.contains(remote))
            });
            blocks.extend(wanted.map(|(_, block)| Arc::clone(block)));
        }
    }
    blocks.push(Arc::new(status::render(
        remotes().map(|remote| &**remote),
        &roster.label_names,
        |collector| selection.has_collector(collector),
        now,
    )));
    if selection.is_everything() {
        blocks.push(Arc::new(process::render()));
    }
    if gzip {
        exposition::assemble_gzip(format, &FAMILIES, &blocks, own)
    } else {
        exposition::assemble(format, &FAMILIES, &blocks, own)
    }
}

/// Renders what the program says of itself alone.
pub fn render_own(format: Format, own: &str, gzip: bool) -> Bytes {
    let blocks = [process::render()];
    if gzip {
        exposition::assemble_gzip(format, process::FAMILIES, &blocks, own)
    } else {
        exposition::assemble(format, process::FAMILIES, &blocks, own)
    }
}

/// What a body is made from: differs whenever an answer for the selected remotes has come, or a
/// configuration was read.
pub fn generation(fleet: &Fleet, selection: &Selection) -> (u64, u64) {
    let roster = fleet.roster();
    let remotes = roster
        .remotes
        .iter()
        .filter(|remote| selection.has_remote(remote));
    let answers = remotes.map(|remote| remote.generation()).sum();
    (fleet.telemetry().configurations_read(), answers)
}
