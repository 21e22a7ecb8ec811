//! The server itself: `/nodes/localhost/status`.
//!
//! Its `cpu` and `wait` are measured since anybody last asked, so asking often spoils them for all
//! clients and for the server's own graphs. The live numbers come from `/status/metrics`; this
//! call is for what that lacks.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

pub static NODE_STATUS_CALL: ApiCall =
    ApiCall::get("/nodes/localhost/status").needs(&[Privilege::new("Sys.Audit", "/system/status")]);

pub static NODE_STATUS: Source<NodeStatus> = Source::new(
    "pbs_node_status",
    Scope::Remote,
    &[&NODE_STATUS_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct NodeStatus {
    /// Seconds.
    pub uptime: Option<f64>,
    /// Logical CPUs.
    pub cpus: Option<f64>,
    pub cpu_model: Box<str>,
    /// Release of the running kernel, `6.18.44-1-pve`.
    pub kernel: Box<str>,
    /// `efi` or `legacy-bios`.
    pub boot_mode: Box<str>,
    pub secure_boot: Option<bool>,
    /// Fractions 0..1.
    pub cpu: Option<f64>,
    pub iowait: Option<f64>,
    pub load: [Option<f64>; 3],
    pub memory: Space,
    pub swap: Space,
    pub root: Space,
}

/// Bytes. `available` only for file systems, where it is less than size - used; `free` only for memory
/// and swap, where what serves as a cache is neither free nor used.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Space {
    pub size: Option<f64>,
    pub used: Option<f64>,
    pub available: Option<f64>,
    pub free: Option<f64>,
}

async fn fetch(asked: Asked<'_, NodeStatus>) -> Result<Fetched<NodeStatus>, CallError> {
    ask(asked.session).await.map(Fetched::whole)
}

pub(super) async fn ask(session: &Session) -> Result<NodeStatus, CallError> {
    let answer = session.get(Request::of(&NODE_STATUS_CALL)).await?;
    session.read(&answer, &NODE_STATUS_CALL, parse).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SpaceRow {
    total: Number,
    used: Number,
    avail: Number,
    free: Number,
}

impl From<Object<SpaceRow>> for Space {
    fn from(Object(row): Object<SpaceRow>) -> Self {
        Self {
            size: row.total.quantity(),
            used: row.used.quantity(),
            available: row.avail.quantity(),
            free: row.free.quantity(),
        }
    }
}

/// Reads `/nodes/localhost/status`.
pub fn parse(text: &str) -> Result<NodeStatus, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        uptime: Number,
        cpu: Number,
        wait: Number,
        loadavg: Loads,
        memory: Object<SpaceRow>,
        swap: Object<SpaceRow>,
        root: Object<SpaceRow>,
        #[serde(borrow)]
        cpuinfo: Object<CpuRow<'a>>,
        current_kernel: Object<KernelRow<'a>>,
        boot_info: Object<BootRow<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct CpuRow<'a> {
        #[serde(borrow)]
        model: Text<'a>,
        cpus: Number,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct KernelRow<'a> {
        #[serde(borrow)]
        release: Text<'a>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct BootRow<'a> {
        #[serde(borrow)]
        mode: Text<'a>,
        secureboot: Number,
    }

    let row: Row<'_> = json::envelope(text)?;
    Ok(NodeStatus {
        uptime: row.uptime.quantity(),
        cpus: row.cpuinfo.0.cpus.quantity(),
        cpu_model: row.cpuinfo.0.model.to_boxed(),
        kernel: row.current_kernel.0.release.to_boxed(),
        boot_mode: row.boot_info.0.mode.to_boxed(),
        secure_boot: row.boot_info.0.secureboot.flag(),
        cpu: row.cpu.quantity(),
        iowait: row.wait.quantity(),
        load: row.loadavg.0,
        memory: row.memory.into(),
        swap: row.swap.into(),
        root: row.root.into(),
    })
}

/// The three load averages; anything but a list of them is not known.
#[derive(Default)]
struct Loads([Option<f64>; 3]);

impl<'de> Deserialize<'de> for Loads {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json::List(numbers) = json::List::<Number>::deserialize(deserializer)?;
        let at = |index: usize| numbers.get(index).copied().and_then(Number::quantity);
        Ok(Self([at(0), at(1), at(2)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_read_and_odd_ones_left_out() {
        let text = r#"{"data":{"uptime":2044,"cpu":0.5,"wait":0.01,"loadavg":[4.73,"4.12",null],
            "memory":{"total":100,"used":40,"free":60},"swap":null,"root":{"total":10,"used":3,"avail":6},
            "cpuinfo":{"cpus":2,"model":"A","sockets":1},"boot-info":{"mode":"efi","secureboot":false},
            "current-kernel":{"release":"6.1"}}}"#;
        let status = parse(text).unwrap();
        assert_eq!(status.uptime, Some(2044.0));
        assert_eq!(status.load, [Some(4.73), Some(4.12), None]);
        assert_eq!(status.memory.size, Some(100.0));
        assert_eq!(status.memory.free, Some(60.0));
        assert_eq!(status.swap, Space::default());
        assert_eq!(status.root.available, Some(6.0));
        assert_eq!(
            (&*status.boot_mode, status.secure_boot),
            ("efi", Some(false))
        );
        assert_eq!(&*status.kernel, "6.1");
    }
}
