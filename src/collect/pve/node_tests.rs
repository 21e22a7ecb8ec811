//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const DATE: i64 = 1_700_000_100;

const STATUS: &str = r#"{"data":{"pveversion":"pve-manager/9.1.8/x","uptime":77,"cpu":0,"wait":0.1,
    "loadavg":["1.79","2.04","3.09"],"ksm":{"shared":4096},
    "rootfs":{"total":100,"avail":60,"free":70,"used":30},
    "memory":{"total":1000,"used":400,"free":"100","available":600},
    "current-kernel":{"machine":"x86_64","release":"6.17.2-1-pve","sysname":"Linux","version":"1 SMP"},
    "kversion":"Linux 6.17.2-1-pve","boot-info":{"mode":"efi","secureboot":1},
    "cpuinfo":{"model":"EPYC \"7\"","vendor":"AuthenticAMD","sockets":2,"cores":16,"cpus":32,"mhz":"2249.998","hvm":""}}}"#;

const RRD: &str = r#"{"data":[
    {"time":1700000000,"pressurecpusome":9,"pressureiosome":9,"iowait":0.1},
    {"time":1700000060,"cpu":0.5,"iowait":0.1,"pressurecpusome":25,"pressureiosome":2.5,"pressureiofull":0.5,
     "pressurememorysome":0,"pressurememoryfull":0,"arcsize":8192,"memavailable":600},
    {"time":1700000120}]}"#;

/// A cluster of node `a` that is online and node `b` that is not.
fn cluster() -> AnswerTable {
    AnswerTable::new(Product::Pve, DATE)
        .with("/version", r#"{"data":{"version":"9.1.8"}}"#)
        .with(
            "/cluster/resources",
            r#"{"data":[{"type":"node","node":"a","status":"online"},
                {"type":"node","node":"b","status":"offline"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"node","name":"a","online":1},{"type":"node","name":"b","online":0}]}"#,
        )
}

async fn exposed(answers: AnswerTable) -> Vec<String> {
    walk::exposed(&NODE, answers).await
}

#[tokio::test]
async fn a_node_tells_its_hardware_and_its_averages() {
    let lines = exposed(
        cluster()
            .with("/nodes/a/status", STATUS)
            .with("/nodes/a/rrddata?timeframe=hour", RRD),
    )
    .await;
    assert_eq!(
        lines,
        [
            r#"pve_node_rootfs_available_bytes{id="node/a",remote="r"} 60"#,
            r#"pve_node_memory_available_bytes{id="node/a",remote="r"} 600"#,
            r#"pve_node_memory_free_bytes{id="node/a",remote="r"} 100"#,
            r#"pve_node_ksm_shared_bytes{id="node/a",remote="r"} 4096"#,
            r#"pve_node_cpu_sockets{id="node/a",remote="r"} 2"#,
            r#"pve_node_cpu_cores{id="node/a",remote="r"} 16"#,
            r#"pve_node_secure_boot{id="node/a",remote="r"} 1"#,
            r#"pve_node_cpu_info{id="node/a",model="EPYC \"7\"",remote="r",vendor="AuthenticAMD"} 1"#,
            r#"pve_node_kernel_info{id="node/a",machine="x86_64",newest_installed="",release="6.17.2-1-pve",remote="r"} 1"#,
            r#"pve_node_boot_info{id="node/a",mode="efi",remote="r"} 1"#,
            r#"pve_node_pressure_cpu_some_ratio{id="node/a",remote="r"} 0.25"#,
            r#"pve_node_pressure_io_some_ratio{id="node/a",remote="r"} 0.025"#,
            r#"pve_node_pressure_io_full_ratio{id="node/a",remote="r"} 0.005"#,
            r#"pve_node_pressure_memory_some_ratio{id="node/a",remote="r"} 0"#,
            r#"pve_node_pressure_memory_full_ratio{id="node/a",remote="r"} 0"#,
            r#"pve_node_zfs_arc_size_bytes{id="node/a",remote="r"} 8192"#,
        ]
    );
}

#[tokio::test]
async fn averages_of_a_dead_status_daemon_are_not_told() {
    let old = RRD
        .replace("17000000", "16999990")
        .replace("17000001", "16999991");
    let lines = exposed(cluster().with("/nodes/a/rrddata", old)).await;
    assert!(lines.is_empty(), "{lines:?}");
}

#[tokio::test]
async fn an_older_version_is_not_asked_for_averages_and_has_no_available_memory() {
    let lines = exposed(
        cluster()
            .with("/version", r#"{"data":{"version":"8.4.1"}}"#)
            .with("/nodes/a/rrddata", RRD)
            .with(
                "/nodes/a/status",
                r#"{"data":{"memory":{"total":9,"used":4,"free":5},"boot-info":{"mode":"legacy-bios"}}}"#,
            ),
    )
    .await;
    assert_eq!(
        lines,
        [
            r#"pve_node_memory_free_bytes{id="node/a",remote="r"} 5"#,
            r#"pve_node_boot_info{id="node/a",mode="legacy-bios",remote="r"} 1"#,
        ]
    );
}

#[tokio::test]
async fn a_node_without_zfs_has_no_cache_and_one_failing_call_hides_nothing_of_the_other() {
    let lines = exposed(
        cluster()
            .with_status("/nodes/a/status", 500, "some error")
            .with(
                "/nodes/a/rrddata",
                r#"{"data":[{"time":1700000060,"arcsize":0,"pressurecpusome":"-1","pressureiosome":"12.5"}]}"#,
            ),
    )
    .await;
    assert_eq!(
        lines,
        [r#"pve_node_pressure_io_some_ratio{id="node/a",remote="r"} 0.125"#]
    );
}

#[tokio::test]
async fn a_newer_kernel_that_is_installed_stands_beside_the_one_that_runs() {
    let answers = AnswerTable::new(Product::Pve, 1)
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
        )
        .with(
            "/cluster/resources",
            r#"{"data":[{"type":"node","node":"a","status":"online","uptime":7}]}"#,
        )
        .with(
            "/nodes/a/status",
            r#"{"data":{"current-kernel":{"machine":"x86_64","release":"6.8.9-4-pve"}}}"#,
        )
        .with(
            "/nodes/a/apt/versions",
            r#"{"data":[{"Package":"proxmox-kernel-6.8.12-4-pve-signed","CurrentState":"Installed"}]}"#,
        );
    let lines = walk::exposed(&NODE, answers).await;
    let expected = r#"pve_node_kernel_info{id="node/a",machine="x86_64",newest_installed="6.8.12-4-pve",release="6.8.9-4-pve",remote="r"} 1"#;
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
}
