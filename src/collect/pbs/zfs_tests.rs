use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

fn answers() -> AnswerTable {
    AnswerTable::new(Product::Pbs, 1_800_000_000).with("/admin/datastore", r#"{"data":[]}"#)
}

#[tokio::test]
async fn a_pool_has_its_state_its_scrub_and_its_devices() {
    let answers = answers()
        .with(
            "/nodes/localhost/disks/zfs",
            r#"{"data":[{"name":"rpool","health":"ONLINE","size":400,"alloc":100,"free":300,"frag":1,"dedup":1.0}]}"#,
        )
        .with(
            "/nodes/localhost/disks/zfs/rpool",
            r#"{"data":{"pool":"rpool","state":"ONLINE","errors":"No known data errors",
                "scan":"scrub repaired 0B in 00:00:05 with 0 errors on Sun Nov  8 02:00:00 2026",
                "name":"","leaf":false,"children":[{"name":"rpool","lvl":0,"state":"ONLINE","read":0,
                "write":0,"cksum":0,"leaf":false,"children":[{"name":"sda3","lvl":1,"state":"ONLINE",
                "read":1,"write":0,"cksum":0,"leaf":true}]}]}}"#,
        )
        .with(
            "/nodes/localhost/time",
            r#"{"data":{"time":1794000000,"localtime":1794000000,"timezone":"UTC"}}"#,
        );
    let lines = walk::exposed(&ZFS, answers).await;
    for line in [
        r#"pbs_zfs_pool_state{pool="rpool",remote="r",state="online"} 1"#,
        r#"pbs_zfs_pool_size_bytes{pool="rpool",remote="r"} 400"#,
        r#"pbs_zfs_pool_fragmentation_ratio{pool="rpool",remote="r"} 0.01"#,
        r#"pbs_zfs_pool_damaged{pool="rpool",remote="r"} 0"#,
        r#"pbs_zfs_pool_scrub_timestamp_seconds{pool="rpool",remote="r"} 1794103200"#,
        r#"pbs_zfs_pool_scrub_errors{pool="rpool",remote="r"} 0"#,
        r#"pbs_zfs_pool_device_online{device="sda3",pool="rpool",remote="r"} 1"#,
        r#"pbs_zfs_pool_device_errors_total{device="sda3",pool="rpool",remote="r",type="read"} 1"#,
    ] {
        assert!(
            lines.contains(&line.to_owned()),
            "{line} is not in {lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_server_without_zfs_has_no_pools() {
    let answers = answers().with_status(
        "/nodes/localhost/disks/zfs",
        400,
        r#"command "zpool" "list" "-H" "-p" "-P" failed - status code: 1 - The ZFS modules are not loaded."#,
    );
    assert!(walk::exposed(&ZFS, answers).await.is_empty());
}
