//! Certificates of every node, also those that our own connection does not meet.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::certificates;

pub static CERTIFICATE: Collector = Collector {
    name: "certificate",
    about: "End of validity of the certificates of every node, and whose they are.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[&certificates::CERTIFICATES],
    reads: &[],
    families: &[&NOT_AFTER, &INFO],
    collect,
};

static NOT_AFTER: Family = Family::gauge(
    "pve_node_certificate_not_after_timestamp_seconds",
    "End of validity of a certificate of the node",
    &["file", "id", "remote"],
);
static INFO: Family = Family::gauge(
    "pve_node_certificate_info",
    "Subject and issuer of a certificate of the node",
    &["file", "id", "issuer", "remote", "subject"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut not_after = Lines::of(&NOT_AFTER);
    let mut info = Lines::of(&INFO);
    let mut labels = LabelBlock::new();
    for (node, certificates) in inputs.each(&certificates::CERTIFICATES) {
        let id = node.to_string();
        for certificate in certificates {
            labels.clear();
            labels
                .push("file", &certificate.file)
                .push("id", &id)
                .push("remote", inputs.remote);
            not_after.push_known(&labels, certificate.not_after);
            labels.clear();
            labels
                .push("file", &certificate.file)
                .push("id", &id)
                .push("issuer", &certificate.issuer)
                .push("remote", inputs.remote)
                .push("subject", &certificate.subject);
            info.push(&labels, true);
        }
    }
    vec![not_after, info]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    async fn exposed(certificates: &str) -> Vec<String> {
        let answers = AnswerTable::new(Product::Pve, 1)
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online","uptime":7}]}"#,
            )
            .with("/nodes/a/certificates/info", certificates);
        walk::exposed(&CERTIFICATE, answers).await
    }

    #[tokio::test]
    async fn each_file_has_its_end_and_its_subject() {
        let lines = exposed(
            r#"{"data":[
            {"filename":"pve-ssl.pem","subject":"/CN=a","issuer":"/O=own \"CA\"","notafter":"1858294572","san":[]},
            {"filename":"pve-root-ca.pem","subject":null},
            {"filename":"pve-ssl.pem","notafter":5},{"notafter":6},null,"x"]}"#,
        )
        .await;
        assert_eq!(
            lines,
            [
                r#"pve_node_certificate_not_after_timestamp_seconds{file="pve-ssl.pem",id="node/a",remote="r"} 1858294572"#,
                r#"pve_node_certificate_info{file="pve-root-ca.pem",id="node/a",issuer="",remote="r",subject=""} 1"#,
                r#"pve_node_certificate_info{file="pve-ssl.pem",id="node/a",issuer="/O=own \"CA\"",remote="r",subject="/CN=a"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn no_certificate_is_no_sample() {
        assert!(exposed(r#"{"data":null}"#).await.is_empty());
        assert!(exposed("<html>").await.is_empty());
    }
}
