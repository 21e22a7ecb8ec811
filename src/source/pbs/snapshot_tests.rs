use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::collect::Inputs;
use crate::config::{GuestFilter, Product};
use crate::remote::call::Call;
use crate::remote::error::{Context, Failure};
use crate::remote::responder::{Answering, Responder};
use crate::remote::table::AnswerTable;
use crate::source::{AnySource, AnyValue, Item};

const FINISHED: &str =
    r#"{"data":[{"backup-time":100,"size":5,"files":[{"filename":"index.json.blob"}]}]}"#;

/// Groups with these numbers of snapshots.
fn groups(counts: &[u32]) -> String {
    let rows: Vec<String> = counts
        .iter()
        .enumerate()
        .map(|(number, count)| {
            format!(
                r#"{{"backup-type":"vm","backup-id":"{number:03}","backup-count":{count},
                "last-backup":100,"files":["index.json.blob"]}}"#
            )
        })
        .collect();
    format!(r#"{{"data":[{}]}}"#, rows.join(","))
}

fn table(groups: &str) -> AnswerTable {
    AnswerTable::new(Product::Pbs, 1_800_000_000)
        .with("/admin/datastore/s/namespace", r#"{"data":[{"ns":""}]}"#)
        .with("/admin/datastore/s/groups", groups)
}

/// In the background; the clock of the tests is stopped, so that its pace costs nothing.
async fn ask_table(
    answers: impl Responder + 'static,
    previous: Option<Snapshots>,
) -> Result<Fetched<Snapshots>, CallError> {
    let session = Session::new(answers, Product::Pbs).in_background();
    ask_by(session, previous, None).await
}

/// `verified` is when a verification job has ended.
async fn ask_by(
    session: Session,
    previous: Option<Snapshots>,
    verified: Option<i64>,
) -> Result<Fetched<Snapshots>, CallError> {
    let filter = GuestFilter::default();
    let mut known = Inputs::new("r", &filter);
    if let Some(ended) = verified {
        let jobs = job::parse_verify(&format!(
            r#"{{"data":[{{"id":"v","store":"s","last-run-endtime":{ended}}},
            {{"id":"other","store":"t","last-run-endtime":999999}}]}}"#
        ));
        let jobs = job::Jobs {
            jobs: jobs.unwrap(),
            ..job::Jobs::default()
        };
        known.add(job::JOBS.name, Item::Remote, Arc::new(jobs));
    }
    let previous = previous.map(|snapshots| Arc::new(snapshots) as AnyValue);
    let item = Item::Datastore(Arc::from("s"));
    let fetched = SNAPSHOTS.fetch(&session, &item, previous, &known).await?;
    Ok(Fetched {
        value: fetched.value.downcast_ref::<Snapshots>().unwrap().clone(),
        problems: fetched.problems,
        coverage: fetched.coverage,
    })
}

async fn first_look(counts: &[u32]) -> Snapshots {
    let answers = table(&groups(counts)).with("/admin/datastore/s/snapshots", FINISHED);
    ask_table(answers, None).await.unwrap().value
}

