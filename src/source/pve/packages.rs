//! Packages of a node: `/nodes/{node}/apt/update`, `versions` and `repositories`.
//!
//! Each is a source of its own, as each may be refused for itself.

use crate::remote::error::CallError;
use crate::source::apt::{self, Kernels, PendingUpdates, Repositories};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Tells what the last refresh of the package lists has found, and refreshes nothing.
pub static UPDATES_CALL: ApiCall = ApiCall::get("/nodes/{node}/apt/update")
    .needs(&[Privilege::new("Sys.Modify", "/nodes/{node}")]);

pub static VERSIONS_CALL: ApiCall = ApiCall::get("/nodes/{node}/apt/versions")
    .needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static REPOSITORIES_CALL: ApiCall = ApiCall::get("/nodes/{node}/apt/repositories")
    .needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static UPDATES: Source<PendingUpdates> = Source::new(
    "pve_pending_updates",
    Scope::EachNode,
    &[&UPDATES_CALL],
    |asked| Box::pin(fetch_updates(asked)),
);

pub static KERNELS: Source<Kernels> =
    Source::new("pve_kernels", Scope::EachNode, &[&VERSIONS_CALL], |asked| {
        Box::pin(fetch_kernels(asked))
    });

pub static REPOSITORIES: Source<Repositories> = Source::new(
    "pve_repositories",
    Scope::EachNode,
    &[&REPOSITORIES_CALL],
    |asked| Box::pin(fetch_repositories(asked)),
);

async fn fetch_updates(
    asked: Asked<'_, PendingUpdates>,
) -> Result<Fetched<PendingUpdates>, CallError> {
    let request = Request::of(&UPDATES_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let value = asked
        .session
        .read(&answer, &UPDATES_CALL, apt::parse_updates)
        .await?;
    Ok(Fetched::whole(value))
}

async fn fetch_kernels(asked: Asked<'_, Kernels>) -> Result<Fetched<Kernels>, CallError> {
    let request = Request::of(&VERSIONS_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let value = asked
        .session
        .read(&answer, &VERSIONS_CALL, apt::parse_kernels)
        .await?;
    Ok(Fetched::whole(value))
}

async fn fetch_repositories(
    asked: Asked<'_, Repositories>,
) -> Result<Fetched<Repositories>, CallError> {
    let request = Request::of(&REPOSITORIES_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let value = asked
        .session
        .read(&answer, &REPOSITORIES_CALL, apt::parse_repositories)
        .await?;
    Ok(Fetched::whole(value))
}
