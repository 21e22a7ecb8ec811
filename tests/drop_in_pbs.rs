//! `/pbs`, as whoever used pbs-exporter knows it.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use proxfleet::fleet::target;
use simulator::{
    BackupKind, BackupPlan, DatastoreKind, DatastorePlan, Fault, Fleet, GroupPlan, PbsPlan,
    RemotePlan, Rights,
};
use support::drop_in::{complete, families, module_of, module_target, samples};
use support::{Proxfleet, eventually, fleet, pbs, table, table_of};

/// Every family of pbs-exporter with its labels.
const FAMILIES: &[(&str, &[&str])] = &[
    ("pbs_up", &[]),
    ("pbs_version", &["release", "repoid", "version"]),
    ("pbs_available", &["datastore"]),
    ("pbs_size", &["datastore"]),
    ("pbs_used", &["datastore"]),
    ("pbs_snapshot_count", &["datastore", "namespace"]),
    ("pbs_snapshot_vm_count", VM),
    ("pbs_snapshot_vm_last_timestamp", VM),
    ("pbs_snapshot_vm_last_verify", VM),
    ("pbs_host_subscription_info", &["productname", "status"]),
    ("pbs_host_subscription_status", &["status"]),
    (
        "pbs_host_subscription_due_timestamp_seconds",
        &["productname"],
    ),
    ("pbs_host_cpu_usage", &[]),
    ("pbs_host_memory_free", &[]),
    ("pbs_host_memory_total", &[]),
    ("pbs_host_memory_used", &[]),
    ("pbs_host_swap_free", &[]),
    ("pbs_host_swap_total", &[]),
    ("pbs_host_swap_used", &[]),
    ("pbs_host_disk_available", &[]),
    ("pbs_host_disk_total", &[]),
    ("pbs_host_disk_used", &[]),
    ("pbs_host_uptime", &[]),
    ("pbs_host_io_wait", &[]),
    ("pbs_host_load1", &[]),
    ("pbs_host_load5", &[]),
    ("pbs_host_load15", &[]),
];

const VM: &[&str] = &["datastore", "namespace", "vm_id", "vm_name"];

/// Each family with the label sets that its samples have.
fn label_sets(text: &str) -> BTreeMap<&str, BTreeSet<Vec<&str>>> {
    let mut sets: BTreeMap<&str, BTreeSet<Vec<&str>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let labels = line.split_once('{').map_or("", |(_, labels)| labels);
        // Before each value stands the name of its label.
        let before = labels
            .split("=\"")
            .map(|part| part.rsplit(['"', ',']).next());
        let mut names: Vec<&str> = before.flatten().collect();
        names.pop();
        sets.entry(name).or_default().insert(names);
    }
    sets
}

fn group(kind: BackupKind, id: &str, backups: Vec<BackupPlan>) -> GroupPlan {
    GroupPlan {
        namespace: String::new(),
        kind,
        id: id.to_owned(),
        owner: "backup@pbs".to_owned(),
        backups,
    }
}

fn backup(age_seconds: i64, comment: &'static str) -> BackupPlan {
    BackupPlan {
        age_seconds,
        comment: Some(comment),
        ..BackupPlan::default()
    }
}

/// A server with these groups in the root of its one datastore.
fn with_groups(name: &str, groups: Vec<GroupPlan>) -> RemotePlan {
    let mut store = DatastorePlan::new("main", DatastoreKind::Normal);
    store.groups = Some(groups);
    RemotePlan::Pbs(PbsPlan {
        datastores: vec![store],
        ..pbs(name)
    })
}

fn few_groups(name: &str) -> RemotePlan {
    with_groups(
        name,
        vec![group(BackupKind::Vm, "100", vec![backup(60, "web")])],
    )
}

/// A module's target, as pbs-exporter was given it.
fn url_of(fleet: &Fleet, remote: &str) -> String {
    let target = module_target(fleet.remote(remote), 0);
    format!("/pbs?target=https://{target}&module={remote}")
}

