//! The nodes of a cluster with the fingerprints of their certificates, and the cluster's own CA:
//! `/nodes` and `/nodes/{node}/certificates/info`. Asked when a remote is added.

use serde::Deserialize;

use crate::source::ApiCall;
use crate::source::json::{self, Rows, Text, Unreadable};

/// Open to every token.
pub static NODES_CALL: ApiCall = ApiCall::get("/nodes");

/// Open to every token.
pub static CERTIFICATES_CALL: ApiCall = ApiCall::get("/nodes/{node}/certificates/info");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCertificate {
    pub node: String,
    /// None for a node that never had a certificate.
    pub fingerprint: Option<String>,
}

/// Reads `/nodes`.
pub fn parse_nodes(text: &str) -> Result<Vec<NodeCertificate>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        node: Text<'a>,
        ssl_fingerprint: Text<'a>,
    }

    let mut nodes: Vec<NodeCertificate> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter_map(|row| {
            Some(NodeCertificate {
                node: row.node.known()?.to_owned(),
                fingerprint: row.ssl_fingerprint.known().map(str::to_owned),
            })
        })
        .collect();
    nodes.sort_by(|a, b| a.node.cmp(&b.node));
    Ok(nodes)
}

/// Reads the PEM of the cluster's CA out of `/nodes/{node}/certificates/info`.
pub fn parse_authority(text: &str) -> Result<Option<String>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        filename: Text<'a>,
        pem: Text<'a>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let authority = rows
        .iter()
        .find(|row| row.filename.as_str() == "pve-root-ca.pem");
    Ok(authority.and_then(|row| row.pem.known()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_may_have_no_certificate() {
        let text = r#"{"data":[{"node":"b","ssl_fingerprint":null},{"node":"a","ssl_fingerprint":"AA:BB"},{}]}"#;
        let nodes = parse_nodes(text).unwrap();
        let seen: Vec<_> = nodes
            .iter()
            .map(|node| (&*node.node, node.fingerprint.as_deref()))
            .collect();
        assert_eq!(seen, [("a", Some("AA:BB")), ("b", None)]);
    }

    #[test]
    fn the_authority_is_found_by_its_file() {
        let text = r#"{"data":[{"filename":"pve-ssl.pem","pem":"x"},{"filename":"pve-root-ca.pem","pem":"CA"}]}"#;
        assert_eq!(parse_authority(text).unwrap().as_deref(), Some("CA"));
        assert_eq!(parse_authority(r#"{"data":[]}"#).unwrap(), None);
    }
}
