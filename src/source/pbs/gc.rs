//! Garbage collection of every datastore: `/admin/gc`. It leaves out, without a word, the
//! datastores that cannot be opened.

use serde::Deserialize;

use super::run::RunState;
use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Open to every token, filtered to the datastores it may see.
pub static GC_CALL: ApiCall = ApiCall::get("/admin/gc")
    .since(Version::new(3, 2, 0))
    .filtered_by(&[Privilege::new("Datastore.Audit", "/datastore")]);

pub static GC: Source<Vec<Collection>> =
    Source::new("pbs_gc", Scope::Remote, &[&GC_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// Garbage collection of one datastore.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Collection {
    pub store: Box<str>,
    pub state: Option<RunState>,
    /// Of the last run that ended; Unix seconds.
    pub ended: Option<f64>,
    /// Of the last run that ended; seconds.
    pub duration: Option<f64>,
    /// Unix seconds; `None` without a schedule.
    pub next_run: Option<f64>,
    /// What the last run found; `None` before the first.
    pub found: Option<Found>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Found {
    pub removed_bytes: Option<f64>,
    /// Unused, but touched too lately to be removed.
    pub pending_bytes: Option<f64>,
    /// Chunks that a verification found corrupt and that snapshots still refer to.
    pub bad_chunks: Option<f64>,
    pub disk_bytes: Option<f64>,
    pub disk_chunks: Option<f64>,
    /// Bytes that the indexes of all snapshots refer to, before deduplication.
    pub index_data_bytes: Option<f64>,
}

impl Found {
    /// As the server's own page computes it; there is none of an empty datastore.
    pub fn deduplication_factor(&self) -> Option<f64> {
        let disk = self.disk_bytes.filter(|bytes| *bytes > 0.0)?;
        Some(self.index_data_bytes? / disk)
    }
}

async fn fetch(asked: Asked<'_, Vec<Collection>>) -> Result<Fetched<Vec<Collection>>, CallError> {
    let answer = asked.session.get(Request::of(&GC_CALL)).await?;
    let collections = asked.session.read(&answer, &GC_CALL, parse).await?;
    Ok(Fetched::whole(collections))
}

/// Reads `/admin/gc`. Before the first run has ended the task id is null and every number is 0; in
/// later ones the id and the numbers are those of the run before, and state and end are missing.
pub fn parse(text: &str) -> Result<Vec<Collection>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        store: Text<'a>,
        upid: Text<'a>,
        last_run_state: Text<'a>,
        last_run_endtime: Number,
        duration: Number,
        next_run: Number,
        removed_bytes: Number,
        pending_bytes: Number,
        still_bad: Number,
        disk_bytes: Number,
        disk_chunks: Number,
        index_data_bytes: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut collections: Vec<Collection> = rows
        .iter()
        .filter(|row| row.store.known().is_some())
        .map(|row| {
            let ended = row.last_run_endtime.quantity();
            Collection {
                store: row.store.to_boxed(),
                state: RunState::of(row.upid.known(), row.last_run_state.known(), ended),
                ended,
                duration: row.duration.quantity(),
                next_run: row.next_run.quantity(),
                found: row.upid.known().map(|_| Found {
                    removed_bytes: row.removed_bytes.quantity(),
                    pending_bytes: row.pending_bytes.quantity(),
                    bad_chunks: row.still_bad.quantity(),
                    disk_bytes: row.disk_bytes.quantity(),
                    disk_chunks: row.disk_chunks.quantity(),
                    index_data_bytes: row.index_data_bytes.quantity(),
                }),
            }
        })
        .collect();
    collections.sort_by(|a, b| a.store.cmp(&b.store));
    collections.dedup_by(|a, b| a.store == b.store);
    Ok(collections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_store_and_doubles_are_left_out() {
        let text = r#"{"data":[{"store":"b"},{"upid":"UPID:x"},null,
            {"store":"a","upid":"UPID:x"},{"store":"a","upid":null}]}"#;
        let collections = parse(text).unwrap();
        let seen: Vec<_> = collections
            .iter()
            .map(|one| (&*one.store, one.state))
            .collect();
        assert_eq!(
            seen,
            [("a", Some(RunState::Running)), ("b", Some(RunState::Never))]
        );
        assert!(parse(r#"{"data":null}"#).unwrap().is_empty());
        assert!(parse("authentication failed").is_err());
    }
}
