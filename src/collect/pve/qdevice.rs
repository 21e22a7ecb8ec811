//! The vote from outside of a cluster.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::{qdevice, resources};

pub static QDEVICE: Collector = Collector {
    name: "qdevice",
    about: "The QDevice of a cluster: whether the asked node reaches its arbiter.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(15 * 60),
    sources: &[&qdevice::QDEVICE],
    reads: &[&resources::RESOURCES],
    families: &[&UP, &INFO],
    collect,
};

static UP: Family = Family::gauge(
    "pve_qdevice_up",
    "Whether the QDevice of the cluster is connected, absent without a QDevice",
    &["id", "remote"],
)
.unrecorded();
static INFO: Family = Family::gauge(
    "pve_qdevice_info",
    "Model, algorithm, arbiter and state of the QDevice of the cluster",
    &[
        "algorithm",
        "id",
        "model",
        "qnetd_host",
        "remote",
        "state",
        "tie_breaker",
    ],
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut up = Lines::of(&UP);
    let mut info = Lines::of(&INFO);
    let qdevice = inputs.get(&qdevice::QDEVICE);
    let picture = inputs.get(&resources::RESOURCES);
    if let (Some(qdevice), Some(picture)) = (qdevice, picture)
        && let (Some(qdevice), Some(cluster)) = (&*qdevice, &picture.cluster)
    {
        let id = format!("cluster/{}", cluster.name);
        let mut labels = LabelBlock::new();
        labels.push("id", &id).push("remote", inputs.remote);
        up.push(&labels, qdevice.is_connected());
        labels
            .clear()
            .push("algorithm", &qdevice.algorithm)
            .push("id", &id)
            .push("model", &qdevice.model)
            .push("qnetd_host", &qdevice.qnetd_host)
            .push("remote", inputs.remote)
            .push("state", &qdevice.state)
            .push("tie_breaker", &qdevice.tie_breaker);
        info.push(&labels, true);
    }
    vec![up, info]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATE: i64 = 1_795_310_000;

    async fn exposed(qdevice: &str) -> Vec<String> {
        let answers = AnswerTable::new(Product::Pve, DATE)
            .with("/cluster/resources", r#"{"data":[]}"#)
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"cluster","name":"lab","quorate":1}]}"#,
            )
            .with("/cluster/config/qdevice", qdevice);
        walk::exposed(&QDEVICE, answers).await
    }

    #[tokio::test]
    async fn a_qdevice_is_up_while_it_is_connected() {
        let connected = r#"{"data":{"Algorithm":"Fifty-Fifty split","Echo reply":"x",
            "Last poll call":"y","Model":"Net","QNetd host":"192.0.2.1:5403","State":"Connected",
            "Tie-breaker":"Node with lowest node ID"}}"#;
        assert_eq!(
            exposed(connected).await,
            [
                r#"pve_qdevice_up{id="cluster/lab",remote="r"} 1"#,
                r#"pve_qdevice_info{algorithm="Fifty-Fifty split",id="cluster/lab",model="Net",qnetd_host="192.0.2.1:5403",remote="r",state="Connected",tie_breaker="Node with lowest node ID"} 1"#,
            ]
        );
        let failed = r#"{"data":{"State":"Connect failed","Model":null,"Algorithm":["x"]}}"#;
        assert_eq!(
            exposed(failed).await,
            [
                r#"pve_qdevice_up{id="cluster/lab",remote="r"} 0"#,
                r#"pve_qdevice_info{algorithm="",id="cluster/lab",model="",qnetd_host="",remote="r",state="Connect failed",tie_breaker=""} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn without_a_qdevice_there_is_nothing() {
        assert!(exposed(r#"{"data":{}}"#).await.is_empty());
        assert!(exposed(r#"{"data":null}"#).await.is_empty());
        assert!(exposed("no JSON").await.is_empty());
    }
}
