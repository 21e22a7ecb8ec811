//! Answers in, exposition out.

use std::sync::Arc;

use super::*;
use crate::config::GuestFilter;
use crate::metric::block::Block;
use crate::source::Item;
use crate::source::pve::export::NodePoints;
use crate::source::pve::resources::parse_picture;

const STATUS: &str = r#"{"data":[{"type":"cluster","name":"lab","quorate":1,"nodes":2,"version":3},
    {"type":"node","name":"a","online":1,"nodeid":1,"level":"","ip":"10.0.0.1"},
    {"type":"node","name":"b","online":0,"nodeid":2,"level":"c"}]}"#;

const RESOURCES: &str = r#"{"data":[
    {"type":"node","node":"a","status":"online","cpu":0.25,"maxcpu":4,"mem":10,"maxmem":20,"disk":1,"maxdisk":2,"uptime":77,"hastate":"online"},
    {"type":"node","node":"b","status":"offline","maxcpu":4,"maxmem":20,"hastate":"fence"},
    {"type":"qemu","vmid":100,"node":"a","name":"we\"b","status":"running","uptime":9,"cpu":0.5,"maxcpu":2,"mem":3,"maxmem":4,"disk":0,"maxdisk":5,"netin":6,"netout":7,"diskread":8,"diskwrite":9,"template":0,"tags":"x;y","pool":"prod","lock":"backup"},
    {"type":"lxc","vmid":101,"node":"b","name":"dead","status":"running","uptime":9,"cpu":0.5,"maxcpu":2,"mem":3,"maxmem":4,"disk":1,"maxdisk":5,"hastate":"started"},
    {"type":"lxc","vmid":102,"node":"a","name":"ct","status":"stopped","disk":3,"maxdisk":5,"template":1},
    {"type":"storage","node":"a","storage":"local","status":"available","shared":0,"disk":1,"maxdisk":2,"content":"iso,backup","plugintype":"dir"},
    {"type":"storage","node":"a","storage":"nas","status":"unknown","shared":1,"content":"iso","plugintype":"nfs"},
    {"type":"storage","node":"b","storage":"local","status":"available","shared":0,"disk":1,"maxdisk":2,"content":"iso","plugintype":"dir"},
    {"type":"pool","pool":"prod","cpu":0.1,"mem":3,"maxmem":4,"maxcpu":2,"uptime":9},
    {"type":"network","network-type":"zone","network":"z","node":"a","status":"available","zone-type":"simple"},
    {"type":"network","network-type":"zone","network":"z","node":"b","status":"available","zone-type":"simple"}]}"#;

fn exposed(export: Option<Export>, filter: &GuestFilter) -> Vec<String> {
    let mut inputs = Inputs::new("r", filter);
    let picture = parse_picture(RESOURCES, STATUS).unwrap();
    inputs.add(source::RESOURCES.name, Item::Remote, Arc::new(picture));
    if let Some(export) = export {
        inputs.add(export::EXPORT.name, Item::Remote, Arc::new(export));
    }
    let block = Block::from_lines(collect(&inputs));
    block
        .parts()
        .flat_map(|(_, lines)| {
            std::str::from_utf8(lines)
                .unwrap()
                .lines()
                .map(str::to_owned)
        })
        .collect()
}

fn all() -> Vec<String> {
    exposed(None, &GuestFilter::default())
}

fn of<'a>(lines: &'a [String], id: &str) -> Vec<&'a str> {
    let id = format!("id=\"{id}\"");
    let not_state = |line: &&str| !line.contains("state=");
    lines
        .iter()
        .map(String::as_str)
        .filter(|line| line.contains(&id))
        .filter(not_state)
        .collect()
}

#[test]
fn a_node_has_the_address_that_its_cluster_knows() {
    let lines = all();
    let addresses: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("pve_node_address_info"))
        .collect();
    assert_eq!(
        addresses,
        [r#"pve_node_address_info{id="node/a",remote="r",address="10.0.0.1"} 1"#]
    );
}

