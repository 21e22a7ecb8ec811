use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const STATUS: &str = r#"{"data":[{"type":"node","name":"a","online":1,"local":1}]}"#;
const RESOURCES: &str = r#"{"data":[{"type":"node","node":"a","status":"online","uptime":7},
    {"type":"qemu","vmid":100,"node":"a","name":"web","status":"running","uptime":9}]}"#;

const TASKS: &str = r#"{"total":3,"data":[
    {"upid":"UPID:a:00000001:00000001:6B02429A:qmshutdown:100:admin@pve!adm:","status":"RUNNING","saved":"0","starttime":1795310234},
    {"upid":"UPID:a:00000002:00000001:6B02429B:vzdump::root@pam:","status":"job errors","endtime":1795310240,"starttime":1795310235},
    {"upid":"UPID:a:00000003:00000001:6B02429B:qmstart:100:root@pam:","status":"WARNINGS: 1","endtime":"1795310236"}]}"#;

const LOG: &str = r#"{"total":6,"data":[
    {"n":1,"t":"INFO: Starting Backup of VM 100 (qemu)"},
    {"n":2,"t":"INFO: Backup started at 2026-11-22 01:17:15"},
    {"n":3,"t":"INFO: archive file size: 1MB"},
    {"n":4,"t":"INFO: Finished Backup of VM 100 (00:00:02)"},
    {"n":5,"t":"INFO: Backup finished at 2026-11-22 01:17:17"},
    {"n":6,"t":"INFO: Starting Backup of VM 999 (qemu)"},
    {"n":7,"t":"ERROR: Backup of VM 999 failed - no such VM"},
    {"n":8,"t":"INFO: Failed at 2026-11-22 01:17:18"}]}"#;

fn answers() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_795_310_250)
        .with("/cluster/status", STATUS)
        .with("/cluster/resources", RESOURCES)
        .with("/nodes/a/tasks", TASKS)
}

#[tokio::test]
async fn tasks_are_told_by_type_and_backups_by_guest() {
    let log =
        "/nodes/a/tasks/UPID%3Aa%3A00000002%3A00000001%3A6B02429B%3Avzdump%3A%3Aroot%40pam%3A/log";
    let lines = walk::exposed(&TASK, answers().with(log, LOG)).await;
    let told = |line: &&String| !line.starts_with("pve_task_finished_total");
    assert_eq!(
        lines.iter().filter(told).collect::<Vec<_>>(),
        [
            r#"pve_task_running{id="node/a",remote="r",task_type="qmshutdown"} 1"#,
            r#"pve_task_running{id="node/a",remote="r",task_type="qmstart"} 0"#,
            r#"pve_task_running{id="node/a",remote="r",task_type="vzdump"} 0"#,
            r#"pve_task_running_oldest_start_timestamp_seconds{id="node/a",remote="r",task_type="qmshutdown"} 1795310234"#,
            r#"pve_task_last_success_timestamp_seconds{id="node/a",remote="r",task_type="qmstart"} 1795310236"#,
            r#"pve_task_last_failure_timestamp_seconds{id="node/a",remote="r",task_type="vzdump"} 1795310240"#,
            r#"pve_task_last_duration_seconds{id="node/a",remote="r",task_type="qmstart"} 1"#,
            r#"pve_task_last_duration_seconds{id="node/a",remote="r",task_type="vzdump"} 5"#,
            r#"pve_backup_task_success{id="qemu/100",remote="r"} 1"#,
            r#"pve_backup_task_end_timestamp_seconds{id="qemu/100",remote="r"} 1795310237"#,
            r#"pve_backup_task_last_success_timestamp_seconds{id="qemu/100",remote="r"} 1795310237"#,
            r#"pve_backup_task_duration_seconds{id="qemu/100",remote="r"} 2"#,
            r#"pve_backup_task_archive_size_bytes{id="qemu/100",remote="r"} 1048576"#,
        ]
    );
    // What ended before the first look is not counted, but its type has its counters.
    let finished: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("pve_task_finished_total"))
        .collect();
    assert_eq!(finished.len(), 12);
    assert!(
        finished.iter().all(|line| line.ends_with(" 0")),
        "{finished:#?}"
    );
}

#[tokio::test]
async fn a_log_that_is_not_to_be_had_loses_no_task() {
    let lines = walk::exposed(&TASK, answers()).await;
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("pve_task_running{"))
    );
    assert!(!lines.iter().any(|line| line.starts_with("pve_backup_task")));
}
