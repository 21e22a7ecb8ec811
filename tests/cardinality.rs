//! How many samples an object has: never more than `docs/metrics.md` says, and not much less.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proxfleet::metric::parse::{Exposition, ParsedSample};
use proxfleet::view::samples::{self, Samples};
use simulator::{Clock, Fleet, FleetPlan, RemotePlan};
use support::{Proxfleet, table_of_admin};

/// Half past ten in the evening, when backups run.
const NIGHT: f64 = 1_800_052_200.0;

/// What a bound may be above what is measured: no simulated object has everything at once.
const SLACK: usize = 2;

/// A cluster with guests of every kind, and the backup server that keeps their restore points.
async fn fleet() -> Fleet {
    let mut plan = FleetPlan::demo(&[3], 80, 1, 1);
    for remote in &mut plan.remotes {
        if let RemotePlan::Pve(pve) = remote {
            // Some guests are locked, and one is paused.
            pve.oddities = true;
        }
    }
    frozen(plan).await
}

/// Time stands still, so that nothing comes and goes.
async fn frozen(mut plan: FleetPlan) -> Fleet {
    plan.clock = Clock::frozen_at(NIGHT);
    Fleet::start(plan).await.unwrap()
}

async fn exposed(fleet: &Fleet, front: &str) -> Exposition {
    let config: String = fleet.remotes().iter().map(table_of_admin).collect();
    let proxfleet = Proxfleet::start_with(front, &config).await;
    proxfleet.scrape_all().await
}

/// The samples of one object.
type Of<'a> = Vec<&'a ParsedSample>;

/// The samples by object: those that have the same values of these labels, and have them all.
fn objects<'a, const N: usize>(
    samples: impl IntoIterator<Item = &'a ParsedSample>,
    labels: [&str; N],
) -> BTreeMap<[&'a str; N], Of<'a>> {
    let mut objects: BTreeMap<_, Of<'_>> = BTreeMap::new();
    for sample in samples {
        let values = labels.map(|label| sample.labels.get(label).map(String::as_str));
        if values.iter().all(Option::is_some) {
            let values = values.map(Option::unwrap_or_default);
            objects.entry(values).or_default().push(sample);
        }
    }
    objects
}

/// Samples of the largest object.
fn most<'a, const N: usize>(
    samples: impl IntoIterator<Item = &'a ParsedSample>,
    labels: [&str; N],
) -> usize {
    let objects = objects(samples, labels);
    objects.values().map(Vec::len).max().unwrap_or(0)
}

/// A guest that runs, with all that is said of it.
struct Guest<'a> {
    id: &'a str,
    samples: Of<'a>,
}

impl<'a> Guest<'a> {
    fn running(exposition: &'a Exposition, kind: &str) -> Vec<Self> {
        objects(exposition.samples(), ["id"])
            .into_iter()
            .map(|([id], samples)| Self { id, samples })
            .filter(|guest| guest.id.starts_with(kind) && guest.says("pve_up", 1.0))
            .collect()
    }

    fn says(&self, name: &str, value: f64) -> bool {
        let mut samples = self.samples.iter();
        samples.any(|sample| sample.name == name && sample.value == value)
    }

    fn with<const N: usize>(&self, prefixes: [&str; N]) -> usize {
        let samples = self.samples.iter();
        samples
            .filter(|sample| {
                prefixes
                    .iter()
                    .any(|prefix| sample.name.starts_with(prefix))
            })
            .count()
    }

    /// How many things of it there are that this label tells apart.
    fn parts(&self, label: &str) -> usize {
        let values = self
            .samples
            .iter()
            .filter_map(|sample| sample.labels.get(label));
        values.collect::<BTreeSet<_>>().len()
    }

    fn storages(&self) -> usize {
        objects(self.samples.iter().copied(), ["node", "storage"]).len()
    }

