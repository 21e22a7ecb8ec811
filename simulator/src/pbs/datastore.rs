//! `GET /admin/datastore` and `GET /admin/datastore/{store}/status`.

use super::world::{Datastore, Space};
use super::{Call, error, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::{DatastoreKind, PbsVersion};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const LIST_ROUTE: Route = route("/admin/datastore", Access::Everyone);
pub(super) const STATUS_ROUTE: Route = route("/admin/datastore/{store}/status", Access::Everyone)
    .with(&[Parameter::new("verbose", Kind::Boolean)]);

pub(super) fn list(call: &Call<'_>) -> Answer {
    let mut entries = Vec::new();
    for (index, store) in call.server.datastores.iter().enumerate() {
        if !(call.sees_all() || call.rights == Rights::Narrow && index == 0) {
            continue;
        }
        let mut object = Object::new();
        if call.server.version >= PbsVersion::V4_2 {
            object.text("backend-type", store.backend());
        }
        match store.comment {
            Some(comment) => object.text("comment", comment),
            None => object.null("comment"),
        };
        match store.kind {
            DatastoreKind::ReadOnly => {
                object.text("maintenance", "read-only,message=moving to new disks")
            }
            DatastoreKind::Offline => object.text("maintenance", "offline"),
            _ => &mut object,
        };
        object
            .text("mount-status", store.mount_status())
            .text("store", &store.name);
        entries.push(object.into_json(None));
    }
    call.order().shuffle(&mut entries);
    Answer::data(&array(entries))
}

pub(super) fn status(call: &Call<'_>) -> Answer {
    let place = call
        .server
        .datastores
        .iter()
        .position(|store| store.name == call.capture("store"));
    let narrow = call.rights == Rights::Narrow && place == Some(0);
    if !(call.sees_all() || narrow) {
        return error(403, "permission check failed");
    }
    let Some(store) = place.and_then(|place| call.server.datastores.get(place)) else {
        return error(
            400,
            &format!("no such datastore '{}'", call.capture("store")),
        );
    };
    if store.vanished(&call.faults) {
        return error(400, "ENOENT: No such file or directory");
    }
    if let Some(obstacle) = store.obstacle() {
        return error(400, &obstacle);
    }
    // Rights on a namespace do not reach the store's size: it comes as 0 of 0.
    let space = if narrow {
        Space {
            total: 0,
            used: 0,
            available: 0,
        }
    } else {
        store.space(call.now)
    };
    let mut object = Object::new();
    object.int("avail", space.available);
    if call.server.version >= PbsVersion::V4_2 {
        object.text("backend-type", store.backend());
    }
    if call.is_on("verbose") {
        object.raw("counts", &counts(store));
        if !narrow {
            object.raw("gc-status", &garbage_collection(call, store));
            if store.kind == DatastoreKind::S3 {
                let mut statistics = Object::new();
                for name in [
                    "delete",
                    "downloaded",
                    "get",
                    "head",
                    "post",
                    "put",
                    "uploaded",
                ] {
                    statistics.int(name, 0);
                }
                object.raw("s3-statistics", &statistics.into_json(None));
            }
        }
    }
    object.int("total", space.total).int("used", space.used);
    Answer::data(&object.into_json(None))
}

/// Groups and snapshots by type; null for a type that the store does not have.
fn counts(store: &Datastore) -> String {
    let mut object = Object::new();
    for (name, part) in [("ct", 3), ("host", 5), ("other", 0), ("vm", 2)] {
        if part == 0 || !store.collected {
            object.null(name);
        } else {
            let mut count = Object::new();
            count
                .int("groups", store.groups / part)
                .int("snapshots", store.snapshots() / part);
            object.raw(name, &count.into_json(None));
        }
    }
    object.into_json(None)
}

/// The last garbage collection; all 0 and no UPID when there was none.
pub(super) fn garbage_collection(call: &Call<'_>, store: &Datastore) -> String {
    let mut object = Object::new();
    let done = i64::from(store.collected);
    let chunks = store.snapshots() * 700 * done;
    if store.collected && call.server.version >= PbsVersion::V4_2 {
        let mut cache = Object::new();
        cache.int("hits", chunks * 3).int("misses", chunks);
        object.raw("cache-stats", &cache.into_json(None));
    }
    object
        .int("disk-bytes", chunks * (2 << 20))
        .int("disk-chunks", chunks)
        .int("index-data-bytes", chunks * (20 << 20))
        .int("index-file-count", store.snapshots() * 2 * done)
        .int("pending-bytes", chunks * 5_000)
        .int("pending-chunks", chunks / 300)
        .int("removed-bad", 0)
        .int("removed-bytes", chunks * 7_000)
        .int("removed-chunks", chunks / 200)
        .int("still-bad", 0);
    if store.collected {
        // Started at 03:00 of the current day.
        let started = call.now - call.now.rem_euclid(86_400) + 3 * 3_600;
        let started = if started > call.now {
            started - 86_400
        } else {
            started
        };
        object.text(
            "upid",
            &format!(
                "UPID:{}:000002A8:0000FA7D:00000032:{started:08X}:garbage_collection:{}:root@pam:",
                call.server.host, store.name
            ),
        );
    } else {
        object.null("upid");
    }
    object.into_json(None)
}
