//! Physical disks of a backup server: `/nodes/localhost/disks/list`, and
//! `/nodes/localhost/disks/smart` of those that do not spin.

use crate::remote::error::CallError;
use crate::source::host::disk::{self, Disk};
use crate::source::host::smart::{self, Health};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

pub static DISKS_CALL: ApiCall = ApiCall::get("/nodes/localhost/disks/list")
    .needs(&[Privilege::new("Sys.Audit", "/system/disks")]);

pub static SMART_CALL: ApiCall = ApiCall::get("/nodes/localhost/disks/smart")
    .needs(&[Privilege::new("Sys.Audit", "/system/disks")]);

pub static DISKS: Source<Vec<Disk>> =
    Source::new("pbs_disks", Scope::Remote, &[&DISKS_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// Each disk is asked alone, since the list with SMART data also wakes the disks that spin.
pub static DISK_HEALTH: Source<Vec<Health>> = Source::new(
    "pbs_disk_health",
    Scope::Remote,
    &[&DISKS_CALL, &SMART_CALL],
    |asked| Box::pin(fetch_health(asked)),
);

async fn fetch(asked: Asked<'_, Vec<Disk>>) -> Result<Fetched<Vec<Disk>>, CallError> {
    ask(asked.session).await.map(Fetched::whole)
}

async fn ask(session: &Session) -> Result<Vec<Disk>, CallError> {
    let request = Request::of(&DISKS_CALL).with("skipsmart", "1");
    let answer = session.get(request).await?;
    session.read(&answer, &DISKS_CALL, disk::parse).await
}

async fn fetch_health(asked: Asked<'_, Vec<Health>>) -> Result<Fetched<Vec<Health>>, CallError> {
    let disks = ask(asked.session).await?;
    smart::ask_each(asked.session, &disks, &SMART_CALL, |disk| {
        Request::of(&SMART_CALL).with("disk", &*disk.device)
    })
    .await
}
