//! What a guest is built of: disks, network interfaces, options. All of it follows from the guest's seed.

use super::guest::{Guest, Kind};
use crate::random::{hash, noise};

pub(super) struct Hardware {
    /// The disk that it boots from comes first.
    pub(super) disks: Vec<Disk>,
    pub(super) interfaces: Vec<Interface>,
    pub(super) sockets: i64,
    pub(super) cores: i64,
    pub(super) starts_at_boot: bool,
    pub(super) startup: Option<&'static str>,
    pub(super) protected: bool,
    pub(super) agent: Agent,
    /// The smallest memory that the balloon leaves, where it may take any.
    pub(super) balloon: Option<i64>,
}

pub(super) struct Disk {
    /// `scsi0`, `rootfs` …
    pub(super) key: &'static str,
    /// What comes before the size: volume and mount point.
    pub(super) volume: String,
    pub(super) size: i64,
    /// The option `backup`, where it is set.
    pub(super) backup: Option<bool>,
}

pub(super) struct Interface {
    pub(super) index: usize,
    pub(super) address: String,
    pub(super) bridge: &'static str,
    pub(super) model: &'static str,
    pub(super) link_down: bool,
    /// Megabytes per second.
    pub(super) rate: Option<i64>,
}

/// The guest agent of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    NotConfigured,
    /// Configured, and nobody answers.
    Silent,
    /// Answers, and refuses what it is asked.
    Refusing,
    Answering,
}

impl Guest {
    /// A number in `[0, 1)` that stays the same; each property has its own `what`.
    pub(super) fn constant(&self, what: i64) -> f64 {
        noise(&[self.seed, 100 + what])
    }

    pub(super) fn hardware(&self) -> Hardware {
        let sockets = if self.kind == Kind::Qemu && self.cpus >= 4 && self.constant(1) < 0.5 {
            2
        } else {
            1
        };
        Hardware {
            disks: self.disks(),
            interfaces: self.interfaces(),
            sockets,
            cores: self.cpus / sockets,
            starts_at_boot: self.constant(2) < 0.7,
            startup: (self.constant(3) < 0.2).then_some("order=2,up=30"),
            protected: self.constant(4) < 0.1,
            agent: self.agent(),
            balloon: (self.constant(5) < 0.3).then_some(self.memory / 2),
        }
    }

    fn disks(&self) -> Vec<Disk> {
        let vmid = self.vmid;
        let second = self.constant(6) < 0.25;
        let backup = match self.constant(7) {
            low if low < 0.3 => Some(false),
            low if low < 0.6 => Some(true),
            _ => None,
        };
        let disk = |key, volume, size, backup| Disk {
            key,
            volume,
            size,
            backup,
        };
        let volume = |number: usize| match self.constant(8) < 0.6 {
            true => format!("local-lvm:vm-{vmid}-disk-{number}"),
            false => format!("nas:{vmid}/vm-{vmid}-disk-{number}.qcow2"),
        };
        let (keys, mount) = match self.kind {
            Kind::Qemu if self.constant(9) < 0.2 => (["virtio0", "virtio1"], ""),
            Kind::Qemu => (["scsi0", "scsi1"], ""),
            Kind::Lxc => (["rootfs", "mp0"], ",mp=/srv/data"),
        };
        let [first, other] = keys;
        let volume = |number| match self.kind {
            Kind::Qemu => volume(number),
            Kind::Lxc => format!("local-lvm:vm-{vmid}-disk-{number}"),
        };
        let mut disks = vec![disk(first, volume(0), self.disk, None)];
        if second {
            let volume = format!("{}{mount}", volume(1));
            disks.push(disk(other, volume, self.disk * 2, backup));
        }
        disks
    }

    fn interfaces(&self) -> Vec<Interface> {
        let count = if self.constant(10) < 0.2 { 2 } else { 1 };
        (0..count)
            .map(|index| {
                let number = hash(&[self.seed, 111, index as i64]);
                let [a, b, c, ..] = number.to_be_bytes();
                Interface {
                    index,
                    address: format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}"),
                    bridge: if index == 0 { "vmbr0" } else { "vmbr1" },
                    model: match self.kind {
                        Kind::Qemu if self.constant(12) < 0.1 => "e1000",
                        Kind::Qemu => "virtio",
                        Kind::Lxc => "veth",
                    },
                    link_down: index == 1 && self.constant(13) < 0.3,
                    rate: (self.constant(14) < 0.1).then_some(100),
                }
            })
            .collect()
    }

    fn agent(&self) -> Agent {
        match self.constant(15) {
            _ if self.kind == Kind::Lxc => Agent::NotConfigured,
            low if low < 0.55 => Agent::Answering,
            low if low < 0.60 => Agent::Refusing,
            low if low < 0.65 => Agent::Silent,
            _ => Agent::NotConfigured,
        }
    }
}

impl Interface {
    /// As the host calls it.
    pub(super) fn device(&self, guest: &Guest) -> String {
        match guest.kind {
            Kind::Qemu => format!("tap{}i{}", guest.vmid, self.index),
            Kind::Lxc => format!("veth{}i{}", guest.vmid, self.index),
        }
    }
}

/// The part of a total that belongs to one of at most two; none of the parts ever falls, and their sum is the total.
pub(super) fn part(total: i64, index: usize, count: usize) -> i64 {
    match (index, count) {
        (0, 0 | 1) => total,
        (0, _) => total - total / 4,
        _ => total / 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_total_and_never_fall() {
        let mut last = (0, 0);
        for total in 0..100 {
            let parts = (part(total, 0, 2), part(total, 1, 2));
            assert_eq!(parts.0 + parts.1, total);
            assert!(parts.0 >= last.0 && parts.1 >= last.1);
            last = parts;
        }
    }
}
