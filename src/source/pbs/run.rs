//! How the last run of a job or of a garbage collection went, as the job lists tell it.

/// A closed set: what a run said when it failed is any text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Ok,
    Warnings,
    Failed,
    Running,
    Never,
}

impl RunState {
    pub const NAMES: &[&str] = &["ok", "warnings", "failed", "running", "never"];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warnings => "warnings",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Never => "never",
        }
    }

    /// From the task id, the state and the time of the end, each as far as known. While a job runs
    /// it has a task and neither state nor end; one that never ran has none of them. The state is
    /// `OK`, `WARNINGS: 2`, `unknown` (the server went down), or the text of the error. `None`
    /// where a run has ended and does not say how.
    pub fn of(task: Option<&str>, state: Option<&str>, end: Option<f64>) -> Option<Self> {
        match (task, state, end) {
            (_, Some("OK"), _) => Some(Self::Ok),
            (_, Some(state), _) if state.starts_with("WARNINGS") => Some(Self::Warnings),
            (_, Some(_), _) => Some(Self::Failed),
            (_, None, Some(_)) => None,
            (Some(_), None, None) => Some(Self::Running),
            (None, None, None) => Some(Self::Never),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_told_from_the_others() {
        let task = Some("UPID:…");
        let end = Some(1.0);
        for (task, state, end, expected) in [
            (task, Some("OK"), end, Some(RunState::Ok)),
            (task, Some("WARNINGS: 1"), end, Some(RunState::Warnings)),
            (task, Some("unknown"), end, Some(RunState::Failed)),
            (task, Some("sync aborted"), end, Some(RunState::Failed)),
            (task, None, None, Some(RunState::Running)),
            (None, None, None, Some(RunState::Never)),
            (task, None, end, None),
        ] {
            assert_eq!(
                RunState::of(task, state, end),
                expected,
                "{state:?} {end:?}"
            );
        }
    }

    #[test]
    fn every_state_has_its_name() {
        let states = [
            RunState::Ok,
            RunState::Warnings,
            RunState::Failed,
            RunState::Running,
            RunState::Never,
        ];
        assert_eq!(states.map(RunState::as_str), RunState::NAMES);
    }
}