#[tokio::test]
async fn a_remote_has_every_family_with_its_labels() {
    let fleet = fleet([RemotePlan::Pbs(pbs("a"))]).await;
    let remote = fleet.remote("a");
    let proxfleet = Proxfleet::start(&table_of(remote)).await;
    let answer = complete(&proxfleet, "/pbs?target=a").await;
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    let expected: BTreeMap<_, _> = FAMILIES
        .iter()
        .map(|(family, labels)| (*family, BTreeSet::from([labels.to_vec()])))
        .collect();
    assert_eq!(label_sets(&text), expected, "{text}");
    assert_eq!(samples(&text, "pbs_up"), ["pbs_up 1"]);
    assert_eq!(samples(&text, "pbs_host_subscription_status").len(), 6);
    // One that is offline or not mounted has no size; one that is read-only has.
    let sizes = samples(&text, "pbs_size").join("\n");
    assert!(sizes.contains("\"frozen\""), "{sizes}");
    assert!(!sizes.contains("\"closed\""), "{sizes}");
    assert!(!sizes.contains("\"usbdisk\""), "{sizes}");
    assert!(
        samples(&text, "pbs_size")
            .iter()
            .all(|line| !line.ends_with(" 0"))
    );

    let address = remote.endpoints()[0].address;
    for path in [
        "/pbs".to_owned(),
        "/pbs?target=".to_owned(),
        format!("/pbs?target={address}"),
        format!("/pbs?target=https://{address}"),
        format!("/pbs?target=https%3A%2F%2F{address}%2F"),
    ] {
        let same = proxfleet.get(&path).await;
        assert_eq!(same.status, 200, "{path}: {}", same.text());
        assert_eq!(families(&same.text()), families(&text), "{path}");
    }
    let posted = proxfleet.request("POST", "/pbs", &[]).await;
    assert_eq!(posted.status, 200);
    let packed = proxfleet.request("GET", "/pbs", &[("Accept-Encoding", "gzip")]);
    assert_eq!(families(&packed.await.unpacked()), families(&text));
}

#[tokio::test]
async fn a_scrape_asks_for_the_live_numbers_alone() {
    let fleet = fleet([RemotePlan::Pbs(pbs("a"))]).await;
    let slow = "[defaults]\nbackground_calls_per_second = 1\n";
    let proxfleet = Proxfleet::start_with(slow, &table_of(fleet.remote("a"))).await;
    let text = proxfleet.get("/pbs").await.text();
    for family in ["pbs_up", "pbs_size", "pbs_host_cpu_usage"] {
        assert!(families(&text).contains(family), "{family}\n{text}");
    }
    assert!(text.contains("# partial: snapshot: datastore/"), "{text}");
    assert!(text.contains("not asked yet"), "{text}");
}

