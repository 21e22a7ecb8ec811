//! Which guests are shown, where what is told of them comes from another list than the live picture.

use crate::collect::Inputs;
use crate::source::GuestKind;
use crate::source::pve::resources::{Guest, RESOURCES};

/// Whether the remote's filter lets a guest through. Of a guest that is not in the picture nobody
/// knows what a filter decides on: it is shown only where nothing is filtered.
pub(super) fn shown_guests<'a>(inputs: &'a Inputs<'_>) -> impl Fn(GuestKind, u32) -> bool + 'a {
    let picture = inputs.get(&RESOURCES);
    move |kind, vmid| {
        let admits = |guest: &Guest| inputs.filter.admits(&guest.facts());
        inputs.filter.is_empty()
            || picture
                .as_ref()
                .and_then(|picture| picture.guest(vmid, kind))
                .is_some_and(admits)
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::sync::Arc;

    use super::*;
    use crate::collect::Collector;
    use crate::collect::pve::{backup_content, backup_job, ha, replication};
    use crate::config::filter::{GuestFilter, Pattern};
    use crate::metric::block::Block;
    use crate::source::Item;
    use crate::source::pve as source;
    use crate::source::pve::resources::parse_picture;

    /// What a collector says where only guests named `web` are shown, of which 100 is one, 101 is
    /// none, and 999 is not in the picture.
    fn exposed<T: Any + Send + Sync>(collector: &Collector, source: &str, value: T) -> String {
        let mut filter = GuestFilter::default();
        filter.include.names = vec![Pattern::new("web")];
        let picture = parse_picture(
            r#"{"data":[{"type":"qemu","vmid":100,"node":"a","name":"web"},
                {"type":"qemu","vmid":101,"node":"a","name":"mail"}]}"#,
            r#"{"data":[{"type":"cluster","name":"lab","quorate":1}]}"#,
        );
        let mut inputs = Inputs::new("r", &filter);
        inputs.add(RESOURCES.name, Item::Remote, Arc::new(picture.unwrap()));
        let name = collector
            .sources
            .iter()
            .map(|known| known.name())
            .find(|known| *known == source);
        inputs.add(name.unwrap(), Item::Remote, Arc::new(value));
        let block = Block::from_lines((collector.collect)(&inputs));
        block
            .parts()
            .map(|(_, lines)| String::from_utf8_lossy(lines).into_owned())
            .collect()
    }

    #[test]
    fn a_filter_holds_for_whatever_is_told_of_guests() {
        let content = source::backup_content::parse_preview(
            r#"{"data":[{"vmid":100,"type":"qemu","ctime":1},{"vmid":101,"type":"qemu","ctime":1},
            {"vmid":999,"type":"qemu","ctime":1}]}"#,
        );
        let uncovered = source::not_backed_up::parse(
            r#"{"data":[{"vmid":100,"type":"qemu"},{"vmid":101,"type":"qemu"},{"vmid":999,"type":"qemu"}]}"#,
        );
        let current = source::ha::parse_current(
            r#"{"data":[{"type":"service","sid":"vm:100"},{"type":"service","sid":"vm:101"},
            {"type":"service","sid":"vm:999"}]}"#,
        );
        let jobs = source::replication::parse(
            r#"{"data":[{"id":"100-0","guest":100,"vmtype":"qemu"},{"id":"101-0","guest":101,"vmtype":"qemu"},
            {"id":"999-0","guest":999,"vmtype":"qemu"}]}"#,
        );
        let current = source::ha::Ha {
            current: current.unwrap(),
            manager: None,
        };
        let uncovered = exposed(&backup_job::BACKUP_JOB, "not_backed_up", uncovered.unwrap());
        assert!(uncovered.contains(r#"pve_not_backed_up_total{id="cluster/lab",remote="r"} 1"#));
        for told in [
            uncovered,
            exposed(
                &backup_content::BACKUP_CONTENT,
                "backup_content",
                content.unwrap(),
            ),
            exposed(&ha::HA, "ha", current),
            exposed(&replication::REPLICATION, "replication", jobs.unwrap()),
        ] {
            assert!(told.contains("qemu/100"), "{told}");
            assert!(!told.contains("101") && !told.contains("999"), "{told}");
        }
    }
}
