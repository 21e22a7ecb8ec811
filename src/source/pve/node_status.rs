//! What a node tells of itself: `/nodes/{node}/status`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

pub static NODE_STATUS_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/status").needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

pub static NODE_STATUS: Source<NodeStatus> = Source::new(
    "node_status",
    Scope::EachNode,
    &[&NODE_STATUS_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// Texts are empty where they are not known.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct NodeStatus {
    /// Bytes that can still be written to the root file system.
    pub root_available: Option<f64>,
    /// Bytes that the kernel could give to programs without swapping; since PVE 9.
    pub memory_available: Option<f64>,
    pub memory_free: Option<f64>,
    /// Bytes of memory that are saved because equal pages are kept once.
    pub ksm_shared: Option<f64>,
    pub cpu: Cpu,
    pub kernel: Kernel,
    /// `efi` or `legacy-bios`.
    pub boot_mode: Box<str>,
    /// Told only by nodes that were booted by EFI.
    pub secure_boot: Option<bool>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Cpu {
    pub model: Box<str>,
    pub vendor: Box<str>,
    pub sockets: Option<f64>,
    /// Physical cores of all sockets.
    pub cores: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Kernel {
    pub release: Box<str>,
    pub machine: Box<str>,
}

async fn fetch(asked: Asked<'_, NodeStatus>) -> Result<Fetched<NodeStatus>, CallError> {
    let request = Request::of(&NODE_STATUS_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let status = asked
        .session
        .read(&answer, &NODE_STATUS_CALL, parse)
        .await?;
    Ok(Fetched::whole(status))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct StatusRow<'a> {
    rootfs: Object<RootRow>,
    memory: Object<MemoryRow>,
    ksm: Object<KsmRow>,
    #[serde(borrow)]
    cpuinfo: Object<CpuRow<'a>>,
    #[serde(borrow)]
    current_kernel: Object<KernelRow<'a>>,
    #[serde(borrow)]
    kversion: Text<'a>,
    #[serde(borrow)]
    boot_info: Object<BootRow<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RootRow {
    avail: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MemoryRow {
    available: Number,
    free: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KsmRow {
    shared: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CpuRow<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    vendor: Text<'a>,
    sockets: Number,
    cores: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KernelRow<'a> {
    #[serde(borrow)]
    release: Text<'a>,
    machine: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BootRow<'a> {
    #[serde(borrow)]
    mode: Text<'a>,
    secureboot: Number,
}

/// Reads `/nodes/{node}/status` of 8.x and 9.x. Its `cpu` is left alone: it is 0 in the first
/// answer of each worker process.
pub fn parse(text: &str) -> Result<NodeStatus, Unreadable> {
    let Object(row) = json::envelope::<Object<StatusRow<'_>>>(text)?;
    let cpu = row.cpuinfo.0;
    let boot = row.boot_info.0;
    Ok(NodeStatus {
        root_available: row.rootfs.0.avail.quantity(),
        memory_available: row.memory.0.available.quantity(),
        memory_free: row.memory.0.free.quantity(),
        ksm_shared: row.ksm.0.shared.quantity(),
        cpu: Cpu {
            model: cpu.model.to_boxed(),
            vendor: cpu.vendor.to_boxed(),
            sockets: cpu.sockets.quantity(),
            cores: cpu.cores.quantity(),
        },
        kernel: kernel(&row.current_kernel.0, row.kversion.as_str()),
        boot_mode: boot.mode.to_boxed(),
        secure_boot: boot.secureboot.flag(),
    })
}

/// Versions before 8.1 tell only `kversion`: `Linux 6.2.16-3-pve #1 SMP …`.
fn kernel(row: &KernelRow<'_>, kversion: &str) -> Kernel {
    let release = row.release.known();
    Kernel {
        release: Box::from(
            release
                .or_else(|| kversion.split_whitespace().nth(1))
                .unwrap_or_default(),
        ),
        machine: row.machine.to_boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_version_tells_its_kernel_in_one_text() {
        let status =
            parse(r#"{"data":{"kversion":"Linux 6.2.16-3-pve #1 SMP","boot-info":null}}"#).unwrap();
        assert_eq!(&*status.kernel.release, "6.2.16-3-pve");
        assert_eq!(status.secure_boot, None);
        let status = parse(
            r#"{"data":{"kversion":"Linux 1 #1","current-kernel":{"release":"2","machine":"x86_64"}}}"#,
        )
        .unwrap();
        assert_eq!(&*status.kernel.release, "2");
    }

    #[test]
    fn whatever_is_not_of_its_form_is_not_known() {
        for text in [
            r#"{"data":null}"#,
            r#"{"data":[1]}"#,
            r#"{"data":{"rootfs":7,"memory":[],"ksm":"x","cpuinfo":null,"current-kernel":1}}"#,
        ] {
            assert_eq!(parse(text).unwrap(), NodeStatus::default(), "{text}");
        }
        assert!(parse("<html>").is_err());
    }
}
