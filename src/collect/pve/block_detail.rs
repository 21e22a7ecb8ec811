//! What the block devices of running virtual machines do besides reading and writing.
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
use crate::source::pve::guests::{self, BlockDevice};
use crate::source::pve::resources;

pub static BLOCK_DETAIL: Collector = Collector {
    name: "block_detail",
    about: "Flushes, unmaps and failures by kind of each block device of the running virtual machines, as `guest` has asked for them.",
    product: Product::Pve,
    class: Class::Background,
    by_default: false,
    interval: Duration::from_secs(60),
    sources: &[],
    reads: &[&guests::GUESTS, &resources::RESOURCES],
    families: &[
        &FLUSHES,
        &FLUSH_TIME,
        &UNMAPS,
        &UNMAPPED,
        &UNMAP_TIME,
        &FAILURES,
    ],
    collect,
};

const LABELS: &[&str] = &["device", "id", "remote"];

static FLUSHES: Family = Family::counter(
    "pve_guest_block_flush_operations_total",
    "Flushes of the device since QEMU was started",
    LABELS,
)
.unrecorded();
static FLUSH_TIME: Family = Family::counter(
    "pve_guest_block_flush_time_seconds_total",
    "Time that flushes of the device have taken, summed over those that ran at once",
    LABELS,
)
.unrecorded();
static UNMAPS: Family = Family::counter(
    "pve_guest_block_unmap_operations_total",
    "Requests of the virtual machine to give back space of the device since QEMU was started",
    LABELS,
)
.unrecorded();
static UNMAPPED: Family = Family::counter(
    "pve_guest_block_unmapped_bytes_total",
    "Space of the device that the virtual machine has given back since QEMU was started",
    LABELS,
)
.unrecorded();
static UNMAP_TIME: Family = Family::counter(
    "pve_guest_block_unmap_time_seconds_total",
    "Time that giving back space of the device has taken, summed over what ran at once",
    LABELS,
)
.unrecorded();
static FAILURES: Family = Family::counter(
    "pve_guest_block_failed_operations_by_kind_total",
    "Operations of the device that failed since QEMU was started: read, write, flush or unmap",
    &["device", "id", "operation", "remote"],
)
.unrecorded();

const DEVICE_FAMILIES: [&Family; 5] = [&FLUSHES, &FLUSH_TIME, &UNMAPS, &UNMAPPED, &UNMAP_TIME];

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut sheets = DEVICE_FAMILIES.map(Lines::of);
    let mut failures = Lines::of(&FAILURES);
    let mut labels = LabelBlock::new();
    for guest in running_guests(inputs, inputs.get(&resources::RESOURCES).as_deref()) {
        let (vmid, kind) = (guest.vmid, guest.kind);
        let id = Item::Guest { vmid, kind }.to_string();
        for device in &guest.blocks {
            labels
                .clear()
                .push("device", &device.name)
                .push("id", &id)
                .push("remote", inputs.remote);
            for (lines, value) in sheets.iter_mut().zip(values_of(device)) {
                lines.push_known(&labels, value);
            }
            push_failures(&mut failures, device, &id, inputs.remote);
        }
    }
    let mut lines = Vec::from(sheets);
    lines.push(failures);
    lines
}

fn values_of(device: &BlockDevice) -> [Option<f64>; 5] {
    [
        device.flushes,
        device.flush_time,
        device.unmaps,
        device.unmapped_bytes,
        device.unmap_time,
    ]
}

fn push_failures(lines: &mut Lines, device: &BlockDevice, id: &str, remote: &str) {
    let mut labels = LabelBlock::new();
    for (operation, count) in [
        ("read", device.failed.reads),
        ("write", device.failed.writes),
        ("flush", device.failed.flushes),
        ("unmap", device.failed.unmaps),
    ] {
        labels
            .clear()
            .push("device", &device.name)
            .push("id", id)
            .push("operation", operation)
            .push("remote", remote);
        lines.push_known(&labels, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    #[tokio::test]
    async fn each_device_tells_what_it_does_besides_reading_and_writing() {
        let answers = AnswerTable::new(Product::Pve, 1_700_000_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                    {"type":"qemu","vmid":100,"node":"a","status":"running"},
                    {"type":"qemu","vmid":101,"node":"b","status":"running"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/nodes/a/qemu?full=1",
                r#"{"data":[
                    {"vmid":100,"status":"running","blockstat":{
                        "scsi0":{"rd_operations":9,"flush_operations":5,"flush_total_time_ns":500000000,
                            "unmap_operations":6,"unmap_bytes":4096,"unmap_total_time_ns":250000000,
                            "failed_rd_operations":1,"failed_wr_operations":2,
                            "failed_flush_operations":3,"failed_unmap_operations":4},
                        "scsi1":{"rd_operations":9}}},
                    {"vmid":101,"status":"running","blockstat":{"scsi0":{"flush_operations":5}}}]}"#,
            );
        assert_eq!(
            walk::exposed(&BLOCK_DETAIL, answers).await,
            [
                r#"pve_guest_block_flush_operations_total{device="scsi0",id="qemu/100",remote="r"} 5"#,
                r#"pve_guest_block_flush_time_seconds_total{device="scsi0",id="qemu/100",remote="r"} 0.5"#,
                r#"pve_guest_block_unmap_operations_total{device="scsi0",id="qemu/100",remote="r"} 6"#,
                r#"pve_guest_block_unmapped_bytes_total{device="scsi0",id="qemu/100",remote="r"} 4096"#,
                r#"pve_guest_block_unmap_time_seconds_total{device="scsi0",id="qemu/100",remote="r"} 0.25"#,
                r#"pve_guest_block_failed_operations_by_kind_total{device="scsi0",id="qemu/100",operation="read",remote="r"} 1"#,
                r#"pve_guest_block_failed_operations_by_kind_total{device="scsi0",id="qemu/100",operation="write",remote="r"} 2"#,
                r#"pve_guest_block_failed_operations_by_kind_total{device="scsi0",id="qemu/100",operation="flush",remote="r"} 3"#,
                r#"pve_guest_block_failed_operations_by_kind_total{device="scsi0",id="qemu/100",operation="unmap",remote="r"} 4"#,
            ]
        );
    }
}
