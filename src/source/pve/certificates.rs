//! The certificates of a node: `/nodes/{node}/certificates/info`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Request, Scope, Source};

/// Open to every token.
pub static CERTIFICATES_CALL: ApiCall = ApiCall::get("/nodes/{node}/certificates/info");

pub static CERTIFICATES: Source<Vec<Certificate>> = Source::new(
    "certificates",
    Scope::EachNode,
    &[&CERTIFICATES_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// A node has three: the cluster's authority, the node's own, and one that was uploaded.
const MOST_CERTIFICATES: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// `pve-ssl.pem`
    pub file: Box<str>,
    pub subject: Box<str>,
    pub issuer: Box<str>,
    /// Unix seconds.
    pub not_after: Option<f64>,
}

async fn fetch(asked: Asked<'_, Vec<Certificate>>) -> Result<Fetched<Vec<Certificate>>, CallError> {
    let request = Request::of(&CERTIFICATES_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let certificates = asked
        .session
        .read(&answer, &CERTIFICATES_CALL, parse)
        .await?;
    Ok(Fetched::whole(certificates))
}

/// Reads `/nodes/{node}/certificates/info`.
pub fn parse(text: &str) -> Result<Vec<Certificate>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        filename: Text<'a>,
        subject: Text<'a>,
        issuer: Text<'a>,
        notafter: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut certificates: Vec<Certificate> = rows
        .iter()
        .filter_map(|row| {
            Some(Certificate {
                file: Box::from(row.filename.known()?),
                subject: row.subject.to_boxed(),
                issuer: row.issuer.to_boxed(),
                not_after: row.notafter.quantity(),
            })
        })
        .collect();
    certificates.sort_by(|a, b| a.file.cmp(&b.file));
    certificates.dedup_by(|a, b| a.file == b.file);
    certificates.truncate(MOST_CERTIFICATES);
    Ok(certificates)
}
