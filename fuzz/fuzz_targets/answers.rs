//! Whatever a server answers to any call: no panic, and an exposition that a strict reader takes.
//!
//! The first byte chooses the product and the call, the rest is its answer. What there is to ask
//! about comes from good answers, unless it is those that are replaced.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proxfleet::collect::COLLECTORS;
use proxfleet::collect::walk::walk;
use proxfleet::config::Product;
use proxfleet::metric::exposition::{Format, assemble};
use proxfleet::metric::parse::parse;
use proxfleet::remote::table::AnswerTable;
use proxfleet::source::Session;
use proxfleet::view::native::FAMILIES;

const RESOURCES: &str = r#"{"data":[
    {"type":"node","node":"pve1","id":"node/pve1","status":"online"},
    {"type":"qemu","id":"qemu/100","vmid":100,"node":"pve1","status":"running"},
    {"type":"lxc","id":"lxc/101","vmid":101,"node":"pve1","status":"running"},
    {"type":"storage","id":"storage/pve1/vault","node":"pve1","storage":"vault","status":"available",
     "content":"backup"}]}"#;
const STATUS: &str = r#"{"data":[{"type":"cluster","name":"lab","quorate":1},
    {"type":"node","name":"pve1","online":1}]}"#;
const DATASTORES: &str = r#"{"data":[{"store":"vault","mount-status":"nonremovable"}]}"#;

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let product = if choice & 0x80 == 0 { Product::Pve } else { Product::Pbs };
    let calls: Vec<&str> = COLLECTORS
        .iter()
        .filter(|collector| collector.product == product)
        .flat_map(|collector| collector.sources)
        .flat_map(|source| source.calls())
        .map(|call| call.path)
        .collect();
    let Some(call) = calls.get(usize::from(choice & 0x7f) % calls.len()) else {
        return;
    };
    let mut answers = AnswerTable::new(product, 1_800_000_000)
        .with("/cluster/resources", RESOURCES)
        .with("/cluster/status", STATUS)
        .with("/admin/datastore", DATASTORES);
    for vmid in ["100", "101"] {
        let path = call
            .replace("{node}", "pve1")
            .replace("{vmid}", vmid)
            .replace("{storage}", "vault")
            .replace("{store}", "vault");
        answers = answers.with(&path, String::from_utf8_lossy(body));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let walked = runtime.block_on(walk(&Session::new(answers, product), "r"));
    let blocks: Vec<_> = walked.into_iter().map(|(_, block)| block).collect();
    for format in [Format::Text, Format::OpenMetrics] {
        let text = assemble(format, &FAMILIES, &blocks, "");
        let text = std::str::from_utf8(&text).expect("UTF-8");
        parse(format, text).expect("an exposition that a strict reader takes");
    }
});
