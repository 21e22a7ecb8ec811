//! Storages, one entry for each node that has them.

use super::{Exposing, Truth, set};
use crate::metric::family::Family;
use crate::metric::lines::Lines;

pub(super) static SHARED: Family = Family::gauge(
    "pve_storage_shared",
    "Whether the storage is shared among the nodes of the cluster",
    &["id", "remote"],
);
pub(super) static INFO: Family = Family::gauge(
    "pve_storage_info",
    "Name, node, plugin and kinds of content of a storage",
    &["content", "id", "node", "plugintype", "remote", "storage"],
);

pub(super) fn expose(exposing: &mut Exposing<'_>) -> Vec<Lines> {
    let mut shared = Lines::of(&SHARED);
    let mut info = Lines::of(&INFO);
    let picture = exposing.picture;
    for storage in &picture.storages {
        set(
            &mut exposing.id,
            &["storage/", &storage.node, "/", &storage.storage],
        );
        exposing.identify();
        match exposing.truth(&storage.node) {
            Truth::Live => {
                exposing.up.push(&exposing.labels, storage.available);
                if storage.available {
                    exposing
                        .disk_size
                        .push_known(&exposing.labels, storage.size);
                    exposing
                        .disk_usage
                        .push_known(&exposing.labels, storage.used);
                }
            }
            Truth::Dead => exposing.up.push(&exposing.labels, false),
            Truth::Frozen | Truth::Unknown => {}
        }
        if let Some(is_shared) = storage.shared {
            shared.push(&exposing.labels, is_shared);
        }

        exposing.labels.clear();
        exposing
            .labels
            .push("content", &storage.content)
            .push("id", &exposing.id)
            .push("node", &storage.node)
            .push("plugintype", &storage.plugin_type)
            .push("remote", exposing.inputs.remote)
            .push("storage", &storage.storage);
        info.push(&exposing.labels, true);
    }
    vec![shared, info]
}
