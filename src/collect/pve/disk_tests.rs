use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const LIST: &str = "/nodes/pve1/disks/list?skipsmart=1";

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

#[tokio::test]
async fn each_disk_has_its_size_and_what_it_is() {
    let answers = answers().with(
        LIST,
        r#"{"data":[
        {"devpath":"/dev/sda","type":"hdd","size":4000,"used":"LVM","vendor":"ATA","model":"M \"1\"",
         "serial":"S1","osdid":3,"osdid-list":["3"],"health":"UNKNOWN","wearout":"N/A","rpm":7200},
        {"devpath":"/dev/vda","type":"unknown","size":null,"vendor":"0x1af4","model":"unknown",
         "serial":"unknown","osdid":-1,"osdid-list":null,"rpm":-1}]}"#,
    );
    assert_eq!(
        walk::exposed(&DISK, answers).await,
        [
            r#"pve_physical_disk_size_bytes{device="sda",id="node/pve1",remote="r"} 4000"#,
            r#"pve_physical_disk_info{device="sda",id="node/pve1",model="M \"1\"",osd="3",remote="r",serial="S1",type="hdd",used="LVM",vendor="ATA"} 1"#,
            r#"pve_physical_disk_info{device="vda",id="node/pve1",model="",osd="",remote="r",serial="",type="unknown",used="",vendor="0x1af4"} 1"#,
        ]
    );
}

#[tokio::test]
async fn only_disks_that_do_not_spin_are_asked_for_their_health() {
    let smart = |disk: &str| format!("/nodes/pve1/disks/smart?disk=%2Fdev%2F{disk}");
    let answers = answers()
        .with(
            LIST,
            r#"{"data":[{"devpath":"/dev/sda","type":"hdd"},{"devpath":"/dev/sdb","type":"ssd"},
                {"devpath":"/dev/nvme0n1","type":"nvme"},{"devpath":"/dev/sdc","type":"ssd"}]}"#,
        )
        .with(&smart("sda"), r#"{"data":{"health":"PASSED"}}"#)
        .with(
            &smart("sdb"),
            r#"{"data":{"health":"FAILED!","type":"ata","attributes":[
                {"id":"  5","name":"Reallocated_Sector_Ct","raw":"8","normalized":100},
                {"id":"177","name":"Wear_Leveling_Count","raw":"50","normalized":90},
                {"id":"197","name":"Current_Pending_Sector","raw":"0","normalized":100},
                {"id":"241","name":"Total_LBAs_Written","raw":"2","normalized":99}]}}"#,
        )
        .with(
            &smart("nvme0n1"),
            r#"{"data":{"health":"PASSED","type":"text","wearout":75,"text":"Temperature: 35 Celsius\nAvailable Spare: 90%\nPower On Hours: 2\nMedia and Data Integrity Errors: 0\n"}}"#,
        )
        .with_status(&smart("sdc"), 500, "timeout");
    assert_eq!(
        walk::exposed(&DISK_HEALTH, answers).await,
        [
            r#"pve_physical_disk_healthy{device="nvme0n1",id="node/pve1",remote="r"} 1"#,
            r#"pve_physical_disk_healthy{device="sdb",id="node/pve1",remote="r"} 0"#,
            r#"pve_physical_disk_wearout_ratio{device="nvme0n1",id="node/pve1",remote="r"} 0.25"#,
            r#"pve_physical_disk_wearout_ratio{device="sdb",id="node/pve1",remote="r"} 0.1"#,
            r#"pve_physical_disk_available_spare_ratio{device="nvme0n1",id="node/pve1",remote="r"} 0.9"#,
            r#"pve_physical_disk_temperature_celsius{device="nvme0n1",id="node/pve1",remote="r"} 35"#,
            r#"pve_physical_disk_power_on_seconds_total{device="nvme0n1",id="node/pve1",remote="r"} 7200"#,
            r#"pve_physical_disk_written_bytes_total{device="sdb",id="node/pve1",remote="r"} 1024"#,
            r#"pve_physical_disk_reallocated_sectors{device="sdb",id="node/pve1",remote="r"} 8"#,
            r#"pve_physical_disk_pending_sectors{device="sdb",id="node/pve1",remote="r"} 0"#,
            r#"pve_physical_disk_media_errors_total{device="nvme0n1",id="node/pve1",remote="r"} 0"#,
        ]
    );
}

#[tokio::test]
async fn a_node_that_does_not_answer_has_no_disks() {
    let refused = answers().with_status(LIST, 403, "Permission check failed");
    assert!(walk::exposed(&DISK, refused).await.is_empty());
    assert!(walk::exposed(&DISK_HEALTH, answers()).await.is_empty());
}
