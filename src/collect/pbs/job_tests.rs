use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const TASK: &str = "UPID:pbs1:00000028:0001FA7D:00000026:6B023EE0:syncjob:x:a@pbs:";

fn empty_lists() -> AnswerTable {
    let empty = r#"{"data":[],"digest":"e3b0"}"#;
    AnswerTable::new(Product::Pbs, 1_800_000_000)
        .with("/version", r#"{"data":{"version":"4.2","release":"1"}}"#)
        .with("/admin/sync", empty)
        .with("/admin/verify", empty)
        .with("/admin/prune", empty)
        .with("/tape/backup", empty)
}

fn of_family<'l>(lines: &'l [String], family: &str) -> Vec<&'l str> {
    let start = format!("{family}{{");
    let lines = lines.iter().map(String::as_str);
    lines.filter(|line| line.starts_with(&start)).collect()
}

#[tokio::test]
async fn jobs_of_every_type_tell_their_last_run_and_their_next() {
    let answers = empty_lists()
        .with(
            "/admin/sync?sync-direction=all",
            format!(
                r#"{{"data":[
                {{"id":"s-push","store":"a","ns":"prod","remote":"far","remote-store":"b",
                  "sync-direction":"push","last-run-upid":"{TASK}","next-run":1800003600}},
                {{"id":"s-local","store":"b","remote-store":"a","last-run-upid":"{TASK}",
                  "last-run-state":"sync aborted","last-run-endtime":1799990000}}],"digest":"0"}}"#
            ),
        )
        .with(
            "/admin/verify",
            format!(
                r#"{{"data":[{{"id":"v","store":"a","comment":"all","last-run-upid":"{TASK}",
                  "last-run-state":"OK","last-run-endtime":"1799980000","next-run":1800007200}}]}}"#
            ),
        )
        .with(
            "/admin/prune",
            r#"{"data":[{"id":"p","store":"a","disable":true,"schedule":"daily"},
                {"id":"q","store":"a","next-run":1800010000}]}"#,
        )
        .with(
            "/tape/backup",
            format!(
                r#"{{"data":[{{"id":"t","store":"a","pool":"weekly","drive":"d0",
                  "last-run-upid":"{TASK}","last-run-state":"WARNINGS: 3",
                  "last-run-endtime":1799970000}}]}}"#
            ),
        );
    let lines = walk::exposed(&JOB, answers).await;

    let current: Vec<_> = of_family(&lines, "pbs_job_state")
        .into_iter()
        .filter(|line| line.ends_with(" 1"))
        .collect();
    assert_eq!(
        current,
        [
            r#"pbs_job_state{datastore="b",job_id="s-local",job_type="sync",remote="r",state="failed"} 1"#,
            r#"pbs_job_state{datastore="a",job_id="s-push",job_type="sync",remote="r",state="running"} 1"#,
            r#"pbs_job_state{datastore="a",job_id="v",job_type="verify",remote="r",state="ok"} 1"#,
            r#"pbs_job_state{datastore="a",job_id="p",job_type="prune",remote="r",state="never"} 1"#,
            r#"pbs_job_state{datastore="a",job_id="q",job_type="prune",remote="r",state="never"} 1"#,
            r#"pbs_job_state{datastore="a",job_id="t",job_type="tape",remote="r",state="warnings"} 1"#,
        ]
    );
    assert_eq!(of_family(&lines, "pbs_job_state").len(), 6 * 5);
    assert_eq!(
        of_family(&lines, "pbs_job_last_end_timestamp_seconds"),
        [
            r#"pbs_job_last_end_timestamp_seconds{datastore="b",job_id="s-local",job_type="sync",remote="r"} 1799990000"#,
            r#"pbs_job_last_end_timestamp_seconds{datastore="a",job_id="v",job_type="verify",remote="r"} 1799980000"#,
            r#"pbs_job_last_end_timestamp_seconds{datastore="a",job_id="t",job_type="tape",remote="r"} 1799970000"#,
        ]
    );
    assert_eq!(
        of_family(&lines, "pbs_job_next_run_timestamp_seconds"),
        [
            r#"pbs_job_next_run_timestamp_seconds{datastore="a",job_id="s-push",job_type="sync",remote="r"} 1800003600"#,
            r#"pbs_job_next_run_timestamp_seconds{datastore="a",job_id="v",job_type="verify",remote="r"} 1800007200"#,
            r#"pbs_job_next_run_timestamp_seconds{datastore="a",job_id="q",job_type="prune",remote="r"} 1800010000"#,
        ]
    );
    assert_eq!(
        of_family(&lines, "pbs_job_disabled"),
        [
            r#"pbs_job_disabled{datastore="a",job_id="p",job_type="prune",remote="r"} 1"#,
            r#"pbs_job_disabled{datastore="a",job_id="q",job_type="prune",remote="r"} 0"#,
        ]
    );
    assert_eq!(
        of_family(&lines, "pbs_job_info")[..3],
        [
            r#"pbs_job_info{backup_namespace="",datastore="b",direction="pull",job_id="s-local",job_type="sync",remote="r",source_remote=""} 1"#,
            r#"pbs_job_info{backup_namespace="prod",datastore="a",direction="push",job_id="s-push",job_type="sync",remote="r",source_remote="far"} 1"#,
            r#"pbs_job_info{backup_namespace="",datastore="a",direction="",job_id="v",job_type="verify",remote="r",source_remote=""} 1"#,
        ]
    );
    assert!(
        of_family(&lines, "pbs_job_visible").is_empty(),
        "nobody told the rights"
    );
}

