//! `GET /admin/datastore` and `GET /admin/datastore/{store}/status`.

use super::jobs::{COLLECTION, COLLECTION_SECONDS, OWNER};
use super::task::Task;
use super::world::{Datastore, Space};
use super::{Call, error, permissions, route};
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
    let narrow = call.sees_part(call.capture("store"));
    if !(call.sees_all() || narrow) {
        return error(403, "permission check failed");
    }
    let store = match readable(call) {
        Ok(store) => store,
        Err(answer) => return answer,
    };
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
        object.raw("counts", &counts(call, store));
        if !narrow {
            object.raw("gc-status", &garbage_collection(call, store));
        }
    }
    if store.kind == DatastoreKind::S3 && !narrow {
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
    object.int("total", space.total).int("used", space.used);
    Answer::data(&object.into_json(None))
}

/// The datastore of the path, when its content can be read.
pub(super) fn readable<'a>(call: &Call<'a>) -> Result<&'a Datastore, Answer> {
    let name = call.capture("store");
    let found = call
        .server
        .datastores
        .iter()
        .find(|store| store.name == name);
    let Some(store) = found else {
        return Err(error(400, &format!("no such datastore '{name}'")));
    };
    if store.vanished(&call.faults) {
        return Err(error(400, "ENOENT: No such file or directory"));
    }
    match store.obstacle() {
        Some(obstacle) => Err(error(400, &obstacle)),
        None => Ok(store),
    }
}

/// Groups and snapshots by type, of what the token may see; null for a type that the store does not have.
fn counts(call: &Call<'_>, store: &Datastore) -> String {
    let mut object = Object::new();
    for name in ["ct", "host", "other", "vm"] {
        let (mut groups, mut snapshots) = (0, 0);
        for group in store.groups.iter().filter(|group| {
            group.kind.as_str() == name
                && (call.sees_all()
                    || permissions::is_below(&group.namespace, permissions::NAMESPACE))
        }) {
            groups += 1;
            snapshots += group.snapshots(call.now).len() as i64;
        }
        if groups == 0 {
            object.null(name);
        } else {
            let mut count = Object::new();
            count.int("groups", groups).int("snapshots", snapshots);
            object.raw(name, &count.into_json(None));
        }
    }
    object.into_json(None)
}

pub(super) fn garbage_collection(call: &Call<'_>, store: &Datastore) -> String {
    collection_fields(call, store).into_json(None)
}

/// The last garbage collection that ended; all 0 and no UPID when there was none.
pub(super) fn collection_fields(call: &Call<'_>, store: &Datastore) -> Object {
    let mut object = Object::new();
    let started = COLLECTION.last(call.now - COLLECTION_SECONDS);
    let snapshots = if store.collected {
        store.snapshots(started)
    } else {
        0
    };
    let chunks = snapshots * 700;
    if store.collected && call.server.version >= PbsVersion::V4_2 {
        let mut cache = Object::new();
        cache.int("hits", chunks * 3).int("misses", chunks);
        object.raw("cache-stats", &cache.into_json(None));
    }
    object
        .int("disk-bytes", chunks * (2 << 20))
        .int("disk-chunks", chunks)
        .int("index-data-bytes", chunks * (20 << 20))
        .int("index-file-count", snapshots * 2)
        .int("pending-bytes", chunks * 5_000)
        .int("pending-chunks", chunks / 300)
        .int("removed-bad", 0)
        .int("removed-bytes", chunks * 7_000)
        .int("removed-chunks", chunks / 200)
        .int("still-bad", 0);
    if store.collected {
        let task = Task::new("garbage_collection", &store.name, OWNER, started);
        object.text("upid", &task.upid(call.server));
    } else {
        object.null("upid");
    }
    object
}
