use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

fn answers() -> AnswerTable {
    AnswerTable::new(Product::Pbs, 1_800_000_000).with("/admin/datastore", r#"{"data":[]}"#)
}

const LIST: &str = "/nodes/localhost/disks/list?skipsmart=1";

#[tokio::test]
async fn each_disk_has_its_size_and_what_it_is() {
    let answers = answers().with(
        LIST,
        r#"{"data":[{"devpath":"/dev/vda","disk-type":"hdd","gpt":false,"model":null,"name":"vda",
            "partitions":null,"rpm":null,"serial":null,"size":2748,"status":"unknown",
            "used":"mounted","vendor":"0x1af4","wearout":null,"wwn":null}]}"#,
    );
    assert_eq!(
        walk::exposed(&DISK, answers).await,
        [
            r#"pbs_physical_disk_size_bytes{device="vda",remote="r"} 2748"#,
            r#"pbs_physical_disk_info{device="vda",model="",remote="r",serial="",type="hdd",used="mounted",vendor="0x1af4"} 1"#,
        ]
    );
}

#[tokio::test]
async fn a_disk_without_smart_says_nothing_and_hides_no_other() {
    let answers = answers()
        .with(
            LIST,
            r#"{"data":[{"name":"sda","disk-type":"ssd"},{"name":"sdb","disk-type":"ssd"}]}"#,
        )
        .with_status(
            "/nodes/localhost/disks/smart?disk=sda",
            400,
            r#"command "smartctl" "-H" "-A" "-j" "/dev/sda" failed - status code: 1 - no error message"#,
        )
        .with(
            "/nodes/localhost/disks/smart?disk=sdb",
            r#"{"data":{"status":"passed","wearout":99.0,"attributes":[]}}"#,
        );
    assert_eq!(
        walk::exposed(&DISK_HEALTH, answers).await,
        [
            r#"pbs_physical_disk_healthy{device="sdb",remote="r"} 1"#,
            r#"pbs_physical_disk_wearout_ratio{device="sdb",remote="r"} 0.01"#,
        ]
    );
}

#[tokio::test]
async fn a_server_that_cannot_list_its_disks_has_none() {
    let failed = answers().with_status(
        LIST,
        400,
        r#"failed to execute "pvs" "--readonly" - No such file or directory (os error 2)"#,
    );
    assert!(walk::exposed(&DISK, failed).await.is_empty());
}
