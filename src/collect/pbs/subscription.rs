//! Subscription of a backup server.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::subscription;
use crate::source::subscription::STATUSES;

pub static SUBSCRIPTION: Collector = Collector {
    name: "subscription",
    about: "Status, product and next due date of the subscription of the backup server.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[&subscription::SUBSCRIPTION],
    reads: &[],
    families: &[&INFO, &STATUS, &NEXT_DUE],
    collect,
};

static INFO: Family = Family::gauge(
    "pbs_subscription_info",
    "Product that the backup server has a subscription of, only where it has one",
    &["product", "remote"],
)
.unrecorded();
static STATUS: Family = Family::gauge(
    "pbs_subscription_status",
    "Status of the subscription of the backup server, 1 for the current one",
    &["remote", "status"],
);
static NEXT_DUE: Family = Family::gauge(
    "pbs_subscription_next_due_timestamp_seconds",
    "Midnight UTC of the day at which the subscription of the backup server is due again",
    &["remote"],
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    let mut status = Lines::of(&STATUS);
    let mut next_due = Lines::of(&NEXT_DUE);
    if let Some(subscription) = inputs.get(&subscription::SUBSCRIPTION) {
        let mut labels = LabelBlock::new();
        if !subscription.product.is_empty() {
            labels
                .push("product", &subscription.product)
                .push("remote", inputs.remote);
            info.push(&labels, true);
        }
        labels.clear();
        labels.push("remote", inputs.remote);
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
        let answers = AnswerTable::new(Product::Pbs, 1)
            .with("/admin/datastore", r#"{"data":[]}"#)
            .with("/nodes/localhost/subscription", subscription);
        let mut lines = walk::exposed(&SUBSCRIPTION, answers).await;
        lines.retain(|line| !line.ends_with(" 0"));
        lines
    }

    #[tokio::test]
    async fn a_key_has_a_product_and_no_key_has_none() {
        assert_eq!(
            exposed(
                r#"{"data":{"status":"expired","productname":"Basic 1 year","nextduedate":"2027-01-31"}}"#
            )
            .await,
            [
                r#"pbs_subscription_info{product="Basic 1 year",remote="r"} 1"#,
                r#"pbs_subscription_status{remote="r",status="expired"} 1"#,
                r#"pbs_subscription_next_due_timestamp_seconds{remote="r"} 1801353600"#,
            ]
        );
        assert_eq!(
            exposed(r#"{"data":{"status":"notfound","message":"There is no subscription key"}}"#)
                .await,
            [r#"pbs_subscription_status{remote="r",status="notfound"} 1"#]
        );
    }
}
