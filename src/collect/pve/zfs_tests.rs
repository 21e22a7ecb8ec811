use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

fn answers() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_800_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[{"id":"node/pve1","node":"pve1","status":"online","type":"node"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"id":"node/pve1","name":"pve1","online":1,"type":"node"}]}"#,
        )
}

const TANK: &str = r#"{"data":[{"name":"tank","health":"DEGRADED","size":400,"alloc":100,"free":300,"frag":41,"dedup":1.07}]}"#;

const STATUS: &str = r#"{"data":{"name":"tank","leaf":0,"state":"DEGRADED","errors":"No known data errors",
    "scan":"scrub repaired 0B in 00:12:34 with 1 errors on Sun Nov  8 02:00:00 2026",
    "children":[{"name":"tank","leaf":0,"state":"DEGRADED","read":0,"write":0,"cksum":0,"children":[
        {"name":"/dev/disk/by-id/ata-A-part1","leaf":1,"state":"ONLINE","read":0,"write":0,"cksum":2,"msg":""},
        {"name":"1234567890","leaf":1,"state":"UNAVAIL","read":3,"write":1,"cksum":12,"msg":"was /dev/x"}]},
        {"name":"cache","leaf":0,"children":[{"name":"/dev/nvme-D-part1","leaf":1,"state":"ONLINE"}]}]}}"#;

#[tokio::test]
async fn a_pool_has_its_state_its_scrub_and_its_devices() {
    let answers = answers()
        .with("/nodes/pve1/disks/zfs", TANK)
        .with("/nodes/pve1/disks/zfs/tank", STATUS)
        .with(
            "/nodes/pve1/time",
            r#"{"data":{"time":1794000000,"localtime":1794003600,"timezone":"Europe/Vienna"}}"#,
        );
    assert_eq!(
        walk::exposed(&ZFS, answers).await,
        [
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="online"} 0"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="degraded"} 1"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="faulted"} 0"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="offline"} 0"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="removed"} 0"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="unavail"} 0"#,
            r#"pve_zfs_pool_state{id="node/pve1",pool="tank",remote="r",state="suspended"} 0"#,
            r#"pve_zfs_pool_size_bytes{id="node/pve1",pool="tank",remote="r"} 400"#,
            r#"pve_zfs_pool_allocated_bytes{id="node/pve1",pool="tank",remote="r"} 100"#,
            r#"pve_zfs_pool_fragmentation_ratio{id="node/pve1",pool="tank",remote="r"} 0.41"#,
            r#"pve_zfs_pool_damaged{id="node/pve1",pool="tank",remote="r"} 0"#,
            r#"pve_zfs_pool_scrubbing{id="node/pve1",pool="tank",remote="r"} 0"#,
            r#"pve_zfs_pool_resilvering{id="node/pve1",pool="tank",remote="r"} 0"#,
            r#"pve_zfs_pool_scrub_timestamp_seconds{id="node/pve1",pool="tank",remote="r"} 1794099600"#,
            r#"pve_zfs_pool_scrub_errors{id="node/pve1",pool="tank",remote="r"} 1"#,
            r#"pve_zfs_pool_device_online{device="1234567890",id="node/pve1",pool="tank",remote="r"} 0"#,
            r#"pve_zfs_pool_device_online{device="ata-A-part1",id="node/pve1",pool="tank",remote="r"} 1"#,
            r#"pve_zfs_pool_device_online{device="nvme-D-part1",id="node/pve1",pool="tank",remote="r"} 1"#,
            r#"pve_zfs_pool_device_errors_total{device="1234567890",id="node/pve1",pool="tank",remote="r",type="read"} 3"#,
            r#"pve_zfs_pool_device_errors_total{device="1234567890",id="node/pve1",pool="tank",remote="r",type="write"} 1"#,
            r#"pve_zfs_pool_device_errors_total{device="1234567890",id="node/pve1",pool="tank",remote="r",type="checksum"} 12"#,
            r#"pve_zfs_pool_device_errors_total{device="ata-A-part1",id="node/pve1",pool="tank",remote="r",type="read"} 0"#,
            r#"pve_zfs_pool_device_errors_total{device="ata-A-part1",id="node/pve1",pool="tank",remote="r",type="write"} 0"#,
            r#"pve_zfs_pool_device_errors_total{device="ata-A-part1",id="node/pve1",pool="tank",remote="r",type="checksum"} 2"#,
            r#"pve_zfs_pool_device_errors_total{device="tank",id="node/pve1",pool="tank",remote="r",type="read"} 0"#,
            r#"pve_zfs_pool_device_errors_total{device="tank",id="node/pve1",pool="tank",remote="r",type="write"} 0"#,
            r#"pve_zfs_pool_device_errors_total{device="tank",id="node/pve1",pool="tank",remote="r",type="checksum"} 0"#,
        ]
    );
}

#[tokio::test]
async fn without_the_time_zone_nobody_knows_when_the_scrub_was() {
    let answers = answers()
        .with("/nodes/pve1/disks/zfs", TANK)
        .with("/nodes/pve1/disks/zfs/tank", STATUS);
    let lines = walk::exposed(&ZFS, answers).await;
    assert!(lines.iter().any(|line| line.contains("_damaged")));
    assert!(!lines.iter().any(|line| line.contains("_timestamp")));
}

#[tokio::test]
async fn a_pool_whose_status_fails_still_has_its_state() {
    let answers = answers()
        .with(
            "/nodes/pve1/disks/zfs",
            r#"{"data":[{"name":"old","health":"UNAVAIL","size":0,"alloc":0,"frag":0}]}"#,
        )
        .with_status("/nodes/pve1/disks/zfs/old", 500, "got timeout");
    let lines = walk::exposed(&ZFS, answers).await;
    assert_eq!(lines.len(), 7);
    assert!(lines.contains(
        &r#"pve_zfs_pool_state{id="node/pve1",pool="old",remote="r",state="unavail"} 1"#.to_owned()
    ));
}

#[tokio::test]
async fn a_node_without_zfs_has_no_pools() {
    let answers =
        answers().with_status("/nodes/pve1/disks/zfs", 500, "zfsutils-linux not installed");
    assert!(walk::exposed(&ZFS, answers).await.is_empty());
}
