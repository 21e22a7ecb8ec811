use super::*;
use crate::collect::Inputs;
use crate::config::{GuestFilter, Product};
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

async fn ask_table(
    table: AnswerTable,
    previous: Option<Snapshots>,
) -> Result<Fetched<Snapshots>, CallError> {
    let session = Session::new(table, Product::Pbs);
    let filter = GuestFilter::default();
    let known = Inputs::new("r", &filter);
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

#[tokio::test]
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

#[tokio::test]
async fn a_backup_that_ends_is_a_change() {
    let running = groups(&[1]).replace("index.json.blob", "a.fidx");
    let answers = table(&running).with("/admin/datastore/s/snapshots", r#"{"data":[]}"#);
    let first = ask_table(answers, None).await.unwrap().value;
    assert_eq!(first.groups[0].newest, None);
    let answers = table(&groups(&[1])).with("/admin/datastore/s/snapshots", FINISHED);
    let ended = ask_table(answers, Some(first)).await.unwrap().value;
    assert_eq!(ended.groups[0].newest.as_ref().unwrap().size, Some(5.0));
}

#[tokio::test]
async fn an_unchanged_group_is_looked_at_once_a_day() {
    let answers = || {
        table(&groups(&[1])).with(
            "/admin/datastore/s/snapshots",
            r#"{"data":[{"backup-time":100,"files":[{"filename":"index.json.blob"}],
                "verification":{"state":"failed"}}]}"#,
        )
    };
    let mut first = first_look(&[1]).await;
    made_older(&mut first, Duration::from_secs(23 * 3600));
    let same_day = ask_table(answers(), Some(first.clone())).await.unwrap();
    assert_eq!(same_day.value.groups[0].failed, 0);
    made_older(&mut first, Duration::from_secs(2 * 3600));
    let next_day = ask_table(answers(), Some(first)).await.unwrap();
    assert_eq!(next_day.value.groups[0].failed, 1);
}

#[tokio::test]
async fn a_group_that_is_gone_is_forgotten_and_one_that_fails_is_kept() {
    let first = first_look(&[1, 1]).await;
    let fetched = ask_table(table(&groups(&[2])), Some(first.clone()))
        .await
        .unwrap();
    assert_eq!(fetched.problems.len(), 1);
    assert_eq!(fetched.value.groups, first.groups[..1]);
}

#[tokio::test]
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
