//! The restore points on a storage that takes backups: `/nodes/{node}/storage/{storage}/content`, or
//! `…/prunebackups` where the token may not see backups.
//!
//! PVE hides backups from the list of contents without an error: who may only audit gets 200 and
//! `[]`. The preview of a pruning that keeps everything names each of them to an auditor, without
//! sizes and verification.

use std::time::Duration;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Rows, Text, Unreadable};
use crate::source::permissions::Permissions;
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Privilege, Request, Scope, Source};

const AUDIT: Privilege = Privilege::new("Datastore.Audit", "/storage/{storage}");

pub static CONTENT_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/storage/{storage}/content").needs(&[AUDIT]);

/// Only a preview: nothing is removed by a `GET`. For a backup server PVE starts its client once
/// for each guest, which takes seconds.
pub static PRUNE_PREVIEW_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/storage/{storage}/prunebackups").needs(&[AUDIT]);

pub static BACKUP_CONTENT: Source<BackupContent> = Source::new(
    "backup_content",
    Scope::EachBackupStorage,
    &[&CONTENT_CALL, &PRUNE_PREVIEW_CALL],
    |asked| Box::pin(fetch(asked)),
)
.alone();

/// Long lists take long; PVE itself gives up then.
const TIME_OUT: Duration = Duration::from_secs(30);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct BackupContent {
    /// Sorted by guest and time, each once.
    pub restore_points: Vec<RestorePoint>,
}

/// A backup of a guest that is finished.
#[derive(Debug, Clone, PartialEq)]
pub struct RestorePoint {
    pub vmid: u32,
    pub kind: GuestKind,
    /// Unix seconds.
    pub created: f64,
    /// In bytes; of a backup server the size before deduplication.
    pub size: Option<f64>,
    pub protected: Option<bool>,
    /// How the last verification ended; `None` where there was none, or it cannot be seen.
    pub verified: Option<bool>,
}

impl RestorePoint {
    /// The guest that it is of.
    pub fn guest(&self) -> (u32, GuestKind) {
        (self.vmid, self.kind)
    }
}

async fn fetch(asked: Asked<'_, BackupContent>) -> Result<Fetched<BackupContent>, CallError> {
    let session = asked.session;
    let storage = asked.item.name();
    let permissions = session.permissions().await;
    let shows_backups = permissions.is_some_and(|permissions| shows_backups(&permissions, storage));
    let content = if shows_backups {
        let request = Request::of(&CONTENT_CALL)
            .node(asked.node())
            .fill("storage", storage)
            .with("content", "backup")
            .time_out(TIME_OUT);
        let answer = session.get(request).await?;
        session.read(&answer, &CONTENT_CALL, parse_content).await?
    } else {
        let request = Request::of(&PRUNE_PREVIEW_CALL)
            .node(asked.node())
            .fill("storage", storage)
            .with("prune-backups", "keep-all=1")
            .time_out(TIME_OUT);
        let answer = session.get(request).await?;
        session
            .read(&answer, &PRUNE_PREVIEW_CALL, parse_preview)
            .await?
    };
    Ok(Fetched::whole(content))
}

/// Whether the list of contents has the backups of every guest.
fn shows_backups(permissions: &Permissions, storage: &str) -> bool {
    let path = format!("/storage/{storage}");
    permissions.has("Datastore.Allocate", &path)
        || (permissions.has("Datastore.AllocateSpace", &path)
            && permissions.has("VM.Backup", "/vms"))
}

/// Reads `/nodes/{node}/storage/{storage}/content`.
pub fn parse_content(text: &str) -> Result<BackupContent, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        volid: Text<'a>,
        content: Text<'a>,
        subtype: Text<'a>,
        vmid: Number,
        ctime: Number,
        size: Number,
        protected: Number,
        #[serde(borrow)]
        verification: Object<Verification<'a>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Verification<'a> {
        #[serde(borrow)]
        state: Text<'a>,
    }

    let restore_point = |row: &Row<'_>| {
        let is_backup = matches!(row.content.as_str(), "backup" | "");
        // PVE writes 1 for the size that a backup server does not tell: the backup is still being
        // written, or was left unfinished.
        let is_finished = row.size.0 != Some(1.0);
        if !is_backup || !is_finished {
            return None;
        }
        Some(RestorePoint {
            vmid: vmid(row.vmid)?,
            kind: kind(row.subtype.as_str(), row.volid.as_str())?,
            created: created(row.ctime)?,
            size: row.size.quantity(),
            protected: Some(row.protected.flag().unwrap_or(false)),
            verified: match row.verification.0.state.as_str() {
                "ok" => Some(true),
                "failed" => Some(false),
                _ => None,
            },
        })
    };
    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    Ok(ordered(rows.iter().filter_map(restore_point).collect()))
}

/// Reads `/nodes/{node}/storage/{storage}/prunebackups`.
pub fn parse_preview(text: &str) -> Result<BackupContent, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        volid: Text<'a>,
        r#type: Text<'a>,
        mark: Text<'a>,
        vmid: Number,
        ctime: Number,
    }

    let restore_point = |row: &Row<'_>| {
        let volid = row.volid.as_str();
        Some(RestorePoint {
            vmid: vmid(row.vmid)?,
            kind: kind(row.r#type.as_str(), volid)?,
            created: created(row.ctime)?,
            size: None,
            protected: match row.mark.as_str() {
                "protected" => Some(true),
                // Of a backup server the preview marks what is protected as any other.
                "keep" | "remove" if kind_on_backup_server(volid).is_none() => Some(false),
                _ => None,
            },
            verified: None,
        })
    };
    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    Ok(ordered(rows.iter().filter_map(restore_point).collect()))
}

