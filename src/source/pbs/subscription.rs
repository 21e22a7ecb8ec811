//! The subscription of a backup server: `/nodes/localhost/subscription`.

use crate::remote::error::CallError;
use crate::source::subscription::{self, Subscription};
use crate::source::{ApiCall, Asked, Fetched, Request, Scope, Source};

/// Open to every token; only the key and the id of the server need a right.
pub static SUBSCRIPTION_CALL: ApiCall = ApiCall::get("/nodes/localhost/subscription");

pub static SUBSCRIPTION: Source<Subscription> = Source::new(
    "pbs_subscription",
    Scope::Remote,
    &[&SUBSCRIPTION_CALL],
    |asked| Box::pin(fetch(asked)),
);

async fn fetch(asked: Asked<'_, Subscription>) -> Result<Fetched<Subscription>, CallError> {
    let request = Request::of(&SUBSCRIPTION_CALL);
    let answer = asked.session.get(request).await?;
    let subscription = asked
        .session
        .read(&answer, &SUBSCRIPTION_CALL, subscription::parse)
        .await?;
    Ok(Fetched::whole(subscription))
}
