//! Whether each guest of a fleet is protected, over real TLS: every state, and what changes it.

#![allow(clippy::expect_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use simulator::{
    ArchivePlan, BackupJobPlan, BackupKind, BackupPlan, BackupStorage, BackupTaskPlan, Clock,
    ClusterBackups, DatastoreKind, DatastorePlan, Fleet, FleetPlan, GroupPlan, JobSelection,
    PbsPlan, PvePlan, RemotePlan, Rights,
};
use support::{Proxfleet, pbs, pve, table, table_of, value};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// Clusters `a` and `b` share numbers, user and datastore, and differ by namespace; `c` is in the root with
/// its containers; a storage of `d` cannot be reached. The server `copies` holds what a sync job brought.
struct Plan {
    a: PvePlan,
    b: PvePlan,
    c: PvePlan,
    d: PvePlan,
    /// On `vault`.
    groups: Vec<GroupPlan>,
    /// On `copies`.
    copies: Vec<GroupPlan>,
    /// The clocks of all servers.
    clock: Clock,
    /// Of the token for `a`.
    rights: Rights,
    /// What stands in the configuration before the remotes.
    configuration: &'static str,
}

const USER: &str = "backup@pbs!fleet";
const USER_OF_C: &str = "backup@pbs!c";

fn cluster(name: &str, guests: usize, namespace: Option<&str>, username: &str) -> PvePlan {
    PvePlan {
        qemu_ratio: 1.0,
        running_ratio: 1.0,
        oddities: false,
        backup_servers: vec![BackupStorage {
            storage: "backup".to_owned(),
            server: "vault".to_owned(),
            datastore: "main".to_owned(),
            namespace: namespace.map(str::to_owned),
            username: username.to_owned(),
            ..BackupStorage::default()
        }],
        backups: Some(ClusterBackups {
            jobs: vec![job("nightly", JobSelection::AllBut(Vec::new()))],
            ..ClusterBackups::default()
        }),
        ..pve(name, 1, guests)
    }
}

fn job(id: &str, selection: JobSelection) -> BackupJobPlan {
    BackupJobPlan {
        id: id.to_owned(),
        schedule: "02:00".to_owned(),
        storage: "backup".to_owned(),
        enabled: true,
        selection,
    }
}

fn backup(hours: i64) -> BackupPlan {
    BackupPlan {
        age_seconds: hours * HOUR,
        ..BackupPlan::default()
    }
}

fn group(
    namespace: &str,
    kind: BackupKind,
    id: &str,
    owner: &str,
    backups: &[BackupPlan],
) -> GroupPlan {
    GroupPlan {
        namespace: namespace.to_owned(),
        kind,
        id: id.to_owned(),
        owner: owner.to_owned(),
        backups: backups.to_vec(),
    }
}

impl Plan {
    fn new() -> Self {
        let mut a = cluster("a", 9, Some("a"), USER);
        a.backups = Some(ClusterBackups {
            jobs: vec![job("nightly", JobSelection::AllBut(vec![104]))],
            tasks: vec![
                task(103, 6 * HOUR, MINUTE, true),
                task(106, MINUTE, HOUR, false),
            ],
            archives: vec![ArchivePlan {
                vmid: 107,
                storage: "nas".to_owned(),
                age_seconds: 20 * HOUR,
            }],
        });
        let mut d = cluster("d", 2, Some("d"), USER);
        d.unreachable_storages = vec!["nas".to_owned()];
        let verified = |hours, verified| BackupPlan {
            verified,
            ..backup(hours)
        };
        let running = BackupPlan {
            age_seconds: MINUTE,
            finished: false,
            verified: None,
            ..BackupPlan::default()
        };
        let of_a = |id, backups: &[BackupPlan]| group("a", BackupKind::Vm, id, USER, backups);
        Self {
            a,
            b: cluster("b", 3, Some("b"), USER),
            c: PvePlan {
                qemu_ratio: 0.0,
                ..cluster("c", 2, None, USER_OF_C)
            },
            d,
            groups: vec![
                of_a("100", &[backup(20), backup(44)]),
                of_a("101", &[backup(49)]),
                of_a("102", &[verified(20, Some(false)), backup(44)]),
                of_a("103", &[backup(30)]),
                of_a("105", &[verified(20, None)]),
                of_a("106", &[running, backup(25)]),
                of_a("199", &[backup(200)]),
                group("b", BackupKind::Vm, "100", USER, &[backup(10)]),
                group("b", BackupKind::Vm, "101", USER, &[backup(11)]),
                group("", BackupKind::Ct, "100", USER_OF_C, &[backup(15)]),
                group("", BackupKind::Ct, "101", USER_OF_C, &[backup(16)]),
                group("d", BackupKind::Vm, "101", USER, &[backup(17)]),
            ],
            // A night behind, with an owner and a namespace of its own.
            copies: vec![group(
                "mirror",
                BackupKind::Vm,
                "100",
                "sync@pbs",
                &[backup(44)],
            )],
            clock: Clock::real_time(),
            rights: Rights::Auditor,
            configuration: "",
        }
    }

