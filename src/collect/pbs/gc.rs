//! Garbage collection of the datastores.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::gc::{self, Collection, Found};
use crate::source::pbs::run::RunState;

pub static GC: Collector = Collector {
    name: "gc",
    about: "State, times and findings of the last garbage collection of each datastore, and its deduplication.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&gc::GC],
    reads: &[],
    families: &[
        &STATE,
        &LAST_END,
        &DURATION,
        &NEXT_RUN,
        &REMOVED,
        &PENDING,
        &BAD_CHUNKS,
        &DISK,
        &DISK_CHUNKS,
        &INDEX_DATA,
        &DEDUPLICATION,
    ],
    collect,
};

const LABELS: &[&str] = &["datastore", "remote"];

static STATE: Family = Family::gauge(
    "pbs_gc_state",
    "State of the last garbage collection of the datastore, 1 for the current one",
    &["datastore", "remote", "state"],
);
static LAST_END: Family = Family::gauge(
    "pbs_gc_last_end_timestamp_seconds",
    "When the last garbage collection ended, well or not",
    LABELS,
);
static DURATION: Family = Family::gauge(
    "pbs_gc_duration_seconds",
    "Time that the last garbage collection took",
    LABELS,
);
static NEXT_RUN: Family = Family::gauge(
    "pbs_gc_next_run_timestamp_seconds",
    "When the next garbage collection is due; absent without a schedule",
    LABELS,
);
static REMOVED: Family = Family::gauge(
    "pbs_gc_removed_bytes",
    "Bytes that the last garbage collection removed",
    LABELS,
);
static PENDING: Family = Family::gauge(
    "pbs_gc_pending_bytes",
    "Bytes that are unused, and that the last garbage collection left for a later one",
    LABELS,
);
static BAD_CHUNKS: Family = Family::gauge(
    "pbs_gc_bad_chunks",
    "Number of corrupt chunks that the last garbage collection found and did not remove",
    LABELS,
);
static DISK: Family = Family::gauge(
    "pbs_gc_disk_bytes",
    "Bytes of all chunks as stored, found by the last garbage collection",
    LABELS,
);
static DISK_CHUNKS: Family = Family::gauge(
    "pbs_gc_disk_chunks",
    "Number of chunks, found by the last garbage collection",
    LABELS,
);
static INDEX_DATA: Family = Family::gauge(
    "pbs_gc_index_data_bytes",
    "Bytes that all snapshots refer to before deduplication and compression, found by the last garbage collection",
    LABELS,
);
static DEDUPLICATION: Family = Family::gauge(
    "pbs_gc_deduplication_factor",
    "Bytes that all snapshots refer to, divided by the bytes of all chunks as stored; absent where there is no chunk",
    LABELS,
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let collections = inputs.get(&gc::GC);
    let collections: &[Collection] = collections.as_deref().map_or(&[], Vec::as_slice);
    let mut lines = vec![state_lines(collections, inputs.remote)];
    lines.extend(NUMBERS.iter().map(|(family, number)| {
        let mut lines = Lines::of(family);
        let mut labels = LabelBlock::new();
        for collection in collections {
            label(&mut labels, collection, inputs.remote);
            lines.push_known(&labels, number(collection));
        }
        lines
    }));
    lines
}

type Number = fn(&Collection) -> Option<f64>;

static NUMBERS: [(&Family, Number); 10] = [
    (&LAST_END, |collection| collection.ended),
    (&DURATION, |collection| collection.duration),
    (&NEXT_RUN, |collection| collection.next_run),
    (&REMOVED, |collection| {
        collection.found.as_ref()?.removed_bytes
    }),
    (&PENDING, |collection| {
        collection.found.as_ref()?.pending_bytes
    }),
    (&BAD_CHUNKS, |collection| {
        collection.found.as_ref()?.bad_chunks
    }),
    (&DISK, |collection| collection.found.as_ref()?.disk_bytes),
    (&DISK_CHUNKS, |collection| {
        collection.found.as_ref()?.disk_chunks
    }),
    (&INDEX_DATA, |collection| {
        collection.found.as_ref()?.index_data_bytes
    }),
    (&DEDUPLICATION, |collection| {
        collection
            .found
            .as_ref()
            .and_then(Found::deduplication_factor)
    }),
];

