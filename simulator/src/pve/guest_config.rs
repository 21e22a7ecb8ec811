//! `GET /nodes/{node}/{qemu,lxc}/{vmid}/config` and `…/pending`: how a guest is configured, and what waits for its
//! next start.

use super::guest::{Guest, Kind as GuestKind, Moment, Status};
use super::hardware::{Agent, Disk, Hardware, Interface};
use super::{Call, VM_AUDIT, route, snapshots};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::hash;
use crate::route::{Kind, Parameter, Route};

const PARAMETERS: &[Parameter] = &[
    Parameter::new("current", Kind::Boolean),
    Parameter::new("snapshot", Kind::Text),
];

pub(super) const QEMU_ROUTE: Route =
    route("/nodes/{node}/qemu/{vmid}/config", VM_AUDIT).with(PARAMETERS);
pub(super) const LXC_ROUTE: Route =
    route("/nodes/{node}/lxc/{vmid}/config", VM_AUDIT).with(PARAMETERS);
pub(super) const QEMU_PENDING_ROUTE: Route = route("/nodes/{node}/qemu/{vmid}/pending", VM_AUDIT);
pub(super) const LXC_PENDING_ROUTE: Route = route("/nodes/{node}/lxc/{vmid}/pending", VM_AUDIT);

/// One line of a guest's configuration.
struct Setting {
    key: String,
    /// Absent for a line that comes with the next start.
    value: Option<Value>,
    change: Option<Change>,
}

enum Value {
    Text(String),
    Number(i64),
}

/// What happens to a line when the guest starts next.
enum Change {
    To(Value),
    Deleted,
}

pub(super) fn qemu(call: &Call<'_>) -> Answer {
    config(call, GuestKind::Qemu)
}

pub(super) fn lxc(call: &Call<'_>) -> Answer {
    config(call, GuestKind::Lxc)
}

pub(super) fn qemu_pending(call: &Call<'_>) -> Answer {
    pending(call, GuestKind::Qemu)
}

pub(super) fn lxc_pending(call: &Call<'_>) -> Answer {
    pending(call, GuestKind::Lxc)
}

/// As it will be after the next start, or with `current` as it is.
fn config(call: &Call<'_>, kind: GuestKind) -> Answer {
    let (guest, moment) = match call.guest(kind) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let current = call.parameter_is_on("current");
    let mut object = Object::new();
    for setting in settings(guest, &moment) {
        match (&setting.change, current) {
            (Some(Change::Deleted), false) => {}
            (Some(Change::To(value)), false) => value.write(&mut object, &setting.key),
            _ => {
                if let Some(value) = &setting.value {
                    value.write(&mut object, &setting.key);
                }
            }
        }
    }
    if let Some(lock) = moment.lock {
        object.text("lock", lock);
    }
    Answer::data(&object.into_json(Some(&mut call.order())))
}