    /// The group of a virtual machine on `vault`.
    fn vm(&mut self, namespace: &str, id: &str) -> &mut GroupPlan {
        let mut groups = self.groups.iter_mut();
        let found = groups.find(|group| group.namespace == namespace && group.id == id);
        found.expect("a group of the plan")
    }

    async fn start(self) -> (Fleet, Proxfleet) {
        let server = |name: &str, datastore: &str, groups| {
            RemotePlan::Pbs(PbsPlan {
                oddities: false,
                datastores: vec![DatastorePlan {
                    groups: Some(groups),
                    ..DatastorePlan::new(datastore, DatastoreKind::Normal)
                }],
                ..pbs(name)
            })
        };
        let clusters = [self.a, self.b, self.c, self.d].map(RemotePlan::Pve);
        let servers = [
            server("vault", "main", self.groups),
            server("copies", "offsite", self.copies),
        ];
        let plan = FleetPlan {
            seed: 1,
            clock: self.clock,
            remotes: clusters.into_iter().chain(servers).collect(),
        };
        let fleet = Fleet::start(plan).await.expect("a fleet");
        let tables = fleet.remotes().iter().map(|remote| {
            let mut tokens = remote.tokens().iter();
            let token = tokens.find(|token| token.rights == self.rights);
            match token.filter(|_| remote.name() == "a") {
                Some(token) => table(remote, &token.id, &token.secret),
                None => table_of(remote),
            }
        });
        let tables: String = tables.collect();
        let proxfleet = Proxfleet::start_with(self.configuration, &tables).await;
        (fleet, proxfleet)
    }
}

fn of_cluster(plan: &mut PvePlan) -> &mut ClusterBackups {
    plan.backups.as_mut().expect("planned backups")
}

fn task(vmid: i64, age_seconds: i64, duration_seconds: i64, fails: bool) -> BackupTaskPlan {
    BackupTaskPlan {
        vmid,
        age_seconds,
        duration_seconds,
        fails,
    }
}

/// The state of each guest, `a qemu/100`, with the number of places if there are several, and the groups that
/// have lost theirs, `vault main a vm/199`.
type Verdicts = BTreeMap<String, String>;

