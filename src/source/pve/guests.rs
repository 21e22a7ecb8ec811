//! The running guests of a node in detail: `/nodes/{node}/qemu?full=1`, `/nodes/{node}/lxc` and
//! `/nodes/{node}/netstat`, three calls whatever their number.
//!
//! One container whose command socket is sick makes the list of all of them fail; then each
//! running container of the node is asked alone.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pressure::{Pressure, PressureRow};
use crate::remote::error::{CallError, Failure};
use crate::source::json::{self, Number, Object, Rows, Text, Unreadable};
use crate::source::{
    ApiCall, Asked, Fetched, GuestKind, Privilege, Request, Scope, Session, Source,
};

/// With `full=1` it asks each running virtual machine for its block devices and its balloon.
pub static QEMU_LIST_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/qemu").filtered_by(&[Privilege::new("VM.Audit", "/vms")]);

pub static LXC_LIST_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/lxc").filtered_by(&[Privilege::new("VM.Audit", "/vms")]);

pub static LXC_STATUS_CALL: ApiCall = ApiCall::get("/nodes/{node}/lxc/{vmid}/status/current")
    .needs(&[Privilege::new("VM.Audit", "/vms/{vmid}")]);

pub static NETSTAT_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/netstat").needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static GUESTS: Source<Vec<RunningGuest>> = Source::new(
    "guests",
    Scope::EachNode,
    &[
        &QEMU_LIST_CALL,
        &LXC_LIST_CALL,
        &LXC_STATUS_CALL,
        &NETSTAT_CALL,
    ],
    |asked| Box::pin(fetch(asked)),
);

/// A guest that runs, or is paused. Sizes are in bytes, texts empty where they are not known.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct RunningGuest {
    pub vmid: u32,
    pub kind: GuestKind,
    /// State of the virtual machine by QEMU: `running`, `paused`, `io-error` …
    pub qmp_status: Box<str>,
    pub qemu_version: Box<str>,
    /// Machine type that QEMU emulates.
    pub machine: Box<str>,
    /// What the virtual machine costs its node.
    pub memory_host: Option<f64>,
    /// As the balloon driver inside the virtual machine reports it.
    pub memory_free: Option<f64>,
    /// What the balloon leaves to the virtual machine.
    pub balloon: Option<f64>,
    pub inner_memory: InnerMemory,
    /// Swap of a container.
    pub swap: Option<f64>,
    pub swap_size: Option<f64>,
    pub pressure: Pressure,
    pub blocks: Vec<BlockDevice>,
    pub interfaces: Vec<Interface>,
}

/// What a balloon driver tells from inside its virtual machine, since it booted.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct InnerMemory {
    /// Bytes.
    pub swapped_in: Option<f64>,
    pub swapped_out: Option<f64>,
    pub major_faults: Option<f64>,
    pub minor_faults: Option<f64>,
    /// When it has told this, Unix seconds; `None` for a driver that has told nothing yet.
    pub updated: Option<f64>,
}

/// Running totals of a virtual machine's disk or drive since QEMU started.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct BlockDevice {
    /// As in the configuration: `scsi0`.
    pub name: Box<str>,
    pub read_bytes: Option<f64>,
    pub written_bytes: Option<f64>,
    pub reads: Option<f64>,
    pub writes: Option<f64>,
    pub flushes: Option<f64>,
    pub unmaps: Option<f64>,
    pub unmapped_bytes: Option<f64>,
    pub failed: FailedOperations,
    /// Seconds.
    pub read_time: Option<f64>,
    pub write_time: Option<f64>,
    pub flush_time: Option<f64>,
    pub unmap_time: Option<f64>,
}

/// Operations that a block device has refused, by kind.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct FailedOperations {
    pub reads: Option<f64>,
    pub writes: Option<f64>,
    pub flushes: Option<f64>,
    pub unmaps: Option<f64>,
}

/// Running totals since the interface was made.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Interface {
    /// As in the configuration: `net0`.
    pub name: Box<str>,
    pub received: Option<f64>,
    pub sent: Option<f64>,
}

