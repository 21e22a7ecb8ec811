//! `GET /cluster/ceph/flags`.

use super::Ceph;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::pve::{Call, SYSTEM_AUDIT, route};
use crate::route::Route;

pub(in crate::pve) const ROUTE: Route = route("/cluster/ceph/flags", SYSTEM_AUDIT).by_daemon();

/// Those that PVE lets one set.
const FLAGS: [(&str, &str); 11] = [
    ("nobackfill", "Backfilling of PGs is suspended."),
    ("nodeep-scrub", "Deep Scrubbing is disabled."),
    (
        "nodown",
        "OSD failure reports are being ignored, such that the monitors will not mark OSDs down.",
    ),
    (
        "noin",
        "OSDs that were previously marked out will not be marked back in when they start.",
    ),
    (
        "noout",
        "OSDs will not automatically be marked out after the configured interval.",
    ),
    ("norebalance", "Rebalancing of PGs is suspended."),
    ("norecover", "Recovery of PGs is suspended."),
    ("noscrub", "Scrubbing is disabled."),
    ("notieragent", "Cache tiering activity is suspended."),
    ("noup", "OSDs are not allowed to start."),
    ("pause", "Pauses read and writes."),
];

pub(in crate::pve) fn answer(call: &Call<'_>) -> Answer {
    Ceph::tell(call, |ceph| {
        let mut random = call.order();
        array(FLAGS.map(|(name, description)| {
            let is_set = ceph.plan.flags.iter().any(|set| set == name);
            let mut object = Object::new();
            object
                .text("name", name)
                .text("description", description)
                .int("value", i64::from(is_set));
            object.into_json(Some(&mut random))
        }))
    })
}

impl Ceph<'_> {
    /// The flags of the OSD map as Ceph names them, which has some that PVE does not know.
    pub(super) fn map_flags(&self) -> String {
        let mut flags = vec![
            "sortbitwise",
            "recovery_deletes",
            "purged_snapdirs",
            "pglog_hardlimit",
        ];
        flags.extend(self.set_flags());
        flags.join(",")
    }

    /// Those of them that were set by hand.
    pub(super) fn set_flags(&self) -> impl Iterator<Item = &str> {
        self.plan.flags.iter().flat_map(|flag| match flag.as_str() {
            "pause" => vec!["pauserd", "pausewr"],
            flag => vec![flag],
        })
    }
}
