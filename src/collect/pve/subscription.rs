//! Subscriptions of the nodes, under the names that prometheus-pve-exporter has for them.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::subscription;
use crate::source::subscription::STATUSES;

pub static SUBSCRIPTION: Collector = Collector {
    name: "subscription",
    about: "Status, level and next due date of the subscription of every node.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[&subscription::SUBSCRIPTION],
    reads: &[],
    families: &[&INFO, &STATUS, &NEXT_DUE],
    collect,
};

static INFO: Family = Family::gauge(
    "pve_subscription_info",
    "Level of the subscription of the node, unknown where it has none",
    &["id", "level", "remote"],
);
static STATUS: Family = Family::gauge(
    "pve_subscription_status",
    "Status of the subscription of the node, 1 for the current one",
    &["id", "remote", "status"],
);
static NEXT_DUE: Family = Family::gauge(
    "pve_subscription_next_due_timestamp_seconds",
    "Midnight UTC of the day at which the subscription of the node is due again",
    &["id", "remote"],
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    let mut status = Lines::of(&STATUS);
    let mut next_due = Lines::of(&NEXT_DUE);
    let mut labels = LabelBlock::new();
    for (node, subscription) in inputs.each(&subscription::SUBSCRIPTION) {
        let id = node.to_string();
        let level = match &*subscription.level {
            "" => "unknown",
            level => level,
        };
        labels.clear();
        labels
            .push("id", &id)
            .push("level", level)
            .push("remote", inputs.remote);
        info.push(&labels, true);
        labels.clear();
        labels.push("id", &id).push("remote", inputs.remote);
        if !subscription.status.is_empty() {
            status.state_set(&labels, "status", STATUSES, &subscription.status);
        }
        next_due.push_known(&labels, subscription.next_due);
    }
    vec![info, status, next_due]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    async fn exposed(subscription: &str) -> Vec<String> {
        let answers = AnswerTable::new(Product::Pve, 1)
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online","uptime":7}]}"#,
            )
            .with("/nodes/a/subscription", subscription);
        walk::exposed(&SUBSCRIPTION, answers).await
    }

    #[tokio::test]
    async fn a_key_has_a_level_a_status_and_a_date() {
        let lines =
            exposed(r#"{"data":{"status":"active","level":"c","nextduedate":"2027-01-31"}}"#).await;
        assert_eq!(
            lines,
            [
                r#"pve_subscription_info{id="node/a",level="c",remote="r"} 1"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="new"} 0"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="notfound"} 0"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="active"} 1"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="invalid"} 0"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="expired"} 0"#,
                r#"pve_subscription_status{id="node/a",remote="r",status="suspended"} 0"#,
                r#"pve_subscription_next_due_timestamp_seconds{id="node/a",remote="r"} 1801353600"#,
            ]
        );
    }

    #[tokio::test]
    async fn no_key_is_a_status_and_no_answer_is_none() {
        let lines =
            exposed(r#"{"data":{"status":"notfound","message":"There is no subscription key"}}"#)
                .await;
        assert_eq!(lines.len(), 7);
        assert!(lines.contains(
            &r#"pve_subscription_status{id="node/a",remote="r",status="notfound"} 1"#.to_owned()
        ));
        assert!(lines.contains(
            &r#"pve_subscription_info{id="node/a",level="unknown",remote="r"} 1"#.to_owned()
        ));
        assert!(exposed("<html>").await.is_empty());
    }
}
