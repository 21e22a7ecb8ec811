//! What a sample costs: `cargo bench --bench encode`.
//!
//! Renders the same 110,000 samples (10,000 guests, 11 families) through the encoder and through
//! `prometheus-client`, in one run, so that the ratios hold on a machine of any speed.

#![expect(clippy::print_stdout, reason = "the output of a bench")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use proxfleet::metric::{Block, Family, Format, Kind, LabelBlock, Lines, assemble, assemble_gzip};

const GUESTS: usize = 10_000;
const RUNS: usize = 7;
const LABELS: &[&str] = &["remote", "id"];

static FAMILIES: [Family; 11] = [
    Family::gauge("pve_up", "Whether the guest runs", LABELS),
    Family::gauge("pve_cpu_usage_ratio", "Share of its CPUs in use", LABELS),
    Family::gauge("pve_cpu_usage_limit", "CPUs it may use", LABELS),
    Family::gauge("pve_memory_usage_bytes", "Memory in use", LABELS),
    Family::gauge("pve_memory_size_bytes", "Memory it may use", LABELS),
    Family::gauge(
        "pve_disk_usage_bytes",
        "Space in use on its root disk",
        LABELS,
    ),
    Family::gauge("pve_disk_size_bytes", "Size of its root disk", LABELS),
    Family::gauge("pve_uptime_seconds", "Time since its start", LABELS),
    Family::counter("pve_network_receive_bytes_total", "Bytes received", LABELS),
    Family::counter("pve_network_transmit_bytes_total", "Bytes sent", LABELS),
    Family::counter("pve_disk_read_bytes_total", "Bytes read", LABELS),
];

#[derive(Debug)]
struct Guest {
    id: String,
    cpu: f64,
    bytes: u64,
}

fn guests() -> Vec<Guest> {
    (0..GUESTS)
        .map(|number| Guest {
            id: format!("qemu/{}", 100 + number),
            cpu: (number as f64 * 0.618_034).fract(),
            bytes: (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24,
        })
        .collect()
}

fn is_ratio(family: &Family) -> bool {
    family.unit() == Some("ratio")
}

fn label_blocks(guests: &[Guest]) -> Vec<LabelBlock> {
    guests
        .iter()
        .map(|guest| {
            let mut labels = LabelBlock::new();
            labels.push("remote", "datacentre-1").push("id", &guest.id);
            labels
        })
        .collect()
}

fn render(guests: &[Guest], labels: &[LabelBlock], sizes: &[usize]) -> Block {
    Block::from_lines(FAMILIES.iter().zip(sizes).map(|(family, size)| {
        let mut lines = Lines::with_capacity(family, *size);
        for (guest, labels) in guests.iter().zip(labels) {
            if is_ratio(family) {
                lines.push(labels, guest.cpu);
            } else {
                lines.push(labels, guest.bytes);
            }
        }
        lines
    }))
}

#[derive(Debug)]
struct Reference(Vec<Guest>);

impl Collector for Reference {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for family in &FAMILIES {
            let counter = family.kind == Kind::Counter;
            let kind = if counter {
                ConstCounter::new(0_u64).metric_type()
            } else {
                ConstGauge::new(0_u64).metric_type()
            };
            let name = family.open_metrics_name();
            let mut samples = encoder.encode_descriptor(name, family.help, None, kind)?;
            for guest in &self.0 {
                let labels = [("remote", "datacentre-1"), ("id", guest.id.as_str())];
                let sample = samples.encode_family(&labels)?;
                if counter {
                    ConstCounter::new(guest.bytes).encode(sample)?;
                } else if is_ratio(family) {
                    ConstGauge::new(guest.cpu).encode(sample)?;
                } else {
                    ConstGauge::new(guest.bytes).encode(sample)?;
                }
            }
        }
        Ok(())
    }
}

/// The best of some runs: what the work costs when nothing else runs.
fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn main() {
    let guests = guests();
    let labels = label_blocks(&guests);
    let unsized_block = render(&guests, &labels, &[0; FAMILIES.len()]);
    let sizes: Vec<usize> = unsized_block
        .parts()
        .map(|(_, lines)| lines.len())
        .collect();
    let block = render(&guests, &labels, &sizes);
    let samples = block.samples();
    let order: Vec<_> = FAMILIES.iter().collect();
    let body = assemble(Format::OpenMetrics, &order, &[&block], "");

    let rendering = best(|| render(&guests, &labels, &sizes));
    let labelling = best(|| label_blocks(&guests));
    let assembling = best(|| assemble(Format::OpenMetrics, &order, &[&block], ""));
    let pack = || assemble_gzip(Format::OpenMetrics, &order, &[&block], "");
    let packing = best(pack);
    let packed = pack().len();

    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reference(guests)));
    let reference = best(|| {
        let mut buffer = String::with_capacity(body.len());
        text::encode(&mut buffer, &registry).map(|()| buffer)
    });

    let report = |what: &str, time: Duration| {
        println!(
            "{what:<28} {:>8.2} ms {:>7.1} ns a sample {:>6.2} x rendering",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() * 1e9 / samples as f64,
            time.as_secs_f64() / rendering.as_secs_f64(),
        );
    };
    println!(
        "{samples} samples, {} bytes, best of {RUNS} runs",
        body.len()
    );
    report("render a block", rendering);
    report("render the labels", labelling);
    report("assemble a body", assembling);
    report("prometheus-client", reference);
    report("gzip", packing);
    println!("gzip ratio {:.1}", body.len() as f64 / packed as f64);
}
