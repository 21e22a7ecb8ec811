//! The configuration of a guest as it runs, and how much of it waits for its next start:
//! `/nodes/{node}/{qemu,lxc}/{vmid}/pending`, which has the running and the pending value of each
//! option in one call.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::guests::is_numbered;
use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Item, Privilege, Request, Scope, Source};

pub static QEMU_PENDING_CALL: ApiCall = ApiCall::get("/nodes/{node}/qemu/{vmid}/pending")
    .needs(&[Privilege::new("VM.Audit", "/vms/{vmid}")]);

pub static LXC_PENDING_CALL: ApiCall = ApiCall::get("/nodes/{node}/lxc/{vmid}/pending")
    .needs(&[Privilege::new("VM.Audit", "/vms/{vmid}")]);

pub static GUEST_CONFIG: Source<GuestConfig> = Source::new(
    "guest_config",
    Scope::EachGuest,
    &[&QEMU_PENDING_CALL, &LXC_PENDING_CALL],
    |asked| Box::pin(fetch(asked)),
)
.again_on_change();

/// With the defaults of PVE for what is not set.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct GuestConfig {
    /// Whether it is started with its node; where it is not set, it is not.
    pub on_boot: Option<bool>,
    /// Its place in the order of starts, where it has one.
    pub startup_order: Option<f64>,
    pub protection: bool,
    /// CPU cores of all sockets; a container without a limit has none.
    pub cores: Option<f64>,
    /// Bytes.
    pub memory: f64,
    /// Whether a virtual machine is meant to have a guest agent.
    pub agent: Option<bool>,
    /// Sorted by device.
    pub disks: Vec<Disk>,
    /// Sorted by interface.
    pub interfaces: Vec<Interface>,
    /// Number of options that change with the next start.
    pub pending_changes: usize,
}

/// A disk of a virtual machine, or a mount point of a container.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Disk {
    /// `scsi0`, `rootfs`, `mp0` …
    pub device: Box<str>,
    /// Empty for a directory or device of the node.
    pub storage: Box<str>,
    /// Bytes.
    pub size: Option<f64>,
    /// Whether a backup of the guest has it.
    pub in_backup: bool,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Interface {
    /// `net0`
    pub name: Box<str>,
    /// What a virtual machine sees (`virtio`, `e1000` …); of a container `veth`.
    pub model: Box<str>,
    pub bridge: Box<str>,
    pub link_down: bool,
    /// Bytes a second.
    pub rate_limit: Option<f64>,
}

async fn fetch(asked: Asked<'_, GuestConfig>) -> Result<Fetched<GuestConfig>, CallError> {
    let Item::Guest { vmid, kind } = *asked.item else {
        let why = "only guests have a configuration";
        return Err(asked.session.not_applicable(&QEMU_PENDING_CALL, why));
    };
    let (session, node) = (asked.session, asked.node());
    let request = |call| Request::of(call).node(node).fill("vmid", vmid);
    let config = match kind {
        GuestKind::Qemu => {
            let answer = session.get(request(&QEMU_PENDING_CALL)).await?;
            session
                .read(&answer, &QEMU_PENDING_CALL, parse_virtual_machine)
                .await?
        }
        GuestKind::Lxc => {
            let answer = session.get(request(&LXC_PENDING_CALL)).await?;
            session
                .read(&answer, &LXC_PENDING_CALL, parse_container)
                .await?
        }
    };
    Ok(Fetched::whole(config))
}

/// Reads `/nodes/{node}/qemu/{vmid}/pending`.
pub fn parse_virtual_machine(text: &str) -> Result<GuestConfig, Unreadable> {
    let options = Options::read(text)?;
    let sockets = options.number("sockets").unwrap_or(1.0);
    let cores = options.number("cores").unwrap_or(1.0);
    let agent = options.text("agent").unwrap_or_default();
    Ok(GuestConfig {
        cores: Some(sockets * cores),
        agent: Some(PropertyString(agent).flag("enabled").unwrap_or(false)),
        disks: options.parts(virtual_disk),
        interfaces: options.parts(virtual_interface),
        ..options.common()
    })
}

