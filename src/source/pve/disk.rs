//! Physical disks of a node: `/nodes/{node}/disks/list`, and `/nodes/{node}/disks/smart` of those
//! that do not spin.

use crate::remote::error::CallError;
use crate::source::host::disk::{self, Disk};
use crate::source::host::smart::{self, Health};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// `Sys.Audit` on `/` does as well, and is the same where rights are inherited.
pub static DISKS_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/disks/list").needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static SMART_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/disks/smart").needs(&[Privilege::new("Sys.Audit", "/")]);

pub static DISKS: Source<Vec<Disk>> =
    Source::new("disks", Scope::EachNode, &[&DISKS_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// Each disk is asked alone, since the list with SMART data also wakes the disks that spin.
pub static DISK_HEALTH: Source<Vec<Health>> = Source::new(
    "disk_health",
    Scope::EachNode,
    &[&DISKS_CALL, &SMART_CALL],
    |asked| Box::pin(fetch_health(asked)),
);

async fn fetch(asked: Asked<'_, Vec<Disk>>) -> Result<Fetched<Vec<Disk>>, CallError> {
    ask(asked.session, asked.node()).await.map(Fetched::whole)
}

async fn ask(session: &Session, node: &str) -> Result<Vec<Disk>, CallError> {
    let request = Request::of(&DISKS_CALL).node(node).with("skipsmart", "1");
    let answer = session.get(request).await?;
    session.read(&answer, &DISKS_CALL, disk::parse).await
}

async fn fetch_health(asked: Asked<'_, Vec<Health>>) -> Result<Fetched<Vec<Health>>, CallError> {
    let disks = ask(asked.session, asked.node()).await?;
    smart::ask_each(asked.session, &disks, &SMART_CALL, |disk| {
        Request::of(&SMART_CALL)
            .node(asked.node())
            .with("disk", format!("/dev/{}", disk.device))
    })
    .await
}