async fn fetch(
    asked: Asked<'_, Vec<RunningGuest>>,
) -> Result<Fetched<Vec<RunningGuest>>, CallError> {
    let (session, node) = (asked.session, asked.node());
    let mut problems = Vec::new();
    let virtual_machines = ask_virtual_machines(session, node).await;
    let containers = ask_containers(session, node, &mut problems).await;
    let mut guests = match (virtual_machines, containers) {
        (Err(error), Err(_)) => return Err(error),
        (virtual_machines, containers) => {
            let mut guests = Vec::new();
            for list in [virtual_machines, containers] {
                match list {
                    Ok(list) => guests.extend(list),
                    Err(error) => problems.push(error),
                }
            }
            guests
        }
    };
    match ask_interfaces(session, node).await {
        Ok(mut interfaces) => {
            for guest in &mut guests {
                guest.interfaces = interfaces.remove(&guest.vmid).unwrap_or_default();
            }
        }
        Err(error) => problems.push(error),
    }
    Ok(Fetched::with_problems(guests, problems))
}

async fn ask_virtual_machines(
    session: &Session,
    node: &str,
) -> Result<Vec<RunningGuest>, CallError> {
    let request = Request::of(&QEMU_LIST_CALL).node(node).with("full", "1");
    let answer = session.get(request).await?;
    session
        .read(&answer, &QEMU_LIST_CALL, parse_virtual_machines)
        .await
}

async fn ask_containers(
    session: &Session,
    node: &str,
    problems: &mut Vec<CallError>,
) -> Result<Vec<RunningGuest>, CallError> {
    match session.get(Request::of(&LXC_LIST_CALL).node(node)).await {
        Ok(answer) => {
            session
                .read(&answer, &LXC_LIST_CALL, parse_containers)
                .await
        }
        Err(error) if matches!(error.failure(), Failure::Server { .. }) => {
            ask_each_container(session, node, error, problems).await
        }
        Err(error) => Err(error),
    }
}

/// The containers of a node whose list fails. Where none of them answers, the error is the list's.
async fn ask_each_container(
    session: &Session,
    node: &str,
    list_error: CallError,
    problems: &mut Vec<CallError>,
) -> Result<Vec<RunningGuest>, CallError> {
    let topology = session.topology();
    let mut containers = Vec::new();
    let mut failures = Vec::new();
    for place in topology
        .guests
        .iter()
        .filter(|guest| guest.kind == GuestKind::Lxc && guest.running && *guest.node == *node)
    {
        match ask_container(session, node, place.vmid).await {
            Ok(found) => containers.extend(found),
            Err(error) if error.is_answered() => failures.push(error),
            Err(error) => return Err(error),
        }
    }
    if containers.is_empty() {
        return Err(list_error);
    }
    problems.extend(failures);
    Ok(containers)
}

async fn ask_container(
    session: &Session,
    node: &str,
    vmid: u32,
) -> Result<Option<RunningGuest>, CallError> {
    let request = Request::of(&LXC_STATUS_CALL).node(node).fill("vmid", vmid);
    let answer = session.get(request).await?;
    session
        .read(&answer, &LXC_STATUS_CALL, parse_container)
        .await
}

async fn ask_interfaces(
    session: &Session,
    node: &str,
) -> Result<BTreeMap<u32, Vec<Interface>>, CallError> {
    let answer = session.get(Request::of(&NETSTAT_CALL).node(node)).await?;
    session.read(&answer, &NETSTAT_CALL, parse_interfaces).await
}

/// A row of either list, or the status of one container.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct GuestRow<'a> {
    vmid: Number,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    qmpstatus: Text<'a>,
    #[serde(borrow)]
    running_qemu: Text<'a>,
    #[serde(borrow)]
    running_machine: Text<'a>,
    memhost: Number,
    freemem: Number,
    balloon: Number,
    ballooninfo: Object<BalloonRow>,
    swap: Number,
    maxswap: Number,
    blockstat: Object<BTreeMap<String, Object<BlockRow>>>,
    #[serde(flatten)]
    pressure: PressureRow,
}

/// What QEMU knows by the balloon driver. Without one there are sizes alone.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BalloonRow {
    mem_swapped_in: Number,
    mem_swapped_out: Number,
    major_page_faults: Number,
    minor_page_faults: Number,
    last_update: Number,
}

/// The statistics of a block device, as QEMU has them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BlockRow {
    rd_bytes: Number,
    wr_bytes: Number,
    rd_operations: Number,
    wr_operations: Number,
    flush_operations: Number,
    failed_rd_operations: Number,
    failed_wr_operations: Number,
    failed_flush_operations: Number,
    failed_unmap_operations: Number,
    rd_total_time_ns: Number,
    wr_total_time_ns: Number,
    flush_total_time_ns: Number,
    unmap_bytes: Number,
    unmap_operations: Number,
    unmap_total_time_ns: Number,
}