fn made_older(snapshots: &mut Snapshots, age: Duration) {
    for group in &mut snapshots.groups {
        let group = Arc::make_mut(group);
        group.asked_at = group.asked_at.checked_sub(age).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn only_groups_that_have_changed_are_asked_about_again() {
    let first = first_look(&[1, 1]).await;
    let unchanged = ask_table(table(&groups(&[1, 1])), Some(first.clone()))
        .await
        .unwrap();
    assert_eq!(unchanged.value.groups, first.groups);
    assert!(unchanged.problems.is_empty(), "there was nothing to ask");

    let answers = table(&groups(&[1, 2])).with(
        "/admin/datastore/s/snapshots?ns=&backup-type=vm&backup-id=001",
        r#"{"data":[]}"#,
    );
    let changed = ask_table(answers, Some(first.clone())).await.unwrap();
    assert!(changed.problems.is_empty(), "{:?}", changed.problems);
    assert_eq!(changed.value.groups[0], first.groups[0]);
    assert_eq!(changed.value.groups[1].newest, None);
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_ends_is_a_change() {
    let running = groups(&[1]).replace("index.json.blob", "a.fidx");
    let answers = table(&running).with("/admin/datastore/s/snapshots", r#"{"data":[]}"#);
    let first = ask_table(answers, None).await.unwrap().value;
    assert_eq!(first.groups[0].newest, None);
    let answers = table(&groups(&[1])).with("/admin/datastore/s/snapshots", FINISHED);
    let ended = ask_table(answers, Some(first)).await.unwrap().value;
    assert_eq!(ended.groups[0].newest.as_ref().unwrap().size, Some(5.0));
}

#[tokio::test(start_paused = true)]
async fn a_new_backup_that_is_not_verified_is_looked_at_once_more() {
    let ask = async |mut previous: Snapshots, answer: &str| {
        made_older(&mut previous, SECOND_LOOK_AFTER);
        let answers = table(&groups(&[1])).with("/admin/datastore/s/snapshots", answer);
        ask_table(answers, Some(previous)).await.unwrap().value
    };
    let verified = FINISHED.replace("\"size\"", "\"verification\":{\"state\":\"ok\"},\"size\"");
    let first = first_look(&[1]).await;
    let second = ask(first.clone(), &verified).await;
    assert_eq!(second.groups[0].verified, 1);
    let second = ask(first, FINISHED).await;
    assert_eq!(second.groups[0].never_verified, 1);
    let third = ask(second, &verified).await;
    assert_eq!(
        third.groups[0].never_verified, 1,
        "it is asked once more, not always"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_group_is_looked_at_once_a_day() {
    let answers = || {
        table(&groups(&[1])).with(
            "/admin/datastore/s/snapshots",
            r#"{"data":[{"backup-time":100,"files":[{"filename":"index.json.blob"}],
                "verification":{"state":"failed"}}]}"#,
        )
    };
    let mut first = first_look(&[1]).await;
    Arc::make_mut(&mut first.groups[0]).seen_twice = true;
    made_older(&mut first, Duration::from_secs(23 * 3600));
    let same_day = ask_table(answers(), Some(first.clone())).await.unwrap();
    assert_eq!(same_day.value.groups[0].failed, 0);
    made_older(&mut first, Duration::from_secs(2 * 3600));
    let next_day = ask_table(answers(), Some(first)).await.unwrap();
    assert_eq!(next_day.value.groups[0].failed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_is_forgotten_and_one_that_fails_is_kept() {
    let first = first_look(&[1, 1]).await;
    let fetched = ask_table(table(&groups(&[2])), Some(first.clone()))
        .await
        .unwrap();
    assert_eq!(fetched.problems.len(), 1);
    assert_eq!(fetched.value.groups, first.groups[..1]);
}

#[tokio::test(start_paused = true)]
async fn many_groups_are_asked_about_in_turns() {
    let counts = [1; GROUPS_AT_ONCE + 5];
    let answers = || table(&groups(&counts)).with("/admin/datastore/s/snapshots", FINISHED);
    let first = ask_table(answers(), None).await.unwrap();
    assert_eq!(first.value.groups.len(), GROUPS_AT_ONCE);
    assert_eq!(
        first.coverage,
        Some(Coverage {
            answered: GROUPS_AT_ONCE,
            expected: counts.len()
        })
    );
    let second = ask_table(answers(), Some(first.value)).await.unwrap();
    assert_eq!(second.value.groups.len(), counts.len());
    assert_eq!(second.coverage, None);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_nothing_is_known_of_comes_before_one_that_has_changed() {
    let first = first_look(&[1; 5]).await;
    let counts = [[2; 5].as_slice(), &[1; GROUPS_AT_ONCE]].concat();
    let answers = table(&groups(&counts)).with("/admin/datastore/s/snapshots", FINISHED);
    let second = ask_table(answers, Some(first.clone())).await.unwrap().value;
    assert_eq!(second.groups.len(), counts.len());
    assert_eq!(second.groups[..5], first.groups);
}

/// A server that falls silent when it is asked for snapshots.
struct Silent {
    table: AnswerTable,
    asked: Arc<AtomicUsize>,
}

impl Responder for Silent {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        if !call.path.contains("/snapshots") {
            return self.table.get(call);
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let error = CallError::new(
            self.context(call.name, None),
            Failure::TimedOut(Duration::from_secs(5)),
        );
        Box::pin(std::future::ready(Err(error)))
    }

    fn context(&self, call: &'static str, endpoint: Option<usize>) -> Context {
        self.table.context(call, endpoint)
    }

    fn endpoints(&self) -> usize {
        1
    }

    fn prefer(&self, _: usize) {}

    fn reconsider(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_soon_left_alone_and_what_was_known_kept() {
    let first = first_look(&[1; 20]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let silent = Silent {
        table: table(&groups(&[2; 20])),
        asked: Arc::clone(&asked),
    };
    let second = ask_table(silent, Some(first.clone())).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), SILENCES_AT_MOST);
    assert_eq!(second.value.groups, first.groups);
    assert_eq!(second.problems.len(), SILENCES_AT_MOST);
}

#[tokio::test(start_paused = true)]
async fn a_verification_that_ends_is_a_change_of_what_was_never_verified() {
    let verified = FINISHED.replace("\"size\"", "\"verification\":{\"state\":\"ok\"},\"size\"");
    let ask = async |answer: &str, previous: Option<Snapshots>, ended| {
        let answers = table(&groups(&[1])).with("/admin/datastore/s/snapshots", answer);
        let asked = answers.asked();
        let session = Session::new(answers, Product::Pbs).in_background();
        let value = ask_by(session, previous, ended).await.unwrap().value;
        let asked = asked.lock().unwrap();
        let looked = asked.iter().any(|path| path.contains("/snapshots"));
        (value, looked)
    };
    let (first, _) = ask(FINISHED, None, Some(50)).await;
    let (same, looked) = ask(&verified, Some(first), Some(50)).await;
    assert!(!looked);
    let (running, looked) = ask(&verified, Some(same), None).await;
    assert!(!looked, "a job that runs has no end");
    let (later, looked) = ask(&verified, Some(running), Some(150)).await;
    assert!(looked);
    assert_eq!(later.groups[0].verified, 1);
    let (_, looked) = ask(&verified, Some(later), Some(250)).await;
    assert!(!looked, "there is nothing left to verify");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_answered_by_the_namespace() {
    let rows: Vec<String> = (0..6)
        .map(|number| {
            format!(
                r#"{{"backup-type":"vm","backup-id":"{number:03}","backup-time":{},
                "comment":"web-{number}","files":[{{"filename":"index.json.blob"}}]}}"#,
                100 + number
            )
        })
        .collect();
    let whole = format!(r#"{{"data":[{},{{"backup-time":5}}]}}"#, rows.join(","));
    let answers = || {
        table(&groups(&[1; 6]))
            .with("/admin/datastore/s/snapshots?ns=", whole.clone())
            .with("/admin/datastore/s/snapshots", FINISHED)
    };
    let ask = async |previous: Option<Snapshots>| {
        let answers = answers();
        let asked = answers.asked();
        let session = Session::new(answers, Product::Pbs);
        let value = ask_by(session, previous, None).await.unwrap().value;
        let asked = asked.lock().unwrap();
        let looks = asked.iter().filter(|path| path.contains("/snapshots"));
        (value, looks.count())
    };
    let (mut first, looks) = ask(None).await;
    assert_eq!(looks, 1);
    assert_eq!(first.groups.len(), 6);
    let last = first.groups[5].newest.as_ref().unwrap();
    assert_eq!((&*last.comment, last.time), ("web-5", 105.0));
    assert_eq!(
        first.namespaces,
        [Namespace {
            name: Box::default(),
            complete: true
        }]
    );
    let (_, looks) = ask(Some(first.clone())).await;
    assert_eq!(looks, 0, "nothing has changed");
    made_older(&mut first, LOOKS_LAST_WAITED_FOR);
    let (_, looks) = ask(Some(first)).await;
    assert_eq!(looks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_complete_when_all_its_groups_are_known() {
    let answers = table(&groups(&[1, 1]))
        .with(
            "/admin/datastore/s/namespace",
            r#"{"data":[{"ns":""},{"ns":"a"}]}"#,
        )
        .with("/admin/datastore/s/groups?ns=a", r#"{"data":[]}"#)
        .with(
            "/admin/datastore/s/snapshots?ns=&backup-type=vm&backup-id=000",
            FINISHED,
        );
    let fetched = ask_table(answers, None).await.unwrap().value;
    let namespaces: Vec<_> = fetched
        .namespaces
        .iter()
        .map(|namespace| (&*namespace.name, namespace.complete))
        .collect();
    assert_eq!(namespaces, [("", false), ("a", true)]);
}
