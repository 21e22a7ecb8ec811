//! Tasks of a backup server.

use std::time::Duration;

use crate::collect::task::{TaskFamilies, TaskLines};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pbs::tasks;

pub static TASK: Collector = Collector {
    name: "task",
    about: "Running and finished tasks of the backup server by type.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60),
    sources: &[&tasks::TASKS],
    reads: &[],
    families: &[
        &RUNNING,
        &OLDEST_START,
        &FINISHED,
        &LAST_SUCCESS,
        &LAST_FAILURE,
        &LAST_DURATION,
    ],
    collect,
};

const TYPE_LABELS: &[&str] = &["remote", "task_type"];

static RUNNING: Family = Family::gauge(
    "pbs_task_running",
    "Number of tasks of a type that run on the backup server",
    TYPE_LABELS,
);
static OLDEST_START: Family = Family::gauge(
    "pbs_task_running_oldest_start_timestamp_seconds",
    "Start of the task of a type that has been running longest on the backup server",
    TYPE_LABELS,
);
static FINISHED: Family = Family::counter(
    "pbs_task_finished_total",
    "Tasks that ended on the backup server since they are counted, by type and result (ok, warnings, error, unknown)",
    &["remote", "result", "task_type"],
);
static LAST_SUCCESS: Family = Family::gauge(
    "pbs_task_last_success_timestamp_seconds",
    "End of the last task of a type that succeeded on the backup server, with or without warnings",
    TYPE_LABELS,
);
static LAST_FAILURE: Family = Family::gauge(
    "pbs_task_last_failure_timestamp_seconds",
    "End of the last task of a type that failed or vanished on the backup server",
    TYPE_LABELS,
);
static LAST_DURATION: Family = Family::gauge(
    "pbs_task_last_duration_seconds",
    "Time that the task of a type took that ended last, whatever its result",
    TYPE_LABELS,
);

static FAMILIES: TaskFamilies = TaskFamilies {
    running: &RUNNING,
    oldest_start: &OLDEST_START,
    finished: &FINISHED,
    last_success: &LAST_SUCCESS,
    last_failure: &LAST_FAILURE,
    last_duration: &LAST_DURATION,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = TaskLines::of(&FAMILIES);
    if let Some(ledger) = inputs.get(&tasks::TASKS) {
        lines.add(&ledger, None, inputs.remote);
    }
    lines.into_lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    #[tokio::test]
    async fn running_and_ended_tasks_are_told_by_type() {
        // A running task of PBS has neither an end nor a status.
        let tasks = r#"{"data":[
            {"upid":"UPID:pbs1:0000039D:0002A540:00000000:00000064:backup:a\\x3avm-1:u@pbs!t:","starttime":100,"worker_type":"backup"},
            {"upid":"UPID:pbs1:0000039D:0002A540:00000001:00000064:garbage_collection:a:root@pam:","endtime":110,"status":"unknown"},
            {"upid":"nonsense","endtime":110,"status":"OK"}],"total":3}"#;
        let answers = AnswerTable::new(Product::Pbs, 120)
            .with("/admin/datastore", r#"{"data":[]}"#)
            .with("/nodes/localhost/tasks", tasks);
        let lines = walk::exposed(&TASK, answers).await;
        let told = |line: &&String| !line.starts_with("pbs_task_finished_total");
        assert_eq!(
            lines.iter().filter(told).collect::<Vec<_>>(),
            [
                r#"pbs_task_running{remote="r",task_type="backup"} 1"#,
                r#"pbs_task_running{remote="r",task_type="garbage_collection"} 0"#,
                r#"pbs_task_running_oldest_start_timestamp_seconds{remote="r",task_type="backup"} 100"#,
                r#"pbs_task_last_failure_timestamp_seconds{remote="r",task_type="garbage_collection"} 110"#,
                r#"pbs_task_last_duration_seconds{remote="r",task_type="garbage_collection"} 10"#,
            ]
        );
        let counted = r#"pbs_task_finished_total{remote="r",result="unknown",task_type="garbage_collection"} 0"#;
        assert!(lines.iter().any(|line| line == counted), "{lines:#?}");
    }
}
