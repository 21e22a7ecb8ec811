//! ZFS pools.

use super::Host;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::host::zfs::{Pool, Status};

pub(in crate::collect) struct ZfsFamilies {
    pub state: &'static Family,
    pub size: &'static Family,
    pub allocated: &'static Family,
    pub fragmentation: &'static Family,
    pub damaged: &'static Family,
    pub scrubbing: &'static Family,
    pub resilvering: &'static Family,
    pub scrub_ended: &'static Family,
    pub scrub_errors: &'static Family,
    pub device_online: &'static Family,
    pub device_errors: &'static Family,
}

/// As zpoolconcepts(7) has them.
const STATES: &[&str] = &[
    "online",
    "degraded",
    "faulted",
    "offline",
    "removed",
    "unavail",
    "suspended",
];

impl ZfsFamilies {
    pub(in crate::collect) fn lines<'a>(
        &self,
        hosts: impl Iterator<Item = (Host<'a>, &'a [Pool])>,
    ) -> Vec<Lines> {
        let mut state = Lines::of(self.state);
        let mut size = Lines::of(self.size);
        let mut allocated = Lines::of(self.allocated);
        let mut fragmentation = Lines::of(self.fragmentation);
        let mut statuses = StatusLines::of(self);
        for (host, pools) in hosts {
            for pool in pools {
                let labels = host.labels(&[("pool", &pool.name)]);
                if !pool.state.is_empty() {
                    state.state_set(&labels, "state", STATES, &pool.state);
                }
                size.push_known(&labels, pool.size);
                allocated.push_known(&labels, pool.allocated);
                fragmentation.push_known(&labels, pool.fragmentation);
                if let Some(status) = &pool.status {
                    statuses.push(&host, &pool.name, status);
                }
            }
        }
        let mut lines = vec![state, size, allocated, fragmentation];
        lines.extend(statuses.finish());
        lines
    }
}

/// What the status of a pool tells.
struct StatusLines {
    damaged: Lines,
    scrubbing: Lines,
    resilvering: Lines,
    scrub_ended: Lines,
    scrub_errors: Lines,
    device_online: Lines,
    device_errors: Lines,
}

impl StatusLines {
    fn of(families: &ZfsFamilies) -> Self {
        Self {
            damaged: Lines::of(families.damaged),
            scrubbing: Lines::of(families.scrubbing),
            resilvering: Lines::of(families.resilvering),
            scrub_ended: Lines::of(families.scrub_ended),
            scrub_errors: Lines::of(families.scrub_errors),
            device_online: Lines::of(families.device_online),
            device_errors: Lines::of(families.device_errors),
        }
    }

    fn push(&mut self, host: &Host<'_>, pool: &str, status: &Status) {
        let labels = host.labels(&[("pool", pool)]);
        self.damaged.push_known(&labels, status.is_damaged);
        self.scrubbing.push(&labels, status.scan.is_scrubbing);
        self.resilvering.push(&labels, status.scan.is_resilvering);
        if let Some(scrub) = status.scan.scrub {
            self.scrub_ended.push(&labels, scrub.ended);
            self.scrub_errors.push_known(&labels, scrub.errors);
        }
        for device in &status.devices {
            let labels = host.labels(&[("device", &device.name), ("pool", pool)]);
            self.device_online.push_known(&labels, device.is_online);
            for (kind, errors) in [
                ("read", device.read_errors),
                ("write", device.write_errors),
                ("checksum", device.checksum_errors),
            ] {
                if let Some(errors) = errors {
                    self.device_errors.push_with(&labels, "type", kind, errors);
                }
            }
        }
    }

    fn finish(self) -> [Lines; 7] {
        [
            self.damaged,
            self.scrubbing,
            self.resilvering,
            self.scrub_ended,
            self.scrub_errors,
            self.device_online,
            self.device_errors,
        ]
    }
}
