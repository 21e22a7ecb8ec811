//! The node behind an end-point: `/cluster/status`, asked there and nowhere else.

use super::status::{STATUS_CALL, parse_status};
use crate::remote::error::CallError;
use crate::source::{Asked, Fetched, Item, Request, Scope, Source};

/// Name of the node; empty where the answer does not tell. It is asked for by whoever names an
/// end-point, and belongs to no collector.
pub static ENTRANCE: Source<Box<str>> =
    Source::new("entrance", Scope::Remote, &[&STATUS_CALL], |asked| {
        Box::pin(fetch(asked))
    });

async fn fetch(asked: Asked<'_, Box<str>>) -> Result<Fetched<Box<str>>, CallError> {
    let Item::Endpoint(index) = *asked.item else {
        let why = "only an end-point has a node behind it";
        return Err(asked.session.not_applicable(&STATUS_CALL, why));
    };
    let request = Request::of(&STATUS_CALL).at(Some(index));
    let answer = asked.session.get(request).await?;
    let status = asked
        .session
        .read(&answer, &STATUS_CALL, parse_status)
        .await?;
    Ok(Fetched::whole(status.local))
}
