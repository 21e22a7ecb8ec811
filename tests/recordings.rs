//! What the documentation says of where a family's shape is known from, held against recordings of
//! real servers, where `PROXFLEET_REFERENCE` names the folder with `recordings/`. Without it, it says
//! so and passes.
//!
//! Every call is answered with what was recorded of it, one of its recordings at a time: a family
//! that is said to be recorded must come out of it, and no other.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where it goes wrong"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proxfleet::collect::walk::walk;
use proxfleet::config::Product;
use proxfleet::remote::call::{Answer, Call};
use proxfleet::remote::error::{CallError, Context, Failure};
use proxfleet::remote::responder::{Answering, Responder};
use proxfleet::source::Session;
use proxfleet::view::catalogue::{self, Origin};
use serde_json::Value;

/// Recorded with a value that is not told, and why it stands for the shape of others.
const RECORDED_WITHOUT_A_SAMPLE: &[(&str, &str)] = &[
    (
        "pve_guest_qmp_state",
        "of a paused guest that was asked alone, and not of the list",
    ),
    (
        "pve_node_zfs_arc_size_bytes",
        "as 0, of nodes that do not use ZFS",
    ),
    (
        "pve_replication_last_sync_timestamp_seconds",
        "as 0, of jobs that never succeeded",
    ),
];

/// Told of an answer that lacks what it is read from.
const TOLD_OF_ITS_ABSENCE: &[(&str, &str)] = &[
    (
        "pve_node_network_changes_pending",
        "no network of the lab had changes that wait",
    ),
    ("pbs_tape_drive_busy", "no drive of the lab did anything"),
];

/// Which of a call's recordings is its answer is drawn anew for each; after so many walks every
/// two of them have met.
const WALKS: u64 = 300;

/// The good answers by path, with and without its query.
type Recordings = BTreeMap<String, Vec<Recorded>>;

#[derive(Clone)]
struct Recorded {
    body: Bytes,
    /// The `Date` header, Unix seconds.
    date: i64,
}

/// A remote that answers with recordings.
struct Player {
    product: Product,
    recordings: Arc<Recordings>,
    random: Mutex<fastrand::Rng>,
}

impl Responder for Player {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        let path = decoded(&call.path);
        let found = self.recordings.get(&path);
        let found = found.or_else(|| self.recordings.get(without_query(&path)));
        let recorded = found.and_then(|all| self.random.lock().unwrap().choice(all));
        let answer = recorded.map(|recorded| Answer {
            body: recorded.body.clone(),
            endpoint: 0,
            date: Some(recorded.date),
            received_at: SystemTime::now(),
            elapsed: Duration::ZERO,
        });
        let answer = answer.ok_or_else(|| {
            CallError::new(
                self.context(call.name, Some(0)),
                Failure::NotImplemented(path),
            )
        });
        Box::pin(std::future::ready(answer))
    }

    fn context(&self, call: &'static str, _: Option<usize>) -> Context {
        Context {
            remote: Arc::from("recorded"),
            product: self.product,
            call,
            address: None,
        }
    }

    fn endpoints(&self) -> usize {
        1
    }

    fn prefer(&self, _: usize) {}

    fn reconsider(&self) {}
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// A path without percent-encoding: clients differ in what they encode.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn recordings(reference: &Path, sets: &[&str]) -> Recordings {
    let mut recordings = Recordings::new();
    for set in sets {
        let folder = reference.join("recordings").join(set);
        let index = read(&folder.join("index.json"));
        let entries = index.as_array().unwrap().iter();
        for entry in entries.filter(|entry| entry["method"] == "GET" && entry["status"] == 200) {
            let path = entry["path"].as_str().unwrap();
            let path = decoded(path.trim_start_matches("/api2/json"));
            let recorded = recorded(&read(&folder.join(entry["file"].as_str().unwrap())));
            for path in BTreeSet::from([without_query(&path), &path]) {
                let all = recordings.entry(path.to_owned()).or_default();
                all.push(recorded.clone());
            }
        }
    }
    recordings
}

fn recorded(file: &Value) -> Recorded {
    let headers = file["headers"].as_array().unwrap();
    let date = headers
        .iter()
        .find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case("date"));
    let date = httpdate::parse_http_date(date.unwrap()[1].as_str().unwrap()).unwrap();
    let date = date.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Recorded {
        body: Bytes::from(file["body_text"].as_str().unwrap_or_default().to_owned()),
        date: date.as_secs().cast_signed(),
    }
}

/// The families that come out of what was recorded of a product.
async fn told(product: Product, recordings: Recordings) -> BTreeSet<&'static str> {
    let recordings = Arc::new(recordings);
    let mut told = BTreeSet::new();
    for seed in 0..WALKS {
        let player = Player {
            product,
            recordings: Arc::clone(&recordings),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        };
        for (_, block) in walk(&Session::new(player, product), "r").await {
            told.extend(block.families().map(|family| family.name));
        }
    }
    told
}

#[tokio::test]
async fn what_is_said_to_be_recorded_is() {
    let Some(reference) = std::env::var_os("PROXFLEET_REFERENCE").map(PathBuf::from) else {
        eprintln!("PROXFLEET_REFERENCE is not set: not compared with recordings");
        return;
    };
    for (product, sets) in [
        (Product::Pve, &["pve", "pve-extra"][..]),
        (Product::Pbs, &["pbs"][..]),
    ] {
        let told = told(product, recordings(&reference, sets)).await;
        let entries = catalogue::entries().into_iter();
        let families = entries.filter_map(|entry| match entry.origin {
            Origin::Remote(collector) if collector.product == product => Some(entry.family),
            _ => None,
        });
        let wrong: Vec<&str> = families
            .filter(|family| {
                let exceptions = match family.recorded {
                    true => RECORDED_WITHOUT_A_SAMPLE,
                    false => TOLD_OF_ITS_ABSENCE,
                };
                let is_exception = exceptions.iter().any(|(name, _)| *name == family.name);
                told.contains(family.name) != (family.recorded != is_exception)
            })
            .map(|family| family.name)
            .collect();
        assert!(
            wrong.is_empty(),
            "these are recorded and not said to be, or the other way round: {wrong:#?}"
        );
    }
}
