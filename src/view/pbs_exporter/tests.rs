use super::*;
use crate::collect::walk;
use crate::config::Product;
use crate::remote::table::AnswerTable;
use crate::source::Session;

async fn exposed(answers: AnswerTable) -> Vec<String> {
    let session = Session::new(answers, Product::Pbs);
    let inputs = walk::inputs(&session, "r").await;
    let body = Answer::new(FAMILIES, collect(&inputs), Vec::new()).body(false);
    let text = std::str::from_utf8(&body).unwrap().lines();
    text.filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn server() -> AnswerTable {
    AnswerTable::new(Product::Pbs, 1_800_000_000)
        .with(
            "/admin/datastore",
            r#"{"data":[{"store":"main"},{"store":"off","maintenance":"offline"},
            {"store":"usb","mount-status":"notmounted"},
            {"store":"ro","maintenance":"read-only,message=moving"}]}"#,
        )
        .with(
            "/status/metrics",
            r#"{"data":{"data":[
            {"id":"host","metric":"cpu_current","value":0.25},
            {"id":"host","metric":"cpu_iowait","value":0.125},
            {"id":"host","metric":"cpu_avg1","value":1.5},
            {"id":"host","metric":"cpu_avg5","value":1.25},
            {"id":"host","metric":"cpu_avg15","value":1.0},
            {"id":"host","metric":"mem_total","value":100},
            {"id":"host","metric":"mem_used","value":40},
            {"id":"host","metric":"swap_total","value":20},
            {"id":"host","metric":"swap_used","value":5},
            {"id":"host","metric":"disk_total","value":50},
            {"id":"host","metric":"disk_used","value":10},
            {"id":"host","metric":"disk_available","value":38},
            {"id":"datastore/main","metric":"disk_total","value":500},
            {"id":"datastore/main","metric":"disk_used","value":200},
            {"id":"datastore/main","metric":"disk_available","value":290},
            {"id":"datastore/ro","metric":"disk_total","value":8},
            {"id":"datastore/off","metric":"disk_total","value":7}]}}"#,
        )
}