    /// Without what comes only while it is locked or paused, or kept available.
    fn plain(&self) -> impl Iterator<Item = &'a ParsedSample> {
        let sometimes = ["pve_ha_", "pve_lock_state", "pve_guest_qmp_state"];
        let samples = self.samples.iter().copied();
        samples.filter(move |sample| !sometimes.iter().any(|name| sample.name.starts_with(name)))
    }

    /// What it may have, however many disks, interfaces and storages there are.
    fn allowed(&self, base: &Samples, device: &Samples) -> usize {
        base.most
            + device.most * self.parts("device").saturating_sub(1)
            + samples::INTERFACE.most * self.parts("interface").saturating_sub(1)
            + samples::STORAGE_OF_GUEST.most * self.storages().saturating_sub(2)
    }

    /// Whether nothing of it is told more than once, but for two storages.
    fn is_small(&self) -> bool {
        self.parts("device") == 1 && self.parts("interface") == 1 && self.storages() <= 2
    }
}

/// What a small guest would have that had at once whatever any of them has: the most of each family.
fn most_of_small(guests: &[Guest<'_>]) -> usize {
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for guest in guests.iter().filter(|guest| guest.is_small()) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in guest.plain() {
            *counts.entry(&sample.name).or_default() += 1;
        }
        for (family, count) in counts {
            let most = families.entry(family).or_default();
            *most = count.max(*most);
        }
    }
    families.values().sum()
}

#[tokio::test]
async fn no_object_has_more_samples_than_the_documentation_says_or_far_fewer() {
    let fleet = fleet().await;
    let all = exposed(&fleet, "").await;
    let machines = Guest::running(&all, "qemu/");
    let containers = Guest::running(&all, "lxc/");
    let guests = || machines.iter().chain(&containers);

    let of = |prefixes: &'static [&'static str]| {
        all.samples().filter(move |sample| {
            prefixes
                .iter()
                .any(|prefix| sample.name.starts_with(prefix))
        })
    };
    let without = |labels: &'static [&'static str]| {
        move |sample: &&ParsedSample| {
            labels
                .iter()
                .all(|label| !sample.labels.contains_key(*label))
        }
    };
    let is_of = |kind: &'static str| {
        move |sample: &&ParsedSample| {
            let id = sample.labels.get("id");
            id.is_some_and(|id| id.starts_with(kind))
        }
    };
    let of_nodes = || of(&["pve_"]).filter(is_of("node/"));
    let parts = &["unit", "task_type", "device", "pool", "interface", "file"];
    let of_datastores = || of(&["pbs_"]);

    let measured: Vec<(&Samples, usize)> = vec![
        (&samples::VIRTUAL_MACHINE, most_of_small(&machines)),
        (
            &samples::DISK,
            most(of(&["pve_guest_"]).filter(is_of("qemu/")), ["id", "device"]),
        ),
        (
            &samples::INTERFACE,
            most(of(&["pve_guest_nic_"]), ["id", "interface"]),
        ),
        (&samples::CONTAINER, most_of_small(&containers)),
        (
            &samples::MOUNT_POINT,
            most(of(&["pve_guest_"]).filter(is_of("lxc/")), ["id", "device"]),
        ),
        (
            &samples::STORAGE_OF_GUEST,
            most(of(&["pve_backup_"]), ["id", "node", "storage"]),
        ),
        (
            &samples::HIGH_AVAILABILITY,
            guests()
                .map(|guest| guest.with(["pve_ha_"]))
                .max()
                .unwrap_or(0),
        ),
        (&samples::LOCK, most(of(&["pve_lock_state"]), ["id"])),
        (&samples::PAUSE, most(of(&["pve_guest_qmp_state"]), ["id"])),
        (
            &samples::REPLICATION,
            most(of(&["pve_replication_"]), ["id"]),
        ),
        (
            &samples::NODE,
            most(of_nodes().filter(without(parts)), ["id"]),
        ),
        (&samples::SERVICE, most(of_nodes(), ["id", "unit"])),
        (&samples::TASK_TYPE, most(of_nodes(), ["id", "task_type"])),
        (
            &samples::PHYSICAL_DISK,
            most(of(&["pve_physical_disk_"]), ["id", "device"]),
        ),
        (
            &samples::ZFS_POOL,
            most(
                of(&["pve_zfs_"]).filter(without(&["device"])),
                ["id", "pool"],
            ),
        ),
        (
            &samples::ZFS_DEVICE,
            most(of(&["pve_zfs_"]), ["id", "pool", "device"]),
        ),
        (
            &samples::NODE_INTERFACE,
            most(of_nodes(), ["id", "interface"]),
        ),
        (&samples::CERTIFICATE, most(of_nodes(), ["id", "file"])),
        (
            &samples::STORAGE,
            most(of(&["pve_"]).filter(is_of("storage/")), ["id"]),
        ),
        (
            &samples::STORAGE_SPACE,
            most(
                of(&["pve_storage_"]).filter(without(&["id", "server"])),
                ["node", "storage"],
            ),
        ),
        (
            &samples::DATASTORE,
            most(
                of_datastores().filter(without(&["backup_id", "job_id"])),
                ["datastore"],
            ),
        ),
        (
            &samples::JOB,
            most(of_datastores(), ["datastore", "job_type", "job_id"]),
        ),
        (
            &samples::BACKUP_GROUP,
            most(
                of_datastores(),
                ["datastore", "backup_namespace", "backup_type", "backup_id"],
            ),
        ),
    ];

    let named: Vec<&str> = measured.iter().map(|(samples, _)| samples.object).collect();
    let documented: Vec<&str> = samples::ALL.iter().map(|samples| samples.object).collect();
    assert_eq!(named, documented, "each row is measured");
    let wrong: Vec<String> = measured
        .iter()
        .filter(|(samples, found)| {
            !(samples.most.saturating_sub(SLACK)..=samples.most).contains(found)
        })
        .map(|(samples, found)| format!("{}: {} said, {found} found", samples.object, samples.most))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    // However many disks, interfaces and storages a guest has.
    let (machine, container) = (&samples::VIRTUAL_MACHINE, &samples::CONTAINER);
    let machines = machines
        .iter()
        .map(|guest| (guest, machine, &samples::DISK));
    let containers = containers
        .iter()
        .map(|guest| (guest, container, &samples::MOUNT_POINT));
    for (guest, base, device) in machines.chain(containers) {
        let (found, allowed) = (guest.plain().count(), guest.allowed(base, device));
        assert!(found <= allowed, "{} has {found} of {allowed}", guest.id);
    }
}

