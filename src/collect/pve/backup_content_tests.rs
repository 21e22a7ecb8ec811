//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const DATE: i64 = 1_795_310_000;
const AUDITOR: &str = r#"{"data":{"/":{"Datastore.Audit":1,"VM.Audit":1,"Sys.Audit":1}}}"#;
const BACKUP_OPERATOR: &str =
    r#"{"data":{"/":{"Datastore.Audit":1,"Datastore.AllocateSpace":1,"VM.Backup":1}}}"#;

/// A storage of one node, a shared one, and one that cannot be reached.
fn cluster(permissions: &str) -> AnswerTable {
    AnswerTable::new(Product::Pve, DATE)
        .with(
            "/cluster/resources",
            r#"{"data":[{"type":"node","node":"a","status":"online"},
            {"type":"node","node":"b","status":"online"},
            {"type":"qemu","vmid":100,"node":"a","name":"web","status":"running"},
            {"type":"storage","node":"a","storage":"local","status":"available","shared":0,"content":"backup,iso"},
            {"type":"storage","node":"a","storage":"pbs","status":"available","shared":1,"content":"backup"},
            {"type":"storage","node":"b","storage":"pbs","status":"available","shared":1,"content":"backup"},
            {"type":"storage","node":"b","storage":"nas","status":"unknown","shared":0,"content":"backup"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"cluster","name":"lab","quorate":1},
            {"type":"node","name":"a","online":1},{"type":"node","name":"b","online":1}]}"#,
        )
        .with("/access/permissions", permissions)
}

#[tokio::test]
async fn who_may_see_backups_is_told_all_of_them() {
    let answers = cluster(BACKUP_OPERATOR)
        .with(
            "/nodes/a/storage/local/content?content=backup",
            r#"{"data":[
            {"volid":"local:backup/vzdump-lxc-110-2.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":200,"size":1080815,"notes":"x"},
            {"volid":"local:backup/vzdump-lxc-110-1.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":100,"size":7,"protected":1}]}"#,
        )
        .with(
            "/nodes/a/storage/pbs/content?content=backup",
            r#"{"data":[
            {"volid":"pbs:backup/vm/100/1","content":"backup","subtype":"qemu","vmid":100,"ctime":300,"size":50,"verification":{"state":"failed"}},
            {"volid":"pbs:backup/vm/100/2","content":"backup","subtype":"qemu","vmid":100,"ctime":400,"size":60,"verification":{"state":"ok"}},
            {"volid":"pbs:backup/vm/100/3","content":"backup","subtype":"qemu","vmid":100,"ctime":500,"size":1}]}"#,
        );
    assert_eq!(
        walk::exposed(&BACKUP_CONTENT, answers).await,
        [
            r#"pve_backup_newest_timestamp_seconds{id="lxc/110",node="a",remote="r",storage="local"} 200"#,
            r#"pve_backup_newest_timestamp_seconds{id="qemu/100",node="",remote="r",storage="pbs"} 400"#,
            r#"pve_backup_restore_points{id="lxc/110",node="a",remote="r",storage="local"} 2"#,
            r#"pve_backup_restore_points{id="qemu/100",node="",remote="r",storage="pbs"} 2"#,
        ]
    );
}

#[tokio::test]
async fn an_auditor_is_told_by_the_preview_of_a_pruning_that_keeps_everything() {
    let answers = cluster(AUDITOR)
        // What an auditor is told here is no knowledge.
        .with("/nodes/a/storage/local/content", r#"{"data":[]}"#)
        .with(
            "/nodes/a/storage/local/prunebackups?prune-backups=keep-all%3D1",
            r#"{"data":[
            {"volid":"local:backup/vzdump-qemu-100-1.vma","vmid":100,"type":"qemu","mark":"protected","ctime":100},
            {"volid":"local:backup/vzdump-qemu-100-2.vma","vmid":100,"type":"qemu","mark":"keep","ctime":200}]}"#,
        )
        .with_status(
            "/nodes/a/storage/pbs/prunebackups",
            500,
            "pbs: error fetching datastores - 500 Can't connect",
        );
    assert_eq!(
        walk::exposed(&BACKUP_CONTENT, answers).await,
        [
            r#"pve_backup_newest_timestamp_seconds{id="qemu/100",node="a",remote="r",storage="local"} 200"#,
            r#"pve_backup_restore_points{id="qemu/100",node="a",remote="r",storage="local"} 2"#,
        ]
    );
}

#[tokio::test]
async fn a_storage_without_backups_has_no_guest() {
    let answers = cluster(BACKUP_OPERATOR)
        .with("/nodes/a/storage/local/content", r#"{"data":[]}"#)
        .with("/nodes/a/storage/pbs/content", r#"{"data":null}"#);
    assert!(walk::exposed(&BACKUP_CONTENT, answers).await.is_empty());
}
