//! What is told of tasks, the same for both products: one sheet of lines a family.

use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::tasks::{Ledger, Span};

/// The families of one product, all with the label `task_type`.
pub(super) struct TaskFamilies {
    pub running: &'static Family,
    pub oldest_start: &'static Family,
    /// With the label `result` as well.
    pub finished: &'static Family,
    pub last_success: &'static Family,
    pub last_failure: &'static Family,
    pub last_duration: &'static Family,
}

/// The lines of some ledgers.
pub(super) struct TaskLines {
    running: Lines,
    oldest_start: Lines,
    finished: Lines,
    last_success: Lines,
    last_failure: Lines,
    last_duration: Lines,
}

impl TaskLines {
    pub(super) fn of(families: &TaskFamilies) -> Self {
        Self {
            running: Lines::of(families.running),
            oldest_start: Lines::of(families.oldest_start),
            finished: Lines::of(families.finished),
            last_success: Lines::of(families.last_success),
            last_failure: Lines::of(families.last_failure),
            last_duration: Lines::of(families.last_duration),
        }
    }

    /// Adds the tasks of one ledger. `id` is the node's; a backup server has none.
    pub(super) fn add(&mut self, ledger: &Ledger, id: Option<&str>, remote: &str) {
        let mut labels = LabelBlock::new();
        for (task_type, tally) in &ledger.types {
            let results = [
                ("ok", tally.ok),
                ("warnings", tally.warnings),
                ("error", tally.error),
                ("unknown", tally.unknown),
            ];
            for (result, number) in results {
                identify(&mut labels, id, remote);
                labels.push("result", result).push("task_type", task_type);
                self.finished.push(&labels, number);
            }
            identify(&mut labels, id, remote);
            labels.push("task_type", task_type);
            self.running.push(&labels, tally.running);
            self.oldest_start.push_known(&labels, tally.oldest_start);
            self.last_success.push_known(&labels, tally.last_success);
            self.last_failure.push_known(&labels, tally.last_failure);
            self.last_duration
                .push_known(&labels, tally.last.map(Span::duration));
        }
    }

    pub(super) fn into_lines(self) -> Vec<Lines> {
        vec![
            self.running,
            self.oldest_start,
            self.finished,
            self.last_success,
            self.last_failure,
            self.last_duration,
        ]
    }
}

fn identify(labels: &mut LabelBlock, id: Option<&str>, remote: &str) {
    labels.clear();
    if let Some(id) = id {
        labels.push("id", id);
    }
    labels.push("remote", remote);
}
