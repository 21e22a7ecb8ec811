use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const STANDALONE: &str = r#"{"data":[{"id":"node/pve1","name":"pve1","online":1,"type":"node"}]}"#;
const CLUSTER: &str = r#"{"data":[{"type":"cluster","id":"cluster","name":"lab","quorate":1,"nodes":1},
    {"id":"node/pve1","name":"pve1","online":1,"type":"node"}]}"#;

fn answers(status: &str, services: &str) -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_800_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[{"id":"node/pve1","node":"pve1","status":"online","type":"node"}]}"#,
        )
        .with("/cluster/status", status)
        .with(
            "/nodes/pve1/services",
            format!(r#"{{"data":[{services}]}}"#),
        )
}

#[tokio::test]
async fn each_service_that_is_meant_to_run_is_active_or_not() {
    let answers = answers(
        CLUSTER,
        r#"{"service":"pveproxy","name":"pveproxy","state":"running","active-state":"active","unit-state":"enabled","desc":"x"},
           {"service":"chrony","state":"failed","active-state":"failed","unit-state":"enabled"},
           {"service":"corosync","state":"dead","active-state":"inactive","unit-state":"enabled"},
           {"service":"ksmtuned","state":"dead","active-state":"inactive","unit-state":"not-found"}"#,
    );
    assert_eq!(
        walk::exposed(&SERVICE, answers).await,
        [
            r#"pve_node_service_active{id="node/pve1",remote="r",unit="chrony"} 0"#,
            r#"pve_node_service_active{id="node/pve1",remote="r",unit="corosync"} 0"#,
            r#"pve_node_service_active{id="node/pve1",remote="r",unit="pveproxy"} 1"#,
            r#"pve_node_service_failed{id="node/pve1",remote="r",unit="chrony"} 1"#,
            r#"pve_node_service_failed{id="node/pve1",remote="r",unit="corosync"} 0"#,
            r#"pve_node_service_failed{id="node/pve1",remote="r",unit="pveproxy"} 0"#,
        ]
    );
}

#[tokio::test]
async fn corosync_is_not_missed_on_a_node_without_a_cluster() {
    let corosync =
        r#"{"service":"corosync","state":"dead","active-state":"inactive","unit-state":"enabled"}"#;
    let lines = walk::exposed(&SERVICE, answers(STANDALONE, corosync)).await;
    assert!(lines.is_empty(), "{lines:?}");
    let failed = corosync.replace("inactive", "failed");
    let lines = walk::exposed(&SERVICE, answers(STANDALONE, &failed)).await;
    assert_eq!(lines.len(), 2);
}