#[tokio::test]
async fn an_id_of_several_kinds_is_the_machine_s_and_what_runs_is_no_backup() {
    let running = BackupPlan {
        finished: false,
        verified: None,
        ..backup(10, "never seen")
    };
    let never_verified = BackupPlan {
        verified: None,
        ..backup(500, "box")
    };
    let groups = vec![
        group(
            BackupKind::Vm,
            "100",
            vec![backup(9_000, "web-old"), backup(1_000, "web"), running],
        ),
        group(BackupKind::Ct, "100", vec![never_verified]),
        group(BackupKind::Host, "100", vec![backup(700, "")]),
        group(BackupKind::Ct, "101", vec![backup(800, "db")]),
        group(BackupKind::Vm, "102", vec![running]),
    ];
    let fleet = fleet([with_groups("a", groups)]).await;
    let proxfleet = Proxfleet::start(&table_of(fleet.remote("a"))).await;
    let text = complete(&proxfleet, "/pbs").await.text();
    let told = |family: &str| {
        let lines = samples(&text, family).into_iter();
        lines
            .map(|line| {
                let labels = line.split_once("vm_id=").map_or(line, |(_, labels)| labels);
                labels.replace(['"', '}'], "")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told("pbs_snapshot_vm_count"),
        [
            "ct/100,vm_name=box 1",
            "101,vm_name=db 1",
            "host/100,vm_name= 1",
            "100,vm_name=web 2",
        ]
    );
    assert_eq!(
        told("pbs_snapshot_vm_last_verify"),
        [
            "ct/100,vm_name=box 0",
            "101,vm_name=db 1",
            "host/100,vm_name= 1",
            "100,vm_name=web 1",
        ]
    );
    assert_eq!(
        samples(&text, "pbs_snapshot_count"),
        [r#"pbs_snapshot_count{datastore="main",namespace=""} 5"#]
    );
    let last = |vm: &str| {
        let lines = samples(&text, "pbs_snapshot_vm_last_timestamp").into_iter();
        let of_vm: Vec<f64> = lines
            .filter(|line| line.contains(&format!("vm_id=\"{vm}\"")))
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        of_vm[0]
    };
    assert_eq!(last("ct/100") - last("100"), 500.0);
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_down_and_says_why() {
    let fleet = fleet([few_groups("a")]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let config = module_of("a", remote, &folder);
    for (config, path) in [
        (table_of(remote), "/pbs".to_owned()),
        (config, url_of(&fleet, "a")),
    ] {
        let proxfleet = Proxfleet::start(&config).await;
        complete(&proxfleet, &path).await;
        remote.set_fault(Fault::Refusing);
        eventually("the target is down", async || {
            let answer = proxfleet.get(&path).await;
            assert_eq!(answer.status, 200);
            let text = answer.text();
            let is_down = text.contains("\npbs_up 0\n");
            if is_down {
                assert_eq!(families(&text).len(), 1, "{text}");
                assert!(text.contains("\n# partial: target: remote "), "{text}");
            }
            is_down
        })
        .await;
        remote.clear_faults();
        eventually("the target is up again", async || {
            proxfleet.get(&path).await.text().contains("\npbs_up 1\n")
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_may_be_older_is_an_answer() {
    let fleet = fleet([few_groups("a")]).await;
    let table = format!(
        "{}\n[remote.collectors]\ndatastore = \"1h\"\n",
        table_of(fleet.remote("a"))
    );
    let proxfleet = Proxfleet::start(&table).await;
    complete(&proxfleet, "/pbs").await;
    // Longer than an answer is taken to be fresh where nothing is said.
    let end = Instant::now() + target::LIFE + Duration::from_secs(1);
    while Instant::now() < end {
        let text = proxfleet.get("/pbs").await.text();
        assert!(text.contains("\npbs_up 1\n"), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let counts = fleet.remote("a").counts();
    let asked = &counts.endpoints[0].requests;
    assert_eq!(asked["GET /status/metrics"], 1, "{asked:?}");
}

#[tokio::test]
async fn a_wrong_token_is_down_and_one_without_rights_is_not() {
    let fleet = fleet([few_groups("a")]).await;
    let remote = fleet.remote("a");
    let wrong = table(
        remote,
        remote.token_id(),
        "00000000-0000-0000-0000-000000000000",
    );
    let proxfleet = Proxfleet::start(&wrong).await;
    let text = proxfleet.get("/pbs").await.text();
    assert!(text.contains("\npbs_up 0\n"), "{text}");

    let mut tokens = remote.tokens().iter();
    let nothing = tokens
        .find(|token| token.rights == Rights::Nothing)
        .unwrap();
    let proxfleet = Proxfleet::start(&table(remote, &nothing.id, &nothing.secret)).await;
    eventually("what the token lacks is told", async || {
        let text = proxfleet.get("/pbs").await.text();
        assert!(text.contains("\npbs_up 1\n"), "{text}");
        text.contains("# partial: host: ") && text.contains("Sys.Audit")
    })
    .await;
}

#[tokio::test]
async fn a_module_answers_for_a_host_that_is_no_remote() {
    let many = (0..20).map(|number| {
        let id = (100 + number).to_string();
        group(BackupKind::Vm, &id, vec![backup(60, "web")])
    });
    let fleet = fleet([
        RemotePlan::Pbs(pbs("a")),
        with_groups("many", many.collect()),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let modules = ["a", "many"].map(|name| module_of(name, fleet.remote(name), &folder));
    let proxfleet = Proxfleet::start(&modules.concat()).await;
    let text = proxfleet.get(&url_of(&fleet, "a")).await.text();
    assert!(!text.contains("# partial"), "{text}");
    assert_eq!(families(&text).len(), FAMILIES.len(), "{text}");

    let text = proxfleet.get(&url_of(&fleet, "many")).await.text();
    assert!(!text.contains("# partial"), "{text}");
    assert_eq!(samples(&text, "pbs_snapshot_vm_count").len(), 20);
    let counts = fleet.remote("many").counts();
    let asked = counts.endpoints[0].requests.iter();
    let snapshots = asked.filter(|(call, _)| call.contains("/snapshots"));
    assert_eq!(snapshots.map(|(_, times)| times).sum::<u64>(), 1);
}

#[tokio::test]
async fn who_is_not_allowed_is_not_connected_to() {
    let fleet = fleet([few_groups("a")]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{}{}", table_of(remote), module_of("lab", remote, &folder));
    let proxfleet = Proxfleet::start(&config).await;
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = trap.local_addr().unwrap();
    let port = address.port();
    for path in [
        format!("/pbs?target={address}"),
        format!("/pbs?target=https://{address}"),
        format!("/pbs?target=https://{address}&module=lab"),
        format!("/pbs?target=localhost:{port}&module=lab"),
    ] {
        let answer = proxfleet.get(&path).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert!(
            answer.text().contains("is not allowed"),
            "{}",
            answer.text()
        );
    }
    for path in [
        format!("/pbs?target=http://{address}"),
        format!("/pbs?target=http%3A%2F%2F{address}&module=lab"),
        format!("/pbs?target=https://u:p@{address}"),
        format!("/pbs?target=https://{address}/api2"),
        format!("/pbs?target={address}&module=zzz"),
    ] {
        let answer = proxfleet.get(&path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    let by_http = proxfleet.get("/pbs?target=http://a:8007").await;
    assert!(by_http.text().contains("in clear"), "{}", by_http.text());
    assert!(trap.accept().is_err(), "a connection was made");
}

#[tokio::test]
async fn who_names_nobody_is_told_whom_there_is() {
    let fleet = fleet(["a", "b"].map(few_groups)).await;
    let both: String = ["a", "b"].map(|name| table_of(fleet.remote(name))).concat();
    let proxfleet = Proxfleet::start(&both).await;
    let answer = proxfleet.get("/pbs").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("one of a, b"), "{}", answer.text());

    let folder = tempfile::tempdir().unwrap();
    let module = module_of("lab", fleet.remote("a"), &folder);
    let proxfleet = Proxfleet::start(&module).await;
    let answer = proxfleet.get("/pbs?module=lab").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("no target is named"));
}

#[tokio::test]
async fn targets_that_are_asked_at_once_never_mix() {
    let server = |name: &'static str| {
        let backups = vec![backup(60, name)];
        with_groups(name, vec![group(BackupKind::Vm, "100", backups)])
    };
    let fleet = fleet(["a", "b", "c"].map(server)).await;
    let folder = tempfile::tempdir().unwrap();
    let modules = ["b", "c"].map(|name| module_of(name, fleet.remote(name), &folder));
    let config = format!("{}{}", table_of(fleet.remote("a")), modules.concat());
    let proxfleet = Proxfleet::start(&config).await;
    let paths = [
        "/pbs?target=a".to_owned(),
        url_of(&fleet, "b"),
        url_of(&fleet, "c"),
    ];
    complete(&proxfleet, &paths[0]).await;
    let named = async |path: &str| {
        let text = proxfleet.get(path).await.text();
        let lines = samples(&text, "pbs_snapshot_vm_count").into_iter();
        let names = lines.filter_map(|line| line.split('"').nth_back(1));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    for _ in 0..10 {
        let (a, b, c) = tokio::join!(named(&paths[0]), named(&paths[1]), named(&paths[2]));
        assert_eq!([a, b, c], [["a"], ["b"], ["c"]]);
    }
}
