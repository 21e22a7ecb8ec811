//! The rights of our token, and the users and tokens of a cluster: `/access/users`.

use crate::remote::error::CallError;
use crate::source::access::{self, Expiries};
use crate::source::permissions::{self, PERMISSIONS_CALL, Permissions};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Open to every token; without the right it tells only its own user.
pub static USERS_CALL: ApiCall =
    ApiCall::get("/access/users").filtered_by(&[Privilege::new("Sys.Audit", "/access/groups")]);

pub static RIGHTS: Source<Permissions> =
    Source::new("pve_rights", Scope::Remote, &[&PERMISSIONS_CALL], |asked| {
        Box::pin(fetch_rights(asked))
    });

pub static EXPIRIES: Source<Expiries> =
    Source::new("pve_expiries", Scope::Remote, &[&USERS_CALL], |asked| {
        Box::pin(fetch_expiries(asked))
    });

async fn fetch_rights(asked: Asked<'_, Permissions>) -> Result<Fetched<Permissions>, CallError> {
    permissions::ask(asked.session).await.map(Fetched::whole)
}

async fn fetch_expiries(asked: Asked<'_, Expiries>) -> Result<Fetched<Expiries>, CallError> {
    let request = Request::of(&USERS_CALL).with("full", "1");
    let answer = asked.session.get(request).await?;
    let expiries = asked
        .session
        .read(&answer, &USERS_CALL, access::parse)
        .await?;
    Ok(Fetched::whole(expiries))
}
