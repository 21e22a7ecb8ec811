//! `GET /nodes/{node}/certificates/info`: the cluster's CA and the node's certificate.

use super::{Call, route};
use crate::certificate::Described;
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::random::Random;
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route("/nodes/{node}/certificates/info", Access::Everyone);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    if let Some(authority) = &call.remote.authority {
        entries.push(entry(
            "pve-root-ca.pem",
            &authority.certificate,
            &mut random,
        ));
    }
    if let Some(identity) = call.remote.identity(call.node) {
        entries.push(entry("pve-ssl.pem", &identity.described, &mut random));
    }
    Answer::data(&array(entries))
}

fn entry(file: &str, certificate: &Described, random: &mut Random) -> String {
    let mut object = Object::new();
    object
        .text("filename", file)
        .text("subject", &certificate.subject)
        .text("issuer", &certificate.issuer)
        .text("fingerprint", &certificate.fingerprint)
        .text("pem", &certificate.pem)
        .int("notbefore", certificate.not_before)
        .int("notafter", certificate.not_after)
        .text("public-key-type", "id-ecPublicKey")
        .int("public-key-bits", 256)
        .raw(
            "san",
            &array(certificate.names.iter().map(|name| text(name))),
        );
    object.into_json(Some(random))
}
