//! How the replication of guests goes: `/nodes/{node}/replication`. `/cluster/replication` has only
//! how it is configured: the state of a job is known by the node that it runs on.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Privilege, Request, Scope, Source};

pub static REPLICATION_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/replication").filtered_by(&[Privilege::new("VM.Audit", "/vms")]);

/// The jobs that run on each node.
pub static REPLICATION: Source<Vec<ReplicationJob>> = Source::new(
    "replication",
    Scope::EachNode,
    &[&REPLICATION_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct ReplicationJob {
    /// Number of the guest and of the job: `103-0`.
    pub id: Box<str>,
    pub vmid: u32,
    pub kind: GuestKind,
    /// `local`: from node to node of one cluster.
    pub job_type: Box<str>,
    pub source: Box<str>,
    pub target: Box<str>,
    pub enabled: bool,
    /// Unix seconds, as the other times; 0 for a job that never succeeded.
    pub last_sync: Option<f64>,
    /// 0 for a job that was never tried.
    pub last_try: Option<f64>,
    /// PVE tells one of jobs that are disabled, too.
    pub next_sync: Option<f64>,
    /// Seconds that the last try took.
    pub duration: Option<f64>,
    /// Tries that failed since the last success.
    pub failures: Option<f64>,
    /// Whether the last try left an error.
    pub has_error: bool,
}

async fn fetch(
    asked: Asked<'_, Vec<ReplicationJob>>,
) -> Result<Fetched<Vec<ReplicationJob>>, CallError> {
    let request = Request::of(&REPLICATION_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let jobs = asked
        .session
        .read(&answer, &REPLICATION_CALL, parse)
        .await?;
    Ok(Fetched::whole(jobs))
}

/// Reads `/nodes/{node}/replication`, sorted by id.
pub fn parse(text: &str) -> Result<Vec<ReplicationJob>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        guest: Number,
        vmtype: Text<'a>,
        r#type: Text<'a>,
        source: Text<'a>,
        target: Text<'a>,
        error: Text<'a>,
        disable: Number,
        last_sync: Number,
        last_try: Number,
        next_sync: Number,
        duration: Number,
        fail_count: Number,
    }

    // 0 stands for never.
    let mut jobs: Vec<ReplicationJob> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter_map(|row| {
            Some(ReplicationJob {
                id: Box::from(row.id.known()?),
                vmid: row.guest.quantity()? as u32,
                kind: GuestKind::parse(row.vmtype.as_str())?,
                job_type: row.r#type.to_boxed(),
                source: row.source.to_boxed(),
                target: row.target.to_boxed(),
                enabled: row.disable.flag() != Some(true),
                last_sync: row.last_sync.quantity(),
                last_try: row.last_try.quantity(),
                next_sync: row.next_sync.quantity(),
                duration: row.duration.quantity(),
                failures: row.fail_count.quantity(),
                has_error: row.error.known().is_some(),
            })
        })
        .collect();
    jobs.sort_by(|a, b| a.id.cmp(&b.id));
    jobs.dedup_by(|a, b| a.id == b.id);
    Ok(jobs)
}
