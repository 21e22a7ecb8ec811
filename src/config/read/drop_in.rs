//! `[drop_in]`.

use super::report::Report;
use super::section::{Section, nearest};
use crate::config::DropIn;
use crate::config::drop_in::PVE_EXPORTER_COLLECTORS;

pub(super) fn read(section: &Section<'_>, report: &mut Report<'_>) -> DropIn {
    let mut drop_in = DropIn {
        strict: section.boolean("strict", report).unwrap_or_default(),
        ..DropIn::default()
    };
    for text in section.strings("without", report) {
        let mut known = PVE_EXPORTER_COLLECTORS.iter().copied();
        if let Some(name) = known.clone().find(|name| *name == text.value) {
            drop_in.without.insert(name);
            continue;
        }
        let help = match nearest(text.value, known.clone()) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => format!(
                "known are: {}",
                known.by_ref().collect::<Vec<_>>().join(", ")
            ),
        };
        report
            .error(text.span, "this is no collector of prometheus-pve-exporter")
            .help(help);
    }
    drop_in
}
