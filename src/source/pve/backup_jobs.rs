//! The scheduled backups of a cluster: `/cluster/backup`, with `/cluster/jobs/schedule-analyze` for
//! what their schedules mean.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

pub static BACKUP_JOBS_CALL: ApiCall =
    ApiCall::get("/cluster/backup").needs(&[Privilege::new("Sys.Audit", "/")]);

/// Open to every token: a calculation.
pub static SCHEDULE_CALL: ApiCall = ApiCall::get("/cluster/jobs/schedule-analyze");

pub static BACKUP_JOBS: Source<Vec<BackupJob>> = Source::new(
    "backup_jobs",
    Scope::Remote,
    &[&BACKUP_JOBS_CALL, &SCHEDULE_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// The most that PVE calculates: enough to see the night between two working days of a job that
/// runs every quarter of an hour.
const RUNS: &str = "100";

/// So many different schedules are asked for, a call each.
const SCHEDULES: usize = 20;

#[derive(Debug, Default, Clone, PartialEq)]
pub struct BackupJob {
    pub id: Box<str>,
    pub enabled: bool,
    pub selection: Selection,
    /// Empty where the job writes into a directory.
    pub storage: Box<str>,
    /// Only guests on this node; empty for those of all nodes.
    pub node: Box<str>,
    /// `snapshot`, `suspend` or `stop`.
    pub mode: Box<str>,
    /// Calendar event, as systemd writes it.
    pub schedule: Box<str>,
    /// Unix seconds. PVE tells one of jobs that are disabled, too.
    pub next_run: Option<f64>,
    /// Seconds between the two of the next runs that are furthest apart.
    pub largest_gap: Option<f64>,
}

/// Which guests a job backs up.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    All,
    /// Sorted.
    AllExcept(Vec<u32>),
    /// Sorted.
    Guests(Vec<u32>),
    /// Those in a pool.
    Pool(Box<str>),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Guests(Vec::new())
    }
}

async fn fetch(asked: Asked<'_, Vec<BackupJob>>) -> Result<Fetched<Vec<BackupJob>>, CallError> {
    let session = asked.session;
    let answer = session.get(Request::of(&BACKUP_JOBS_CALL)).await?;
    let mut jobs = session.read(&answer, &BACKUP_JOBS_CALL, parse).await?;

    let schedules = jobs.iter().map(|job| job.schedule.clone());
    let mut gaps: BTreeMap<Box<str>, Option<f64>> =
        schedules.map(|schedule| (schedule, None)).collect();
    gaps.remove("");
    let mut problems = Vec::new();
    for (schedule, gap) in gaps.iter_mut().take(SCHEDULES) {
        match ask_largest_gap(session, schedule).await {
            Ok(found) => *gap = found,
            Err(error) => problems.push(error),
        }
    }
    for job in &mut jobs {
        job.largest_gap = gaps.get(&job.schedule).copied().flatten();
    }
    Ok(Fetched::with_problems(jobs, problems))
}

async fn ask_largest_gap(session: &Session, schedule: &str) -> Result<Option<f64>, CallError> {
    let request = Request::of(&SCHEDULE_CALL)
        .with("schedule", schedule)
        .with("iterations", RUNS);
    let answer = session.get(request).await?;
    session
        .read(&answer, &SCHEDULE_CALL, parse_largest_gap)
        .await
}

/// Reads `/cluster/backup`, sorted by id.
pub fn parse(text: &str) -> Result<Vec<BackupJob>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        r#type: Text<'a>,
        enabled: Number,
        all: Number,
        exclude: Text<'a>,
        vmid: Text<'a>,
        pool: Text<'a>,
        storage: Text<'a>,
        node: Text<'a>,
        mode: Text<'a>,
        schedule: Text<'a>,
        next_run: Number,
    }

    let selection = |row: &Row<'_>| {
        if let Some(pool) = row.pool.known() {
            return Selection::Pool(Box::from(pool));
        }
        match (row.all.flag(), vmids(row.exclude.as_str())) {
            (_, excluded) if !excluded.is_empty() => Selection::AllExcept(excluded),
            (Some(true), _) => Selection::All,
            _ => Selection::Guests(vmids(row.vmid.as_str())),
        }
    };
    let mut jobs: Vec<BackupJob> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter(|row| row.id.known().is_some())
        .filter(|row| matches!(row.r#type.as_str(), "vzdump" | ""))
        .map(|row| BackupJob {
            id: row.id.to_boxed(),
            enabled: row.enabled.flag().unwrap_or(true),
            selection: selection(row),
            storage: row.storage.to_boxed(),
            node: row.node.to_boxed(),
            mode: Box::from(row.mode.known().unwrap_or("snapshot")),
            schedule: row.schedule.to_boxed(),
            next_run: row.next_run.quantity().filter(|next| *next > 0.0),
            largest_gap: None,
        })
        .collect();
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    jobs.dedup_by(|a, b| a.id == b.id);
    Ok(jobs)
}

/// `100,110`, sorted; PVE takes semicolons and spaces as well.
fn vmids(list: &str) -> Vec<u32> {
    let numbers = list.split([',', ';', ' ']);
    let mut vmids: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    vmids.sort_unstable();
    vmids.dedup();
    vmids
}

/// Reads `/cluster/jobs/schedule-analyze`: none for a schedule that has no two runs to come.
pub fn parse_largest_gap(text: &str) -> Result<Option<f64>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row {
        timestamp: Number,
    }

    let rows = json::envelope::<Rows<Row>>(text)?.0;
    let mut runs: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.timestamp.quantity())
        .collect();
    runs.sort_by(f64::total_cmp);
    let gaps = runs.iter().zip(runs.iter().skip(1));
    Ok(gaps
        .map(|(run, next)| next - run)
        .max_by(f64::total_cmp)
        .filter(|gap| *gap > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_selects_guests_in_one_of_four_ways() {
        let text = r#"{"data":[
            {"id":"pool","pool":"prod","vmid":"1"},
            {"id":"list","vmid":"110,100;100 x","enabled":"0","mode":"stop"},
            {"id":"one","vmid":100},
            {"id":"all","all":1,"type":"vzdump"},
            {"id":"except","all":1,"exclude":"5,4"},
            {"id":"except","all":1},
            {"id":"other","type":"realm-sync"},{"vmid":"1"},null]}"#;
        let jobs = parse(text).unwrap();
        let seen: Vec<_> = jobs
            .iter()
            .map(|job| (&*job.id, job.selection.clone(), job.enabled, &*job.mode))
            .collect();
        assert_eq!(
            seen,
            [
                ("all", Selection::All, true, "snapshot"),
                ("except", Selection::AllExcept(vec![4, 5]), true, "snapshot"),
                ("list", Selection::Guests(vec![100, 110]), false, "stop"),
                ("one", Selection::Guests(vec![100]), true, "snapshot"),
                ("pool", Selection::Pool("prod".into()), true, "snapshot"),
            ]
        );
    }

    #[test]
    fn the_largest_gap_is_between_two_runs() {
        let gap = |text: &str| parse_largest_gap(&format!(r#"{{"data":{text}}}"#)).unwrap();
        assert_eq!(
            gap(
                r#"[{"timestamp":300},{"timestamp":100},{"timestamp":"150","utc":"x"},{"utc":"y"}]"#
            ),
            Some(150.0)
        );
        assert_eq!(gap(r#"[{"timestamp":300}]"#), None);
        assert_eq!(gap("[]"), None);
        assert_eq!(gap("null"), None);
    }
}
