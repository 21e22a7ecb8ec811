use std::sync::Arc;

use super::*;
use crate::config::filter::GuestFilter;
use crate::remote::table::AnswerTable;
use crate::source::Session;
use crate::source::pve::backup_log::GuestBackup;
use crate::source::pve::resources::parse_picture;
use crate::source::pve::storage;
use crate::source::pve::tasks::NodeTasks;

/// A cluster of one guest and the storage `nas`, with these storages and jobs as they are configured.
fn read(storages: Option<Storages>, jobs: &str) -> Cluster {
    let filter = GuestFilter::default();
    let mut inputs = Inputs::new("r", &filter);
    let picture = parse_picture(
        r#"{"data":[{"type":"qemu","vmid":100,"node":"a","name":"web"},
            {"type":"storage","storage":"nas","node":"a","shared":1,"content":"iso,backup"}]}"#,
        r#"{"data":[{"type":"cluster","name":"lab","quorate":1}]}"#,
    );
    inputs.add(RESOURCES.name, Item::Remote, Arc::new(picture.unwrap()));
    if let Some(storages) = storages {
        inputs.add(STORAGES.name, Item::Remote, Arc::new(storages));
    }
    let jobs = backup_jobs::parse(jobs).unwrap();
    inputs.add(BACKUP_JOBS.name, Item::Remote, Arc::new(jobs));
    cluster(&inputs).unwrap()
}

fn configured(text: &str, are_all: Option<bool>) -> Option<Storages> {
    let storages = storage::parse(text).unwrap();
    Some(Storages { storages, are_all })
}

const NAS: &str = r#"{"data":[{"storage":"nas","type":"nfs","content":"backup"}]}"#;
const NO_JOBS: &str = r#"{"data":[]}"#;

#[test]
fn storages_that_were_not_read_may_be_more_than_are_seen() {
    let unseen = |storages| read(storages, NO_JOBS).unseen;
    assert_eq!(unseen(None), Some(Unseen::All));
    assert_eq!(unseen(configured(NAS, Some(true))), None);
    assert_eq!(unseen(configured(NAS, None)), None, "nothing hints at more");
    assert_eq!(unseen(configured(NAS, Some(false))), Some(Unseen::Others));
}

#[test]
fn a_job_that_writes_to_what_is_not_listed_tells_of_it() {
    let unseen = |job: &str| {
        let jobs = format!(r#"{{"data":[{job}]}}"#);
        read(configured(NAS, Some(true)), &jobs).unseen
    };
    let hidden = Unseen::TargetOf {
        job: "j".to_owned(),
        storage: "vault".to_owned(),
    };
    assert_eq!(
        unseen(r#"{"id":"j","all":1,"storage":"vault"}"#),
        Some(hidden)
    );
    assert_eq!(unseen(r#"{"id":"j","all":1,"storage":"nas"}"#), None);
    assert_eq!(
        unseen(r#"{"id":"j","all":1}"#),
        None,
        "it writes into a directory"
    );
    assert_eq!(
        unseen(r#"{"id":"j","all":1,"storage":"vault","enabled":0}"#),
        None
    );
}

#[test]
fn a_storage_that_no_node_has_cannot_be_seen() {
    let text = r#"{"data":[{"storage":"nas","type":"nfs","content":"backup"},
        {"storage":"off","type":"dir","content":"iso,backup","disable":1},
        {"storage":"images","type":"dir","content":"images","disable":1}]}"#;
    let storages = read(configured(text, Some(true)), NO_JOBS).storages;
    let seen: Vec<_> = storages.iter().map(|storage| &*storage.name).collect();
    assert_eq!(seen, ["nas", "off"]);
    assert!(storages[1].points.is_none());
}

#[test]
fn the_last_backup_of_a_guest_is_of_whichever_node_made_it() {
    let filter = GuestFilter::default();
    let mut inputs = Inputs::new("r", &filter);
    let mut add = |node: &str, end: f64, succeeded: bool| {
        let mut tasks = NodeTasks::default();
        let backup = GuestBackup {
            succeeded,
            end,
            duration: Some(9.0),
            ..GuestBackup::default()
        };
        tasks.backups.insert("qemu/100".to_owned(), backup);
        inputs.add(TASKS.name, Item::Node(node.into()), Arc::new(tasks));
    };
    add("a", 10.0, true);
    add("b", 30.0, false);
    add("c", 20.0, true);
    let last = last_tasks(&inputs);
    let expected = Task {
        end: 30.0,
        duration: Some(9.0),
        failed: true,
    };
    assert_eq!(last.get(&(GuestKind::Qemu, 100)), Some(&expected));
    assert_eq!(last.get(&(GuestKind::Lxc, 100)), None);
}

#[tokio::test]
async fn the_namespaces_of_a_datastore_are_those_that_were_read() {
    let namespaces = r#"{"data":[{"ns":""},{"ns":"a"}]}"#;
    let answers = AnswerTable::new(Product::Pbs, 0)
        .with("/admin/datastore/main/namespace", namespaces)
        .with("/admin/datastore/main/groups?ns=", r#"{"data":[]}"#)
        .with_status(
            "/admin/datastore/main/groups?ns=a",
            403,
            "permission check failed",
        );
    let session = Session::new(answers, Product::Pbs);
    let filter = GuestFilter::default();
    let mut inputs = Inputs::new("r", &filter);
    let main = Item::Datastore("main".into());
    let groups = GROUPS.fetch(&session, &main, None, &inputs).await;
    inputs.add(GROUPS.name, main, groups.unwrap().value);
    let read: Vec<Vec<String>> = datastores(&inputs)
        .into_iter()
        .map(|datastore| datastore.namespaces)
        .collect();
    assert_eq!(read, [[""]]);
}
