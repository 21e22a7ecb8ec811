//! Settings of a cluster.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::options;

pub static OPTIONS: Collector = Collector {
    name: "options",
    about: "Settings of the cluster: migration, shutdown of nodes with high availability, limits.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&options::OPTIONS],
    reads: &[],
    families: &[&INFO, &BANDWIDTH_LIMIT, &MAX_WORKERS],
    collect,
};

static INFO: Family = Family::gauge(
    "pve_cluster_options_info",
    "Settings of the cluster for migrations and high availability, empty where they are not set",
    &[
        "ha_scheduling",
        "ha_shutdown_policy",
        "migration_network",
        "migration_type",
        "remote",
    ],
);
static BANDWIDTH_LIMIT: Family = Family::gauge(
    "pve_cluster_bandwidth_limit_bytes_per_second",
    "Limit of the cluster on what an operation may transfer, 0 for no limit",
    &["operation", "remote"],
)
.unrecorded();
static MAX_WORKERS: Family = Family::gauge(
    "pve_cluster_max_workers",
    "Number of tasks that a bulk operation may run at once on a node",
    &["remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut info = Lines::of(&INFO);
    let mut limit = Lines::of(&BANDWIDTH_LIMIT);
    let mut max_workers = Lines::of(&MAX_WORKERS);
    if let Some(options) = inputs.get(&options::OPTIONS) {
        let mut labels = LabelBlock::new();
        labels
            .push("ha_scheduling", &options.ha_scheduling)
            .push("ha_shutdown_policy", &options.ha_shutdown_policy)
            .push("migration_network", &options.migration_network)
            .push("migration_type", &options.migration_type)
            .push("remote", inputs.remote);
        info.push(&labels, true);
        for (operation, bytes) in &options.bandwidth_limits {
            labels
                .clear()
                .push("operation", operation)
                .push("remote", inputs.remote);
            limit.push(&labels, *bytes);
        }
        labels.clear().push("remote", inputs.remote);
        max_workers.push_known(&labels, options.max_workers);
    }
    vec![info, limit, max_workers]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATE: i64 = 1_795_310_000;

    fn remote() -> AnswerTable {
        AnswerTable::new(Product::Pve, DATE)
            .with("/cluster/resources", r#"{"data":[]}"#)
            .with("/cluster/status", r#"{"data":[]}"#)
    }

    #[tokio::test]
    async fn settings_are_told_in_base_units() {
        let answers = remote().with(
            "/cluster/options",
            r#"{"data":{"migration":{"type":"secure","network":"10.0.0.0/24"},
            "ha":{"shutdown_policy":"migrate"},"bwlimit":"clone=0,default=1000","max_workers":"4",
            "mac_prefix":"BC:24:11","description":"lab\n","next-id":{"lower":"100"}}}"#,
        );
        assert_eq!(
            walk::exposed(&OPTIONS, answers).await,
            [
                r#"pve_cluster_options_info{ha_scheduling="",ha_shutdown_policy="migrate",migration_network="10.0.0.0/24",migration_type="secure",remote="r"} 1"#,
                r#"pve_cluster_bandwidth_limit_bytes_per_second{operation="clone",remote="r"} 0"#,
                r#"pve_cluster_bandwidth_limit_bytes_per_second{operation="default",remote="r"} 1024000"#,
                r#"pve_cluster_max_workers{remote="r"} 4"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_could_not_be_asked_is_absent() {
        let answers = remote().with_status("/cluster/options", 403, "Permission check failed");
        assert!(walk::exposed(&OPTIONS, answers).await.is_empty());
    }
}
