//! Backup groups: when each was last backed up, and how many snapshots it has.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::group::{self, GroupId};

pub static GROUP: Collector = Collector {
    name: "group",
    about: "The last finished backup and the number of snapshots of each backup group; asked hourly of servers before 4.0.17, which open every manifest for it.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&group::GROUPS],
    reads: &[],
    families: &[&LAST_BACKUP, &SNAPSHOTS],
    collect,
};

/// What tells one group from all others.
pub(super) const GROUP_LABELS: &[&str] = &[
    "backup_id",
    "backup_namespace",
    "backup_type",
    "datastore",
    "remote",
];

static LAST_BACKUP: Family = Family::gauge(
    "pbs_group_last_backup_timestamp_seconds",
    "When the newest finished backup of the group was begun; absent where none has finished",
    GROUP_LABELS,
);
static SNAPSHOTS: Family = Family::gauge(
    "pbs_group_snapshots",
    "Number of snapshots of the group, with those that run or were broken off",
    GROUP_LABELS,
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut last_backup = Lines::of(&LAST_BACKUP);
    let mut snapshots = Lines::of(&SNAPSHOTS);
    let mut labels = LabelBlock::new();
    for (item, groups) in inputs.each(&group::GROUPS) {
        for group in &groups.groups {
            label(&mut labels, &group.id, item.name(), inputs.remote);
            last_backup.push_known(&labels, group.last_backup);
            snapshots.push_known(&labels, group.count);
        }
    }
    vec![last_backup, snapshots]
}

/// Makes the labels those of a group.
pub(super) fn label(labels: &mut LabelBlock, id: &GroupId, datastore: &str, remote: &str) {
    labels
        .clear()
        .push("backup_id", &id.backup_id)
        .push("backup_namespace", &id.namespace)
        .push("backup_type", &id.backup_type)
        .push("datastore", datastore)
        .push("remote", remote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const DATASTORES: &str =
        r#"{"data":[{"store":"main"},{"store":"off","maintenance":"offline"}]}"#;

    fn table() -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1_800_000_000).with("/admin/datastore", DATASTORES)
    }

    #[tokio::test]
    async fn groups_of_all_namespaces_tell_their_last_finished_backup() {
        let answers = table()
            .with(
                "/admin/datastore/main/namespace",
                r#"{"data":[{"ns":"prod/db"},{"ns":""}]}"#,
            )
            .with(
                "/admin/datastore/main/groups?ns=",
                r#"{"data":[
                {"backup-type":"host","backup-id":"web","backup-count":2,"last-backup":1799990000,
                 "files":["root.pxar.didx"],"owner":"a@pbs"},
                {"backup-type":"ct","backup-id":"7","backup-count":1,"last-backup":1799980000,
                 "files":[],"owner":"a@pbs"}]}"#,
            )
            .with(
                "/admin/datastore/main/groups?ns=prod%2Fdb",
                r#"{"data":[{"backup-type":"vm","backup-id":"100","backup-count":"3",
                 "last-backup":"1799970000","files":["index.json.blob","a.fidx"]}]}"#,
            )
            .with(
                "/admin/datastore/main/snapshots?ns=&backup-type=host&backup-id=web",
                r#"{"data":[
                {"backup-type":"host","backup-id":"web","backup-time":1799990000,"files":[]},
                {"backup-type":"host","backup-id":"web","backup-time":1799900000,"size":5,
                 "files":[{"filename":"index.json.blob"}]}]}"#,
            )
            .with(
                "/admin/datastore/main/snapshots?ns=&backup-type=ct&backup-id=7",
                r#"{"data":[{"backup-time":1799980000,"files":[]}]}"#,
            );
        assert_eq!(
            walk::exposed(&GROUP, answers).await,
            [
                r#"pbs_group_last_backup_timestamp_seconds{backup_id="web",backup_namespace="",backup_type="host",datastore="main",remote="r"} 1799900000"#,
                r#"pbs_group_last_backup_timestamp_seconds{backup_id="100",backup_namespace="prod/db",backup_type="vm",datastore="main",remote="r"} 1799970000"#,
                r#"pbs_group_snapshots{backup_id="7",backup_namespace="",backup_type="ct",datastore="main",remote="r"} 1"#,
                r#"pbs_group_snapshots{backup_id="web",backup_namespace="",backup_type="host",datastore="main",remote="r"} 2"#,
                r#"pbs_group_snapshots{backup_id="100",backup_namespace="prod/db",backup_type="vm",datastore="main",remote="r"} 3"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_is_not_known_is_absent() {
        let odd = table()
            .with("/admin/datastore/main/namespace", r#"{"data":[{"ns":""}]}"#)
            .with(
                "/admin/datastore/main/groups",
                r#"{"data":[null,7,{"backup-type":"vm"},{"backup-id":"9"},
                {"backup-type":"vm","backup-id":"a\"}\n","backup-count":-1,"last-backup":0},
                {"backup-type":"vm","backup-id":"b","backup-count":null,"last-backup":"x"},
                {"backup-type":"vm","backup-id":"c","backup-count":1},
                {"backup-type":"vm","backup-id":"c","backup-count":2}]}"#,
            );
        assert_eq!(
            walk::exposed(&GROUP, odd).await,
            [
                r#"pbs_group_snapshots{backup_id="c",backup_namespace="",backup_type="vm",datastore="main",remote="r"} 1"#
            ]
        );
        let broken = table().with_status(
            "/admin/datastore/main/namespace",
            400,
            "unable to open chunk store",
        );
        assert_eq!(walk::exposed(&GROUP, broken).await, [""; 0]);
    }
}
