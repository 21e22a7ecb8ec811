//! Answers that are not quite what a server answers: fields dropped, of another type, null, huge,
//! hostile. Whatever comes, nothing panics and the exposition is one that a strict reader takes.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proxfleet::collect::walk::{collected, inputs, walk};
use proxfleet::config::{self, Product};
use proxfleet::metric::block::Block;
use proxfleet::metric::exposition::{Format, assemble};
use proxfleet::metric::parse;
use proxfleet::remote::Client;
use proxfleet::remote::call::Call;
use proxfleet::remote::error::Context;
use proxfleet::remote::in_flight::InFlight;
use proxfleet::remote::observer::Nobody;
use proxfleet::remote::responder::{Answering, Responder};
use proxfleet::remote::table::AnswerTable;
use proxfleet::remote::trust::SystemRoots;
use proxfleet::source::Session;
use proxfleet::view::native::FAMILIES;
use proxfleet::view::pbs_exporter;
use serde_json::Value;
use simulator::{PbsVersion, PveVersion, RemotePlan};

/// For each remote. With another seed they are others.
const MUTATIONS: u64 = 150;
const SEED: u64 = 20;

type Answers = BTreeMap<String, String>;

/// A remote whose answers are kept.
struct Recorder {
    client: Client,
    answers: Arc<Mutex<Answers>>,
}

impl Responder for Recorder {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(async move {
            let answer = self.client.get(call).await?;
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            self.answers.lock().unwrap().insert(call.path.clone(), body);
            Ok(answer)
        })
    }

    fn context(&self, call: &'static str, endpoint: Option<usize>) -> Context {
        self.client.context(call, endpoint)
    }

    fn endpoints(&self) -> usize {
        self.client.endpoints()
    }

    fn prefer(&self, endpoint: usize) {
        self.client.prefer(endpoint);
    }

    fn reconsider(&self) {
        self.client.reconsider();
    }
}

/// Everything that the sources ask of a remote, and what it answers.
async fn answers_of(remote: &Arc<config::Remote>) -> Answers {
    let client = Client::new(
        Arc::clone(remote),
        Arc::new(SystemRoots::none()),
        Arc::new(InFlight::new(8)),
        Arc::new(Nobody),
    )
    .unwrap();
    let answers = Arc::new(Mutex::new(Answers::new()));
    let recorder = Recorder {
        client,
        answers: Arc::clone(&answers),
    };
    walk(&Session::new(recorder, remote.product), &remote.name).await;
    let answers = answers.lock().unwrap();
    answers.clone()
}

/// What is exposed of these answers, held against the strict reader; the number of samples.
async fn expose(product: Product, answers: &Answers) -> usize {
    let mut table = AnswerTable::new(product, 1_800_000_000);
    for (path, body) in answers {
        table = table.with(path, body.clone());
    }
    let session = Session::new(table, product);
    let inputs = inputs(&session, "we\"ird").await;
    let blocks: Vec<_> = collected(&inputs).map(|(_, block)| block).collect();
    if product == Product::Pbs {
        let block = Block::from_lines(pbs_exporter::collect(&inputs));
        let text = assemble(Format::Text, pbs_exporter::FAMILIES, &[block], "");
        parse::parse(Format::Text, std::str::from_utf8(&text).unwrap()).unwrap();
    }
    let mut samples = 0;
    for format in [Format::Text, Format::OpenMetrics] {
        let text = assemble(format, &FAMILIES, &blocks, "");
        let exposition = parse::parse(format, std::str::from_utf8(&text).unwrap()).unwrap();
        samples = exposition.samples().count();
    }
    samples
}

#[tokio::test]
async fn no_answer_brings_it_down() {
    let mut old = support::pve("old", 1, 20);
    old.version = PveVersion::V8_4;
    let mut old_backup = support::pbs("old-backup");
    old_backup.version = PbsVersion::V3_4;
    let fleet = support::fleet([
        RemotePlan::Pve(support::pve("new", 2, 22)),
        RemotePlan::Pve(old),
        RemotePlan::Pbs(support::pbs("backup")),
        RemotePlan::Pbs(old_backup),
    ])
    .await;
    let text = fleet.config_toml();
    let keys = proxfleet::collect::configuration_keys();
    let config = config::parse(&text, Path::new("test.toml"), &keys)
        .config
        .unwrap();
    for remote in &config.remotes {
        let answers = answers_of(remote).await;
        assert!(expose(remote.product, &answers).await > 10);
        let paths: Vec<String> = answers.keys().cloned().collect();
        for seed in 0..MUTATIONS {
            let mut random = fastrand::Rng::with_seed(SEED * 1_000_000 + seed);
            let mut mutated = answers.clone();
            let path = &paths[random.usize(..paths.len())];
            let body = mutated.get_mut(path).unwrap();
            let mut value: Value = serde_json::from_str(body).unwrap();
            for _ in 0..random.usize(1..8) {
                mutate(&mut value, &mut random);
            }
            *body = value.to_string();
            println!("{} {path}, mutation {seed}", remote.name);
            expose(remote.product, &mutated).await;
        }
    }
}

/// Changes one place somewhere below.
fn mutate(value: &mut Value, random: &mut fastrand::Rng) {
    match value {
        Value::Array(items) if !items.is_empty() && random.u8(..) < 245 => {
            let at = random.usize(..items.len());
            match random.u8(..12) {
                0 => {
                    items.remove(at);
                }
                1 => {
                    let again = items[at].clone();
                    items.push(again);
                }
                _ => mutate(&mut items[at], random),
            }
        }
        Value::Object(fields) if !fields.is_empty() && random.u8(..) < 245 => {
            let at = random.usize(..fields.len());
            let name = fields.keys().nth(at).unwrap().clone();
            match random.u8(..8) {
                0 => {
                    fields.remove(&name);
                }
                1 => {
                    let moved = fields.remove(&name).unwrap();
                    fields.insert(hostile_text(random), moved);
                }
                _ => mutate(&mut fields[&name], random),
            }
        }
        other => *other = hostile(random),
    }
}

fn hostile(random: &mut fastrand::Rng) -> Value {
    match random.u8(..12) {
        0 => Value::Null,
        1 => Value::Bool(random.bool()),
        2 => Value::from(-1),
        3 => Value::from(u64::MAX),
        4 => Value::from(i64::MIN),
        5 => Value::from(1e308),
        6 => Value::from(-0.0),
        7 => Value::Array(vec![Value::Null, Value::from(1)]),
        8 => serde_json::json!({ "": {}, "data": [] }),
        9 => Value::from(random.u32(..).to_string()),
        _ => Value::from(hostile_text(random)),
    }
}

fn hostile_text(random: &mut fastrand::Rng) -> String {
    const TEXTS: [&str; 12] = [
        "",
        "\"} 1\nup 2\n# EOF\n",
        "\\",
        "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
        "NaN",
        "1e999",
        "../../etc/passwd",
        "é漢🦀",
        "a/b/c:d=e,f;g",
        "UPID:x:0:0:0:t:i:u:",
        "9999999999999999999999",
        "size=9E,,=,backup",
    ];
    match random.u8(..8) {
        0 => "x".repeat(random.usize(..5000)),
        _ => TEXTS[random.usize(..TEXTS.len())].to_owned(),
    }
}
