//! The requests to the object store below a datastore: `s3-statistics` of
//! `/admin/datastore/{store}/status`, which came with 4.1.7. How many bytes were moved is a live
//! number of the datastore.

use std::sync::Arc;

use serde::Deserialize;

use super::{datastores, metrics};
use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Unreadable};
use crate::source::{Asked, Fetched, Item, Request, Scope, Source};

pub static S3: Source<Requests> = Source::new(
    "pbs_s3",
    Scope::EachDatastore,
    &[&metrics::DATASTORE_STATUS_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// Numbers of requests since the statistics were set back.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Requests {
    pub get: Option<f64>,
    pub put: Option<f64>,
    pub post: Option<f64>,
    pub head: Option<f64>,
    pub delete: Option<f64>,
}

async fn fetch(asked: Asked<'_, Requests>) -> Result<Fetched<Requests>, CallError> {
    let call = &metrics::DATASTORE_STATUS_CALL;
    let not_here = || {
        asked
            .session
            .not_applicable(call, "the datastore has no object store below it")
    };
    let store = asked.item.name();
    let datastores = asked.value(&datastores::DATASTORES, &Item::Remote);
    if backend(datastores, store).is_some_and(|backend| &*backend != "s3") {
        return Err(not_here());
    }
    let answer = asked
        .session
        .get(Request::of(call).fill("store", store))
        .await?;
    let requests = asked.session.read(&answer, call, parse).await?;
    requests.map(Fetched::whole).ok_or_else(not_here)
}

/// What the list of datastores says; before 4.1.7 empty.
fn backend(datastores: Option<Arc<Vec<datastores::Datastore>>>, store: &str) -> Option<Box<str>> {
    let datastores = datastores?;
    let datastore = datastores.iter().find(|one| &*one.name == store)?;
    Some(datastore.backend.clone())
}

/// Reads `/admin/datastore/{store}/status`; `None` where there are no such statistics.
pub fn parse(text: &str) -> Result<Option<Requests>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Status {
        s3_statistics: Option<Object<Statistics>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Statistics {
        get: Number,
        put: Number,
        post: Number,
        head: Number,
        delete: Number,
    }

    let Object(status) = json::envelope::<Object<Status>>(text)?;
    Ok(status.s3_statistics.map(|Object(statistics)| Requests {
        get: statistics.get.quantity(),
        put: statistics.put.quantity(),
        post: statistics.post.quantity(),
        head: statistics.head.quantity(),
        delete: statistics.delete.quantity(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::Inputs;
    use crate::config::{GuestFilter, Product};
    use crate::remote::outcome::Outcome;
    use crate::remote::table::AnswerTable;
    use crate::source::{AnySource, Session};

    /// How asking ends about a datastore with this backend in the list, and this status.
    async fn outcome(listed: &str, status: &str) -> Outcome {
        let answers = AnswerTable::new(Product::Pbs, 1_800_000_000)
            .with("/admin/datastore/cloud/status", status);
        let filter = GuestFilter::default();
        let mut known = Inputs::new("r", &filter);
        let list = datastores::parse(&format!(r#"{{"data":[{listed}]}}"#)).unwrap();
        known.add(
            datastores::DATASTORES.name,
            Item::Remote,
            Arc::new(list) as _,
        );
        let session = Session::new(answers, Product::Pbs);
        let item = Item::Datastore(Arc::from("cloud"));
        let fetched = S3.fetch(&session, &item, None, &known).await;
        fetched.map_or_else(|error| error.outcome(), |_| Outcome::Ok)
    }

    #[tokio::test]
    async fn where_there_is_no_object_store_is_nothing_to_know() {
        let with_statistics = r#"{"data":{"s3-statistics":{"get":1}}}"#;
        let s3 = r#"{"store":"cloud","backend-type":"s3"}"#;
        let on_disk = r#"{"store":"cloud","backend-type":"filesystem"}"#;
        assert_eq!(outcome(s3, with_statistics).await, Outcome::Ok);
        assert_eq!(outcome("", with_statistics).await, Outcome::Ok);
        for (listed, status) in [
            (on_disk, with_statistics),
            (on_disk, "no answer to read"),
            (s3, r#"{"data":{"total":1}}"#),
        ] {
            assert_eq!(
                outcome(listed, status).await,
                Outcome::NotApplicable,
                "{listed}"
            );
        }
        assert_eq!(outcome(s3, "no answer to read").await, Outcome::Invalid);
    }
}
