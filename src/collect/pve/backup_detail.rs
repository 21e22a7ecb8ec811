//! What is known of the restore points that a storage of PVE has of each guest, besides their time
//! and number.
//!
//! It makes no call of its own, and is not on by default for the number of its series alone: the
//! backup server tells size and verification of what it keeps, a task's log the size of an archive,
//! and `protection` whether the newest restore point was verified.

use std::time::Duration;

use super::backup_content::{LABELS, each_guest};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pve::backup_content::{self, RestorePoint};
use crate::source::pve::resources;

pub static BACKUP_DETAIL: Collector = Collector {
    name: "backup_detail",
    about: "Size, verification and protection of the restore points that each storage has of each guest, as `backup_content` has asked for them.",
    product: Product::Pve,
    class: Class::Background,
    by_default: false,
    interval: Duration::from_secs(30 * 60),
    sources: &[],
    reads: &[&backup_content::BACKUP_CONTENT, &resources::RESOURCES],
    families: &[
        &NEWEST_SIZE,
        &NEWEST_VERIFIED,
        &PROTECTED,
        &FAILED_VERIFICATIONS,
    ],
    collect,
};

static NEWEST_SIZE: Family = Family::gauge(
    "pve_backup_newest_size_bytes",
    "Size of the newest restore point, before deduplication where the storage is a backup server",
    LABELS,
);
static NEWEST_VERIFIED: Family = Family::gauge(
    "pve_backup_newest_verified",
    "Whether the last verification of the newest restore point found it whole, only where there was one",
    LABELS,
)
.unrecorded();
static PROTECTED: Family = Family::gauge(
    "pve_backup_protected_restore_points",
    "Number of restore points of the guest that are protected from removal",
    LABELS,
);
static FAILED_VERIFICATIONS: Family = Family::gauge(
    "pve_backup_failed_verifications",
    "Number of restore points of the guest whose last verification failed, only where some were verified",
    LABELS,
)
.unrecorded();

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut newest_size = Lines::of(&NEWEST_SIZE);
    let mut newest_verified = Lines::of(&NEWEST_VERIFIED);
    let mut protected = Lines::of(&PROTECTED);
    let mut failed = Lines::of(&FAILED_VERIFICATIONS);
    each_guest(inputs, |labels, points, last| {
        newest_size.push_known(labels, last.size);
        newest_verified.push_known(labels, last.verified);
        protected.push_known(labels, protected_of(points));
        failed.push_known(labels, failed_of(points));
    });
    vec![newest_size, newest_verified, protected, failed]
}

/// How many are protected; `None` where it is not known of each.
fn protected_of(points: &[RestorePoint]) -> Option<usize> {
    points
        .iter()
        .map(|point| point.protected.map(usize::from))
        .sum()
}

/// How many did not stand their verification; `None` where none was verified.
fn failed_of(points: &[RestorePoint]) -> Option<usize> {
    let verified = points.iter().filter_map(|point| point.verified);
    let (mut failed, mut known) = (0, false);
    for is_whole in verified {
        failed += usize::from(!is_whole);
        known = true;
    }
    known.then_some(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    /// A storage of a node and a shared one, asked by a token with these privileges.
    fn cluster(permissions: &str) -> AnswerTable {
        AnswerTable::new(Product::Pve, 1_795_310_000)
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online"},
                {"type":"storage","node":"a","storage":"local","status":"available","shared":0,"content":"backup,iso"},
                {"type":"storage","node":"a","storage":"pbs","status":"available","shared":1,"content":"backup"}]}"#,
            )
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with("/access/permissions", permissions)
    }

    #[tokio::test]
    async fn who_may_see_backups_is_told_their_size_verification_and_protection() {
        let answers = cluster(
            r#"{"data":{"/":{"Datastore.Audit":1,"Datastore.AllocateSpace":1,"VM.Backup":1}}}"#,
        )
        .with(
            "/nodes/a/storage/local/content?content=backup",
            r#"{"data":[
            {"volid":"local:backup/vzdump-lxc-110-2.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":200,"size":1080815,"notes":"x"},
            {"volid":"local:backup/vzdump-lxc-110-1.tar.zst","content":"backup","subtype":"lxc","vmid":110,"ctime":100,"size":7,"protected":1}]}"#,
        )
        .with(
            "/nodes/a/storage/pbs/content?content=backup",
            r#"{"data":[
            {"volid":"pbs:backup/vm/100/1","content":"backup","subtype":"qemu","vmid":100,"ctime":300,"size":50,"verification":{"state":"failed"}},
            {"volid":"pbs:backup/vm/100/2","content":"backup","subtype":"qemu","vmid":100,"ctime":400,"size":60,"verification":{"state":"ok"}},
            {"volid":"pbs:backup/vm/100/3","content":"backup","subtype":"qemu","vmid":100,"ctime":500,"size":1}]}"#,
        );
        assert_eq!(
            walk::exposed(&BACKUP_DETAIL, answers).await,
            [
                r#"pve_backup_newest_size_bytes{id="lxc/110",node="a",remote="r",storage="local"} 1080815"#,
                r#"pve_backup_newest_size_bytes{id="qemu/100",node="",remote="r",storage="pbs"} 60"#,
                r#"pve_backup_newest_verified{id="qemu/100",node="",remote="r",storage="pbs"} 1"#,
                r#"pve_backup_protected_restore_points{id="lxc/110",node="a",remote="r",storage="local"} 1"#,
                r#"pve_backup_protected_restore_points{id="qemu/100",node="",remote="r",storage="pbs"} 0"#,
                r#"pve_backup_failed_verifications{id="qemu/100",node="",remote="r",storage="pbs"} 1"#,
            ]
        );
    }

    #[tokio::test]
    async fn an_auditor_is_told_what_is_protected() {
        let answers = cluster(
            r#"{"data":{"/":{"Datastore.Audit":1,"VM.Audit":1,"Sys.Audit":1}}}"#,
        )
        .with(
            "/nodes/a/storage/local/prunebackups?prune-backups=keep-all%3D1",
            r#"{"data":[
            {"volid":"local:backup/vzdump-qemu-100-1.vma","vmid":100,"type":"qemu","mark":"protected","ctime":100},
            {"volid":"local:backup/vzdump-qemu-100-2.vma","vmid":100,"type":"qemu","mark":"keep","ctime":200}]}"#,
        );
        assert_eq!(
            walk::exposed(&BACKUP_DETAIL, answers).await,
            [
                r#"pve_backup_protected_restore_points{id="qemu/100",node="a",remote="r",storage="local"} 1"#
            ]
        );
    }
}
