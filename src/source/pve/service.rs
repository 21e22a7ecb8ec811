//! Services of a node: `/nodes/{node}/services`.

use crate::remote::error::CallError;
use crate::source::host::service::{self, Service};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

pub static SERVICES_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/services").needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static SERVICES: Source<Vec<Service>> =
    Source::new("services", Scope::EachNode, &[&SERVICES_CALL], |asked| {
        Box::pin(fetch(asked))
    });

async fn fetch(asked: Asked<'_, Vec<Service>>) -> Result<Fetched<Vec<Service>>, CallError> {
    let request = Request::of(&SERVICES_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let services = asked
        .session
        .read(&answer, &SERVICES_CALL, service::parse)
        .await?;
    Ok(Fetched::whole(services))
}
