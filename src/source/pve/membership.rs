//! The configured members of a cluster and their votes: `/cluster/config/nodes`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

pub static MEMBERSHIP_CALL: ApiCall =
    ApiCall::get("/cluster/config/nodes").needs(&[Privilege::new("Sys.Audit", "/")]);

pub static MEMBERSHIP: Source<Membership> =
    Source::new("membership", Scope::Remote, &[&MEMBERSHIP_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// Empty for a standalone node.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Membership {
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub name: Box<str>,
    /// Votes of the node as configured; a QDevice's are not among them.
    pub votes: f64,
}

async fn fetch(asked: Asked<'_, Membership>) -> Result<Fetched<Membership>, CallError> {
    let answer = asked.session.get(Request::of(&MEMBERSHIP_CALL)).await?;
    let membership = asked.session.read(&answer, &MEMBERSHIP_CALL, parse).await?;
    Ok(Fetched::whole(membership))
}

/// Reads `/cluster/config/nodes`; votes come as strings.
pub fn parse(text: &str) -> Result<Membership, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        node: Text<'a>,
        quorum_votes: Number,
    }

    let mut members: Vec<Member> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter_map(|row| {
            let name = row.name.known().or(row.node.known())?;
            Some(Member {
                name: Box::from(name),
                votes: row.quorum_votes.quantity().unwrap_or(1.0),
            })
        })
        .collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members.dedup_by(|a, b| a.name == b.name);
    Ok(Membership { members })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_strings_and_default_to_one() {
        let text =
            r#"{"data":[{"name":"b","quorum_votes":"2","nodeid":"2"},{"node":"a"},{"x":1}]}"#;
        let membership = parse(text).unwrap();
        let votes: Vec<_> = membership
            .members
            .iter()
            .map(|m| (&*m.name, m.votes))
            .collect();
        assert_eq!(votes, [("a", 1.0), ("b", 2.0)]);
    }
}
