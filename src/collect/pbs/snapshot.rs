//! Snapshots of the backup groups: sizes, verification, encryption, protection.

use std::time::Duration;

use super::group::{GROUP_LABELS, label};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::group;
use crate::source::pbs::snapshot::{self, GroupSnapshots, Snapshot, Verification};

pub static SNAPSHOT: Collector = Collector {
    name: "snapshot",
    about: "Size, verification, encryption and protection of the snapshots of each backup group; a group is asked about when it has changed or may have been verified, and once a day.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    // An attempt makes no call where no group has changed.
    interval: Duration::from_secs(5 * 60),
    sources: &[&snapshot::SNAPSHOTS],
    reads: &[&group::GROUPS],
    families: &[
        &NEWEST_SIZE,
        &NEWEST_VERIFIED,
        &NEWEST_VERIFICATION,
        &OLDEST,
        &SIZE,
        &BY_VERIFICATION,
        &ENCRYPTED,
        &PROTECTED,
        &UNFINISHED,
    ],
    collect,
};

static NEWEST_SIZE: Family = Family::gauge(
    "pbs_group_newest_snapshot_size_bytes",
    "Size of the archives of the newest finished snapshot before deduplication and compression",
    GROUP_LABELS,
);
static NEWEST_VERIFIED: Family = Family::gauge(
    "pbs_group_newest_snapshot_verified",
    "Whether the last verification of the newest finished snapshot found it whole; absent where it was never verified",
    GROUP_LABELS,
);
static NEWEST_VERIFICATION: Family = Family::gauge(
    "pbs_group_newest_snapshot_verification_timestamp_seconds",
    "When the task that last verified the newest finished snapshot was begun; absent where it was never verified",
    GROUP_LABELS,
);
static OLDEST: Family = Family::gauge(
    "pbs_group_oldest_backup_timestamp_seconds",
    "When the oldest finished backup of the group was begun",
    GROUP_LABELS,
);
static SIZE: Family = Family::gauge(
    "pbs_group_snapshots_size_bytes",
    "Size of the archives of all snapshots of the group before deduplication and compression",
    GROUP_LABELS,
);
static BY_VERIFICATION: Family = Family::gauge(
    "pbs_group_snapshots_by_verification",
    "Number of finished snapshots of the group whose last verification was ok or failed, or that were never verified (none)",
    &[
        "backup_id",
        "backup_namespace",
        "backup_type",
        "datastore",
        "remote",
        "verification",
    ],
);
static ENCRYPTED: Family = Family::gauge(
    "pbs_group_encrypted_snapshots",
    "Number of finished snapshots of the group with an encrypted archive",
    GROUP_LABELS,
);
static PROTECTED: Family = Family::gauge(
    "pbs_group_protected_snapshots",
    "Number of finished snapshots of the group that are protected from pruning",
    GROUP_LABELS,
);
static UNFINISHED: Family = Family::gauge(
    "pbs_group_unfinished_snapshots",
    "Number of backups of the group that run or were broken off",
    GROUP_LABELS,
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut newest_size = Lines::of(&NEWEST_SIZE);
    let mut newest_verified = Lines::of(&NEWEST_VERIFIED);
    let mut newest_verification = Lines::of(&NEWEST_VERIFICATION);
    let mut oldest = Lines::of(&OLDEST);
    let mut size = Lines::of(&SIZE);
    let mut by_verification = Lines::of(&BY_VERIFICATION);
    let mut encrypted = Lines::of(&ENCRYPTED);
    let mut protected = Lines::of(&PROTECTED);
    let mut unfinished = Lines::of(&UNFINISHED);

    let mut labels = LabelBlock::new();
    for (item, snapshots) in inputs.each(&snapshot::SNAPSHOTS) {
        for group in &snapshots.groups {
            label(&mut labels, &group.id, item.name(), inputs.remote);
            if let Some(newest) = &group.newest {
                newest_size.push_known(&labels, newest.size);
                newest_verified.push_known(&labels, is_verified(newest));
                newest_verification.push_known(&labels, newest.verified_at);
            }
            oldest.push_known(&labels, group.times.first().copied());
            size.push_known(&labels, group.size);
            for (verification, count) in by_state(group) {
                by_verification.push_with(&labels, "verification", verification, count);
            }
            encrypted.push(&labels, group.encrypted);
            protected.push(&labels, group.protected);
            unfinished.push(&labels, group.unfinished);
        }
    }
    vec![
        newest_size,
        newest_verified,
        newest_verification,
        oldest,
        size,
        by_verification,
        encrypted,
        protected,
        unfinished,
    ]
}

