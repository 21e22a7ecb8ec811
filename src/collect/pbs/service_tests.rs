use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

#[tokio::test]
async fn each_service_that_is_installed_is_active_or_not() {
    let answers = AnswerTable::new(Product::Pbs, 1_800_000_000)
        .with("/admin/datastore", r#"{"data":[]}"#)
        .with(
            "/nodes/localhost/services",
            r#"{"data":[{"service":"proxmox-backup","name":"proxmox-backup","state":"running","unit-state":"enabled"},
                {"service":"sshd","state":"dead","unit-state":"not-found"},
                {"service":"systemd-journald","state":"running","unit-state":"static"},
                {"service":"chrony","state":"failed","unit-state":"enabled"}]}"#,
        );
    assert_eq!(
        walk::exposed(&SERVICE, answers).await,
        [
            r#"pbs_host_service_active{remote="r",unit="chrony"} 0"#,
            r#"pbs_host_service_active{remote="r",unit="proxmox-backup"} 1"#,
            r#"pbs_host_service_active{remote="r",unit="systemd-journald"} 1"#,
            r#"pbs_host_service_failed{remote="r",unit="chrony"} 1"#,
            r#"pbs_host_service_failed{remote="r",unit="proxmox-backup"} 0"#,
            r#"pbs_host_service_failed{remote="r",unit="systemd-journald"} 0"#,
        ]
    );
}
