//! Which version answers: `/version`.

use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::pve::version::{Release, parse};
use crate::source::{ApiCall, Asked, Fetched, Request, Scope, Source};

/// Open to every token. `version` is `4.2` and `release` is `1` for 4.2.1.
pub static VERSION_CALL: ApiCall = ApiCall::get("/version");

pub static VERSION: Source<Release> =
    Source::new("pbs_version", Scope::Remote, &[&VERSION_CALL], |asked| {
        Box::pin(fetch(asked))
    });

async fn fetch(asked: Asked<'_, Release>) -> Result<Fetched<Release>, CallError> {
    let answer = asked.session.get(Request::of(&VERSION_CALL)).await?;
    let release = asked.session.read(&answer, &VERSION_CALL, parse).await?;
    if let Some(version) = Version::parse_pbs(&release.version, &release.release) {
        asked.session.learn_version(version);
    }
    Ok(Fetched::whole(release))
}