/// Reads `/nodes/{node}/qemu?full=1` of 8.x and 9.x.
pub fn parse_virtual_machines(text: &str) -> Result<Vec<RunningGuest>, Unreadable> {
    parse_list(text, GuestKind::Qemu)
}

/// Reads `/nodes/{node}/lxc` of 8.x and 9.x.
pub fn parse_containers(text: &str) -> Result<Vec<RunningGuest>, Unreadable> {
    parse_list(text, GuestKind::Lxc)
}

fn parse_list(text: &str, kind: GuestKind) -> Result<Vec<RunningGuest>, Unreadable> {
    let rows = json::envelope::<Rows<GuestRow<'_>>>(text)?.0;
    let mut guests: Vec<RunningGuest> = rows
        .iter()
        .filter_map(|row| row.running_guest(kind))
        .collect();
    guests.sort_by_key(|guest| guest.vmid);
    guests.dedup_by_key(|guest| guest.vmid);
    Ok(guests)
}

/// Reads `/nodes/{node}/lxc/{vmid}/status/current`; a container that was stopped meanwhile is none.
pub fn parse_container(text: &str) -> Result<Option<RunningGuest>, Unreadable> {
    let Object(row) = json::envelope::<Object<GuestRow<'_>>>(text)?;
    Ok(row.running_guest(GuestKind::Lxc))
}

impl GuestRow<'_> {
    fn running_guest(&self, kind: GuestKind) -> Option<RunningGuest> {
        if self.status.as_str() != "running" {
            return None;
        }
        let (is_virtual_machine, is_container) = (kind == GuestKind::Qemu, kind == GuestKind::Lxc);
        Some(RunningGuest {
            vmid: vmid(self.vmid)?,
            kind,
            qmp_status: self.qmpstatus.to_boxed(),
            qemu_version: self.running_qemu.to_boxed(),
            machine: self.running_machine.to_boxed(),
            memory_host: self.memhost.quantity().filter(|_| is_virtual_machine),
            memory_free: self.freemem.quantity().filter(|_| is_virtual_machine),
            balloon: self.balloon.quantity().filter(|_| is_virtual_machine),
            inner_memory: self.ballooninfo.0.inner_memory(),
            swap: self.swap.quantity().filter(|_| is_container),
            swap_size: self.maxswap.quantity().filter(|_| is_container),
            pressure: self.pressure.pressure(),
            blocks: self.block_devices(),
            interfaces: Vec::new(),
        })
    }

    /// Without drives that hold nothing: those have no operation since the start, while every disk
    /// has been read at least for its partitions.
    fn block_devices(&self) -> Vec<BlockDevice> {
        let devices = self.blockstat.0.iter();
        devices
            .filter(|(name, _)| is_device(name))
            .map(|(name, Object(row))| row.block_device(name))
            .filter(BlockDevice::was_used)
            .collect()
    }
}

impl BalloonRow {
    fn inner_memory(&self) -> InnerMemory {
        InnerMemory {
            swapped_in: self.mem_swapped_in.quantity(),
            swapped_out: self.mem_swapped_out.quantity(),
            major_faults: self.major_page_faults.quantity(),
            minor_faults: self.minor_page_faults.quantity(),
            updated: self.last_update.quantity().filter(|time| *time > 0.0),
        }
    }
}

impl BlockRow {
    fn block_device(&self, name: &str) -> BlockDevice {
        let seconds = |nanoseconds: Number| nanoseconds.quantity().map(|time| time / 1e9);
        BlockDevice {
            name: Box::from(name),
            read_bytes: self.rd_bytes.quantity(),
            written_bytes: self.wr_bytes.quantity(),
            reads: self.rd_operations.quantity(),
            writes: self.wr_operations.quantity(),
            flushes: self.flush_operations.quantity(),
            unmaps: self.unmap_operations.quantity(),
            unmapped_bytes: self.unmap_bytes.quantity(),
            failed: FailedOperations {
                reads: self.failed_rd_operations.quantity(),
                writes: self.failed_wr_operations.quantity(),
                flushes: self.failed_flush_operations.quantity(),
                unmaps: self.failed_unmap_operations.quantity(),
            },
            read_time: seconds(self.rd_total_time_ns),
            write_time: seconds(self.wr_total_time_ns),
            flush_time: seconds(self.flush_total_time_ns),
            unmap_time: seconds(self.unmap_total_time_ns),
        }
    }
}

