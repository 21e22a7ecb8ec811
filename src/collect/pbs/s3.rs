//! Requests to the object stores below datastores.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::{datastores, s3};

pub static S3: Collector = Collector {
    name: "s3",
    about: "Requests to the object store below each datastore that has one.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&s3::S3],
    reads: &[&datastores::DATASTORES],
    families: &[&REQUESTS],
    collect,
};

static REQUESTS: Family = Family::counter(
    "pbs_datastore_s3_requests_total",
    "Requests to the object store of the datastore, since the statistics were last set back",
    &["datastore", "method", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = Lines::of(&REQUESTS);
    let mut labels = LabelBlock::new();
    for (item, requests) in inputs.each(&s3::S3) {
        for (method, number) in [
            ("get", requests.get),
            ("put", requests.put),
            ("post", requests.post),
            ("head", requests.head),
            ("delete", requests.delete),
        ] {
            labels
                .clear()
                .push("datastore", item.name())
                .push("method", method)
                .push("remote", inputs.remote);
            lines.push_known(&labels, number);
        }
    }
    vec![lines]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const STATUS: &str = r#"{"data":{"avail":7,"total":10,"used":3,"backend-type":"s3",
        "s3-statistics":{"delete":1,"downloaded":900,"get":2,"head":"3","post":null,"put":5,
        "uploaded":800}}}"#;

    fn table(datastore: &str) -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1_800_000_000)
            .with("/admin/datastore", format!(r#"{{"data":[{datastore}]}}"#))
            .with("/admin/datastore/cloud/status", STATUS)
    }

    #[tokio::test]
    async fn requests_are_counted_by_method() {
        let answers = table(r#"{"store":"cloud","backend-type":"s3"}"#);
        assert_eq!(
            walk::exposed(&S3, answers).await,
            [
                r#"pbs_datastore_s3_requests_total{datastore="cloud",method="get",remote="r"} 2"#,
                r#"pbs_datastore_s3_requests_total{datastore="cloud",method="put",remote="r"} 5"#,
                r#"pbs_datastore_s3_requests_total{datastore="cloud",method="head",remote="r"} 3"#,
                r#"pbs_datastore_s3_requests_total{datastore="cloud",method="delete",remote="r"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn a_datastore_without_an_object_store_is_not_asked() {
        for backend in ["filesystem", ""] {
            let answers = table(&format!(
                r#"{{"store":"cloud","backend-type":"{backend}"}}"#
            ));
            assert_eq!(walk::exposed(&S3, answers).await, [""; 0], "{backend}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_statistics_tells_nothing() {
        for status in [r#"{"data":{"total":1}}"#, r#"{"data":null}"#] {
            let answers = table(r#"{"store":"cloud","backend-type":"s3"}"#)
                .with("/admin/datastore/cloud/status", status);
            assert_eq!(walk::exposed(&S3, answers).await, [""; 0]);
        }
    }
}
