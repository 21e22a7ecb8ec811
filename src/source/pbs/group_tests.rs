use std::sync::Arc;

use super::*;
use crate::collect::Inputs;
use crate::config::{GuestFilter, Product};
use crate::remote::outcome::Outcome;
use crate::remote::table::AnswerTable;
use crate::source::{AnySource, Item};

const RUNNING: &str = r#"{"data":[{"backup-type":"vm","backup-id":"1","backup-count":2,
    "last-backup":200,"files":["a.fidx"]}]}"#;

fn table() -> AnswerTable {
    AnswerTable::new(Product::Pbs, 1_800_000_000)
        .with("/admin/datastore/s/namespace", r#"{"data":[{"ns":""}]}"#)
        .with("/admin/datastore/s/groups", RUNNING)
}

fn with_snapshots(table: AnswerTable) -> AnswerTable {
    table.with(
        "/admin/datastore/s/snapshots",
        r#"{"data":[{"backup-time":200,"files":[]},
            {"backup-time":100,"files":[{"filename":"index.json.blob"}]}]}"#,
    )
}

async fn ask_at(
    version: Version,
    table: AnswerTable,
    previous: Option<Groups>,
) -> Result<Fetched<Groups>, CallError> {
    let session = Session::new(table, Product::Pbs);
    session.learn_version(version);
    let filter = GuestFilter::default();
    let known = Inputs::new("r", &filter);
    let previous = previous.map(|groups| Arc::new(groups) as crate::source::AnyValue);
    let item = Item::Datastore(Arc::from("s"));
    let fetched = GROUPS.fetch(&session, &item, previous, &known).await?;
    Ok(Fetched {
        value: fetched.value.downcast_ref::<Groups>().unwrap().clone(),
        problems: fetched.problems,
        coverage: fetched.coverage,
    })
}

fn groups_of(age: Duration) -> Groups {
    Groups {
        groups: vec![Group::default()],
        namespaces: vec![Box::default()],
        asked_at: Instant::now().checked_sub(age).unwrap(),
    }
}

#[tokio::test]
async fn an_older_server_is_asked_once_an_hour() {
    let older = Version::new(4, 0, 16);
    let young = groups_of(Duration::from_secs(50 * 60));
    let fetched = ask_at(older, table(), Some(young.clone())).await.unwrap();
    assert_eq!(fetched.value, young);

    let old = groups_of(Duration::from_secs(70 * 60));
    let answers = with_snapshots(table());
    let fetched = ask_at(older, answers, Some(old)).await.unwrap();
    assert_eq!(&*fetched.value.groups[0].id.backup_id, "1");

    let answers = with_snapshots(table());
    let fetched = ask_at(CHEAP_SINCE, answers, Some(young)).await.unwrap();
    assert_eq!(&*fetched.value.groups[0].id.backup_id, "1");
}

#[tokio::test]
async fn an_unfinished_backup_is_looked_up_once() {
    let answers = with_snapshots(table());
    let first = ask_at(CHEAP_SINCE, answers, None).await.unwrap().value;
    assert_eq!(first.groups[0].last_backup, Some(100.0));

    let again = ask_at(CHEAP_SINCE, table(), Some(first.clone()))
        .await
        .unwrap();
    assert_eq!(again.value.groups, first.groups);
    assert!(again.problems.is_empty(), "the snapshots are not asked for");

    let mut before = first;
    before.groups[0].count = Some(1.0);
    let changed = ask_at(CHEAP_SINCE, table(), Some(before)).await.unwrap();
    assert_eq!(changed.value.groups[0].last_backup, None);
    assert_eq!(changed.problems.len(), 1);
}

#[tokio::test]
async fn a_namespace_without_an_answer_is_a_problem_beside_others() {
    let namespaces = r#"{"data":[{"ns":""},{"ns":"a"},{"comment":"odd"}]}"#;
    let answers = || {
        with_snapshots(table())
            .with("/admin/datastore/s/namespace", namespaces)
            .with_status(
                "/admin/datastore/s/groups?ns=a",
                403,
                "permission check failed",
            )
    };
    let fetched = ask_at(CHEAP_SINCE, answers(), None).await.unwrap();
    assert_eq!(fetched.value.groups.len(), 1);
    assert_eq!(fetched.value.namespaces, [Box::from("")]);
    let outcomes: Vec<_> = fetched.problems.iter().map(CallError::outcome).collect();
    assert_eq!(outcomes, [Outcome::Forbidden]);

    let none = answers().with_status("/admin/datastore/s/groups?ns=", 400, "odd");
    assert!(ask_at(CHEAP_SINCE, none, None).await.is_err());
}

#[test]
fn groups_are_found_by_their_id() {
    let mut groups = groups_of(Duration::ZERO);
    groups.groups.push(Group {
        id: GroupId {
            namespace: Box::from("z"),
            ..GroupId::default()
        },
        ..Group::default()
    });
    let last = groups.groups[1].id.clone();
    assert_eq!(groups.group(&last), groups.groups.last());
    assert_eq!(
        groups.group(&GroupId {
            backup_id: Box::from("x"),
            ..last
        }),
        None
    );
}

#[tokio::test]
async fn a_right_on_one_namespace_is_enough_to_ask() {
    let answers = |path: &str| {
        table()
            .with(
                "/access/permissions",
                format!(r#"{{"data":{{"{path}":{{"Datastore.Audit":true}}}}}}"#),
            )
            .with(
                "/admin/datastore/s/groups",
                RUNNING.replace("a.fidx", MANIFEST),
            )
    };
    let ask_with = async |path: &str| {
        let session = Session::new(answers(path), Product::Pbs).in_background();
        ask(&session, "s").await
    };
    let found = ask_with("/datastore/s/prod").await.unwrap().value;
    assert_eq!(found.groups.len(), 1);
    let refused = ask_with("/datastore/other").await.unwrap_err();
    assert_eq!(refused.outcome(), Outcome::Forbidden);
}

#[tokio::test]
async fn a_refusal_of_one_namespace_does_not_stand_for_the_others() {
    let answers = table()
        .with(
            "/admin/datastore/s/namespace",
            r#"{"data":[{"ns":"a"},{"ns":"b"}]}"#,
        )
        .with("/admin/datastore/s/groups?ns=b", RUNNING)
        .with_status(
            "/admin/datastore/s/groups?ns=a",
            403,
            "permission check failed",
        );
    let session = Session::new(answers, Product::Pbs);
    for _ in 0..2 {
        let fetched = ask(&session, "s").await.unwrap();
        assert_eq!(fetched.value.groups.len(), 1);
        assert_eq!(fetched.problems.len(), 1);
    }
}
