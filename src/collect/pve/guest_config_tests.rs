//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

fn cluster() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_700_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[{"type":"node","node":"a","status":"online"},
                {"type":"qemu","vmid":100,"node":"a","status":"running"},
                {"type":"lxc","vmid":110,"node":"a","status":"stopped"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
        )
}

async fn exposed(answers: AnswerTable) -> Vec<String> {
    walk::exposed(&GUEST_CONFIG, answers).await
}

#[tokio::test]
async fn a_virtual_machine_tells_its_running_configuration_and_what_is_pending() {
    let lines = exposed(cluster().with(
        "/nodes/a/qemu/100/pending",
        r#"{"data":[
            {"key":"digest","value":"38a7"},{"key":"name","value":"web"},
            {"key":"description","value":"onboot=0\nprotection: 0"},
            {"key":"onboot","value":1},{"key":"protection","value":"1"},
            {"key":"startup","value":"order=3,up=30"},
            {"key":"sockets","value":2},{"key":"cores","value":2,"pending":4},
            {"key":"memory","value":"128","pending":"256"},
            {"key":"ostype","value":"l26","delete":1},
            {"key":"balloon","pending":64},
            {"key":"agent","value":"enabled=1"},
            {"key":"scsi0","value":"shared:100/vm-100-disk-0.raw,size=1G"},
            {"key":"scsi1","value":"local:100/vm-100-disk-1.raw,backup=0,size=512M"},
            {"key":"efidisk0","value":"shared:100/vm-100-disk-2.raw,efitype=4m,size=528K"},
            {"key":"ide2","value":"local:iso/debian.iso,media=cdrom,size=600M"},
            {"key":"unused0","value":"local:100/vm-100-disk-9.raw"},
            {"key":"scsihw","value":"virtio-scsi-single"},
            {"key":"net0","value":"virtio=BC:24:11:00:00:01,bridge=vmbr0"},
            {"key":"net1","value":"virtio=BC:24:11:00:00:02,bridge=vmbr0,link_down=1"}]}"#,
    ))
    .await;
    assert_eq!(
        lines,
        [
            r#"pve_guest_onboot{id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_removal_protected{id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_agent_enabled{id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_startup_order{id="qemu/100",remote="r"} 3"#,
            r#"pve_guest_pending_changes{id="qemu/100",remote="r"} 4"#,
            r#"pve_guest_links_down{id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_disk_size_bytes{device="efidisk0",id="qemu/100",remote="r"} 540672"#,
            r#"pve_guest_disk_size_bytes{device="scsi0",id="qemu/100",remote="r"} 1073741824"#,
            r#"pve_guest_disk_size_bytes{device="scsi1",id="qemu/100",remote="r"} 536870912"#,
            r#"pve_guest_disk_backup_enabled{device="efidisk0",id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_disk_backup_enabled{device="scsi0",id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_disk_backup_enabled{device="scsi1",id="qemu/100",remote="r"} 0"#,
        ]
    );
}

#[tokio::test]
async fn a_container_backs_up_its_mount_points_only_where_asked() {
    let lines = exposed(cluster().with(
        "/nodes/a/lxc/110/pending",
        r#"{"data":[{"key":"digest","value":"1b8b"},
            {"key":"memory","value":64},{"key":"swap","value":32},
            {"key":"rootfs","value":"local:110/vm-110-disk-0.raw,size=204M"},
            {"key":"mp0","value":"local:110/vm-110-disk-1.raw,mp=/data,size=1G"},
            {"key":"mp1","value":"local:110/vm-110-disk-2.raw,mp=/db,backup=1,size=2G"},
            {"key":"mp2","value":"/srv/media,mp=/media,backup=1"},
            {"key":"mpx","value":"local:1"}]}"#,
    ))
    .await;
    assert_eq!(
        lines,
        [
            r#"pve_guest_onboot{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_removal_protected{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_pending_changes{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_links_down{id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_disk_size_bytes{device="mp0",id="lxc/110",remote="r"} 1073741824"#,
            r#"pve_guest_disk_size_bytes{device="mp1",id="lxc/110",remote="r"} 2147483648"#,
            r#"pve_guest_disk_size_bytes{device="rootfs",id="lxc/110",remote="r"} 213909504"#,
            r#"pve_guest_disk_backup_enabled{device="mp0",id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_disk_backup_enabled{device="mp1",id="lxc/110",remote="r"} 1"#,
            r#"pve_guest_disk_backup_enabled{device="mp2",id="lxc/110",remote="r"} 0"#,
            r#"pve_guest_disk_backup_enabled{device="rootfs",id="lxc/110",remote="r"} 1"#,
        ]
    );
}

#[tokio::test]
async fn what_is_not_known_is_not_told() {
    let gone = "Configuration file 'nodes/a/qemu-server/100.conf' does not exist";
    let lines = exposed(
        cluster()
            .with_status("/nodes/a/qemu/100/pending", 500, gone)
            .with("/nodes/a/lxc/110/pending", r#"{"data":[]}"#),
    )
    .await;
    assert!(lines.is_empty(), "{lines:?}");
}