fn ordered(mut restore_points: Vec<RestorePoint>) -> BackupContent {
    restore_points.sort_by(|a, b| {
        let guests = a.guest().cmp(&b.guest());
        guests.then(a.created.total_cmp(&b.created))
    });
    restore_points.dedup_by(|a, b| a.guest() == b.guest() && a.created == b.created);
    BackupContent { restore_points }
}

fn vmid(number: Number) -> Option<u32> {
    let vmid = number.quantity().map(|vmid| vmid as u32);
    vmid.filter(|vmid| *vmid > 0)
}

fn created(number: Number) -> Option<f64> {
    number.quantity().filter(|created| *created > 0.0)
}

/// What is named, or else what the name of the volume says: older versions name no kind for the
/// volumes of a backup server.
fn kind(named: &str, volid: &str) -> Option<GuestKind> {
    GuestKind::parse(named).or_else(|| kind_on_backup_server(volid))
}

/// `pbs:backup/vm/100/2026-11-22T01:00:00Z`
fn kind_on_backup_server(volid: &str) -> Option<GuestKind> {
    let (_, volume) = volid.split_once(":backup/")?;
    match volume.split_once('/')? {
        ("vm", _) => Some(GuestKind::Qemu),
        ("ct", _) => Some(GuestKind::Lxc),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_whatever_they_lack() {
        let text = r#"{"data":[
            {"volid":"b:backup/vzdump-lxc-110-x.tar.zst","content":"backup","subtype":"lxc","vmid":"110","ctime":20,"size":5,"protected":1},
            {"volid":"b:backup/vzdump-lxc-110-y.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":10,"size":null},
            {"volid":"b:backup/vzdump-lxc-110-y.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":10},
            {"volid":"p:backup/vm/9/t","content":"backup","vmid":9,"ctime":30,"size":7,"verification":{"state":"failed","upid":"U"}},
            {"volid":"p:backup/vm/9/u","content":"backup","vmid":9,"ctime":40,"size":1,"verification":"odd"},
            {"volid":"b:iso/x.iso","content":"iso","vmid":9,"subtype":"qemu","ctime":1},
            {"volid":"b:backup/own-name.vma","content":"backup","ctime":1},
            {"vmid":1,"subtype":"qemu","content":"backup"},{"vmid":-1,"subtype":"qemu","ctime":1},null,7]}"#;
        let seen: Vec<_> = parse_content(text)
            .unwrap()
            .restore_points
            .iter()
            .map(|p| (p.vmid, p.kind, p.created, p.size, p.protected, p.verified))
            .collect();
        let (qemu, lxc) = (GuestKind::Qemu, GuestKind::Lxc);
        assert_eq!(
            seen,
            [
                (9, qemu, 30.0, Some(7.0), Some(false), Some(false)),
                (110, lxc, 10.0, None, Some(false), None),
                (110, lxc, 20.0, Some(5.0), Some(true), None),
            ]
        );
    }

    #[test]
    fn a_preview_tells_what_is_protected_only_of_files() {
        let text = r#"{"data":[
            {"volid":"b:backup/vzdump-qemu-100-x.vma.zst","type":"qemu","vmid":100,"ctime":1,"mark":"protected"},
            {"volid":"b:backup/vzdump-qemu-100-y.vma.zst","type":"qemu","vmid":100,"ctime":2,"mark":"keep"},
            {"volid":"p:backup/ct/101/t","type":"lxc","vmid":"101","ctime":3,"mark":"keep"},
            {"volid":"b:backup/own-name.vma","type":"unknown","ctime":4,"mark":"renamed"}]}"#;
        let seen: Vec<_> = parse_preview(text)
            .unwrap()
            .restore_points
            .iter()
            .map(|p| (p.vmid, p.created, p.protected))
            .collect();
        assert_eq!(
            seen,
            [
                (100, 1.0, Some(true)),
                (100, 2.0, Some(false)),
                (101, 3.0, None)
            ]
        );
    }

    #[test]
    fn backups_are_shown_to_who_may_make_them() {
        let shows = |text: &str| {
            let permissions = format!(r#"{{"data":{text}}}"#);
            shows_backups(
                &crate::source::permissions::parse(&permissions).unwrap(),
                "nas",
            )
        };
        assert!(shows(r#"{"/storage/nas":{"Datastore.Allocate":1}}"#));
        assert!(shows(
            r#"{"/storage":{"Datastore.AllocateSpace":1},"/vms":{"VM.Backup":1}}"#
        ));
        assert!(!shows(r#"{"/storage":{"Datastore.AllocateSpace":1}}"#));
        assert!(
            !shows(r#"{"/storage":{"Datastore.AllocateSpace":1},"/vms/100":{"VM.Backup":1}}"#),
            "a part of the guests is not enough"
        );
        assert!(!shows(r#"{"/":{"Datastore.Audit":1,"VM.Audit":1}}"#));
    }
}
