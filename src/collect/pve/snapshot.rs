//! Snapshots of guests, which are easily forgotten and grow.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::guest_snapshots;
use crate::source::{GuestKind, Item};

pub static SNAPSHOT: Collector = Collector {
    name: "snapshot",
    about: "Number and age of the guests' snapshots.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60 * 60),
    sources: &[&guest_snapshots::GUEST_SNAPSHOTS],
    reads: &[],
    families: &[&SNAPSHOTS, &WITH_MEMORY, &OLDEST, &NEWEST],
    collect,
};

static SNAPSHOTS: Family = Family::gauge(
    "pve_guest_snapshots",
    "Number of snapshots of the guest",
    &["id", "remote"],
);
static WITH_MEMORY: Family = Family::gauge(
    "pve_guest_snapshots_with_memory",
    "Number of snapshots of the virtual machine that hold its memory as well",
    &["id", "remote"],
);
static OLDEST: Family = Family::gauge(
    "pve_guest_snapshot_oldest_timestamp_seconds",
    "When the oldest snapshot of the guest was taken, only for guests that have one",
    &["id", "remote"],
);
static NEWEST: Family = Family::gauge(
    "pve_guest_snapshot_newest_timestamp_seconds",
    "When the newest snapshot of the guest was taken, only for guests that have one",
    &["id", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut count = Lines::of(&SNAPSHOTS);
    let mut with_memory = Lines::of(&WITH_MEMORY);
    let mut oldest = Lines::of(&OLDEST);
    let mut newest = Lines::of(&NEWEST);
    let mut labels = LabelBlock::new();
    for (guest, snapshots) in inputs.each(&guest_snapshots::GUEST_SNAPSHOTS) {
        labels
            .clear()
            .push("id", &guest.to_string())
            .push("remote", inputs.remote);
        count.push(&labels, snapshots.len());
        if is_virtual_machine(guest) {
            let having = snapshots.iter().filter(|snapshot| snapshot.has_memory);
            with_memory.push(&labels, having.count());
        }
        let times = || snapshots.iter().filter_map(|snapshot| snapshot.time);
        oldest.push_known(&labels, times().reduce(f64::min));
        newest.push_known(&labels, times().reduce(f64::max));
    }
    vec![count, with_memory, oldest, newest]
}

fn is_virtual_machine(item: &Item) -> bool {
    matches!(
        item,
        Item::Guest {
            kind: GuestKind::Qemu,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    fn cluster() -> AnswerTable {
        AnswerTable::new(Product::Pve, 1_700_000_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"qemu","vmid":100,"node":"a","status":"running"},
                    {"type":"lxc","vmid":110,"node":"a","status":"stopped"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
    }

    #[tokio::test]
    async fn snapshots_are_counted_without_the_guest_itself() {
        let lines = walk::exposed(
            &SNAPSHOT,
            cluster()
                .with(
                    "/nodes/a/qemu/100/snapshot",
                    r#"{"data":[
                        {"name":"s2","parent":"s1","snaptime":1699000500,"vmstate":1,"description":"a\nb"},
                        {"name":"current","parent":"s2","running":1,"description":"You are here!"},
                        {"name":"s1","snaptime":"1699000000","vmstate":0},
                        {"name":"s3","snaptime":null},
                        {"name":"s1","snaptime":1699000000},{"snaptime":1},null]}"#,
                )
                .with(
                    "/nodes/a/lxc/110/snapshot",
                    r#"{"data":[{"name":"current","running":0}]}"#,
                ),
        )
        .await;
        assert_eq!(
            lines,
            [
                r#"pve_guest_snapshots{id="qemu/100",remote="r"} 3"#,
                r#"pve_guest_snapshots{id="lxc/110",remote="r"} 0"#,
                r#"pve_guest_snapshots_with_memory{id="qemu/100",remote="r"} 1"#,
                r#"pve_guest_snapshot_oldest_timestamp_seconds{id="qemu/100",remote="r"} 1699000000"#,
                r#"pve_guest_snapshot_newest_timestamp_seconds{id="qemu/100",remote="r"} 1699000500"#,
            ]
        );
    }

    #[tokio::test]
    async fn an_answer_without_the_guest_itself_is_not_no_snapshots() {
        let lines = walk::exposed(
            &SNAPSHOT,
            cluster()
                .with("/nodes/a/qemu/100/snapshot", r#"{"data":[]}"#)
                .with("/nodes/a/lxc/110/snapshot", r#"{"data":null}"#),
        )
        .await;
        assert!(lines.is_empty(), "{lines:?}");
    }
}
