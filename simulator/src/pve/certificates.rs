//! `/nodes/{node}/certificates/info`: the cluster's CA and the node's own certificate.

use serde_json::json;

use super::Pve;
use crate::answer::{self, Answer};
use crate::route::{Asked, Route};

pub(super) const INFO: Route<Pve> = Route {
    path: "/nodes/{node}/certificates/info",
    parameters: &[],
    needs: None,
    by_daemon: true,
    answer: info,
};

const NOT_BEFORE: i64 = 1_767_225_600;
const CA_NOT_AFTER: i64 = 2_082_758_400;
const NODE_NOT_AFTER: i64 = 1_830_297_600;

fn info(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let node = match super::nodes::reachable(pve, asked) {
        Ok(node) => node,
        Err(error) => return error,
    };
    let index = pve.world.node_index(&node.name).unwrap_or_default();
    let issuer = format!("/CN=Proxmox Virtual Environment/OU={}/O=PVE Cluster Manager CA", pve.world.name);
    let (ca_pem, ca_fingerprint) = &pve.authority;
    Answer::Good(answer::data(json!([
        {
            "filename": "pve-root-ca.pem",
            "subject": issuer,
            "issuer": issuer,
            "fingerprint": ca_fingerprint,
            "notbefore": NOT_BEFORE,
            "notafter": CA_NOT_AFTER,
            "public-key-bits": 256,
            "public-key-type": "id-ecPublicKey",
            "pem": ca_pem,
            "san": [],
        },
        {
            "filename": "pve-ssl.pem",
            "subject": format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={}", node.name),
            "issuer": issuer,
            "fingerprint": pve.fingerprints.get(index),
            "notbefore": NOT_BEFORE,
            "notafter": NODE_NOT_AFTER,
            "public-key-bits": 256,
            "public-key-type": "id-ecPublicKey",
            "pem": pve.node_pems.get(index),
            "san": [node.name, "localhost", "127.0.0.1"],
        },
    ])))
}
