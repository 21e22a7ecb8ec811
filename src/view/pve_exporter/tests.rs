//! Answers in, exposition out.

use std::sync::Arc;

use super::*;
use crate::collect::walk;
use crate::config::Product;
use crate::metric::block::Block;
use crate::remote::table::AnswerTable;
use crate::source::Item;
use crate::source::Session;
use crate::source::pve::resources::{Picture, RESOURCES};

const STATUS: &str = r#"{"data":[
    {"id":"cluster","type":"cluster","name":"c","nodes":2,"quorate":1,"version":7},
    {"id":"node/a","type":"node","name":"a","nodeid":1,"level":"c","ip":"192.0.2.1","local":1,"online":1},
    {"id":"node/b","type":"node","name":"b","nodeid":2,"level":"","ip":"192.0.2.2","local":0,"online":0}]}"#;
const ALONE: &str = r#"{"data":[
    {"id":"node/a","type":"node","name":"a","nodeid":0,"level":"","ip":"192.0.2.1","local":1,"online":1}]}"#;

fn answers(status: &str, rows: &str) -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_700_000_000)
        .with("/cluster/status", status)
        .with("/cluster/resources", format!("{{\"data\":[{rows}]}}"))
}

fn lines_of(inputs: &Inputs<'_>, wanted: &Wanted, settings: &DropIn) -> Vec<String> {
    let block = Block::from_lines(collect(inputs, wanted, settings));
    block
        .parts()
        .flat_map(|(_, lines)| std::str::from_utf8(lines).unwrap().lines())
        .map(str::to_owned)
        .collect()
}

const CLUSTER: Wanted = Wanted {
    cluster: true,
    nodes: None,
};

fn of_nodes(nodes: Nodes) -> Wanted {
    Wanted {
        cluster: false,
        nodes: Some(nodes),
    }
}

async fn exposed(answers: AnswerTable, wanted: &Wanted) -> Vec<String> {
    let session = Session::new(answers, Product::Pve);
    let inputs = walk::inputs(&session, "r").await;
    lines_of(&inputs, wanted, &DropIn::default())
}

/// The lines that start so.
fn starting<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    let lines = lines.iter().map(String::as_str);
    lines.filter(|line| line.starts_with(start)).collect()
}

/// The states that are 1, of those of one family.
fn current<'a>(lines: &'a [String], family: &str) -> Vec<&'a str> {
    let of_family = starting(lines, family).into_iter();
    of_family.filter(|line| line.ends_with(" 1")).collect()
}