#[test]
fn a_running_guest_has_every_family() {
    let lines = all();
    let mut guest = of(&lines, "qemu/100");
    guest.sort_unstable();
    assert_eq!(
        guest,
        [
            r#"pve_cpu_usage_limit{id="qemu/100",remote="r"} 2"#,
            r#"pve_cpu_usage_ratio{id="qemu/100",remote="r"} 0.5"#,
            r#"pve_disk_read_bytes_total{id="qemu/100",remote="r"} 8"#,
            r#"pve_disk_size_bytes{id="qemu/100",remote="r"} 5"#,
            r#"pve_disk_written_bytes_total{id="qemu/100",remote="r"} 9"#,
            r#"pve_guest_info{id="qemu/100",name="we\"b",node="a",pool="prod",remote="r",tags="x;y",template="0",type="qemu"} 1"#,
            r#"pve_memory_size_bytes{id="qemu/100",remote="r"} 4"#,
            r#"pve_memory_usage_bytes{id="qemu/100",remote="r"} 3"#,
            r#"pve_network_receive_bytes_total{id="qemu/100",remote="r"} 6"#,
            r#"pve_network_transmit_bytes_total{id="qemu/100",remote="r"} 7"#,
            r#"pve_uptime_seconds{id="qemu/100",remote="r"} 9"#,
            r#"pve_up{id="qemu/100",remote="r"} 1"#,
        ]
    );
}

#[test]
fn nothing_runs_on_a_dead_node() {
    let lines = all();
    let mut guest = of(&lines, "lxc/101");
    guest.sort_unstable();
    assert_eq!(
        guest,
        [
            r#"pve_guest_info{id="lxc/101",name="dead",node="b",pool="",remote="r",tags="",template="",type="lxc"} 1"#,
            r#"pve_up{id="lxc/101",remote="r"} 0"#,
        ]
    );
    assert!(
        of(&lines, "storage/b/local").contains(&r#"pve_up{id="storage/b/local",remote="r"} 0"#)
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_disk_size_bytes{id=\"storage/b"))
    );
    assert!(!lines.iter().any(|line| line.contains("network/b/")));
    assert!(of(&lines, "node/b").contains(&r#"pve_up{id="node/b",remote="r"} 0"#));
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_memory_size_bytes{id=\"node/b"))
    );
}

#[test]
fn a_node_whose_status_daemon_is_dead_has_no_live_values() {
    let mut frozen = Export::default();
    frozen.nodes.insert(
        "a".into(),
        NodePoints {
            stale: true,
            ..NodePoints::default()
        },
    );
    let lines = exposed(Some(frozen), &GuestFilter::default());
    assert_eq!(
        of(&lines, "qemu/100"),
        [
            r#"pve_guest_info{id="qemu/100",name="we\"b",node="a",pool="prod",remote="r",tags="x;y",template="0",type="qemu"} 1"#
        ]
    );
    assert!(of(&lines, "node/a").contains(&r#"pve_up{id="node/a",remote="r"} 1"#));
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_cpu_usage_ratio{id=\"node/a"))
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("pve_lock_state{id=\"qemu/100\""))
    );
}

#[test]
fn what_is_not_known_is_absent() {
    let lines = all();
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_disk_usage_bytes{id=\"qemu/"))
    );
    assert!(lines.contains(&r#"pve_disk_usage_bytes{id="lxc/102",remote="r"} 3"#.to_owned()));
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_disk_size_bytes{id=\"storage/a/nas"))
    );
    assert!(lines.contains(&r#"pve_up{id="storage/a/nas",remote="r"} 0"#.to_owned()));
}

#[test]
fn states_stand_only_where_there_is_one() {
    let lines = all();
    let current: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("state=\"") && line.ends_with(" 1"))
        .map(String::as_str)
        .collect();
    assert_eq!(
        current,
        [
            r#"pve_lock_state{id="qemu/100",remote="r",state="backup"} 1"#,
            r#"pve_network_zone_state{id="network/a/zone/z",remote="r",state="available"} 1"#,
            r#"pve_ha_state{id="node/a",remote="r",state="online"} 1"#,
            r#"pve_ha_state{id="node/b",remote="r",state="fence"} 1"#,
            r#"pve_ha_state{id="lxc/101",remote="r",state="started"} 1"#,
        ]
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_ha_state{id=\"qemu/100\""))
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("pve_lock_state{id=\"lxc/"))
    );
}

#[test]
fn the_cluster_is_up_while_it_is_quorate() {
    let lines = all();
    assert!(lines.contains(&r#"pve_up{id="cluster/lab",remote="r"} 1"#.to_owned()));
    assert!(
        lines.contains(
            &r#"pve_cluster_info{id="cluster/lab",nodes="2",quorate="1",remote="r",version="3"} 1"#
                .to_owned()
        )
    );
}