#[tokio::test]
async fn a_server_is_told_as_pbs_exporter_tells_it() {
    let answers = server()
        .with(
            "/version",
            r#"{"data":{"version":"4.2","release":"3","repoid":"abc"}}"#,
        )
        .with(
            "/nodes/localhost/status",
            r#"{"data":{"uptime":777,"memory":{"total":100,"used":40,"free":30}}}"#,
        )
        .with(
            "/nodes/localhost/subscription",
            r#"{"data":{"status":"notfound","message":"There is no subscription key"}}"#,
        );
    let expected = r#"
pbs_up 1
pbs_version{release="3",repoid="abc",version="4.2"} 1
pbs_available{datastore="main"} 290
pbs_size{datastore="main"} 500
pbs_size{datastore="ro"} 8
pbs_used{datastore="main"} 200
pbs_host_subscription_info{productname="unknown",status="notfound"} 1
pbs_host_subscription_status{status="new"} 0
pbs_host_subscription_status{status="notfound"} 1
pbs_host_subscription_status{status="active"} 0
pbs_host_subscription_status{status="invalid"} 0
pbs_host_subscription_status{status="expired"} 0
pbs_host_subscription_status{status="suspended"} 0
pbs_host_subscription_due_timestamp_seconds{productname="unknown"} 0
pbs_host_cpu_usage 0.25
pbs_host_memory_free 30
pbs_host_memory_total 100
pbs_host_memory_used 40
pbs_host_swap_free 15
pbs_host_swap_total 20
pbs_host_swap_used 5
pbs_host_disk_available 38
pbs_host_disk_total 50
pbs_host_disk_used 10
pbs_host_uptime 777
pbs_host_io_wait 0.125
pbs_host_load1 1.5
pbs_host_load5 1.25
pbs_host_load15 1"#;
    let exposed = exposed(answers).await;
    assert_eq!(exposed, expected.trim().lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_subscription_has_a_product_and_a_day() {
    let answers = server().with(
        "/nodes/localhost/subscription",
        r#"{"data":{"status":"active","productname":"PBS Basic","nextduedate":"2027-01-31"}}"#,
    );
    let exposed = exposed(answers).await;
    for line in [
        r#"pbs_host_subscription_info{productname="PBS Basic",status="active"} 1"#,
        r#"pbs_host_subscription_due_timestamp_seconds{productname="PBS Basic"} 1801353600"#,
        r#"pbs_host_subscription_status{status="active"} 1"#,
    ] {
        assert!(exposed.contains(&line.to_owned()), "{line}");
    }
}

/// A row of the list of snapshots.
fn snapshot(group: &str, time: u32, more: &str) -> String {
    let (kind, id) = group.split_once('/').unwrap();
    format!(r#"{{"backup-type":"{kind}","backup-id":"{id}","backup-time":{time},{more}}}"#)
}

const WHOLE: &str = r#""files":[{"filename":"index.json.blob"}]"#;

/// The datastore `main` with these groups in its root, each with its snapshots, and the empty
/// namespace `idle`.
fn with_groups(groups: &[(&str, Vec<String>)]) -> AnswerTable {
    let mut table = server()
        .with(
            "/admin/datastore/main/namespace",
            r#"{"data":[{"ns":""},{"ns":"idle"}]}"#,
        )
        .with("/admin/datastore/main/groups?ns=idle", r#"{"data":[]}"#);
    let mut rows = Vec::new();
    for (group, snapshots) in groups {
        let (kind, id) = group.split_once('/').unwrap();
        rows.push(format!(
            r#"{{"backup-type":"{kind}","backup-id":"{id}","backup-count":{},"last-backup":9,
            "files":[]}}"#,
            snapshots.len()
        ));
        let path = format!(
            "/admin/datastore/main/snapshots?ns=&backup-type={kind}&backup-id={}",
            id.replace('/', "%2F")
        );
        table = table.with(&path, format!(r#"{{"data":[{}]}}"#, snapshots.join(",")));
    }
    table.with(
        "/admin/datastore/main/groups?ns=",
        format!(r#"{{"data":[{}]}}"#, rows.join(",")),
    )
}

async fn snapshot_lines(groups: &[(&str, Vec<String>)]) -> Vec<String> {
    let exposed = exposed(with_groups(groups)).await.into_iter();
    exposed
        .filter(|line| line.starts_with("pbs_snapshot"))
        .collect()
}

#[tokio::test]
async fn what_is_not_finished_is_no_backup() {
    let web = |time, name: &str, state: &str| {
        let verification = match state {
            "" => String::new(),
            state => format!(r#""verification":{{"state":"{state}"}},"#),
        };
        snapshot(
            "vm/100",
            time,
            &format!(r#""comment":"{name}",{verification}{WHOLE}"#),
        )
    };
    let lines = snapshot_lines(&[
        (
            "vm/100",
            vec![
                web(30, "web-new", "ok"),
                web(20, "web-old", "failed"),
                snapshot("vm/100", 40, r#""files":[]"#),
            ],
        ),
        ("ct/7", vec![snapshot("ct/7", 50, WHOLE)]),
        (
            "host/begun",
            vec![snapshot("host/begun", 60, r#""files":[]"#)],
        ),
    ])
    .await;
    let expected = r#"
pbs_snapshot_count{datastore="main",namespace=""} 3
pbs_snapshot_count{datastore="main",namespace="idle"} 0
pbs_snapshot_vm_count{datastore="main",namespace="",vm_id="7",vm_name=""} 1
pbs_snapshot_vm_count{datastore="main",namespace="",vm_id="100",vm_name="web-new"} 2
pbs_snapshot_vm_last_timestamp{datastore="main",namespace="",vm_id="7",vm_name=""} 50
pbs_snapshot_vm_last_timestamp{datastore="main",namespace="",vm_id="100",vm_name="web-new"} 30
pbs_snapshot_vm_last_verify{datastore="main",namespace="",vm_id="7",vm_name=""} 0
pbs_snapshot_vm_last_verify{datastore="main",namespace="",vm_id="100",vm_name="web-new"} 1"#;
    assert_eq!(lines, expected.trim().lines().collect::<Vec<_>>());
}

async fn vm_ids(groups: &[&str]) -> Vec<(String, String)> {
    let groups: Vec<_> = groups
        .iter()
        .zip(1..)
        .map(|(group, time)| (*group, vec![snapshot(group, time, WHOLE)]))
        .collect();
    let lines = snapshot_lines(&groups).await.into_iter();
    lines
        .filter(|line| line.starts_with("pbs_snapshot_vm_last_timestamp"))
        .map(|line| {
            let (labels, time) = line.rsplit_once(' ').unwrap();
            let id = labels.split("vm_id=\"").nth(1).unwrap();
            (id.split('"').next().unwrap().to_owned(), time.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn an_id_that_is_shared_is_the_machine_s() {
    let told = |ids: &[(&str, &str)]| {
        let ids = ids.iter();
        ids.map(|(id, time)| ((*id).to_owned(), (*time).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        vm_ids(&["vm/100", "ct/100", "host/100", "ct/101"]).await,
        told(&[
            ("ct/100", "2"),
            ("101", "4"),
            ("host/100", "3"),
            ("100", "1")
        ])
    );
    assert_eq!(
        vm_ids(&["ct/5", "host/5"]).await,
        told(&[("ct/5", "1"), ("host/5", "2")])
    );
    // An id that looks like another's label.
    assert_eq!(
        vm_ids(&["ct/5", "host/5", "vm/ct/5"]).await,
        told(&[("ct/5", "1"), ("host/5", "2")])
    );
}

#[tokio::test]
async fn a_part_of_a_namespace_is_not_its_number_of_snapshots() {
    let answers = with_groups(&[
        ("vm/1", vec![snapshot("vm/1", 10, WHOLE)]),
        ("vm/2", vec![snapshot("vm/2", 10, WHOLE)]),
    ])
    .with_status(
        "/admin/datastore/main/snapshots?ns=&backup-type=vm&backup-id=2",
        400,
        "unable to read the group",
    );
    let exposed = exposed(answers).await;
    let counts = exposed.iter().filter(|line| {
        line.starts_with("pbs_snapshot_count") || line.starts_with("pbs_snapshot_vm_count")
    });
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [
            r#"pbs_snapshot_count{datastore="main",namespace="idle"} 0"#,
            r#"pbs_snapshot_vm_count{datastore="main",namespace="",vm_id="1",vm_name=""} 1"#,
        ]
    );
}

#[test]
fn a_server_that_is_down_is_told_with_the_reason_and_nothing_else() {
    let body = down("remote \"b\":\nno answer").body(false);
    assert_eq!(
        std::str::from_utf8(&body).unwrap(),
        "# HELP pbs_up Whether the backup server answers\n\
         # TYPE pbs_up gauge\n\
         pbs_up 0\n\
         # partial: target: remote \"b\": no answer\n"
    );
}

#[test]
fn the_families_are_declared_once_each() {
    let names: std::collections::BTreeSet<_> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), FAMILIES.len());
}
