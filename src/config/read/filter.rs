//! `[remote.filter]`.

use super::report::Report;
use super::section::Section;
use super::shape;
use crate::config::GuestFilter;
use crate::config::filter::{Pattern, Selection};

pub(super) fn read(section: &Section<'_>, report: &mut Report<'_>) -> GuestFilter {
    GuestFilter {
        include: selection(section, "include", report),
        exclude: selection(section, "exclude", report),
        templates: section.boolean("templates", report).unwrap_or(true),
    }
}

fn selection(section: &Section<'_>, key: &'static str, report: &mut Report<'_>) -> Selection {
    let Some(section) = section.table(key, &shape::SELECTION, report) else {
        return Selection::default();
    };
    let mut patterns = |key| -> Vec<Pattern> {
        section
            .strings(key, report)
            .into_iter()
            .filter_map(|text| text.not_empty(report))
            .map(|text| Pattern::new(text.value))
            .collect()
    };
    Selection {
        tags: patterns("tags"),
        pools: patterns("pools"),
        names: patterns("names"),
    }
}