/// Reads `/nodes/{node}/lxc/{vmid}/pending`.
pub fn parse_container(text: &str) -> Result<GuestConfig, Unreadable> {
    let options = Options::read(text)?;
    Ok(GuestConfig {
        cores: options.number("cores"),
        disks: options.parts(mount_point),
        interfaces: options.parts(container_interface),
        ..options.common()
    })
}

/// The options of a guest with their running values, by name.
struct Options {
    values: BTreeMap<String, String>,
    pending_changes: usize,
}

impl Options {
    fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Row<'a> {
            #[serde(borrow)]
            key: Text<'a>,
            #[serde(borrow)]
            value: Text<'a>,
            #[serde(borrow)]
            pending: Text<'a>,
            /// 1, or 2 for a disk that is to be detached by force.
            delete: Number,
        }

        let mut options = Self {
            values: BTreeMap::new(),
            pending_changes: 0,
        };
        for row in json::envelope::<Rows<Row<'_>>>(text)?.0 {
            let Some(key) = row.key.known() else {
                continue;
            };
            if row.pending.known().is_some() || row.delete.flag() == Some(true) {
                options.pending_changes += 1;
            }
            if let Some(value) = row.value.known() {
                options.values.insert(key.to_owned(), value.to_owned());
            }
        }
        // Even an empty configuration has its digest.
        if options.values.is_empty() {
            return Err(Unreadable("it has no options".to_owned()));
        }
        Ok(options)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.text(key).and_then(number)
    }

    fn flag(&self, key: &str) -> bool {
        self.text(key).is_some_and(is_on)
    }

    /// What virtual machines and containers have alike.
    fn common(&self) -> GuestConfig {
        const DEFAULT_MEBIBYTES: f64 = 512.0;
        let memory = PropertyString(self.text("memory").unwrap_or_default());
        let mebibytes = memory.default_or("current").and_then(number);
        let startup = PropertyString(self.text("startup").unwrap_or_default());
        GuestConfig {
            on_boot: self.text("onboot").map(is_on),
            startup_order: startup.default_or("order").and_then(number),
            protection: self.flag("protection"),
            memory: mebibytes.unwrap_or(DEFAULT_MEBIBYTES) * MEBIBYTE,
            pending_changes: self.pending_changes,
            ..GuestConfig::default()
        }
    }

    /// What the options say that `read` takes for a part of the guest.
    fn parts<T>(&self, read: fn(&str, &PropertyString<'_>) -> Option<T>) -> Vec<T> {
        self.values
            .iter()
            .filter_map(|(key, value)| read(key, &PropertyString(value)))
            .collect()
    }
}

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// A value of several properties, of which the first may go without its name:
/// `local:100/disk.raw,backup=0,size=2G`.
struct PropertyString<'a>(&'a str);

impl<'a> PropertyString<'a> {
    fn property(&self, name: &str) -> Option<&'a str> {
        self.0.split(',').find_map(|property| {
            let (known, value) = property.split_once('=')?;
            (known.trim() == name).then_some(value.trim())
        })
    }

    /// The property that may go without its name.
    fn default_or(&self, name: &str) -> Option<&'a str> {
        self.property(name).or_else(|| {
            let first = self.0.split(',').next()?.trim();
            (!first.is_empty() && !first.contains('=')).then_some(first)
        })
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.default_or(name).map(is_on)
    }

    fn named_flag(&self, name: &str) -> Option<bool> {
        self.property(name).map(is_on)
    }
}

fn is_on(text: &str) -> bool {
    matches!(text, "1" | "yes" | "on" | "true")
}