async fn answer(proxfleet: &Proxfleet, query: &str) -> Value {
    let answer = proxfleet.get(&format!("/api/v1/protection{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn rows<'v>(answer: &'v Value, list: &str) -> &'v [Value] {
    answer[list].as_array().expect("a list")
}

fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().expect("a text")
}

fn verdicts(answer: &Value) -> Verdicts {
    let guests = rows(answer, "guests").iter().map(|row| {
        let guest = format!("{} {}", text(row, "remote"), text(row, "id"));
        let state = text(row, "state");
        let verdict = match row["places"].as_u64() {
            Some(places @ 2..) => format!("{state} in {places} places"),
            _ => state.to_owned(),
        };
        (guest, verdict)
    });
    let orphans = rows(answer, "orphans").iter().map(|row| {
        let [remote, datastore, namespace, kind] =
            ["remote", "datastore", "namespace", "type"].map(|key| text(row, key));
        let group = format!("{remote} {datastore} {namespace} {kind}/{}", row["id"]);
        (group, "orphaned".to_owned())
    });
    guests.chain(orphans).collect()
}

/// What the fleet comes to, once all has been asked; the metrics say the same as the API.
async fn judged(plan: Plan) -> Verdicts {
    let (_fleet, proxfleet) = plan.start().await;
    proxfleet.scrape_all().await;
    let all = answer(&proxfleet, "").await;
    let states = rows(&all, "guests").iter().map(|row| {
        let guest = format!("{} {}", text(row, "remote"), text(row, "id"));
        (guest, text(row, "state").to_owned())
    });
    let states: Verdicts = states.collect();
    proxfleet
        .scrape_until("the metrics say what the API says", |exposition| {
            let samples = exposition.samples_named("pve_guest_protection_state");
            let told = samples.iter().map(|sample| {
                let guest = format!("{} {}", sample.labels["remote"], sample.labels["id"]);
                (guest, sample.labels["state"].clone())
            });
            samples.len() == states.len() && told.collect::<Verdicts>() == states
        })
        .await;
    verdicts(&all)
}

const EXPECTED: &[(&str, &str)] = &[
    ("a qemu/100", "protected in 2 places"),
    ("a qemu/101", "stale"),
    ("a qemu/102", "failed"),
    ("a qemu/103", "failed"),
    ("a qemu/104", "excluded"),
    ("a qemu/105", "protected"),
    ("a qemu/106", "protected"),
    ("a qemu/107", "protected"),
    ("a qemu/108", "unprotected"),
    ("b qemu/100", "protected"),
    ("b qemu/101", "protected"),
    ("b qemu/102", "unprotected"),
    ("c lxc/100", "protected"),
    ("c lxc/101", "protected"),
    ("d qemu/100", "unknown"),
    ("d qemu/101", "protected"),
    ("vault main a vm/199", "orphaned"),
];

fn expected() -> Verdicts {
    let pairs = EXPECTED.iter();
    pairs
        .map(|(guest, state)| ((*guest).to_owned(), (*state).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_told_with_its_reason_and_its_place() {
    let (_fleet, proxfleet) = Plan::new().start().await;
    let exposition = proxfleet.scrape_all().await;
    let all = answer(&proxfleet, "").await;
    assert_eq!(verdicts(&all), expected());

    let guest = |remote: &str, id: &str| {
        let mut guests = rows(&all, "guests").iter();
        guests
            .find(|row| row["remote"] == remote && row["id"] == id)
            .expect("the guest")
    };
    for (id, part) in [
        ("qemu/101", "older than 48 h"),
        ("qemu/102", "verification"),
        ("qemu/103", "last backup failed"),
        ("qemu/104", "leaves it out"),
        ("qemu/108", "no restore point yet"),
    ] {
        let reason = text(guest("a", id), "reason");
        assert!(reason.contains(part), "{id}: {reason}");
    }
    let reason = text(guest("d", "qemu/100"), "reason");
    assert!(reason.contains("nas"), "{reason}");

    let newest = |id: &str| guest("a", id)["newest"].as_f64().expect("a time");
    let hours = |a: f64, b: f64| ((a - b) / HOUR as f64).round();
    assert_eq!(hours(newest("qemu/100"), newest("qemu/106")), 5.0);
    let of = |id: &str, key: &str| guest("a", id)[key].clone();
    assert_eq!(of("qemu/100", "places"), 2, "with the copy");
    assert_eq!(of("qemu/105", "places"), 1);
    assert_eq!(of("qemu/108", "places"), 0);
    assert_eq!(of("qemu/100", "verified"), true);
    assert_eq!(of("qemu/102", "verified"), false);
    assert_eq!(of("qemu/105", "verified"), Value::Null);
    assert_eq!(of("qemu/100", "jobs"), serde_json::json!(["nightly"]));
    assert_eq!(of("qemu/104", "jobs"), serde_json::json!([]));
    let place = of("qemu/100", "place");
    assert_eq!(
        ["remote", "datastore", "namespace", "storage"].map(|key| text(&place, key).to_owned()),
        ["vault", "main", "a", ""]
    );
    assert_eq!(of("qemu/107", "place")["storage"], "nas");
    assert_eq!(of("qemu/108", "place"), Value::Null);

    let of_guest = |name, id| value(&exposition, name, &[("remote", "a"), ("id", id)]);
    let time = "pve_guest_restore_point_timestamp_seconds";
    assert_eq!(of_guest(time, "qemu/100"), Some(newest("qemu/100")));
    assert_eq!(of_guest(time, "qemu/108"), None);
    let verified = "pve_guest_restore_point_verified";
    assert_eq!(of_guest(verified, "qemu/100"), Some(1.0));
    assert_eq!(of_guest(verified, "qemu/102"), Some(0.0));
    assert_eq!(of_guest(verified, "qemu/105"), None);
    let places = "pve_guest_restore_point_places";
    assert_eq!(of_guest(places, "qemu/100"), Some(2.0));
    let of_d = [("remote", "d"), ("id", "qemu/100")];
    assert_eq!(value(&exposition, places, &of_d), None, "not said to be 0");
    let covered = "pve_guest_backup_covered";
    assert_eq!(of_guest(covered, "qemu/100"), Some(1.0));
    assert_eq!(of_guest(covered, "qemu/104"), Some(0.0));
    let info = [
        ("remote", "a"),
        ("id", "qemu/100"),
        ("backup_remote", "vault"),
        ("datastore", "main"),
        ("backup_namespace", "a"),
    ];
    assert_eq!(
        value(&exposition, "pve_guest_restore_point_info", &info),
        Some(1.0)
    );
    let orphaned = |id| {
        let labels = [("backup_id", id), ("backup_namespace", "a")];
        value(&exposition, "pbs_group_orphaned", &labels)
    };
    assert_eq!(orphaned("199"), Some(1.0));
    assert_eq!(orphaned("100"), Some(0.0));

    let failed = verdicts(&answer(&proxfleet, "?remote=a&state=failed").await);
    let failed: Vec<&str> = failed.keys().map(String::as_str).collect();
    assert_eq!(failed, ["a qemu/102", "a qemu/103"]);
    let lost = verdicts(&answer(&proxfleet, "?remote=vault").await);
    assert_eq!(lost.len(), 1, "{lost:?}");
    let unknown = proxfleet.get("/api/v1/protection?state=lost").await;
    assert_eq!(unknown.status, 400);
}

/// One change of the fleet, and what it changes of the verdicts; nothing else may.
struct Mutation {
    what: &'static str,
    change: fn(&mut Plan),
    changes: &'static [(&'static str, &'static str)],
}

const GONE: &str = "gone";

const MUTATIONS: &[Mutation] = &[
    Mutation {
        what: "another owner of a group",
        change: |plan| plan.vm("a", "100").owner = "other@pbs".to_owned(),
        changes: &[("a qemu/100", "unprotected")],
    },
    Mutation {
        what: "another namespace of a group",
        change: |plan| plan.vm("b", "101").namespace = "elsewhere".to_owned(),
        changes: &[("b qemu/101", "unprotected")],
    },
    Mutation {
        what: "another kind of guest with the same number",
        change: |plan| plan.vm("b", "101").kind = BackupKind::Ct,
        changes: &[
            ("b qemu/101", "unprotected"),
            ("vault main b ct/101", "orphaned"),
        ],
    },
    Mutation {
        what: "the copy is deleted",
        change: |plan| plan.copies.clear(),
        changes: &[("a qemu/100", "protected")],
    },
    Mutation {
        what: "the copy is of another second",
        change: |plan| plan.copies[0].backups[0].age_seconds += 1,
        changes: &[("a qemu/100", "protected")],
    },
    Mutation {
        what: "another cluster has a backup of the second of the copy",
        change: |plan| plan.vm("b", "100").backups.push(backup(44)),
        changes: &[("a qemu/100", "protected")],
    },
    Mutation {
        what: "the night of the copy is gone from the original",
        change: |plan| plan.vm("a", "100").backups.truncate(1),
        changes: &[("a qemu/100", "protected")],
    },
    Mutation {
        what: "the only backup is deleted",
        change: |plan| plan.vm("a", "105").backups.clear(),
        changes: &[("a qemu/105", "unprotected")],
    },
    Mutation {
        what: "an archive on a storage is deleted",
        change: |plan| of_cluster(&mut plan.a).archives.clear(),
        changes: &[("a qemu/107", "unprotected")],
    },
    Mutation {
        what: "the backup that failed its verification is deleted, and an older one is left",
        change: |plan| {
            plan.vm("a", "102").backups.remove(0);
        },
        changes: &[("a qemu/102", "protected")],
    },
    Mutation {
        what: "a backup is older",
        change: |plan| plan.vm("b", "100").backups = vec![backup(60)],
        changes: &[("b qemu/100", "stale")],
    },
    Mutation {
        what: "the last backup took longer than it is late",
        change: |plan| {
            let long = task(101, 49 * HOUR, 2 * HOUR, false);
            of_cluster(&mut plan.a).tasks.push(long);
        },
        changes: &[("a qemu/101", "protected")],
    },
    Mutation {
        what: "the job runs once a week",
        change: |plan| of_cluster(&mut plan.a).jobs[0].schedule = "sat 02:00".to_owned(),
        changes: &[("a qemu/101", "protected")],
    },
    Mutation {
        what: "a verification fails",
        change: |plan| plan.vm("b", "100").backups[0].verified = Some(false),
        changes: &[("b qemu/100", "failed")],
    },
    Mutation {
        what: "a verification of an older backup fails",
        change: |plan| plan.vm("a", "100").backups[1].verified = Some(false),
        changes: &[],
    },
    Mutation {
        what: "a verification passes",
        change: |plan| plan.vm("a", "102").backups[0].verified = Some(true),
        changes: &[("a qemu/102", "protected")],
    },
    Mutation {
        what: "a backup fails",
        change: |plan| {
            let failed = task(100, 2 * HOUR, MINUTE, true);
            of_cluster(&mut plan.b).tasks.push(failed);
        },
        changes: &[("b qemu/100", "failed")],
    },
    Mutation {
        what: "a backup failed before the newest restore point",
        change: |plan| {
            let failed = task(100, 12 * HOUR, MINUTE, true);
            of_cluster(&mut plan.b).tasks.push(failed);
        },
        changes: &[],
    },
    Mutation {
        what: "after the failed backup came one that succeeded",
        change: |plan| {
            plan.vm("a", "103").backups.push(backup(2));
        },
        changes: &[("a qemu/103", "protected")],
    },
    Mutation {
        what: "a backup runs and there is no finished one",
        change: |plan| plan.vm("a", "106").backups.truncate(1),
        changes: &[("a qemu/106", "unprotected")],
    },
    Mutation {
        what: "a backup runs",
        change: |plan| {
            let running = BackupPlan {
                age_seconds: MINUTE,
                finished: false,
                ..BackupPlan::default()
            };
            plan.vm("a", "101").backups.push(running);
            let runs = task(101, MINUTE, HOUR, false);
            of_cluster(&mut plan.a).tasks.push(runs);
        },
        changes: &[],
    },
    Mutation {
        what: "the job leaves another guest out",
        change: |plan| {
            of_cluster(&mut plan.a).jobs[0].selection = JobSelection::AllBut(vec![104, 108]);
        },
        changes: &[("a qemu/108", "excluded")],
    },
    Mutation {
        what: "another job takes what one leaves out",
        change: |plan| {
            let other = job("other", JobSelection::These(vec![104]));
            of_cluster(&mut plan.a).jobs.push(other);
        },
        changes: &[("a qemu/104", "unprotected")],
    },
    Mutation {
        what: "the job is disabled",
        change: |plan| of_cluster(&mut plan.a).jobs[0].enabled = false,
        changes: &[("a qemu/104", "unprotected")],
    },
    Mutation {
        what: "a storage cannot be reached",
        change: |plan| plan.a.unreachable_storages = vec!["nas".to_owned()],
        changes: &[
            ("a qemu/101", "unknown"),
            ("a qemu/104", "unknown"),
            ("a qemu/107", "unknown"),
            ("a qemu/108", "unknown"),
        ],
    },
    Mutation {
        what: "a storage can be reached again",
        change: |plan| plan.d.unreachable_storages.clear(),
        changes: &[("d qemu/100", "unprotected")],
    },
    Mutation {
        what: "the token sees only some of the storages",
        change: |plan| plan.rights = Rights::SomeStorages,
        changes: &[
            ("a qemu/101", "unknown"),
            ("a qemu/104", "unknown"),
            ("a qemu/107", "unknown"),
            ("a qemu/108", "unknown"),
        ],
    },
    Mutation {
        what: "a job writes to a storage that is not listed",
        change: |plan| of_cluster(&mut plan.b).jobs[0].storage = "hidden".to_owned(),
        changes: &[("b qemu/102", "unknown")],
    },
    Mutation {
        what: "a guest is removed",
        change: |plan| plan.b.guests = 1,
        changes: &[
            ("b qemu/101", GONE),
            ("b qemu/102", GONE),
            ("vault main b vm/101", "orphaned"),
        ],
    },
    Mutation {
        what: "the storage of a cluster is on another server",
        change: |plan| plan.b.backup_servers[0].server = "elsewhere.test".to_owned(),
        changes: &[("b qemu/100", "unprotected"), ("b qemu/101", "unprotected")],
    },
    Mutation {
        what: "the cluster itself tells what is on another server",
        change: |plan| {
            plan.b.backup_servers[0].server = "elsewhere.test".to_owned();
            of_cluster(&mut plan.b).archives.push(ArchivePlan {
                vmid: 100,
                storage: "backup".to_owned(),
                age_seconds: 10 * HOUR,
            });
        },
        changes: &[("b qemu/101", "unprotected")],
    },
    Mutation {
        what: "nobody asks for tasks",
        change: |plan| plan.configuration = "[defaults]\ncollectors = { task = false }\n",
        changes: &[("a qemu/103", "protected")],
    },
    Mutation {
        what: "nobody asks for backup jobs",
        change: |plan| plan.configuration = "[defaults]\ncollectors = { backup_job = false }\n",
        changes: &[
            ("a qemu/104", "unknown"),
            ("a qemu/108", "unknown"),
            ("b qemu/102", "unknown"),
        ],
    },
    Mutation {
        what: "two clusters back up to one place with one user",
        change: |plan| plan.d.backup_servers[0].namespace = Some("b".to_owned()),
        changes: &[
            ("b qemu/100", "unknown"),
            ("b qemu/101", "unknown"),
            ("d qemu/101", "unknown"),
        ],
    },
    Mutation {
        what: "three days without a backup",
        change: |plan| plan.clock.set(plan.clock.now() - 72.0 * HOUR as f64),
        changes: &[
            ("a qemu/100", "stale in 2 places"),
            ("a qemu/105", "stale"),
            ("a qemu/106", "stale"),
            ("a qemu/107", "stale"),
            ("b qemu/100", "stale"),
            ("b qemu/101", "stale"),
            ("c lxc/100", "stale"),
            ("c lxc/101", "stale"),
            // There may be a newer one where nobody can look.
            ("d qemu/101", "unknown"),
        ],
    },
];

/// Fleets at one time.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_changes_only_what_it_should() {
    let local = tokio::task::LocalSet::new();
    let problems = local.run_until(problems()).await;
    assert!(problems.is_empty(), "{problems:#?}");
}

/// What is not as the table has it.
async fn problems() -> Vec<String> {
    let mut running = tokio::task::JoinSet::new();
    let mut waiting = MUTATIONS.iter();
    let mut problems = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(mutation) = waiting.next()
        {
            let mut plan = Plan::new();
            (mutation.change)(&mut plan);
            running.spawn_local(async move { mutation.problems(&judged(plan).await) });
        }
        match running.join_next().await {
            Some(found) => problems.extend(found.expect("a verdict")),
            None => return problems,
        }
    }
}

impl Mutation {
    fn problems(&self, found: &Verdicts) -> Vec<String> {
        let mut wanted = expected();
        for (guest, state) in self.changes {
            if *state == GONE {
                wanted.remove(*guest);
            } else {
                wanted.insert((*guest).to_owned(), (*state).to_owned());
            }
        }
        let mut all: Vec<&String> = wanted.keys().chain(found.keys()).collect();
        all.sort();
        all.dedup();
        let differs = |guest: &&String| wanted.get(*guest) != found.get(*guest);
        all.into_iter()
            .filter(differs)
            .map(|guest| {
                let (wanted, found) = (wanted.get(guest), found.get(guest));
                format!("{}: {guest} is {found:?}, not {wanted:?}", self.what)
            })
            .collect()
    }
}

/// A change to what stands there anyway would prove nothing.
#[test]
fn each_change_of_the_table_is_one() {
    let before = expected();
    for mutation in MUTATIONS {
        for (guest, state) in mutation.changes {
            let known = before.get(*guest).map(String::as_str);
            assert_ne!(known, Some(*state), "{}: {guest}", mutation.what);
        }
    }
}
