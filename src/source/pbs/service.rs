//! Services of a backup server: `/nodes/localhost/services`.

use crate::remote::error::CallError;
use crate::source::host::service::{self, Service};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

pub static SERVICES_CALL: ApiCall = ApiCall::get("/nodes/localhost/services")
    .needs(&[Privilege::new("Sys.Audit", "/system/services")]);

pub static SERVICES: Source<Vec<Service>> =
    Source::new("pbs_services", Scope::Remote, &[&SERVICES_CALL], |asked| {
        Box::pin(fetch(asked))
    });

async fn fetch(asked: Asked<'_, Vec<Service>>) -> Result<Fetched<Vec<Service>>, CallError> {
    let request = Request::of(&SERVICES_CALL);
    let answer = asked.session.get(request).await?;
    let services = asked
        .session
        .read(&answer, &SERVICES_CALL, service::parse)
        .await?;
    Ok(Fetched::whole(services))
}