#[tokio::test]
async fn an_older_server_is_not_asked_for_directions() {
    let answers = empty_lists()
        .with("/version", r#"{"data":{"version":"3.2","release":"12"}}"#)
        .with("/admin/sync", r#"{"data":[{"id":"pull","store":"a"}]}"#)
        .with_status(
            "/admin/sync?sync-direction=all",
            400,
            "schema does not allow additional properties",
        );
    let lines = walk::exposed(&JOB, answers).await;
    assert_eq!(of_family(&lines, "pbs_job_info").len(), 1);
}

#[tokio::test]
async fn what_the_token_may_not_see_is_told_and_tape_not_asked_for() {
    let audit = r#"{"data":{"/":{"Datastore.Audit":true,"Sys.Audit":true},
        "/remote":{"Datastore.Audit":true,"Sys.Audit":true}}}"#;
    let answers = empty_lists()
        .with("/access/permissions", audit)
        .with("/tape/backup", r#"{"data":[{"id":"unseen","store":"a"}]}"#);
    assert_eq!(
        walk::exposed(&JOB, answers).await,
        [
            r#"pbs_job_visible{job_type="sync",remote="r"} 0"#,
            r#"pbs_job_visible{job_type="verify",remote="r"} 1"#,
            r#"pbs_job_visible{job_type="prune",remote="r"} 1"#,
            r#"pbs_job_visible{job_type="tape",remote="r"} 0"#,
        ]
    );
    let all = r#"{"data":{"/":{"Datastore.Audit":true},"/remote":{"Remote.Audit":true},
        "/tape":{"Tape.Audit":true}}}"#;
    let answers = empty_lists()
        .with("/access/permissions", all)
        .with("/tape/backup", r#"{"data":[{"id":"seen","store":"a"}]}"#);
    let lines = walk::exposed(&JOB, answers).await;
    let visible = of_family(&lines, "pbs_job_visible");
    assert!(
        visible.iter().all(|line| line.ends_with(" 1")),
        "{visible:?}"
    );
    assert_eq!(of_family(&lines, "pbs_job_info").len(), 1);
}

#[tokio::test]
async fn one_list_that_fails_does_not_cost_the_others() {
    let answers = empty_lists().with_status("/admin/verify", 500, "odd").with(
        "/admin/prune",
        r#"{"data":[null,{"store":"a"},{"id":"p\"}","disable":"no","last-run-state":null,
                "next-run":-1},{"id":"p\"}"}]}"#,
    );
    let lines = walk::exposed(&JOB, answers).await;
    assert_eq!(
        of_family(&lines, "pbs_job_disabled"),
        [r#"pbs_job_disabled{datastore="",job_id="p\"}",job_type="prune",remote="r"} 0"#]
    );
    assert_eq!(
        of_family(&lines, "pbs_job_next_run_timestamp_seconds"),
        [""; 0]
    );
}
