//! Physical disks and their health.

use super::Host;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::host::disk::Disk;
use crate::source::host::smart::{Health, Smart};

pub(in crate::collect) struct DiskFamilies {
    pub size: &'static Family,
    pub info: &'static Family,
    /// Only PVE tells which OSDs are on a disk.
    pub info_has_osd: bool,
}

impl DiskFamilies {
    pub(in crate::collect) fn lines<'a>(
        &self,
        hosts: impl Iterator<Item = (Host<'a>, &'a [Disk])>,
    ) -> Vec<Lines> {
        let mut size = Lines::of(self.size);
        let mut info = Lines::of(self.info);
        for (host, disks) in hosts {
            for disk in disks {
                size.push_known(&host.labels(&[("device", &disk.device)]), disk.size);
                let mut part = vec![
                    ("device", &*disk.device),
                    ("model", &disk.model),
                    ("serial", &disk.serial),
                    ("type", &disk.kind),
                    ("used", &disk.used),
                    ("vendor", &disk.vendor),
                ];
                if self.info_has_osd {
                    part.push(("osd", &disk.osds));
                }
                info.push(&host.labels(&part), true);
            }
        }
        vec![size, info]
    }
}

pub(in crate::collect) struct HealthFamilies {
    pub healthy: &'static Family,
    pub wearout: &'static Family,
    pub spare: &'static Family,
    pub temperature: &'static Family,
    pub power_on: &'static Family,
    pub written: &'static Family,
    pub reallocated: &'static Family,
    pub pending: &'static Family,
    pub media_errors: &'static Family,
}

type NumberOf = fn(&Smart) -> Option<f64>;

impl HealthFamilies {
    pub(in crate::collect) fn lines<'a>(
        &self,
        hosts: impl Iterator<Item = (Host<'a>, &'a [Health])>,
    ) -> Vec<Lines> {
        let mut healthy = Lines::of(self.healthy);
        let numbers: [(&'static Family, NumberOf); 8] = [
            (self.wearout, |smart| smart.wearout),
            (self.spare, |smart| smart.spare),
            (self.temperature, |smart| smart.temperature),
            (self.power_on, |smart| smart.power_on),
            (self.written, |smart| smart.written),
            (self.reallocated, |smart| smart.reallocated_sectors),
            (self.pending, |smart| smart.pending_sectors),
            (self.media_errors, |smart| smart.media_errors),
        ];
        let mut sheets = numbers.map(|(family, number)| (Lines::of(family), number));
        for (host, healths) in hosts {
            for (device, smart) in healths {
                let labels = host.labels(&[("device", device)]);
                healthy.push_known(&labels, smart.passed);
                for (lines, number) in &mut sheets {
                    lines.push_known(&labels, number(smart));
                }
            }
        }
        let mut lines = vec![healthy];
        lines.extend(sheets.into_iter().map(|(lines, _)| lines));
        lines
    }
}
