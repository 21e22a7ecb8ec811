//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const DATE: i64 = 1_795_310_000;

fn cluster() -> AnswerTable {
    AnswerTable::new(Product::Pve, DATE)
        .with("/cluster/resources", r#"{"data":[]}"#)
        .with("/cluster/status", r#"{"data":[]}"#)
}

/// What is said, without the states that do not hold.
fn told(lines: Vec<String>) -> Vec<String> {
    let is_set = |line: &String| line.contains("state=") || line.contains("mode=");
    let holds = |line: &String| !is_set(line) || line.ends_with(" 1");
    lines.into_iter().filter(holds).collect()
}

#[tokio::test]
async fn a_cluster_that_fences_a_node() {
    let answers = cluster()
        .with(
            "/cluster/ha/status/current",
            r#"{"data":[
            {"id":"quorum","type":"quorum","node":"a","quorate":1,"status":"OK"},
            {"id":"master","type":"master","node":"a","timestamp":1795311406,"status":"a (active)"},
            {"id":"fencing","type":"fencing","node":"a","armed-state":"armed","status":"armed (CRM watchdog active)"},
            {"id":"lrm:a","type":"lrm","node":"a","timestamp":1795311397,"status":"a (active)"},
            {"id":"lrm:b","type":"lrm","node":"b","timestamp":1795311295,"status":"b (old timestamp - dead?)"},
            {"id":"lrm:c","type":"lrm","node":"c","status":"c (unable to read lrm status)"},
            {"id":"service:vm:105","type":"service","sid":"vm:105","node":"b","state":"fence","crm_state":"fence","request_state":"started"},
            {"id":"service:ct:110","type":"service","sid":"ct:110","node":"a","state":"starting","crm_state":"started","request_state":"started","comment":"c"},
            {"id":"service:xx:1","type":"service","sid":"xx:1","state":"started"}]}"#,
        )
        .with(
            "/cluster/ha/status/manager_status",
            r#"{"data":{"quorum":{"node":"a","quorate":"1"},
            "lrm_status":{"a":{"mode":"active","state":"active","timestamp":1795311397,"results":{}},
                "b":{"mode":"restart","state":"active","timestamp":1795311295},"c":{"mode":"unknown"}},
            "manager_status":{"master_node":"a","timestamp":1795311406,
                "node_status":{"a":"online","b":"fence","c":"unknown"},
                "service_status":{"vm:105":{"node":"b","state":"fence"},
                    "ct:110":{"node":"a","state":"started","failed_nodes":["a","b"]}}}}}"#,
        );
    assert_eq!(
        told(walk::exposed(&HA, answers).await),
        [
            r#"pve_ha_quorate{remote="r"} 1"#,
            r#"pve_ha_master_info{id="node/a",remote="r"} 1"#,
            r#"pve_ha_manager_timestamp_seconds{remote="r"} 1795311406"#,
            r#"pve_ha_armed_state{remote="r",state="armed"} 1"#,
            r#"pve_ha_node_state{id="node/a",remote="r",state="online"} 1"#,
            r#"pve_ha_node_state{id="node/b",remote="r",state="fence"} 1"#,
            r#"pve_ha_node_state{id="node/c",remote="r",state="unknown"} 1"#,
            r#"pve_ha_lrm_timestamp_seconds{id="node/a",remote="r"} 1795311397"#,
            r#"pve_ha_lrm_timestamp_seconds{id="node/b",remote="r"} 1795311295"#,
            r#"pve_ha_lrm_mode{id="node/a",remote="r",mode="active"} 1"#,
            r#"pve_ha_lrm_mode{id="node/b",remote="r",mode="restart"} 1"#,
            r#"pve_ha_lrm_mode{id="node/c",remote="r",mode="unknown"} 1"#,
            r#"pve_ha_lrm_state{id="node/a",remote="r",state="active"} 1"#,
            r#"pve_ha_lrm_state{id="node/b",remote="r",state="active"} 1"#,
            r#"pve_ha_service_info{id="lxc/110",node="a",remote="r",requested_state="started"} 1"#,
            r#"pve_ha_service_info{id="qemu/105",node="b",remote="r",requested_state="started"} 1"#,
            r#"pve_ha_service_state{id="lxc/110",remote="r",state="starting"} 1"#,
            r#"pve_ha_service_state{id="qemu/105",remote="r",state="fence"} 1"#,
            r#"pve_ha_service_failed_nodes{id="lxc/110",remote="r"} 2"#,
            r#"pve_ha_service_failed_nodes{id="qemu/105",remote="r"} 0"#,
        ]
    );
}

