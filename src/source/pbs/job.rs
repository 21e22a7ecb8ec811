//! The configured jobs and their last runs: `/admin/sync`, `/admin/verify`, `/admin/prune` and
//! `/tape/backup`. Each list is filtered to what the token may see, without a word.

use serde::Deserialize;

use super::run::RunState;
use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::permissions::Permissions;
use crate::source::{
    ApiCall, Asked, Fetched, Parameter, Privilege, Request, Scope, Session, Source,
};

const DATASTORES: Privilege = Privilege::new("Datastore.Audit", "/datastore");
/// The role Audit does not have it. Without it, jobs with a remote are left out.
const REMOTES: Privilege = Privilege::new("Remote.Audit", "/remote");
/// The role Audit does not have it.
const TAPE_JOBS: Privilege = Privilege::new("Tape.Audit", "/tape/job");

/// Without `sync-direction=all` it tells of pull jobs only.
pub static SYNC_CALL: ApiCall = ApiCall::get("/admin/sync")
    .parameters(&[Parameter {
        name: "sync-direction",
        since: Version::new(3, 2, 13),
    }])
    .filtered_by(&[DATASTORES]);
pub static VERIFY_CALL: ApiCall = ApiCall::get("/admin/verify").filtered_by(&[DATASTORES]);
pub static PRUNE_CALL: ApiCall = ApiCall::get("/admin/prune").filtered_by(&[DATASTORES]);
pub static TAPE_BACKUP_CALL: ApiCall = ApiCall::get("/tape/backup").filtered_by(&[TAPE_JOBS]);

pub static JOBS: Source<Jobs> = Source::new(
    "pbs_jobs",
    Scope::Remote,
    &[&SYNC_CALL, &VERIFY_CALL, &PRUNE_CALL, &TAPE_BACKUP_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Jobs {
    pub jobs: Vec<Job>,
    /// By type of job, whether the token may see all of them; empty where that is not known.
    pub visible: Vec<(JobType, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobType {
    Sync,
    Verify,
    Prune,
    Tape,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub job_type: JobType,
    pub id: Box<str>,
    pub store: Box<str>,
    /// Empty for the root, and for all namespaces.
    pub namespace: Box<str>,
    /// `pull` or `push`; empty for what is no sync job.
    pub direction: Box<str>,
    /// The remote at the other side of a sync job, in either direction; empty where both sides are
    /// here.
    pub other_side: Box<str>,
    /// Only prune jobs can be disabled.
    pub disabled: Option<bool>,
    pub state: Option<RunState>,
    /// Unix seconds; `None` while the job runs.
    pub ended: Option<f64>,
    /// Unix seconds; `None` without a schedule, or disabled.
    pub next_run: Option<f64>,
}

impl JobType {
    const ALL: [Self; 4] = [Self::Sync, Self::Verify, Self::Prune, Self::Tape];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Verify => "verify",
            Self::Prune => "prune",
            Self::Tape => "tape",
        }
    }

    fn request(self) -> Request<'static> {
        match self {
            Self::Sync => Request::of(&SYNC_CALL).with("sync-direction", "all"),
            Self::Verify => Request::of(&VERIFY_CALL),
            Self::Prune => Request::of(&PRUNE_CALL),
            Self::Tape => Request::of(&TAPE_BACKUP_CALL),
        }
    }

    /// Whether a token with these rights sees all jobs of the type.
    fn is_visible(self, permissions: &Permissions) -> bool {
        let needed: &[Privilege] = match self {
            Self::Sync => &[DATASTORES, REMOTES],
            Self::Verify | Self::Prune => &[DATASTORES],
            Self::Tape => &[TAPE_JOBS],
        };
        let mut needed = needed.iter();
        needed.all(|privilege| permissions.has(privilege.name, privilege.path))
    }
}

async fn fetch(asked: Asked<'_, Jobs>) -> Result<Fetched<Jobs>, CallError> {
    let permissions = asked.session.permissions().await;
    let permissions = permissions.as_deref();
    let mut jobs = Vec::new();
    let mut problems = Vec::new();
    let mut answered = false;
    let asked_for = JobType::ALL
        .into_iter()
        .filter(|job_type| is_to_be_asked_for(*job_type, permissions));
    for job_type in asked_for {
        match ask(asked.session, job_type).await {
            Ok(found) => {
                answered = true;
                jobs.extend(found);
            }
            Err(error) if error.is_answered() => problems.push(error),
            Err(error) => return Err(error),
        }
    }
    if !answered && let Some(error) = problems.pop() {
        return Err(error);
    }
    let visible = permissions.into_iter().flat_map(|permissions| {
        JobType::ALL.map(|job_type| (job_type, job_type.is_visible(permissions)))
    });
    let visible = visible.collect();
    Ok(Fetched::with_problems(Jobs { jobs, visible }, problems))
}

/// Most servers have no tape, and most tokens no right to see one: that they may not is told as
/// such, and is no error of all other jobs.
fn is_to_be_asked_for(job_type: JobType, permissions: Option<&Permissions>) -> bool {
    job_type != JobType::Tape
        || permissions
            .is_none_or(|permissions| permissions.has_below(TAPE_JOBS.name, TAPE_JOBS.path))
}

async fn ask(session: &Session, job_type: JobType) -> Result<Vec<Job>, CallError> {
    let request = job_type.request();
    let call = request.call();
    let answer = session.get(request).await?;
    let parse = match job_type {
        JobType::Sync => parse_sync,
        JobType::Verify => parse_verify,
        JobType::Prune => parse_prune,
        JobType::Tape => parse_tape,
    };
    session.read(&answer, call, parse).await
}

/// Reads `/admin/sync`.
pub fn parse_sync(text: &str) -> Result<Vec<Job>, Unreadable> {
    parse(text, JobType::Sync)
}

/// Reads `/admin/verify`.
pub fn parse_verify(text: &str) -> Result<Vec<Job>, Unreadable> {
    parse(text, JobType::Verify)
}

/// Reads `/admin/prune`.
pub fn parse_prune(text: &str) -> Result<Vec<Job>, Unreadable> {
    parse(text, JobType::Prune)
}

/// Reads `/tape/backup`.
pub fn parse_tape(text: &str) -> Result<Vec<Job>, Unreadable> {
    parse(text, JobType::Tape)
}

/// The lists have the same status, and the configuration of their jobs beside it.
fn parse(text: &str, job_type: JobType) -> Result<Vec<Job>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        store: Text<'a>,
        ns: Text<'a>,
        sync_direction: Text<'a>,
        remote: Text<'a>,
        disable: Number,
        last_run_upid: Text<'a>,
        last_run_state: Text<'a>,
        last_run_endtime: Number,
        next_run: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut jobs: Vec<Job> = rows
        .iter()
        .filter(|row| row.id.known().is_some())
        .map(|row| {
            let ended = row.last_run_endtime.quantity();
            let (task, state) = (row.last_run_upid.known(), row.last_run_state.known());
            Job {
                job_type,
                id: row.id.to_boxed(),
                store: row.store.to_boxed(),
                namespace: row.ns.to_boxed(),
                direction: Box::from(match (job_type, row.sync_direction.known()) {
                    (JobType::Sync, direction) => direction.unwrap_or("pull"),
                    _ => "",
                }),
                other_side: row.remote.to_boxed(),
                disabled: (job_type == JobType::Prune).then(|| row.disable.flag().unwrap_or(false)),
                state: RunState::of(task, state, ended),
                ended,
                next_run: row.next_run.quantity(),
            }
        })
        .collect();
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    jobs.dedup_by(|a, b| a.id == b.id);
    Ok(jobs)
}
