//! Membership and quorum as one node sees them: `/cluster/status`. It is read together with
//! `/cluster/resources`, as one picture.

use serde::Deserialize;

use super::resources::Cluster;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Privilege};

/// `GET /cluster/status`: answered by the asked node alone.
pub static STATUS_CALL: ApiCall =
    ApiCall::get("/cluster/status").needs(&[Privilege::new("Sys.Audit", "/")]);

/// The answer of `/cluster/status`.
#[derive(Debug, Default)]
pub struct Status {
    /// The end-point that answered.
    pub(super) endpoint: usize,
    pub(super) cluster: Option<Cluster>,
    pub(super) nodes: Vec<Member>,
    /// Name of the node that answered.
    pub(super) local: Box<str>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Box<str>,
    /// Address of the node in its cluster.
    pub(super) ip: Box<str>,
    pub(super) online: Option<bool>,
    pub(super) node_id: Option<f64>,
    pub(super) level: Box<str>,
}

impl Status {
    /// The cluster's address of a node, where it has told one.
    pub fn address_of(&self, node: &str) -> Option<&str> {
        let member = self.nodes.iter().find(|member| &*member.name == node)?;
        (!member.ip.is_empty()).then_some(&*member.ip)
    }

    /// Whether the asked node is cut off from its cluster. One that stands alone is not.
    pub(super) fn lacks_quorum(&self) -> bool {
        self.cluster
            .as_ref()
            .is_some_and(|cluster| !cluster.quorate)
    }
}

/// Reads `/cluster/status`.
pub fn parse_status(text: &str) -> Result<Status, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        r#type: Text<'a>,
        name: Text<'a>,
        level: Text<'a>,
        ip: Text<'a>,
        online: Number,
        local: Number,
        nodeid: Number,
        quorate: Number,
        nodes: Number,
        version: Number,
    }

    let mut status = Status::default();
    for row in json::envelope::<Rows<Row<'_>>>(text)?.0 {
        match row.r#type.as_str() {
            "cluster" => {
                status.cluster = Some(Cluster {
                    name: row.name.to_boxed(),
                    quorate: row.quorate.flag().unwrap_or(false),
                    nodes: row.nodes.quantity(),
                    version: row.version.quantity(),
                });
            }
            "node" if row.name.known().is_some() => {
                if row.local.flag() == Some(true) {
                    status.local = row.name.to_boxed();
                }
                status.nodes.push(Member {
                    name: row.name.to_boxed(),
                    ip: row.ip.to_boxed(),
                    online: row.online.flag(),
                    node_id: row.nodeid.quantity(),
                    level: row.level.to_boxed(),
                });
            }
            _ => {}
        }
    }
    Ok(status)
}
