//! Which version answers: `/version`, and `/nodes/{node}/version` of every node.

use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::json::{self, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Request, Scope, Source};
use serde::Deserialize;

/// Open to every token.
pub static VERSION_CALL: ApiCall = ApiCall::get("/version");

/// Open to every token.
pub static NODE_VERSION_CALL: ApiCall = ApiCall::get("/nodes/{node}/version");

/// The version of the node that answers.
pub static VERSION: Source<Release> =
    Source::new("version", Scope::Remote, &[&VERSION_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// The version of each node.
pub static NODE_VERSION: Source<Release> = Source::new(
    "node_version",
    Scope::EachNode,
    &[&NODE_VERSION_CALL],
    |asked| Box::pin(fetch_node(asked)),
);

/// `9.1.8`, `9.1`, `109490bba041229f`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Release {
    pub version: Box<str>,
    pub release: Box<str>,
    pub repoid: Box<str>,
}

async fn fetch(asked: Asked<'_, Release>) -> Result<Fetched<Release>, CallError> {
    let answer = asked.session.get(Request::of(&VERSION_CALL)).await?;
    let release = asked.session.read(&answer, &VERSION_CALL, parse).await?;
    if let Some(version) = Version::parse_pve(&release.version) {
        asked.session.learn_version(version);
    }
    Ok(Fetched::whole(release))
}

async fn fetch_node(asked: Asked<'_, Release>) -> Result<Fetched<Release>, CallError> {
    let request = Request::of(&NODE_VERSION_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let release = asked
        .session
        .read(&answer, &NODE_VERSION_CALL, parse)
        .await?;
    Ok(Fetched::whole(release))
}

/// Reads `/version` of either product.
pub fn parse(text: &str) -> Result<Release, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        version: Text<'a>,
        release: Text<'a>,
        repoid: Text<'a>,
    }

    let row: Row<'_> = json::envelope(text)?;
    if row.version.known().is_none() {
        return Err(Unreadable("it has no version".to_owned()));
    }
    Ok(Release {
        version: row.version.to_boxed(),
        release: row.release.to_boxed(),
        repoid: row.repoid.to_boxed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_may_be_a_number_and_must_have_a_version() {
        let release =
            parse(r#"{"data":{"version":"8.4.1","release":8.4,"console":"html5"}}"#).unwrap();
        assert_eq!(&*release.version, "8.4.1");
        assert_eq!(&*release.release, "8.4");
        assert_eq!(&*release.repoid, "");
        assert!(parse(r#"{"data":{}}"#).is_err());
        assert!(parse(r#"{"data":null}"#).is_err());
    }
}
