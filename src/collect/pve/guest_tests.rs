//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

/// Node `a` with the guests 100, 101 and 110, node `b` that is online as well.
fn cluster() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_700_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[
                {"type":"node","node":"a","status":"online"},
                {"type":"node","node":"b","status":"online"},
                {"type":"qemu","vmid":100,"node":"a","status":"running","name":"web"},
                {"type":"qemu","vmid":101,"node":"a","status":"paused","name":"p"},
                {"type":"lxc","vmid":110,"node":"a","status":"running","name":"ct"},
                {"type":"lxc","vmid":111,"node":"a","status":"running","name":"sick"},
                {"type":"lxc","vmid":112,"node":"a","status":"stopped","name":"off"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"node","name":"a","online":1},{"type":"node","name":"b","online":1}]}"#,
        )
}

const VIRTUAL_MACHINES: &str = r#"{"data":[
    {"vmid":100,"status":"running","qmpstatus":"running","name":"web","cpu":0.6,"mem":4,"maxmem":8,
     "memhost":5,"freemem":3,"balloon":7,"running-qemu":"10.1.2","running-machine":"pc-i440fx-10.1+pve0",
     "pressurecpusome":12.5,"pressurecpufull":10,"pressureiosome":0,"pressureiofull":0,
     "pressurememorysome":0,"pressurememoryfull":0,"nics":{"tap100i0":{"netin":1,"netout":2}},
     "blockstat":{
        "scsi0":{"rd_bytes":1024,"wr_bytes":2048,"rd_operations":10,"wr_operations":20,
            "flush_operations":5,"failed_rd_operations":1,"failed_wr_operations":2,
            "failed_flush_operations":0,"rd_total_time_ns":1500000000,"wr_total_time_ns":250000000,
            "flush_total_time_ns":0,"idle_time_ns":9,"account_failed":true,"timed_stats":[]},
        "ide2":{"rd_bytes":0,"wr_bytes":0,"rd_operations":0,"wr_operations":0,"flush_operations":0},
        "scsi0-fleecing":{"rd_operations":9}}},
    {"vmid":101,"status":"running","qmpstatus":"io-error"},
    {"vmid":102,"status":"stopped","qmpstatus":"stopped","memhost":0}]}"#;

const CONTAINERS: &str = r#"{"data":[
    {"vmid":110,"status":"running","type":"lxc","swap":4,"maxswap":16,"cpu":-5e-06,
     "pressurecpusome":"0.50","pressurecpufull":"0.00","pressureiosome":"2.50","pressureiofull":"1.00",
     "pressurememorysome":"0.00","pressurememoryfull":"0.00"},
    {"vmid":112,"status":"stopped","type":"lxc","swap":0,"maxswap":16}]}"#;

const NETSTAT: &str = r#"{"data":[
    {"vmid":"100","dev":"net0","in":"195232","out":"194732"},
    {"vmid":"110","dev":"net0","in":"0","out":"7"},
    {"vmid":"999","dev":"net0","in":"1","out":"1"}]}"#;

/// Whether a path on node `a` is a use of a call, for any guest.
fn is_call(path: &str, call: &crate::source::ApiCall) -> bool {
    let plain = path.split('?').next().unwrap();
    let template = call.path.replace("{node}", "a");
    match template.split_once("{vmid}") {
        None => plain == template,
        Some((start, end)) => plain.starts_with(start) && plain.ends_with(end),
    }
}

async fn exposed(answers: AnswerTable) -> Vec<String> {
    walk::exposed(&GUEST, answers).await
}

fn of(lines: &[String], id: &str) -> Vec<String> {
    let id = format!("id=\"{id}\"");
    let mut lines: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(&id))
        .cloned()
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_virtual_machine_tells_its_memory_pressure_disks_and_interfaces() {
    let lines = exposed(
        cluster()
            .with("/nodes/a/qemu?full=1", VIRTUAL_MACHINES)
            .with("/nodes/a/lxc", CONTAINERS)
            .with("/nodes/a/netstat", NETSTAT),
    )
    .await;
    assert_eq!(
        of(&lines, "qemu/100"),
        [
            r#"pve_guest_balloon_bytes{id="qemu/100",remote="r"} 7"#,
            r#"pve_guest_block_failed_operations_total{device="scsi0",id="qemu/100",remote="r"} 3"#,
            r#"pve_guest_block_read_bytes_total{device="scsi0",id="qemu/100",remote="r"} 1024"#,
            r#"pve_guest_block_read_operations_total{device="scsi0",id="qemu/100",remote="r"} 10"#,
            r#"pve_guest_block_read_time_seconds_total{device="scsi0",id="qemu/100",remote="r"} 1.5"#,
            r#"pve_guest_block_write_operations_total{device="scsi0",id="qemu/100",remote="r"} 20"#,
            r#"pve_guest_block_write_time_seconds_total{device="scsi0",id="qemu/100",remote="r"} 0.25"#,
            r#"pve_guest_block_written_bytes_total{device="scsi0",id="qemu/100",remote="r"} 2048"#,
            r#"pve_guest_memory_free_bytes{id="qemu/100",remote="r"} 3"#,
            r#"pve_guest_memory_host_bytes{id="qemu/100",remote="r"} 5"#,
            r#"pve_guest_nic_receive_bytes_total{id="qemu/100",interface="net0",remote="r"} 195232"#,
            r#"pve_guest_nic_transmit_bytes_total{id="qemu/100",interface="net0",remote="r"} 194732"#,
            r#"pve_guest_paused{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_pressure_cpu_full_ratio{id="qemu/100",remote="r"} 0.1"#,
            r#"pve_guest_pressure_cpu_some_ratio{id="qemu/100",remote="r"} 0.125"#,
            r#"pve_guest_pressure_io_full_ratio{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_pressure_io_some_ratio{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_pressure_memory_full_ratio{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_pressure_memory_some_ratio{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_qemu_info{id="qemu/100",machine="pc-i440fx-10.1+pve0",remote="r",version="10.1.2"} 1"#,
        ]
    );
    assert!(of(&lines, "qemu/102").is_empty(), "it is stopped");
    assert!(of(&lines, "lxc/112").is_empty(), "it is stopped");
    assert!(!lines.iter().any(|line| line.contains("999")));
}

