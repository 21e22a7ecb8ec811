use super::super::facts::{Storage, Task};
use super::*;
use crate::config::Fingerprint;

const NOW: f64 = 1_800_000_000.0;
const HOUR: f64 = 3600.0;

fn guest(vmid: u32) -> Guest {
    Guest {
        vmid,
        name: format!("guest-{vmid}"),
        node: "pve1".to_owned(),
        ..Guest::default()
    }
}

fn daily(selection: Selection) -> Job {
    Job {
        id: "backup-1".to_owned(),
        enabled: true,
        selection,
        largest_gap: Some(24.0 * HOUR),
        ..Job::default()
    }
}

fn link(namespace: &str, username: &str) -> ServerLink {
    ServerLink {
        host: "pbs.example".to_owned(),
        port: 8007,
        fingerprint: None,
        datastore: "vault".to_owned(),
        namespace: namespace.to_owned(),
        username: username.to_owned(),
    }
}

fn storage_of(link: ServerLink) -> Storage {
    Storage {
        name: "pbs".to_owned(),
        server: Some(link),
        points: None,
    }
}

fn dumps(points: Vec<Point>) -> Storage {
    Storage {
        name: "nas".to_owned(),
        server: None,
        points: Some(points),
    }
}

fn point(vmid: u32, age: f64) -> Point {
    Point {
        vmid,
        time: NOW - age,
        ..Point::default()
    }
}

fn group(namespace: &str, owner: &str, vmid: u32, ages: &[f64]) -> Group {
    Group {
        namespace: namespace.to_owned(),
        owner: owner.to_owned(),
        vmid,
        points: ages.iter().map(|age| point(vmid, *age)).collect(),
        ..Group::default()
    }
}

fn server(remote: &str, host: &str, groups: Vec<Group>) -> Server {
    Server {
        remote: remote.to_owned(),
        addresses: vec![(host.to_owned(), 8007)],
        datastores: vec![Datastore {
            name: "vault".to_owned(),
            namespaces: ["", "a", "b", "copies"].map(str::to_owned).to_vec(),
            groups,
        }],
        ..Server::default()
    }
}

fn cluster(remote: &str, guests: Vec<Guest>, storages: Vec<Storage>) -> Cluster {
    Cluster {
        remote: remote.to_owned(),
        guests,
        jobs: Some(vec![daily(Selection::AllBut(Vec::new()))]),
        storages,
        unseen: None,
    }
}

fn states(judgement: &Judgement) -> Vec<(&str, u32, State)> {
    judgement
        .guests
        .iter()
        .map(|guest| (guest.remote.as_str(), guest.vmid, guest.state))
        .collect()
}

/// The state of one guest with this storage and no backup server.
fn alone(change: impl FnOnce(&mut Cluster)) -> Protection {
    let mut cluster = cluster("a", vec![guest(100)], vec![dumps(vec![point(100, HOUR)])]);
    change(&mut cluster);
    judge(&[cluster], &[], NOW).guests.remove(0)
}

#[test]
fn a_fresh_restore_point_protects() {
    let protection = alone(|_| {});
    assert_eq!(protection.state, State::Protected);
    assert_eq!(protection.newest, Some(NOW - HOUR));
    assert_eq!(protection.places, Some(1));
    assert_eq!(protection.newest_place.unwrap().storage, "nas");
    assert_eq!(protection.jobs.unwrap(), ["backup-1"]);
}

#[test]
fn twice_the_largest_gap_and_the_last_duration_is_allowed() {
    let with_age = |age: f64| {
        alone(|cluster| {
            cluster.storages[0].points = Some(vec![point(100, age)]);
            cluster.guests[0].last_task = Some(Task {
                end: NOW - age,
                duration: Some(HOUR),
                failed: false,
            });
        })
        .state
    };
    assert_eq!(with_age(48.9 * HOUR), State::Protected);
    assert_eq!(with_age(49.1 * HOUR), State::Stale);
    let weekly = alone(|cluster| {
        cluster.jobs.as_mut().unwrap()[0].largest_gap = Some(7.0 * 24.0 * HOUR);
        cluster.storages[0].points = Some(vec![point(100, 100.0 * HOUR)]);
    });
    assert_eq!(weekly.state, State::Protected);
}