impl FailedOperations {
    /// Those that cost data or time. A guest that gives space back does without it where that fails.
    pub fn of_data(&self) -> Option<f64> {
        let counts = [self.reads, self.writes, self.flushes];
        counts
            .into_iter()
            .flatten()
            .reduce(|sum, count| sum + count)
    }
}

impl BlockDevice {
    fn was_used(&self) -> bool {
        let operations = [self.reads, self.writes, self.flushes, self.failed.of_data()];
        operations.into_iter().flatten().any(|count| count > 0.0)
    }
}

/// Reads `/nodes/{node}/netstat`, where all numbers are strings: the interfaces by guest. `in` and
/// `out` are seen from the guest.
pub fn parse_interfaces(text: &str) -> Result<BTreeMap<u32, Vec<Interface>>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        vmid: Number,
        #[serde(borrow)]
        dev: Text<'a>,
        r#in: Number,
        out: Number,
    }

    let mut interfaces: BTreeMap<u32, Vec<Interface>> = BTreeMap::new();
    for row in json::envelope::<Rows<Row<'_>>>(text)?.0 {
        if let Some(vmid) = vmid(row.vmid)
            && is_numbered(row.dev.as_str(), "net")
        {
            interfaces.entry(vmid).or_default().push(Interface {
                name: row.dev.to_boxed(),
                received: row.r#in.quantity(),
                sent: row.out.quantity(),
            });
        }
    }
    for of_guest in interfaces.values_mut() {
        of_guest.sort_by(|a, b| a.name.cmp(&b.name));
        of_guest.dedup_by(|a, b| a.name == b.name);
    }
    Ok(interfaces)
}

fn vmid(number: Number) -> Option<u32> {
    let vmid = number
        .quantity()
        .filter(|vmid| *vmid <= f64::from(u32::MAX))?;
    Some(vmid as u32)
}

/// Whether a virtual machine's configuration can have a device of this name, which keeps out those
/// that QEMU makes for itself while it copies a disk.
fn is_device(name: &str) -> bool {
    ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate"]
        .iter()
        .any(|bus| is_numbered(name, bus))
}

/// Whether a name is this word with a number of one or two digits.
pub(super) fn is_numbered(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|number| {
        (1..=2).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_those_of_the_configuration() {
        for device in ["scsi0", "virtio15", "ide2", "efidisk0"] {
            assert!(is_device(device), "{device}");
        }
        for other in [
            "scsi",
            "scsi123",
            "scsi0-fleecing",
            "pflash0",
            "",
            "net0",
            "scsi-1",
        ] {
            assert!(!is_device(other), "{other}");
        }
    }

    #[test]
    fn whatever_is_not_of_its_form_is_not_known() {
        let text = r#"{"data":[null,7,{"status":"running"},{"vmid":-1,"status":"running"},
            {"vmid":1e30,"status":"running"},{"vmid":"7","status":"stopped"},
            {"vmid":"100","status":"running","blockstat":[],"memhost":"x","balloon":{},"swap":1},
            {"vmid":101,"status":"running","blockstat":{"scsi0":null,"scsi1":3,"scsi2":{"rd_operations":"4"}}},
            {"vmid":101,"status":"running"}]}"#;
        let guests = parse_virtual_machines(text).unwrap();
        let seen: Vec<_> = guests
            .iter()
            .map(|guest| {
                (
                    guest.vmid,
                    guest.blocks.len(),
                    guest.memory_host,
                    guest.swap,
                )
            })
            .collect();
        assert_eq!(seen, [(100, 0, None, None), (101, 1, None, None)]);

        let text = r#"{"data":[{"vmid":"9","dev":"net0","in":"1","out":"2"},{"vmid":"9","dev":"net0","in":"5"},
            {"vmid":"9","dev":"tap\"9"},{"dev":"net1"},null]}"#;
        let interfaces = parse_interfaces(text).unwrap();
        assert_eq!(
            interfaces[&9],
            [Interface {
                name: "net0".into(),
                received: Some(1.0),
                sent: Some(2.0)
            }]
        );
        assert_eq!(interfaces.len(), 1);
    }
}
