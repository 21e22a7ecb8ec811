//! What the balloon driver inside a virtual machine tells of its memory, where there is one.
//!
//! It makes no call of its own, and is not on by default for the number of its series alone.

use std::time::Duration;

use super::guest::running_guests;
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::Item;
use crate::source::pve::guests;
use crate::source::pve::resources;

pub static BALLOON_DETAIL: Collector = Collector {
    name: "balloon_detail",
    about: "Swapping and page faults inside the running virtual machines that have a balloon driver, as `guest` has asked for them.",
    product: Product::Pve,
    class: Class::Background,
    by_default: false,
    interval: Duration::from_secs(60),
    sources: &[],
    reads: &[&guests::GUESTS, &resources::RESOURCES],
    families: &[
        &SWAPPED_IN,
        &SWAPPED_OUT,
        &MAJOR_FAULTS,
        &MINOR_FAULTS,
        &UPDATED,
    ],
    collect,
};

const LABELS: &[&str] = &["id", "remote"];

static SWAPPED_IN: Family = Family::counter(
    "pve_guest_memory_swapped_in_bytes_total",
    "Memory that the virtual machine has read back from its swap since it booted",
    LABELS,
)
.unrecorded();
static SWAPPED_OUT: Family = Family::counter(
    "pve_guest_memory_swapped_out_bytes_total",
    "Memory that the virtual machine has written to its swap since it booted",
    LABELS,
)
.unrecorded();
static MAJOR_FAULTS: Family = Family::counter(
    "pve_guest_major_page_faults_total",
    "Page faults inside the virtual machine that had to read from a disk",
    LABELS,
)
.unrecorded();
static MINOR_FAULTS: Family = Family::counter(
    "pve_guest_minor_page_faults_total",
    "Page faults inside the virtual machine that needed no disk",
    LABELS,
)
.unrecorded();
static UPDATED: Family = Family::gauge(
    "pve_guest_balloon_update_timestamp_seconds",
    "When the balloon driver inside the virtual machine has last told of its memory",
    LABELS,
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let families = [
        &SWAPPED_IN,
        &SWAPPED_OUT,
        &MAJOR_FAULTS,
        &MINOR_FAULTS,
        &UPDATED,
    ];
    let mut sheets = families.map(Lines::of);
    let mut labels = LabelBlock::new();
    for guest in running_guests(inputs, inputs.get(&resources::RESOURCES).as_deref()) {
        let (vmid, kind) = (guest.vmid, guest.kind);
        labels
            .clear()
            .push("id", &Item::Guest { vmid, kind }.to_string())
            .push("remote", inputs.remote);
        let memory = &guest.inner_memory;
        let values = [
            memory.swapped_in,
            memory.swapped_out,
            memory.major_faults,
            memory.minor_faults,
            memory.updated,
        ];
        for (lines, value) in sheets.iter_mut().zip(values) {
            lines.push_known(&labels, value);
        }
    }
    Vec::from(sheets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    #[tokio::test]
    async fn a_balloon_driver_tells_of_the_memory_that_it_sees() {
        let answers = AnswerTable::new(Product::Pve, 1_700_000_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"qemu","vmid":100,"node":"a","status":"running"},
                    {"type":"qemu","vmid":101,"node":"a","status":"running"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/nodes/a/qemu?full=1",
                r#"{"data":[
                    {"vmid":100,"status":"running","ballooninfo":{"actual":9,"mem_swapped_in":1,
                        "mem_swapped_out":2,"major_page_faults":3,"minor_page_faults":4,"last_update":1700000000}},
                    {"vmid":101,"status":"running","ballooninfo":{"actual":9,"last_update":0}}]}"#,
            );
        assert_eq!(
            walk::exposed(&BALLOON_DETAIL, answers).await,
            [
                r#"pve_guest_memory_swapped_in_bytes_total{id="qemu/100",remote="r"} 1"#,
                r#"pve_guest_memory_swapped_out_bytes_total{id="qemu/100",remote="r"} 2"#,
                r#"pve_guest_major_page_faults_total{id="qemu/100",remote="r"} 3"#,
                r#"pve_guest_minor_page_faults_total{id="qemu/100",remote="r"} 4"#,
                r#"pve_guest_balloon_update_timestamp_seconds{id="qemu/100",remote="r"} 1700000000"#,
            ]
        );
    }
}