#[test]
fn a_failure_after_the_newest_restore_point_is_told() {
    let task = |end: f64| Task {
        end,
        duration: None,
        failed: true,
    };
    let failed = alone(|cluster| cluster.guests[0].last_task = Some(task(NOW - 60.0)));
    assert_eq!(failed.state, State::Failed);
    let mended = alone(|cluster| cluster.guests[0].last_task = Some(task(NOW - 2.0 * HOUR)));
    assert_eq!(mended.state, State::Protected);
    let unverified = alone(|cluster| {
        cluster.storages[0].points.as_mut().unwrap()[0].verified = Some(false);
    });
    assert_eq!(unverified.state, State::Failed);
    assert_eq!(unverified.verified, Some(false));
}

#[test]
fn without_a_restore_point_it_is_unprotected_or_left_out() {
    let none = |cluster: &mut Cluster| cluster.storages[0].points = Some(vec![point(101, HOUR)]);
    assert_eq!(alone(none).state, State::Unprotected);
    let excluded = alone(|cluster| {
        none(cluster);
        cluster.jobs = Some(vec![daily(Selection::AllBut(vec![100]))]);
    });
    assert_eq!(excluded.state, State::Excluded);
    let taken_by_another = alone(|cluster| {
        none(cluster);
        cluster.jobs = Some(vec![
            daily(Selection::AllBut(vec![100])),
            daily(Selection::These(vec![100])),
        ]);
    });
    assert_eq!(taken_by_another.state, State::Unprotected);
    let disabled = alone(|cluster| {
        none(cluster);
        cluster.jobs.as_mut().unwrap()[0].enabled = false;
    });
    assert_eq!(disabled.state, State::Unprotected);
    assert_eq!(disabled.jobs.unwrap().len(), 0);
}

#[test]
fn jobs_take_by_pool_and_node() {
    let jobs_of = |selection: Selection, node: &str| {
        let protection = alone(|cluster| {
            cluster.guests[0].pool = "prod/web".to_owned();
            let mut job = daily(selection);
            job.node = node.to_owned();
            cluster.jobs = Some(vec![job]);
        });
        protection.jobs.unwrap().len()
    };
    assert_eq!(jobs_of(Selection::Pool("prod".to_owned()), ""), 1);
    assert_eq!(jobs_of(Selection::Pool("prod/web".to_owned()), ""), 1);
    assert_eq!(jobs_of(Selection::Pool("pro".to_owned()), ""), 0);
    assert_eq!(jobs_of(Selection::AllBut(Vec::new()), "pve1"), 1);
    assert_eq!(jobs_of(Selection::AllBut(Vec::new()), "pve2"), 0);
}

#[test]
fn it_is_never_unprotected_while_a_storage_cannot_be_read() {
    let unreadable = |cluster: &mut Cluster| {
        cluster.storages.push(Storage {
            name: "hidden".to_owned(),
            ..Storage::default()
        });
    };
    let unknown = alone(|cluster| {
        cluster.storages[0].points = Some(Vec::new());
        unreadable(cluster);
    });
    assert_eq!(unknown.state, State::Unknown);
    assert!(unknown.reason.contains("hidden"), "{}", unknown.reason);
    assert_eq!(
        alone(unreadable).state,
        State::Protected,
        "what can be seen is enough"
    );
    let no_jobs = alone(|cluster| {
        cluster.storages[0].points = Some(Vec::new());
        cluster.jobs = None;
    });
    assert_eq!((no_jobs.state, no_jobs.jobs), (State::Unknown, None));
}

