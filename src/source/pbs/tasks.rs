//! The tasks of a backup server: `/nodes/localhost/tasks`.

use crate::remote::error::CallError;
use crate::source::tasks::{self, Ledger};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Open to every token; without the right it sees only its own tasks.
pub static TASKS_CALL: ApiCall = ApiCall::get("/nodes/localhost/tasks")
    .filtered_by(&[Privilege::new("Sys.Audit", "/system/tasks")]);

pub static TASKS: Source<Ledger> =
    Source::new("pbs_tasks", Scope::Remote, &[&TASKS_CALL], |asked| {
        Box::pin(fetch(asked))
    })
    .kept(Ledger::save, Ledger::load);

async fn fetch(asked: Asked<'_, Ledger>) -> Result<Fetched<Ledger>, CallError> {
    let request = || Request::of(&TASKS_CALL);
    let previous = asked.previous.as_deref();
    let listed = tasks::list(asked.session, &TASKS_CALL, request, previous).await?;
    Ok(Fetched::whole(listed.ledger))
}
