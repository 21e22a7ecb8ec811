//! `GET /admin/datastore/{store}/groups` and `…/snapshots`: what stands in one namespace.

use super::content::{Group, Snapshot};
use super::world::Datastore;
use super::{Call, datastore, error, permissions, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::BackupKind;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const GROUPS_ROUTE: Route = route("/admin/datastore/{store}/groups", Access::Everyone)
    .with(&[Parameter::new("ns", Kind::Text)]);
pub(super) const SNAPSHOTS_ROUTE: Route =
    route("/admin/datastore/{store}/snapshots", Access::Everyone).with(&[
        Parameter::new("backup-id", Kind::Text),
        Parameter::new("backup-type", Kind::OneOf(&["vm", "ct", "host"])),
        Parameter::new("ns", Kind::Text),
    ]);

const KEY: &str = "4f:19:c2:60:8d:7e:35:ab:90:11:5c:d8:f3:26:47:be:6a:02:9d:e1:74:38:cc:5f:b0:83:1e:a9:57:d4:2c:66";

/// The datastore and the namespace asked for, when the token may read them.
fn place<'a>(call: &'a Call<'_>) -> Result<(&'a Datastore, &'a str), Answer> {
    let (name, namespace) = (
        call.capture("store"),
        call.request.parameter("ns").unwrap_or_default(),
    );
    let part = call.sees_part(name) && permissions::is_below(namespace, permissions::NAMESPACE);
    if !(call.sees_all() || part) {
        let path = match namespace {
            "" => format!("/datastore/{name}"),
            namespace => format!("/datastore/{name}/{namespace}"),
        };
        let text =
            format!("permission check failed - missing Datastore.Audit|Datastore.Backup on {path}");
        return Err(error(403, &text));
    }
    Ok((datastore::readable(call)?, namespace))
}

fn of_namespace<'a>(store: &'a Datastore, namespace: &'a str) -> impl Iterator<Item = &'a Group> {
    let chosen = move |group: &&Group| group.namespace == namespace;
    store.groups.iter().filter(chosen)
}

pub(super) fn groups(call: &Call<'_>) -> Answer {
    let (store, namespace) = match place(call) {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    let entries = of_namespace(store, namespace).filter_map(|group| {
        let snapshots = group.snapshots(call.now);
        let last = snapshots.last()?;
        let files = files(group.kind).map(|(name, _)| crate::json::text(name));
        let mut object = Object::new();
        object
            .int("backup-count", snapshots.len() as i64)
            .text("backup-id", &group.id)
            .text("backup-type", group.kind.as_str())
            .raw(
                "files",
                &array(if last.finished { files.as_slice() } else { &[] }),
            )
            .int("last-backup", last.time)
            .text("owner", &group.owner);
        Some(object.into_json(None))
    });
    Answer::data(&array(entries))
}

pub(super) fn snapshots(call: &Call<'_>) -> Answer {
    let (store, namespace) = match place(call) {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    let (kind, id) = (
        call.request.parameter("backup-type"),
        call.request.parameter("backup-id"),
    );
    let chosen = of_namespace(store, namespace).filter(|group| {
        kind.is_none_or(|kind| kind == group.kind.as_str()) && id.is_none_or(|id| id == group.id)
    });
    let entries = chosen.flat_map(|group| {
        group
            .snapshots(call.now)
            .into_iter()
            .map(|snapshot| entry(call, store, group, &snapshot))
    });
    Answer::data(&array(entries))
}

fn entry(call: &Call<'_>, store: &Datastore, group: &Group, snapshot: &Snapshot) -> String {
    let mut object = Object::new();
    object
        .text("backup-type", group.kind.as_str())
        .text("backup-id", &group.id)
        .int("backup-time", snapshot.time);
    if let Some(comment) = snapshot.comment {
        object.text("comment", comment);
    }
    if let Some(verification) = snapshot.verification {
        let mut told = Object::new();
        told.text(
            "upid",
            &store.verification(verification.started).upid(call.server),
        )
        .text("state", if verification.ok { "ok" } else { "failed" });
        object.raw("verification", &told.into_json(None));
    }
    if snapshot.encrypted && snapshot.finished {
        object.text("fingerprint", KEY);
    }
    if snapshot.finished {
        let described = files(group.kind).map(|(name, size)| {
            let mode = match (snapshot.encrypted, name) {
                (false, _) => "none",
                // The index itself stays readable.
                (true, "index.json.blob") => "sign-only",
                (true, _) => "encrypt",
            };
            let mut file = Object::new();
            file.text("filename", name)
                .text("crypt-mode", mode)
                .int("size", size.unwrap_or(snapshot.size));
            file.into_json(None)
        });
        let small: i64 = files(group.kind).iter().filter_map(|(_, size)| *size).sum();
        object
            .raw("files", &array(described))
            .int("size", snapshot.size + small);
    } else {
        object.raw("files", "[]");
    }
    object
        .text("owner", &group.owner)
        .boolean("protected", snapshot.protected);
    object.into_json(None)
}

/// The files of a backup; the one without a size holds the data.
fn files(kind: BackupKind) -> [(&'static str, Option<i64>); 3] {
    match kind {
        BackupKind::Vm => [
            ("drive-scsi0.img.fidx", None),
            ("qemu-server.conf.blob", Some(412)),
            ("index.json.blob", Some(528)),
        ],
        BackupKind::Ct => [
            ("root.pxar.didx", None),
            ("pct.conf.blob", Some(305)),
            ("index.json.blob", Some(517)),
        ],
        BackupKind::Host => [
            ("root.pxar.didx", None),
            ("catalog.pcat1.didx", Some(1_834)),
            ("index.json.blob", Some(523)),
        ],
    }
}