#[test]
fn without_a_look_at_the_storages_nothing_is_said_to_be_missing() {
    let hidden = |points: Vec<Point>| {
        alone(|cluster| {
            cluster.storages = vec![dumps(points)];
            cluster.unseen = Some(Unseen::All);
        })
    };
    let nothing_seen = hidden(Vec::new());
    assert_eq!(nothing_seen.state, State::Unknown);
    assert_eq!(nothing_seen.places, None, "a zero would be a finding");
    assert_eq!(hidden(vec![point(100, HOUR)]).state, State::Protected);
    let old = hidden(vec![point(100, 90.0 * HOUR)]);
    assert_eq!((old.state, old.places), (State::Unknown, Some(1)));
    let none = alone(|cluster| cluster.storages[0].points = Some(Vec::new()));
    assert_eq!((none.state, none.places), (State::Unprotected, Some(0)));
}

#[test]
fn a_sign_of_storages_that_are_not_seen_is_a_doubt_and_is_named() {
    let judged = |unseen: Unseen| {
        alone(|cluster| {
            cluster.storages[0].points = Some(Vec::new());
            cluster.unseen = Some(unseen);
        })
    };
    let others = judged(Unseen::Others);
    assert_eq!(others.state, State::Unknown);
    assert!(others.reason.contains("only some"), "{}", others.reason);
    let target = judged(Unseen::TargetOf {
        job: "nightly".to_owned(),
        storage: "vault".to_owned(),
    });
    assert_eq!(target.state, State::Unknown);
    assert!(
        target.reason.contains("nightly") && target.reason.contains("vault"),
        "{}",
        target.reason
    );
}

#[test]
fn namespaces_and_users_tell_clusters_apart_that_share_numbers() {
    let clusters = [
        cluster("a", vec![guest(100)], vec![storage_of(link("a", "x@pbs"))]),
        cluster("b", vec![guest(100)], vec![storage_of(link("b", "x@pbs"))]),
        cluster("c", vec![guest(100)], vec![storage_of(link("", "c@pbs!t"))]),
    ];
    let servers = [server(
        "pbs-a",
        "PBS.example",
        vec![
            group("a", "x@pbs", 100, &[HOUR]),
            group("b", "x@pbs", 100, &[90.0 * HOUR]),
            group("", "someone@pbs", 100, &[HOUR]),
        ],
    )];
    let judgement = judge(&clusters, &servers, NOW);
    assert_eq!(
        states(&judgement),
        [
            ("a", 100, State::Protected),
            ("b", 100, State::Stale),
            ("c", 100, State::Unprotected),
        ]
    );
    assert_eq!(judgement.groups.len(), 2, "nobody's group is nobody's");
    let place = judgement.guests[0].newest_place.as_ref().unwrap();
    assert_eq!(
        (
            &*place.backup_remote,
            &*place.datastore,
            &*place.backup_namespace
        ),
        ("pbs-a", "vault", "a")
    );
}

#[test]
fn a_group_of_two_clusters_is_nobodys_and_says_why() {
    let clusters =
        ["a", "b"].map(|name| cluster(name, vec![guest(100)], vec![storage_of(link("", "x@pbs"))]));
    let servers = [server(
        "pbs",
        "pbs.example",
        vec![group("", "x@pbs", 100, &[HOUR])],
    )];
    let judgement = judge(&clusters, &servers, NOW);
    assert_eq!(
        states(&judgement),
        [("a", 100, State::Unknown), ("b", 100, State::Unknown)]
    );
    assert!(judgement.guests[0].reason.contains("more than one cluster"));
    assert!(judgement.groups.is_empty());
}