fn number(text: &str) -> Option<f64> {
    let number = text.trim().parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// `528K`, `204M`, `32G`, `1T`, or bytes.
fn size(text: &str) -> Option<f64> {
    let (digits, unit) = match text.strip_suffix(['K', 'M', 'G', 'T', 'P']) {
        Some(digits) => (digits, text.get(digits.len()..)),
        None => (text, None),
    };
    let power = match unit {
        None => 0,
        Some("K") => 1,
        Some("M") => 2,
        Some("G") => 3,
        Some("T") => 4,
        Some(_) => 5,
    };
    Some(number(digits)? * 1024_f64.powi(power))
}

/// Drives of media are no disks: no backup has them, and they have no size of their own.
fn virtual_disk(key: &str, value: &PropertyString<'_>) -> Option<Disk> {
    let is_disk = ["scsi", "virtio", "sata", "ide"]
        .iter()
        .any(|bus| is_numbered(key, bus));
    // Both are in every backup, and have no option for it.
    let is_firmware_state = matches!(key, "efidisk0" | "tpmstate0");
    if !(is_disk || is_firmware_state) || value.property("media") == Some("cdrom") {
        return None;
    }
    let backup = value.named_flag("backup").unwrap_or(true);
    disk(key, "file", backup, value)
}

/// The root file system is in every backup, another volume only where that is asked for, and what
/// belongs to the node never.
fn mount_point(key: &str, value: &PropertyString<'_>) -> Option<Disk> {
    if key == "rootfs" {
        return disk(key, "volume", true, value);
    }
    let number = key.strip_prefix("mp")?;
    if !(1..=3).contains(&number.len()) || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let backup = value.named_flag("backup").unwrap_or(false);
    let mut disk = disk(key, "volume", backup, value)?;
    disk.in_backup &= !disk.storage.is_empty();
    Some(disk)
}

fn disk(
    device: &str,
    volume_name: &str,
    in_backup: bool,
    value: &PropertyString<'_>,
) -> Option<Disk> {
    let volume = value.default_or(volume_name)?;
    let storage = match volume.split_once(':') {
        Some((storage, _)) if !volume.starts_with('/') => storage,
        _ => "",
    };
    Some(Disk {
        device: Box::from(device),
        storage: Box::from(storage),
        size: value.property("size").and_then(size),
        in_backup,
    })
}

/// `virtio=BC:24:11:00:00:01,bridge=vmbr0`: the model is the name of the first property.
fn virtual_interface(key: &str, value: &PropertyString<'_>) -> Option<Interface> {
    let first = value.0.split(',').next().unwrap_or_default();
    let model = match value.property("model") {
        Some(model) => model,
        None => first.split('=').next().unwrap_or_default(),
    };
    interface(key, model, value)
}

fn container_interface(key: &str, value: &PropertyString<'_>) -> Option<Interface> {
    interface(key, value.property("type").unwrap_or("veth"), value)
}

fn interface(key: &str, model: &str, value: &PropertyString<'_>) -> Option<Interface> {
    is_numbered(key, "net").then(|| Interface {
        name: Box::from(key),
        model: Box::from(model.trim()),
        bridge: Box::from(value.property("bridge").unwrap_or_default()),
        link_down: value.named_flag("link_down").unwrap_or(false),
        // Called megabytes a second, and set as mebibytes.
        rate_limit: value
            .property("rate")
            .and_then(number)
            .map(|rate| rate * MEBIBYTE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("528K", Some(540_672.0)),
            ("204M", Some(213_909_504.0)),
            ("1.5G", Some(1_610_612_736.0)),
            ("2T", Some(2_199_023_255_552.0)),
            ("512", Some(512.0)),
            ("G", None),
            ("-1G", None),
            ("1é", None),
            ("", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn memory_and_agent_come_in_two_forms() {
        let config = |memory: &str, agent: &str| {
            let text = format!(
                r#"{{"data":[{{"key":"memory","value":{memory}}},{{"key":"agent","value":{agent}}}]}}"#
            );
            let config = parse_virtual_machine(&text).unwrap();
            (config.memory / MEBIBYTE, config.agent)
        };
        assert_eq!(config("\"2048\"", "1"), (2048.0, Some(true)));
        assert_eq!(
            config("\"current=64\"", "\"fstrim_cloned_disks=1,enabled=1\""),
            (64.0, Some(true))
        );
        assert_eq!(
            config("null", "\"enabled=0,type=isa\""),
            (512.0, Some(false))
        );
        assert_eq!(
            config("[]", "\"fstrim_cloned_disks=1\""),
            (512.0, Some(false))
        );
    }

    #[test]
    fn a_configuration_without_options_is_none() {
        assert!(parse_container(r#"{"data":[]}"#).is_err());
        assert!(parse_container(r#"{"data":[{"key":"cores"},null,{"value":1}]}"#).is_err());
        assert!(parse_virtual_machine(r#"{"data":null}"#).is_err());
    }
}