#[tokio::test]
async fn block_detail_tells_more_of_each_disk_and_nothing_else() {
    let fleet = frozen(FleetPlan::demo(&[1], 12, 0, 1)).await;
    let front = "[defaults]\ncollectors = { block_detail = true }\n";
    let (usual, detailed) = (exposed(&fleet, "").await, exposed(&fleet, front).await);
    let by_device = |exposition: &Exposition| -> BTreeMap<[String; 2], usize> {
        objects(exposition.samples(), ["id", "device"])
            .into_iter()
            .filter(|([id, _], _)| id.starts_with("qemu/"))
            .map(|(device, samples)| (device.map(str::to_owned), samples.len()))
            .collect()
    };
    let (usual_devices, detailed_devices) = (by_device(&usual), by_device(&detailed));
    assert!(!usual_devices.is_empty());
    assert!(usual_devices.keys().eq(detailed_devices.keys()));
    let mut more_of_all = 0;
    for (device, usual) in &usual_devices {
        let more = detailed_devices[device] - usual;
        // A drive that is not in the machine as it runs has nothing to detail.
        let expected = match *usual == samples::DISK.most {
            true => samples::DISK.most,
            false => 0,
        };
        assert_eq!(more, expected, "{device:?}");
        more_of_all += more;
    }
    let of_guests = |exposition: &Exposition| {
        let samples = exposition.samples();
        let of_guests = samples.filter(|sample| {
            sample
                .labels
                .get("id")
                .is_some_and(|id| id.starts_with("qemu/"))
        });
        of_guests.count()
    };
    assert_eq!(of_guests(&detailed), of_guests(&usual) + more_of_all);
}
