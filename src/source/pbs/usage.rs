//! When the datastores will be full, and which of them is broken: `/status/datastore-usage`.
//!
//! 45 kB and three disk reads a datastore, so it is asked in the background. One datastore whose
//! path vanished makes the whole call fail; then each datastore is asked alone.

use serde::Deserialize;

use super::{datastores, metrics};
use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// Open to every token, filtered to what it may see; without rights on the whole store its entry
/// has no numbers.
pub static USAGE_CALL: ApiCall = ApiCall::get("/status/datastore-usage")
    .filtered_by(&[Privilege::new("Datastore.Audit", "/datastore")]);

pub static USAGE: Source<Vec<Usage>> = Source::new(
    "datastore_usage",
    Scope::Remote,
    &[
        &USAGE_CALL,
        &datastores::DATASTORES_CALL,
        &metrics::DATASTORE_STATUS_CALL,
    ],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Usage {
    pub store: Box<str>,
    /// Whether the datastore could be opened; `None` where it is not meant to be (not mounted).
    pub readable: Option<bool>,
    /// Unix seconds, by the server's linear regression over a month. Never in the past: usage that
    /// is flat or shrinks has no such date.
    pub estimated_full: Option<f64>,
}

async fn fetch(asked: Asked<'_, Vec<Usage>>) -> Result<Fetched<Vec<Usage>>, CallError> {
    let session = asked.session;
    let error = match session.get(Request::of(&USAGE_CALL)).await {
        Ok(answer) => {
            let mut usages = session.read(&answer, &USAGE_CALL, parse).await?;
            let now = answer.unix_time();
            for usage in &mut usages {
                usage.estimated_full = usage.estimated_full.filter(|full| *full > now);
            }
            return Ok(Fetched::whole(usages));
        }
        Err(error) => error,
    };
    let is_about_rights = matches!(error.outcome(), Outcome::Unauthorised | Outcome::Forbidden);
    if is_about_rights || !error.is_answered() {
        return Err(error);
    }
    one_by_one(session).await
}

async fn one_by_one(session: &Session) -> Result<Fetched<Vec<Usage>>, CallError> {
    let mut usages = Vec::new();
    for datastore in datastores::ask(session).await? {
        let readable = if datastore.is_open() {
            match metrics::ask_status(session, &datastore.name).await {
                Ok(_) => Some(true),
                Err(error) if error.is_answered() => Some(false),
                Err(error) => return Err(error),
            }
        } else {
            None
        };
        usages.push(Usage {
            store: datastore.name,
            readable,
            estimated_full: None,
        });
    }
    Ok(Fetched::whole(usages))
}

/// Reads `/status/datastore-usage`.
pub fn parse(text: &str) -> Result<Vec<Usage>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        store: Text<'a>,
        error: Text<'a>,
        total: Number,
        estimated_full_date: Number,
    }

    let mut usages: Vec<Usage> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter(|row| row.store.known().is_some())
        .map(|row| Usage {
            store: row.store.to_boxed(),
            readable: match (row.error.known(), row.total.0) {
                (Some(_), _) => Some(false),
                (None, Some(_)) => Some(true),
                (None, None) => None,
            },
            estimated_full: row
                .estimated_full_date
                .quantity()
                .filter(|date| *date > 0.0),
        })
        .collect();
    usages.sort_by(|a, b| a.store.cmp(&b.store));
    usages.dedup_by(|a, b| a.store == b.store);
    Ok(usages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datastore_is_readable_broken_or_not_meant_to_be() {
        let text = r#"{"data":[
            {"store":"b","error":"unable to open chunk store","mount-status":"nonremovable"},
            {"store":"a","total":10,"used":3,"avail":6,"estimated-full-date":1808107785},
            {"store":"flat","total":10,"estimated-full-date":0},
            {"store":"usb","mount-status":"notmounted"}]}"#;
        let usages = parse(text).unwrap();
        let seen: Vec<_> = usages
            .iter()
            .map(|usage| (&*usage.store, usage.readable, usage.estimated_full))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", Some(true), Some(1_808_107_785.0)),
                ("b", Some(false), None),
                ("flat", Some(true), None),
                ("usb", None, None),
            ]
        );
    }
}