#[tokio::test]
async fn the_words_of_a_state_stand_beside_the_others() {
    let answers = cluster().with(
        "/cluster/ha/status/current",
        r#"{"data":[{"type":"fencing","armed-state":"disarmed","resource_mode":"freeze"}]}"#,
    );
    assert_eq!(
        walk::exposed(&HA, answers).await,
        [
            r#"pve_ha_armed_state{remote="r",state="armed"} 0"#,
            r#"pve_ha_armed_state{remote="r",state="standby"} 0"#,
            r#"pve_ha_armed_state{remote="r",state="disarming"} 0"#,
            r#"pve_ha_armed_state{remote="r",state="disarmed"} 1"#,
        ]
    );
}

#[tokio::test]
async fn a_guest_has_one_sample_of_the_state_that_it_is_in() {
    let answers = cluster().with(
        "/cluster/ha/status/current",
        r#"{"data":[{"type":"service","sid":"vm:1","state":"recovery","node":"a"},
            {"type":"service","sid":"vm:2","state":"newer","node":"a"}]}"#,
    );
    let lines = walk::exposed(&HA, answers).await;
    let states: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("pve_ha_service_state"))
        .collect();
    assert_eq!(
        states,
        [
            r#"pve_ha_service_state{id="qemu/1",remote="r",state="recovery"} 1"#,
            r#"pve_ha_service_state{id="qemu/2",remote="r",state="newer"} 1"#,
        ]
    );
}

#[tokio::test]
async fn without_the_managers_status_the_rest_is_told() {
    let answers = cluster()
        .with(
            "/cluster/ha/status/current",
            r#"{"data":[{"type":"quorum","quorate":0},{"type":"lrm","node":"a","timestamp":"7"},
            {"type":"service","sid":"vm:1","crm_state":"freeze","node":"a"}]}"#,
        )
        .with_status("/cluster/ha/status/manager_status", 500, "broken");
    assert_eq!(
        told(walk::exposed(&HA, answers).await),
        [
            r#"pve_ha_quorate{remote="r"} 0"#,
            r#"pve_ha_lrm_timestamp_seconds{id="node/a",remote="r"} 7"#,
            r#"pve_ha_service_info{id="qemu/1",node="a",remote="r",requested_state=""} 1"#,
            r#"pve_ha_service_state{id="qemu/1",remote="r",state="freeze"} 1"#,
        ]
    );
}

#[tokio::test]
async fn where_it_was_never_used_there_is_only_the_quorum() {
    let answers = cluster()
        .with(
            "/cluster/ha/status/current",
            r#"{"data":[{"type":"quorum","id":"quorum","node":"a","quorate":1,"status":"OK"}]}"#,
        )
        .with(
            "/cluster/ha/status/manager_status",
            r#"{"data":{"quorum":{"node":"a","quorate":"1"},"manager_status":{"node_status":{}}}}"#,
        );
    assert_eq!(
        walk::exposed(&HA, answers).await,
        [r#"pve_ha_quorate{remote="r"} 1"#]
    );
}

#[tokio::test]
async fn what_has_no_state_has_no_sample_of_one() {
    let answers = cluster()
        .with(
            "/cluster/ha/status/current",
            r#"{"data":[{"type":"service","sid":"vm:1"}]}"#,
        )
        .with(
            "/cluster/ha/status/manager_status",
            r#"{"data":{"lrm_status":{"a":{"mode":null},"b":{}},
            "manager_status":{"node_status":{"a":"","b":null}}}}"#,
        );
    assert_eq!(
        walk::exposed(&HA, answers).await,
        [r#"pve_ha_service_info{id="qemu/1",node="",remote="r",requested_state=""} 1"#]
    );
}