#[test]
fn a_server_is_known_by_its_certificate_or_its_address() {
    let fingerprint: Fingerprint = ("AB:".repeat(31) + "AB").parse().unwrap();
    let mut elsewhere = link("", "x@pbs");
    elsewhere.host = "10.0.0.9".to_owned();
    let judged = |link: &ServerLink, fingerprints: Vec<Fingerprint>| {
        let clusters = [cluster(
            "a",
            vec![guest(100)],
            vec![storage_of(link.clone())],
        )];
        let mut server = server("pbs", "pbs.example", vec![group("", "x@pbs", 100, &[HOUR])]);
        server.fingerprints = fingerprints;
        judge(&clusters, &[server], NOW).guests.remove(0).state
    };
    assert_eq!(
        judged(&elsewhere, Vec::new()),
        State::Unknown,
        "it is not a remote of ours"
    );
    elsewhere.fingerprint = Some(fingerprint);
    assert_eq!(judged(&elsewhere, vec![fingerprint]), State::Protected);
    assert_eq!(judged(&link("", "x@pbs"), Vec::new()), State::Protected);
    let mut other_port = link("", "x@pbs");
    other_port.port = 443;
    assert_eq!(judged(&other_port, Vec::new()), State::Unknown);
}

#[test]
fn a_copy_by_sync_is_another_place() {
    let clusters = [cluster(
        "a",
        vec![guest(100), guest(101)],
        vec![storage_of(link("a", "x@pbs"))],
    )];
    let servers = [
        server(
            "pbs-a",
            "pbs.example",
            vec![
                group("a", "x@pbs", 100, &[HOUR, 25.0 * HOUR]),
                group("a", "x@pbs", 101, &[HOUR]),
            ],
        ),
        server(
            "pbs-b",
            "offsite.example",
            vec![
                // A day behind, with an owner of its own.
                group("copies", "sync@pam", 100, &[25.0 * HOUR]),
                group("copies", "sync@pam", 101, &[5.0 * HOUR]),
            ],
        ),
    ];
    let judgement = judge(&clusters, &servers, NOW);
    let guests = judgement.guests.iter();
    let places: Vec<Option<usize>> = guests.map(|guest| guest.places).collect();
    assert_eq!(
        places,
        [Some(2), Some(1)],
        "another time is another guest's"
    );
}

#[test]
fn a_group_whose_guest_is_gone_is_orphaned() {
    let clusters = [cluster(
        "a",
        vec![guest(100)],
        vec![storage_of(link("", "x@pbs"))],
    )];
    let mut container = group("", "x@pbs", 100, &[HOUR]);
    container.kind = GuestKind::Lxc;
    let groups = vec![
        group("", "x@pbs", 100, &[HOUR]),
        group("", "x@pbs", 999, &[HOUR]),
        container,
    ];
    let judgement = judge(&clusters, &[server("pbs", "pbs.example", groups)], NOW);
    let orphaned: Vec<(u32, bool)> = judgement
        .groups
        .iter()
        .map(|group| (group.vmid, group.orphaned))
        .collect();
    assert_eq!(orphaned, [(100, false), (999, true), (100, true)]);
}

#[test]
fn a_datastore_that_is_not_read_leaves_a_doubt() {
    let clusters = [cluster(
        "a",
        vec![guest(100)],
        vec![storage_of(link("", "x@pbs"))],
    )];
    let mut closed = server("pbs", "pbs.example", Vec::new());
    closed.datastores.clear();
    let judgement = judge(&clusters, &[closed], NOW);
    assert_eq!(states(&judgement), [("a", 100, State::Unknown)]);
    // Neither is a namespace that our token does not see.
    let mut narrow = server("pbs", "pbs.example", Vec::new());
    narrow.datastores[0].namespaces = vec!["a".to_owned()];
    let judgement = judge(&clusters, &[narrow], NOW);
    assert_eq!(states(&judgement), [("a", 100, State::Unknown)]);
    // The cluster itself may see what is on it.
    let mut seen = clusters[0].clone();
    seen.storages[0].points = Some(vec![point(100, HOUR)]);
    let judgement = judge(&[seen], &[], NOW);
    assert_eq!(states(&judgement), [("a", 100, State::Protected)]);
}
