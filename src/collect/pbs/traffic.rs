//! Traffic control: what the rules allow, and what passes now.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::traffic;

pub static TRAFFIC: Collector = Collector {
    name: "traffic",
    about: "Configured and current rates of each traffic control rule.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&traffic::TRAFFIC],
    reads: &[],
    families: &[&LIMIT, &BURST, &CURRENT],
    collect,
};

const LABELS: &[&str] = &["direction", "remote", "rule"];

static LIMIT: Family = Family::gauge(
    "pbs_traffic_control_limit_bytes_per_second",
    "Rate that the traffic control rule allows into (in) or out of (out) the server; absent where it sets none",
    LABELS,
);
static BURST: Family = Family::gauge(
    "pbs_traffic_control_burst_bytes",
    "Bytes that the traffic control rule lets pass above its rate at once; absent where it sets none",
    LABELS,
);
static CURRENT: Family = Family::gauge(
    "pbs_traffic_control_current_bytes_per_second",
    "Current rate of the traffic that the traffic control rule is applied to",
    LABELS,
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut limit = Lines::of(&LIMIT);
    let mut burst = Lines::of(&BURST);
    let mut current = Lines::of(&CURRENT);
    let mut labels = LabelBlock::new();
    let rules = inputs.get(&traffic::TRAFFIC);
    for rule in rules.iter().flat_map(|rules| rules.iter()) {
        for (direction, traffic) in [("in", &rule.incoming), ("out", &rule.outgoing)] {
            labels
                .clear()
                .push("direction", direction)
                .push("remote", inputs.remote)
                .push("rule", &rule.name);
            limit.push_known(&labels, traffic.limit);
            burst.push_known(&labels, traffic.burst);
            current.push_known(&labels, traffic.current);
        }
    }
    vec![limit, burst, current]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    async fn exposed(rows: &str) -> Vec<String> {
        let answers = AnswerTable::new(Product::Pbs, 1_800_000_000).with(
            "/admin/traffic-control",
            format!(r#"{{"data":[{rows}],"digest":"ca2c"}}"#),
        );
        walk::exposed(&TRAFFIC, answers).await
    }

    #[tokio::test]
    async fn rates_are_bytes_per_second() {
        let lines = exposed(
            r#"{"name":"office","network":["10.0.0.0/8"],"timeframe":["mon..fri 8:00-18:00"],
            "rate-in":"100 MB","burst-in":"200 MB","rate-out":"50 MiB",
            "cur-rate-in":0,"cur-rate-out":516955}"#,
        )
        .await;
        assert_eq!(
            lines,
            [
                r#"pbs_traffic_control_limit_bytes_per_second{direction="in",remote="r",rule="office"} 100000000"#,
                r#"pbs_traffic_control_limit_bytes_per_second{direction="out",remote="r",rule="office"} 52428800"#,
                r#"pbs_traffic_control_burst_bytes{direction="in",remote="r",rule="office"} 200000000"#,
                r#"pbs_traffic_control_current_bytes_per_second{direction="in",remote="r",rule="office"} 0"#,
                r#"pbs_traffic_control_current_bytes_per_second{direction="out",remote="r",rule="office"} 516955"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_is_not_set_or_odd_is_absent() {
        let lines = exposed(
            r#"null,{"rate-in":"1 MB"},{"name":"a","rate-in":null,"rate-out":"lots",
            "burst-in":[1],"cur-rate-in":"7","cur-rate-out":-1},{"name":"a","cur-rate-in":8}"#,
        )
        .await;
        assert_eq!(
            lines,
            [
                r#"pbs_traffic_control_current_bytes_per_second{direction="in",remote="r",rule="a"} 7"#
            ]
        );
        assert_eq!(exposed("").await, [""; 0]);
    }
}
