//! Verification, prune, sync and garbage collection jobs, and how their runs end.

use super::content::{VERIFICATION, VERIFICATION_SECONDS};
use super::schedule::Schedule;
use super::task::Task;
use crate::plan::{DatastoreKind, JobKind, JobPlan, JobState, PbsPlan};

pub(super) const COLLECTION: Schedule = Schedule::Daily(3);
const PRUNE: Schedule = Schedule::Daily(0);
const SYNC: Schedule = Schedule::Daily(4);
pub(super) const COLLECTION_SECONDS: i64 = 720;
/// Who runs what is scheduled.
pub(super) const OWNER: &str = "root@pam";
const SYNC_FAILURE: &str = "Querying namespaces failed - client error (Connect)";

pub(super) struct Job {
    pub(super) kind: JobKind,
    pub(super) id: String,
    pub(super) store: String,
    pub(super) namespace: Option<&'static str>,
    pub(super) remote: Option<String>,
    pub(super) push: bool,
    pub(super) schedule: Option<Schedule>,
    pub(super) state: JobState,
}

impl Job {
    pub(super) fn new(plan: &JobPlan) -> Self {
        let schedule = match plan.kind {
            JobKind::Verify => VERIFICATION,
            JobKind::Prune => PRUNE,
            JobKind::Sync => SYNC,
        };
        Self {
            kind: plan.kind,
            id: plan.id.clone(),
            store: plan.store.clone(),
            namespace: None,
            remote: plan.remote.clone(),
            push: plan.push,
            schedule: (plan.state != JobState::Manual).then_some(schedule),
            state: plan.state.clone(),
        }
    }

    pub(super) fn worker_type(&self) -> &'static str {
        match self.kind {
            JobKind::Verify => "verificationjob",
            JobKind::Prune => "prunejob",
            JobKind::Sync => "syncjob",
        }
    }

    fn worker_id(&self) -> String {
        match self.kind {
            JobKind::Verify => format!("{}:{}", self.store, self.id),
            JobKind::Prune => match self.namespace {
                Some(namespace) => format!("{}:{namespace}", self.store),
                None => self.store.clone(),
            },
            JobKind::Sync => format!(
                "{}:{}:{}:{}:{}",
                self.remote.as_deref().unwrap_or("-"),
                self.remote_store(),
                self.store,
                self.namespace.unwrap_or_default(),
                self.id
            ),
        }
    }

    /// The datastore on the other side of a sync.
    pub(super) fn remote_store(&self) -> &str {
        if self.remote.is_some() {
            "copies"
        } else {
            "vault"
        }
    }

    /// What it started since `from`, oldest first.
    pub(super) fn runs(&self, from: i64, now: i64) -> Vec<Task> {
        let Some(schedule) = self.schedule.filter(|_| {
            !matches!(
                self.state,
                JobState::NeverRun | JobState::Disabled | JobState::Manual
            )
        }) else {
            return Vec::new();
        };
        let seconds = match self.kind {
            JobKind::Verify => VERIFICATION_SECONDS,
            JobKind::Prune => 4,
            JobKind::Sync => 300,
        };
        let last = schedule.last(now);
        starts(schedule, from, now)
            .map(|start| {
                let end = start + seconds;
                let running = end > now || self.state == JobState::Running && start == last;
                let status = match &self.state {
                    JobState::Failing(error) => error,
                    _ => "OK",
                };
                Task::new(self.worker_type(), &self.worker_id(), OWNER, start)
                    .ended((!running).then_some((end, status)))
            })
            .collect()
    }

    pub(super) fn last_run(&self, now: i64) -> Option<Task> {
        let period = self.schedule?.period();
        self.runs(now - period, now).pop()
    }
}

/// The events of a schedule in `from..=now`.
pub(super) fn starts(schedule: Schedule, from: i64, now: i64) -> impl Iterator<Item = i64> {
    let period = schedule.period();
    let first = schedule.last(from - 1) + period;
    (0..)
        .map(move |step| first + step * period)
        .take_while(move |start| *start <= now)
}

/// The jobs of a plan that names none.
pub(super) fn generated(plan: &PbsPlan) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut add = |kind, id: String, store: &str, remote: Option<&str>, push, state| {
        jobs.push(Job::new(&JobPlan {
            kind,
            id,
            store: store.to_owned(),
            remote: remote.map(str::to_owned),
            push,
            state,
        }));
    };
    let normal: Vec<&str> = plan
        .datastores
        .iter()
        .filter(|store| store.kind == DatastoreKind::Normal)
        .map(|store| store.name.as_str())
        .collect();
    for store in &normal {
        let id = |prefix: &str| format!("{prefix}-{store}");
        add(
            JobKind::Verify,
            id("v"),
            store,
            None,
            false,
            JobState::Healthy,
        );
        add(
            JobKind::Prune,
            id("prune"),
            store,
            None,
            false,
            JobState::Healthy,
        );
    }
    if let [first, second, ..] = normal.as_slice() {
        add(
            JobKind::Sync,
            "s-local".into(),
            second,
            None,
            false,
            JobState::Healthy,
        );
        add(
            JobKind::Sync,
            "s-push".into(),
            first,
            Some("offsite"),
            true,
            JobState::Healthy,
        );
    }
    if plan.oddities
        && let Some(first) = normal.first()
    {
        let failing = JobState::Failing(SYNC_FAILURE.into());
        add(
            JobKind::Sync,
            "s-dead".into(),
            first,
            Some("closed"),
            false,
            failing,
        );
        add(
            JobKind::Sync,
            "s-manual".into(),
            first,
            Some("offsite"),
            false,
            JobState::Manual,
        );
        add(
            JobKind::Prune,
            "prune-off".into(),
            first,
            None,
            false,
            JobState::Disabled,
        );
        add(
            JobKind::Verify,
            "v-new".into(),
            first,
            None,
            false,
            JobState::NeverRun,
        );
        let corrupt =
            JobState::Failing("verification failed - please check the log for details".into());
        add(
            JobKind::Verify,
            "v-prod".into(),
            first,
            None,
            false,
            corrupt,
        );
        for job in jobs
            .iter_mut()
            .filter(|job| job.id == "v-prod" || job.id == "prune-off")
        {
            job.namespace = Some("prod");
        }
    }
    jobs
}
