//! The finished snapshots of each namespace, guest and host. What runs or was broken off is no
//! backup: it is not counted, and never the last.

use std::collections::{HashMap, HashSet};

use super::families as f;
use crate::collect::Inputs;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::snapshot::{GroupSnapshots, SNAPSHOTS, Snapshots, Verification};

pub(super) fn collect(inputs: &Inputs<'_>) -> [Lines; 4] {
    let mut count = Lines::of(&f::SNAPSHOT_COUNT);
    let mut vm_count = Lines::of(&f::SNAPSHOT_VM_COUNT);
    let mut last = Lines::of(&f::SNAPSHOT_VM_LAST_TIMESTAMP);
    let mut last_verify = Lines::of(&f::SNAPSHOT_VM_LAST_VERIFY);
    let mut labels = LabelBlock::new();
    for (item, snapshots) in inputs.each(&SNAPSHOTS) {
        for (namespace, number) in by_namespace(snapshots) {
            labels
                .clear()
                .push("datastore", item.name())
                .push("namespace", namespace);
            count.push(&labels, number);
        }
        for (vm_id, group) in by_vm_id(snapshots) {
            let Some(newest) = &group.newest else {
                continue;
            };
            labels
                .clear()
                .push("datastore", item.name())
                .push("namespace", &group.id.namespace)
                .push("vm_id", &vm_id)
                .push("vm_name", &newest.comment);
            vm_count.push(&labels, group.times.len());
            last.push(&labels, newest.time);
            last_verify.push(&labels, newest.verification == Verification::Ok);
        }
    }
    [count, vm_count, last, last_verify]
}

/// The number of finished snapshots of each namespace of which every group is known: a part of them
/// would look like backups that are gone.
fn by_namespace(snapshots: &Snapshots) -> impl Iterator<Item = (&str, usize)> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for group in &snapshots.groups {
        *numbers.entry(&group.id.namespace).or_default() += group.times.len();
    }
    let complete = snapshots
        .namespaces
        .iter()
        .filter(|namespace| namespace.complete);
    complete.map(move |namespace| {
        let number = numbers.get(&*namespace.name).copied();
        (&*namespace.name, number.unwrap_or_default())
    })
}

/// Each group by what its label `vm_id` is: the id, which a container or a host does not share with
/// others of the namespace. The type stands before an id that they do share, but for a machine.
fn by_vm_id(snapshots: &Snapshots) -> Vec<(String, &GroupSnapshots)> {
    let mut sharing: HashMap<(&str, &str), usize> = HashMap::new();
    for GroupSnapshots { id, .. } in snapshots.groups.iter().map(|group| &**group) {
        let place = (&*id.namespace, &*id.backup_id);
        *sharing.entry(place).or_default() += 1;
    }
    let mut told = HashSet::new();
    let groups = snapshots.groups.iter().map(|group| &**group);
    let named = groups.map(|group| {
        let id = &group.id;
        let is_shared = sharing.get(&(&*id.namespace, &*id.backup_id)) > Some(&1);
        let vm_id = if is_shared && &*id.backup_type != "vm" {
            format!("{}/{}", id.backup_type, id.backup_id)
        } else {
            id.backup_id.to_string()
        };
        (vm_id, group)
    });
    // No server has ids with a slash; with them it would be another's that stands twice.
    named
        .filter(|(vm_id, group)| told.insert((&*group.id.namespace, vm_id.clone())))
        .collect()
}