#[tokio::test]
async fn a_row_has_the_families_of_its_fields() {
    let rows = r#"
        {"type":"node","id":"node/a","node":"a","status":"online","hastate":"online","cpu":0.5,"maxcpu":4,
         "mem":1,"maxmem":2,"disk":3,"maxdisk":4,"uptime":5},
        {"type":"node","id":"node/b","node":"b","status":"offline","hastate":"unknown","maxcpu":4,"maxmem":2,"maxdisk":4},
        {"type":"lxc","id":"lxc/101","vmid":101,"node":"a","name":"x","status":"stopped","template":0,"uptime":0,"netout":9},
        {"type":"storage","id":"storage/a/s","node":"a","storage":"s","status":"available","shared":1,
         "plugintype":"nfs","content":"iso,backup","disk":1,"maxdisk":2},
        {"type":"storage","id":"storage/b/s","node":"b","storage":"s","status":"unknown","shared":1,
         "plugintype":"nfs","content":"backup,iso"},
        {"type":"pool","id":"/pool/p/q","pool":"p/q","uptime":8,"cpu":0.1,"maxcpu":1,"mem":1,"maxmem":2},
        {"type":"pool","id":"/pool/empty","pool":"empty"},
        {"type":"network","id":"network/a/zone/z","node":"a","network":"z","network-type":"zone","status":"ok"}"#;
    let lines = exposed(answers(STATUS, rows), &CLUSTER).await;
    assert_eq!(
        starting(&lines, "pve_up{"),
        [
            r#"pve_up{id="node/a"} 1"#,
            r#"pve_up{id="node/b"} 0"#,
            r#"pve_up{id="cluster/c"} 1"#,
            r#"pve_up{id="lxc/101"} 0"#,
            r#"pve_up{id="storage/a/s"} 1"#,
            r#"pve_up{id="storage/b/s"} 0"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_uptime_seconds{"),
        [
            r#"pve_uptime_seconds{id="node/a"} 5"#,
            r#"pve_uptime_seconds{id="lxc/101"} 0"#,
            r#"pve_uptime_seconds{id="/pool/p/q"} 8"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_disk_size_bytes{"),
        [
            r#"pve_disk_size_bytes{id="node/a"} 4"#,
            r#"pve_disk_size_bytes{id="node/b"} 4"#,
            r#"pve_disk_size_bytes{id="storage/a/s"} 2"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_network_"),
        [
            r#"pve_network_transmit_bytes{id="lxc/101"} 9"#,
            r#"pve_network_transmit_bytes_total{id="lxc/101"} 9"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_storage_info"),
        [
            r#"pve_storage_info{id="storage/a/s",content="backup,iso",node="a",plugintype="nfs",storage="s"} 1"#,
            r#"pve_storage_info{id="storage/b/s",content="backup,iso",node="b",plugintype="nfs",storage="s"} 1"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_node_info"),
        [
            r#"pve_node_info{id="node/a",level="c",name="a",nodeid="1"} 1"#,
            r#"pve_node_info{id="node/b",level="",name="b",nodeid="2"} 1"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_cluster_info"),
        [r#"pve_cluster_info{id="cluster/c",nodes="2",quorate="1",version="7"} 1"#]
    );
    assert_eq!(
        lines.iter().filter(|line| line.contains("empty")).count(),
        0
    );
    assert_eq!(
        lines.iter().filter(|line| line.contains("/zone/")).count(),
        0
    );
}

#[tokio::test]
async fn a_template_is_down_and_says_what_it_is() {
    let rows = r#"
        {"type":"qemu","id":"qemu/100","vmid":100,"node":"a","name":"t","status":"stopped","template":1,"tags":"x;y"},
        {"type":"qemu","id":"qemu/101","vmid":101,"node":"a","name":"p","status":"paused","template":0}"#;
    let lines = exposed(answers(STATUS, rows), &CLUSTER).await;
    assert_eq!(
        starting(&lines, "pve_guest_info"),
        [
            r#"pve_guest_info{id="qemu/100",name="t",node="a",tags="x;y",template="1",type="qemu"} 1"#,
            r#"pve_guest_info{id="qemu/101",name="p",node="a",tags="",template="0",type="qemu"} 1"#,
        ]
    );
    assert_eq!(
        starting(&lines, "pve_up{id=\"qemu"),
        [r#"pve_up{id="qemu/100"} 0"#, r#"pve_up{id="qemu/101"} 0"#]
    );
}

#[tokio::test]
async fn each_state_has_a_sample_and_another_state_is_none() {
    let rows = r#"
        {"type":"node","id":"node/a","node":"a","status":"online","hastate":"maintenance"},
        {"type":"qemu","id":"qemu/1","vmid":1,"node":"a","status":"running","hastate":"ignored"},
        {"type":"qemu","id":"qemu/2","vmid":2,"node":"a","status":"running","hastate":"disabled","lock":"imported"},
        {"type":"qemu","id":"qemu/3","vmid":3,"node":"a","status":"running","hastate":"started","lock":"snapshot-delete"},
        {"type":"lxc","id":"lxc/4","vmid":4,"node":"a","status":"running"}"#;
    let lines = exposed(answers(STATUS, rows), &CLUSTER).await;
    assert_eq!(
        current(&lines, "pve_ha_state"),
        [
            r#"pve_ha_state{id="node/a",state="maintenance"} 1"#,
            r#"pve_ha_state{id="qemu/3",state="started"} 1"#,
        ]
    );
    assert_eq!(
        current(&lines, "pve_lock_state"),
        [r#"pve_lock_state{id="qemu/3",state="snapshot-delete"} 1"#]
    );
    for id in ["qemu/1", "qemu/2", "qemu/3", "lxc/4"] {
        let of_guest = |family: &str| starting(&lines, &format!("{family}{{id=\"{id}\"")).len();
        assert_eq!(
            (of_guest("pve_ha_state"), of_guest("pve_lock_state")),
            (11, 9),
            "{id}"
        );
    }
    assert!(
        lines
            .iter()
            .all(|line| !line.contains("ignored") && !line.contains("disabled"))
    );
}

#[tokio::test]
async fn a_guest_of_a_forgotten_node_has_neither_name_nor_template() {
    let rows =
        r#"{"type":"qemu","id":"qemu/100","vmid":100,"node":"b","status":"unknown","tags":"x"}"#;
    let session = Session::new(answers(STATUS, rows), Product::Pve);
    let known = walk::inputs(&session, "r").await;
    let mut picture = Picture::clone(&known.get(&RESOURCES).unwrap());
    // The native view keeps what an older picture told.
    picture.guests[0].name = "web".into();
    picture.guests[0].template = Some(false);
    picture.guests[0].is_remembered = true;
    let mut inputs = Inputs::new("r", session.filter());
    inputs.add(RESOURCES.name, Item::Remote, Arc::new(picture));
    let lines = lines_of(&inputs, &CLUSTER, &DropIn::default());
    assert_eq!(
        starting(&lines, "pve_guest_info"),
        [r#"pve_guest_info{id="qemu/100",name="",node="b",tags="x",template="",type="qemu"} 1"#]
    );
    assert_eq!(
        starting(&lines, "pve_up{id=\"qemu"),
        [r#"pve_up{id="qemu/100"} 0"#]
    );
    assert!(starting(&lines, "pve_memory").is_empty());
}

#[tokio::test]
async fn a_guest_that_no_backup_covers_is_counted_for_the_cluster_or_the_node_alone() {
    let uncovered = r#"{"data":[{"vmid":100,"type":"qemu","name":"a"},{"vmid":101,"type":"lxc"}]}"#;
    for (status, id) in [(STATUS, "cluster/c"), (ALONE, "cluster/a")] {
        let answers = answers(status, "").with("/cluster/backup-info/not-backed-up", uncovered);
        let lines = exposed(answers, &CLUSTER).await;
        assert_eq!(
            starting(&lines, "pve_not_backed_up_"),
            [
                format!("pve_not_backed_up_total{{id=\"{id}\"}} 2").as_str(),
                r#"pve_not_backed_up_info{id="qemu/100"} 1"#,
                r#"pve_not_backed_up_info{id="lxc/101"} 1"#,
            ]
        );
        assert_eq!(
            starting(&lines, "pve_cluster_info").is_empty(),
            status == ALONE
        );
    }
}

fn job(id: &str, source: &str, target: &str, last_try: u64) -> String {
    let vmid = id.split('-').next().unwrap();
    format!(
        r#"{{"id":"{id}","type":"local","guest":{vmid},"vmtype":"qemu","source":"{source}","target":"{target}",
            "last_try":{last_try},"last_sync":{last_try},"next_sync":900,"fail_count":0,"duration":1.5}}"#
    )
}

#[tokio::test]
async fn an_end_point_tells_its_own_node_s_replication_and_a_remote_each_job_once() {
    let both = r#"
        {"type":"node","id":"node/a","node":"a","status":"online"},
        {"type":"node","id":"node/b","node":"b","status":"online"}"#;
    let status = STATUS.replace("\"online\":0", "\"online\":1");
    let list = |jobs: &[String]| format!("{{\"data\":[{}]}}", jobs.join(","));
    let answers = || {
        answers(&status, both)
            .with(
                "/nodes/a/replication",
                list(&[job("100-0", "a", "b", 10), job("101-0", "a", "b", 20)]),
            )
            // 100 has just moved here.
            .with("/nodes/b/replication", list(&[job("100-0", "b", "a", 30)]))
    };
    let told = async |nodes: Nodes| {
        let lines = exposed(answers(), &of_nodes(nodes)).await;
        starting(&lines, "pve_replication_info")
            .into_iter()
            .map(|line| {
                let label = |name: &str| {
                    let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
                    rest.split('"').next().unwrap().to_owned()
                };
                format!("{} {}", label("id"), label("source"))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(Nodes::One("a".into())).await,
        ["100-0 node/a", "101-0 node/a"]
    );
    assert_eq!(told(Nodes::One("b".into())).await, ["100-0 node/b"]);
    assert_eq!(told(Nodes::All).await, ["100-0 node/b", "101-0 node/a"]);

    let lines = exposed(answers(), &of_nodes(Nodes::One("b".into()))).await;
    assert_eq!(
        starting(&lines, "pve_replication_"),
        [
            r#"pve_replication_info{id="100-0",guest="qemu/100",source="node/b",target="node/a",type="local"} 1"#,
            r#"pve_replication_duration_seconds{id="100-0"} 1.5"#,
            r#"pve_replication_last_sync_timestamp_seconds{id="100-0"} 30"#,
            r#"pve_replication_last_try_timestamp_seconds{id="100-0"} 30"#,
            r#"pve_replication_next_sync_timestamp_seconds{id="100-0"} 900"#,
            r#"pve_replication_failed_syncs{id="100-0"} 0"#,
        ]
    );
}

#[tokio::test]
async fn a_subscription_has_every_status_and_a_level_that_may_be_unknown() {
    let row = r#"{"type":"node","id":"node/a","node":"a","status":"online"}"#;
    let active = r#"{"data":{"status":"active","level":"c","nextduedate":"2027-01-31"}}"#;
    let none = r#"{"data":{"status":"notfound","message":"There is no subscription key"}}"#;
    for (answer, level, status, due) in [
        (active, "c", "active", Some("1801353600")),
        (none, "unknown", "notfound", None),
    ] {
        let answers = answers(ALONE, row).with("/nodes/a/subscription", answer);
        let lines = exposed(answers, &of_nodes(Nodes::All)).await;
        assert_eq!(
            starting(&lines, "pve_subscription_info"),
            [format!(
                "pve_subscription_info{{id=\"node/a\",level=\"{level}\"}} 1"
            )]
        );
        assert_eq!(starting(&lines, "pve_subscription_status").len(), 6);
        assert_eq!(
            current(&lines, "pve_subscription_status"),
            [format!(
                "pve_subscription_status{{id=\"node/a\",status=\"{status}\"}} 1"
            )]
        );
        let expected: Vec<String> = due
            .map(|due| {
                format!("pve_subscription_next_due_timestamp_seconds{{id=\"node/a\"}} {due}")
            })
            .into_iter()
            .collect();
        assert_eq!(starting(&lines, "pve_subscription_next_due"), expected);
    }
}

#[tokio::test]
async fn a_guest_tells_whether_it_is_started_with_its_node_where_that_is_set() {
    let rows = r#"
        {"type":"node","id":"node/a","node":"a","status":"online"},
        {"type":"lxc","id":"lxc/1","vmid":1,"node":"a","status":"running"},
        {"type":"lxc","id":"lxc/2","vmid":2,"node":"a","status":"running"},
        {"type":"lxc","id":"lxc/3","vmid":3,"node":"a","status":"running"}"#;
    let config = |entry: &str| format!("{{\"data\":[{entry}]}}");
    let answers = answers(ALONE, rows)
        .with(
            "/nodes/a/lxc/1/pending",
            config(r#"{"key":"onboot","value":1}"#),
        )
        .with(
            "/nodes/a/lxc/2/pending",
            config(r#"{"key":"onboot","value":0}"#),
        )
        .with(
            "/nodes/a/lxc/3/pending",
            config(r#"{"key":"hostname","value":"x"}"#),
        );
    let lines = exposed(answers, &of_nodes(Nodes::All)).await;
    assert_eq!(
        starting(&lines, "pve_onboot_status"),
        [
            r#"pve_onboot_status{id="lxc/1",node="a",type="lxc"} 1"#,
            r#"pve_onboot_status{id="lxc/2",node="a",type="lxc"} 0"#,
        ]
    );
}

#[tokio::test]
async fn a_node_that_is_down_tells_nothing_of_its_guests_configuration() {
    let rows = r#"
        {"type":"node","id":"node/a","node":"a","status":"online"},
        {"type":"node","id":"node/b","node":"b","status":"offline"},
        {"type":"lxc","id":"lxc/1","vmid":1,"node":"a","status":"running"},
        {"type":"lxc","id":"lxc/2","vmid":2,"node":"b","status":"running"}"#;
    let config = r#"{"data":[{"key":"onboot","value":1}]}"#;
    let answers = answers(STATUS, rows)
        .with("/nodes/a/lxc/1/pending", config)
        // It was asked while its node was there.
        .with("/nodes/b/lxc/2/pending", config);
    let lines = exposed(answers, &of_nodes(Nodes::All)).await;
    assert_eq!(
        starting(&lines, "pve_onboot_status"),
        [r#"pve_onboot_status{id="lxc/1",node="a",type="lxc"} 1"#]
    );
}