fn is_verified(snapshot: &Snapshot) -> Option<bool> {
    match snapshot.verification {
        Verification::Ok => Some(true),
        Verification::Failed => Some(false),
        Verification::Never => None,
    }
}

fn by_state(group: &GroupSnapshots) -> [(&'static str, usize); 3] {
    [
        ("ok", group.verified),
        ("failed", group.failed),
        ("none", group.never_verified),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const ID: &str =
        r#"backup_id="100",backup_namespace="a",backup_type="vm",datastore="main",remote="r""#;

    fn table(groups: &str, snapshots: &str) -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1_800_000_000)
            .with("/admin/datastore", r#"{"data":[{"store":"main"}]}"#)
            .with(
                "/admin/datastore/main/namespace",
                r#"{"data":[{"ns":"a"}]}"#,
            )
            .with(
                "/admin/datastore/main/groups?ns=a",
                format!(r#"{{"data":[{groups}]}}"#),
            )
            .with(
                "/admin/datastore/main/snapshots?ns=a&backup-type=vm&backup-id=100",
                format!(r#"{{"data":[{snapshots}]}}"#),
            )
    }

    const GROUP: &str = r#"{"backup-type":"vm","backup-id":"100","backup-count":5,
        "last-backup":1799990000,"files":[]}"#;

    #[tokio::test]
    async fn a_group_tells_of_its_finished_snapshots() {
        let snapshots = r#"
            {"backup-time":1799990000,"files":[],"protected":false},
            {"backup-time":1799900000,"size":700,"protected":false,
             "verification":{"state":"failed",
               "upid":"UPID:pbs1:00000028:0001FA7D:00000014:6B023ED9:verificationjob:main:x@pbs:"},
             "files":[{"filename":"a.fidx","crypt-mode":"encrypt","size":690},
                      {"filename":"index.json.blob","crypt-mode":"sign-only","size":10}]},
            {"backup-time":1799700000,"size":300,"protected":true,
             "verification":{"state":"ok","upid":"odd"},
             "files":[{"filename":"a.fidx","crypt-mode":"sign-only"},
                      {"filename":"index.json.blob","crypt-mode":"sign-only"}]},
            {"backup-time":1799800000,"size":"500","protected":1,
             "files":[{"filename":"index.json.blob","crypt-mode":"none"}]}"#;
        let lines = walk::exposed(&SNAPSHOT, table(GROUP, snapshots)).await;
        let expected = [
            ("newest_snapshot_size_bytes", "", "700"),
            ("newest_snapshot_verified", "", "0"),
            (
                "newest_snapshot_verification_timestamp_seconds",
                "",
                "1795309273",
            ),
            ("oldest_backup_timestamp_seconds", "", "1799700000"),
            ("snapshots_size_bytes", "", "1500"),
            ("snapshots_by_verification", r#",verification="ok""#, "1"),
            (
                "snapshots_by_verification",
                r#",verification="failed""#,
                "1",
            ),
            ("snapshots_by_verification", r#",verification="none""#, "1"),
            ("encrypted_snapshots", "", "1"),
            ("protected_snapshots", "", "2"),
            ("unfinished_snapshots", "", "1"),
        ]
        .map(|(family, label, value)| format!("pbs_group_{family}{{{ID}{label}}} {value}"));
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_group_without_a_finished_snapshot_has_no_size_and_no_verification() {
        let odd = r#"null,{"backup-time":null,"size":3},{"backup-time":"1799990000",
            "files":"none","verification":7,"protected":{}}"#;
        let lines = walk::exposed(&SNAPSHOT, table(GROUP, odd)).await;
        let expected = [
            ("snapshots_by_verification", r#",verification="ok""#, "0"),
            (
                "snapshots_by_verification",
                r#",verification="failed""#,
                "0",
            ),
            ("snapshots_by_verification", r#",verification="none""#, "0"),
            ("encrypted_snapshots", "", "0"),
            ("protected_snapshots", "", "0"),
            ("unfinished_snapshots", "", "1"),
        ]
        .map(|(family, label, value)| format!("pbs_group_{family}{{{ID}{label}}} {value}"));
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_group_that_is_not_answered_for_is_absent() {
        let refused = table(GROUP, "").with_status(
            "/admin/datastore/main/snapshots?ns=a&backup-type=vm&backup-id=100",
            400,
            "unable to read the group",
        );
        assert_eq!(walk::exposed(&SNAPSHOT, refused).await, [""; 0]);
    }
}
