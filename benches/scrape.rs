//! What one cold scrape of a cluster of 10,000 guests costs, step by step:
//!
//! ```text
//! cargo bench --bench scrape
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use proxfleet::collect::{self, Inputs};
use proxfleet::config::GuestFilter;
use proxfleet::metric::block::Block;
use proxfleet::metric::exposition::{Format, assemble, assemble_gzip};
use proxfleet::source::Item;
use proxfleet::source::pve::resources::{self, parse_resources};

const GUESTS: usize = 10_000;
const NODES: usize = 10;
const RUNS: u32 = 20;

fn answer() -> String {
    let mut text = "{\"data\":[".to_owned();
    for node in 0..NODES {
        text.push_str(&format!(
            r#"{{"type":"node","id":"node/pve{node}","node":"pve{node}","status":"online","cpu":0.25,"maxcpu":64,"mem":1,"maxmem":2,"uptime":9}},"#
        ));
    }
    for guest in 0..GUESTS {
        text.push_str(&format!(
            r#"{{"type":"qemu","id":"qemu/{vmid}","vmid":{vmid},"node":"pve{node}","name":"guest-{vmid}","status":"running","template":0,"tags":"prod;web","pool":"prod","cpu":0.0{vmid},"maxcpu":4,"mem":3{vmid}00000,"memhost":3{vmid}00000,"maxmem":8589934592,"disk":0,"maxdisk":34359738368,"uptime":8{vmid},"netin":7{vmid}001,"netout":6{vmid}002,"diskread":5{vmid}003,"diskwrite":4{vmid}004}},"#,
            vmid = guest + 100,
            node = guest % NODES,
        ));
    }
    text.pop();
    text.push_str("]}");
    text
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn time<T>(name: &str, mut step: impl FnMut() -> T) -> T {
    let mut result = step();
    let started = Instant::now();
    for _ in 0..RUNS {
        result = black_box(step());
    }
    println!(
        "{name:<24} {:>8.2} ms",
        started.elapsed().as_secs_f64() * 1000.0 / f64::from(RUNS)
    );
    result
}

fn main() {
    let text = answer();
    let picture = time("parse the answer", || {
        parse_resources(&text).unwrap_or_default()
    });
    let filter = GuestFilter::default();
    let mut inputs = Inputs::new("cluster-a", &filter);
    inputs.add(resources::RESOURCES.name, Item::Remote, Arc::new(picture));
    let collector = &collect::pve::resources::RESOURCES;
    let block = time("render the block", || {
        Block::from_lines((collector.collect)(&inputs))
    });
    let (format, families) = (Format::OpenMetrics, collector.families);
    time("assemble the body", || {
        assemble(format, families, &[&block], "")
    });
    time("assemble it compressed", || {
        assemble_gzip(format, families, &[&block], "")
    });
}