fn state_lines(collections: &[Collection], remote: &str) -> Lines {
    let mut lines = Lines::of(&STATE);
    let mut labels = LabelBlock::new();
    for collection in collections {
        if let Some(state) = collection.state {
            label(&mut labels, collection, remote);
            lines.state_set(&labels, "state", RunState::NAMES, state.as_str());
        }
    }
    lines
}

fn label(labels: &mut LabelBlock, collection: &Collection, remote: &str) {
    labels
        .clear()
        .push("datastore", &collection.store)
        .push("remote", remote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    async fn exposed(rows: &str) -> Vec<String> {
        let answers = AnswerTable::new(Product::Pbs, 1_800_000_000)
            .with("/admin/gc", format!(r#"{{"data":[{rows}]}}"#));
        walk::exposed(&GC, answers).await
    }

    #[tokio::test]
    async fn a_run_with_warnings_tells_what_it_found() {
        let lines = exposed(
            r#"{"store":"main","upid":"UPID:pbs1:00000028:0001FA7D:00000032:6B023F36:garbage_collection:main:x@pbs:",
            "last-run-state":"WARNINGS: 1","last-run-endtime":1799990000,"duration":4,
            "schedule":"daily","next-run":1800050000,"removed-bytes":30,"removed-chunks":2,
            "pending-bytes":"60","pending-chunks":1,"removed-bad":0,"still-bad":1,
            "disk-bytes":200,"disk-chunks":10,"index-data-bytes":500,"index-file-count":7}"#,
        )
        .await;
        let states = ["ok", "warnings", "failed", "running", "never"].map(|state| {
            let value = u8::from(state == "warnings");
            format!(r#"pbs_gc_state{{datastore="main",remote="r",state="{state}"}} {value}"#)
        });
        let numbers = [
            ("last_end_timestamp_seconds", "1799990000"),
            ("duration_seconds", "4"),
            ("next_run_timestamp_seconds", "1800050000"),
            ("removed_bytes", "30"),
            ("pending_bytes", "60"),
            ("bad_chunks", "1"),
            ("disk_bytes", "200"),
            ("disk_chunks", "10"),
            ("index_data_bytes", "500"),
            ("deduplication_factor", "2.5"),
        ]
        .map(|(name, value)| format!(r#"pbs_gc_{name}{{datastore="main",remote="r"}} {value}"#));
        assert_eq!(lines, [&states[..], &numbers[..]].concat());
    }

    #[tokio::test]
    async fn zeros_before_the_first_run_are_no_findings() {
        let lines = exposed(
            r#"{"store":"new","upid":null,"next-run":1800050000,"removed-bytes":0,
            "pending-bytes":0,"still-bad":0,"disk-bytes":0,"disk-chunks":0,"index-data-bytes":0}"#,
        )
        .await;
        assert!(
            lines.contains(
                &r#"pbs_gc_state{datastore="new",remote="r",state="never"} 1"#.to_owned()
            )
        );
        assert_eq!(
            lines.last().unwrap(),
            r#"pbs_gc_next_run_timestamp_seconds{datastore="new",remote="r"} 1800050000"#
        );
        assert_eq!(lines.len(), 6);
    }

    #[tokio::test]
    async fn an_empty_datastore_has_no_deduplication() {
        let lines = exposed(
            r#"{"store":"s","upid":"UPID:x","last-run-state":"task aborted",
            "last-run-endtime":1799990000,"disk-bytes":0,"index-data-bytes":0}"#,
        )
        .await;
        assert!(
            lines
                .contains(&r#"pbs_gc_state{datastore="s",remote="r",state="failed"} 1"#.to_owned())
        );
        assert!(!lines.iter().any(|line| line.contains("deduplication")));
    }

    #[tokio::test]
    async fn an_older_server_tells_nothing() {
        let answers = AnswerTable::new(Product::Pbs, 1_800_000_000);
        assert_eq!(walk::exposed(&GC, answers).await, [""; 0]);
    }
}