#[tokio::test]
async fn a_container_tells_its_swap_and_its_pressure_that_comes_as_strings() {
    let lines = exposed(
        cluster()
            .with("/nodes/a/qemu", VIRTUAL_MACHINES)
            .with("/nodes/a/lxc", CONTAINERS)
            .with("/nodes/a/netstat", NETSTAT),
    )
    .await;
    assert_eq!(
        of(&lines, "lxc/110"),
        [
            r#"pve_guest_nic_receive_bytes_total{id="lxc/110",interface="net0",remote="r"} 0"#,
            r#"pve_guest_nic_transmit_bytes_total{id="lxc/110",interface="net0",remote="r"} 7"#,
            r#"pve_guest_pressure_cpu_full_ratio{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_pressure_cpu_some_ratio{id="lxc/110",remote="r"} 0.005"#,
            r#"pve_guest_pressure_io_full_ratio{id="lxc/110",remote="r"} 0.01"#,
            r#"pve_guest_pressure_io_some_ratio{id="lxc/110",remote="r"} 0.025"#,
            r#"pve_guest_pressure_memory_full_ratio{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_pressure_memory_some_ratio{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_swap_size_bytes{id="lxc/110",remote="r"} 16"#,
            r#"pve_guest_swap_usage_bytes{id="lxc/110",remote="r"} 4"#,
        ]
    );
}

#[tokio::test]
async fn a_paused_virtual_machine_says_why() {
    let lines = exposed(cluster().with("/nodes/a/qemu", VIRTUAL_MACHINES)).await;
    let states: Vec<String> = of(&lines, "qemu/101")
        .into_iter()
        .filter(|line| line.ends_with(" 1"))
        .collect();
    assert_eq!(
        states,
        [
            r#"pve_guest_paused{id="qemu/101",remote="r"} 1"#,
            r#"pve_guest_qmp_state{id="qemu/101",remote="r",state="io-error"} 1"#,
        ]
    );
    assert!(
        !of(&lines, "qemu/100")
            .iter()
            .any(|line| line.starts_with("pve_guest_qmp_state"))
    );
}

#[tokio::test]
async fn one_sick_container_hides_no_other() {
    let sick = "short read on command socket (16 != 0)";
    let lines = exposed(
        cluster()
            .with_status("/nodes/a/lxc", 500, sick)
            .with_status("/nodes/a/lxc/111/status/current", 500, sick)
            .with(
                "/nodes/a/lxc/110/status/current",
                r#"{"data":{"vmid":110,"status":"running","swap":4,"ha":{"managed":0}}}"#,
            ),
    )
    .await;
    assert_eq!(
        lines,
        [r#"pve_guest_swap_usage_bytes{id="lxc/110",remote="r"} 4"#]
    );
}

#[tokio::test]
async fn a_guest_that_moved_is_told_by_its_node_alone() {
    let lines = exposed(cluster().with("/nodes/a/lxc", CONTAINERS).with(
        "/nodes/b/lxc",
        CONTAINERS.replace("\"swap\":4", "\"swap\":5"),
    ))
    .await;
    let swap: Vec<_> = of(&lines, "lxc/110")
        .into_iter()
        .filter(|line| line.starts_with("pve_guest_swap_usage"))
        .collect();
    assert_eq!(
        swap,
        [r#"pve_guest_swap_usage_bytes{id="lxc/110",remote="r"} 4"#]
    );
}

#[tokio::test]
async fn an_older_version_has_neither_pressure_nor_host_memory() {
    let lines = exposed(cluster().with(
        "/nodes/a/qemu",
        r#"{"data":[{"vmid":"100","status":"running","qmpstatus":"running","balloon":"7","blockstat":null}]}"#,
    ))
    .await;
    assert_eq!(
        lines,
        [
            r#"pve_guest_paused{id="qemu/100",remote="r"} 0"#,
            r#"pve_guest_balloon_bytes{id="qemu/100",remote="r"} 7"#,
        ]
    );
}

#[tokio::test]
async fn a_node_costs_three_calls_whatever_its_guests() {
    let answers = cluster()
        .with("/nodes/a/qemu?full=1", VIRTUAL_MACHINES)
        .with("/nodes/a/lxc", CONTAINERS)
        .with("/nodes/a/netstat", NETSTAT);
    let asked = answers.asked();
    exposed(answers).await;
    let mut asked = asked.lock().unwrap().clone();
    asked.retain(|path| guests::GUESTS.calls.iter().any(|call| is_call(path, call)));
    assert_eq!(
        asked,
        ["/nodes/a/qemu?full=1", "/nodes/a/lxc", "/nodes/a/netstat"]
    );
}