fn pending(call: &Call<'_>, kind: GuestKind) -> Answer {
    let (guest, moment) = match call.guest(kind) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let mut random = call.order();
    let mut entries = Vec::new();
    for setting in settings(guest, &moment) {
        let mut object = Object::new();
        object.text("key", &setting.key);
        if let Some(value) = &setting.value {
            value.write(&mut object, "value");
        }
        match &setting.change {
            Some(Change::To(value)) => value.write(&mut object, "pending"),
            Some(Change::Deleted) => {
                object.int("delete", 1);
            }
            None => {}
        }
        entries.push(object.into_json(Some(&mut random)));
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// The checksum of a guest's configuration.
pub(super) fn digest(guest: &Guest) -> String {
    let part = |number: i64| hash(&[guest.seed, 300, number]);
    format!("{:016x}{:016x}{:08x}", part(0), part(1), part(2) >> 32)
}

fn settings(guest: &Guest, moment: &Moment) -> Vec<Setting> {
    let hardware = guest.hardware();
    let mut settings = Settings(Vec::new());
    settings.text("digest", digest(guest));
    settings.number("cores", hardware.cores);
    if let Some(tags) = guest.tags {
        settings.text("tags", tags.to_owned());
    }
    if hardware.starts_at_boot {
        settings.number("onboot", 1);
    }
    if let Some(startup) = hardware.startup {
        settings.text("startup", startup.to_owned());
    }
    if hardware.protected {
        settings.number("protection", 1);
    }
    if guest.template {
        settings.number("template", 1);
    }
    if let Some(parent) = snapshots::newest(guest) {
        settings.text("parent", parent.to_owned());
    }
    for disk in &hardware.disks {
        settings.text(disk.key, drive(disk));
    }
    match guest.kind {
        GuestKind::Qemu => settings.vm(guest, &hardware),
        GuestKind::Lxc => settings.container(guest, &hardware),
    }
    if moment.status != Status::Stopped {
        settings.change(guest);
    }
    settings.0
}

struct Settings(Vec<Setting>);

impl Settings {
    fn text(&mut self, key: &str, value: String) {
        self.push(key, Value::Text(value));
    }

    fn number(&mut self, key: &str, value: i64) {
        self.push(key, Value::Number(value));
    }

    fn push(&mut self, key: &str, value: Value) {
        self.0.push(Setting {
            key: key.to_owned(),
            value: Some(value),
            change: None,
        });
    }

    fn vm(&mut self, guest: &Guest, hardware: &Hardware) {
        let boot = hardware.disks.first().map_or("", |disk| disk.key);
        let identity = format!(
            "{:08x}-0000-4000-8000-{:012x}",
            guest.seed & 0xffff_ffff,
            guest.vmid
        );
        if let Some(name) = &guest.name {
            self.text("name", name.clone());
        }
        self.text("memory", (guest.memory >> 20).to_string());
        self.number("sockets", hardware.sockets);
        self.text("ostype", "l26".to_owned());
        self.text("scsihw", "virtio-scsi-single".to_owned());
        self.text("boot", format!("order={boot};net0"));
        self.text("smbios1", format!("uuid={identity}"));
        self.text("vmgenid", identity);
        self.text(
            "meta",
            format!("creation-qemu=9.2.0,ctime={}", guest.started),
        );
        if let Some(balloon) = hardware.balloon {
            self.number("balloon", balloon >> 20);
        }
        if hardware.agent != Agent::NotConfigured {
            self.text("agent", "enabled=1".to_owned());
        }
        for interface in &hardware.interfaces {
            let key = format!("net{}", interface.index);
            let card = format!("{}={}", interface.model, interface.address);
            self.text(&key, format!("{card},{}", network(interface)));
        }
    }

    fn container(&mut self, guest: &Guest, hardware: &Hardware) {
        self.text("hostname", guest.shown_name());
        self.text("arch", "amd64".to_owned());
        self.text("ostype", "debian".to_owned());
        self.number("memory", guest.memory >> 20);
        self.number("swap", guest.swap() >> 20);
        self.number("unprivileged", 1);
        for interface in &hardware.interfaces {
            let index = interface.index;
            self.text(
                &format!("net{index}"),
                format!(
                    "name=eth{index},{},hwaddr={},ip=dhcp,type=veth",
                    network(interface),
                    interface.address
                ),
            );
        }
    }

    /// Some running guests were changed in a way that takes effect with their next start only.
    fn change(&mut self, guest: &Guest) {
        // PVE applies these to a running container at once.
        if guest.kind == GuestKind::Lxc {
            return;
        }
        let (key, change) = match guest.constant(30) {
            low if low < 0.05 => ("cores", Change::To(Value::Number(guest.cpus + 2))),
            low if low < 0.08 => ("ostype", Change::Deleted),
            low if low < 0.11 => {
                self.0.push(Setting {
                    key: "numa".to_owned(),
                    value: None,
                    change: Some(Change::To(Value::Number(1))),
                });
                return;
            }
            _ => return,
        };
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.key == key) {
            setting.change = Some(change);
        }
    }
}

impl Value {
    fn write(&self, object: &mut Object, key: &str) {
        match self {
            Self::Text(text) => object.text(key, text),
            Self::Number(number) => object.int(key, *number),
        };
    }
}

fn drive(disk: &Disk) -> String {
    let mut line = disk.volume.clone();
    match disk.backup {
        Some(true) => line.push_str(",backup=1"),
        Some(false) => line.push_str(",backup=0"),
        None => {}
    }
    format!("{line},size={}G", disk.size >> 30)
}

fn network(interface: &Interface) -> String {
    let mut line = format!("bridge={}", interface.bridge);
    if interface.link_down {
        line.push_str(",link_down=1");
    }
    if let Some(rate) = interface.rate {
        line.push_str(&format!(",rate={rate}"));
    }
    line
}
