//! `GET /nodes/{node}/storage/{storage}/content` and `…/prunebackups`: the backups that stand on a storage.

use std::collections::HashMap;

use super::guest::{Guest, Kind as GuestKind};
use super::world::{Cluster, Storage};
use super::{Call, error, parameter_error, route};
use crate::clock::{Civil, civil};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::ClusterBackups;
use crate::random::{Random, hash};
use crate::route::{Access, Kind, Parameter, Route};

const DATASTORE: Access = Access::Privilege {
    path: "/storage/{storage}",
    name: "Datastore.Audit|Datastore.AllocateSpace",
};

pub(super) const ROUTE: Route = route("/nodes/{node}/storage/{storage}/content", DATASTORE)
    .with(&[
        Parameter::new("content", Kind::Text),
        Parameter::new("vmid", Kind::Integer),
    ])
    .by_daemon();
pub(super) const PRUNE_ROUTE: Route =
    route("/nodes/{node}/storage/{storage}/prunebackups", DATASTORE)
        .with(&[
            Parameter::new("prune-backups", Kind::Text),
            Parameter::new("type", Kind::OneOf(&["qemu", "lxc"])),
            Parameter::new("vmid", Kind::Integer),
        ])
        .by_daemon();

pub(super) const DAY: i64 = 86_400;
/// The second of the day at which the backup jobs begin.
pub(super) const NIGHT: i64 = 2 * 3_600;
/// How many backups of a guest are kept.
const KEPT: i64 = 3;

struct Backup {
    vmid: i64,
    kind: GuestKind,
    created: i64,
    size: i64,
    notes: Option<String>,
    protected: bool,
    /// 0 is the newest of its guest.
    age: i64,
}

/// Backups are the only content that is simulated. An auditor sees none of them here.
pub(super) fn content(call: &Call<'_>) -> Answer {
    let storage = match usable(call) {
        Ok(storage) => storage,
        Err(answer) => return answer,
    };
    let asked = call.request.parameter("content");
    let seen = call.holds("Datastore.Allocate")
        && holds_backups(storage)
        && asked.is_none_or(|content| content == "backup");
    let mut random = call.order();
    let mut entries = Vec::new();
    for backup in chosen(call, storage).into_iter().filter(|_| seen) {
        entries.push(described(storage, &backup, &mut random));
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// What pruning would do, which also tells an auditor which backups there are.
pub(super) fn prune(call: &Call<'_>) -> Answer {
    let storage = match known(call) {
        Ok(storage) => storage,
        Err(answer) => return answer,
    };
    let name = &storage.name;
    if !holds_backups(storage) {
        return error(500, &format!("storage '{name}' does not support backups"));
    }
    let Some(rules) = call.request.parameter("prune-backups") else {
        return error(
            500,
            &format!("no prune-backups options configured for storage '{name}'"),
        );
    };
    let keep = match kept(rules) {
        Ok(keep) => keep,
        Err(answer) => return answer,
    };
    if let Err(answer) = usable(call) {
        return answer;
    }
    let kind = call.request.parameter("type");
    let mut random = call.order();
    let mut entries = Vec::new();
    for backup in chosen(call, storage)
        .into_iter()
        .filter(|backup| kind.is_none_or(|kind| kind == backup.kind.as_str()))
    {
        let mark = match keep {
            _ if backup.protected => "protected",
            Some(count) if backup.age >= count => "remove",
            _ => "keep",
        };
        let mut object = Object::new();
        object
            .text("volid", &volume(storage, &backup))
            .int("vmid", backup.vmid)
            .text("type", backup.kind.as_str())
            .int("ctime", backup.created)
            .text("mark", mark);
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

fn holds_backups(storage: &Storage) -> bool {
    storage.content.split(',').any(|kind| kind == "backup")
}

fn known<'a>(call: &Call<'a>) -> Result<&'a Storage, Answer> {
    let name = call.capture("storage");
    let found = call
        .cluster
        .storages
        .iter()
        .find(|storage| storage.name == name);
    found.ok_or_else(|| error(500, &format!("storage '{name}' does not exist")))
}

fn usable<'a>(call: &Call<'a>) -> Result<&'a Storage, Answer> {
    let storage = known(call)?;
    let name = &storage.name;
    match (storage.disabled, storage.active) {
        (true, _) => Err(error(500, &format!("storage '{name}' is disabled"))),
        (_, false) => Err(error(500, &format!("storage '{name}' is not online"))),
        _ => Ok(storage),
    }
}

/// How many backups of each guest the rules keep; `None` for all. With one backup a day `keep-daily` is `keep-last`.
fn kept(rules: &str) -> Result<Option<i64>, Answer> {
    const KEYS: [&str; 7] = [
        "keep-all",
        "keep-last",
        "keep-hourly",
        "keep-daily",
        "keep-weekly",
        "keep-monthly",
        "keep-yearly",
    ];
    let mut rule: HashMap<&str, i64> = HashMap::new();
    for (key, count) in rules.split(',').filter_map(|rule| rule.split_once('=')) {
        if !KEYS.contains(&key) {
            return Err(parameter_error(
                "prune-backups",
                &format!(
                    "invalid format - format error\nprune-backups.{key}: property is not defined in schema and the schema does not allow additional properties\n"
                ),
            ));
        }
        rule.insert(key, count.parse().unwrap_or_default());
    }
    let all = rule.remove("keep-all").is_some_and(|on| on > 0);
    let most = rule.into_values().max().unwrap_or_default();
    Ok((!all && most > 0).then_some(most))
}

/// The backups on a storage, of the guest that is asked for if one is.
fn chosen(call: &Call<'_>, storage: &Storage) -> Vec<Backup> {
    let wanted: Option<i64> = call
        .request
        .parameter("vmid")
        .and_then(|vmid| vmid.parse().ok());
    let mut backups = match &call.cluster.backups {
        Some(planned) => of_plan(call.cluster, planned, &storage.name),
        None => generated(call, storage),
    };
    backups.retain(|backup| wanted.is_none_or(|wanted| wanted == backup.vmid));
    backups
}

/// The jobs write to what all nodes share; a node's own disk holds the odd backup made by hand.
fn generated(call: &Call<'_>, storage: &Storage) -> Vec<Backup> {
    let by_job = storage.shared;
    let now = call.view.now;
    let guests = call.cluster.guests.iter();
    let guests = guests.filter(|guest| match by_job {
        true => guest.in_backup,
        false => guest.constant(60) < 0.03 && guest.at(now).node == call.node,
    });
    guests
        .flat_map(|guest| of_guest(guest, now, if by_job { KEPT } else { 1 }))
        .chain(by_job.then(|| of_deleted_guest(call.cluster)))
        .collect()
}

/// The second of the day at which a guest's backup begins.
pub(super) fn second_of_day(guest: &Guest) -> i64 {
    NIGHT + guest.vmid % 200 * 30
}

/// Whether the nightly backup of a guest has failed for days.
pub(super) fn fails(guest: &Guest) -> bool {
    guest.constant(61) < 0.03
}

/// One a night, the newest first.
fn of_guest(guest: &Guest, now: i64, count: i64) -> impl Iterator<Item = Backup> + use<> {
    let failing = if fails(guest) { 9 } else { 0 };
    let start = second_of_day(guest);
    let newest = (now - start).div_euclid(DAY) - failing;
    let (vmid, kind) = (guest.vmid, guest.kind);
    let size = guest.disk / 4;
    let notes = Some(guest.shown_name()).filter(|_| guest.constant(62) < 0.8);
    let protects = guest.constant(63) < 0.05;
    (0..count).map(move |age| Backup {
        vmid,
        kind,
        created: (newest - age) * DAY + start,
        size: size
            + hash(&[vmid, newest - age])
                .cast_signed()
                .rem_euclid(1 << 20),
        notes: notes.clone(),
        protected: protects && age == count - 1,
        age,
    })
}

/// Those of one storage; what is no guest's is a virtual machine's.
fn of_plan(cluster: &Cluster, plan: &ClusterBackups, storage: &str) -> Vec<Backup> {
    let mut backups: Vec<Backup> = plan
        .archives
        .iter()
        .filter(|archive| archive.storage == storage)
        .map(|archive| {
            let mut guests = cluster.guests.iter();
            let guest = guests.find(|guest| guest.vmid == archive.vmid);
            Backup {
                vmid: archive.vmid,
                kind: guest.map_or(GuestKind::Qemu, |guest| guest.kind),
                created: cluster.started - archive.age_seconds,
                size: 3 << 30,
                notes: guest.map(Guest::shown_name),
                protected: false,
                age: 0,
            }
        })
        .collect();
    backups.sort_by_key(|backup| (backup.vmid, -backup.created));
    for of_guest in backups.chunk_by_mut(|a, b| a.vmid == b.vmid) {
        for (age, backup) in (0..).zip(of_guest) {
            backup.age = age;
        }
    }
    backups
}

/// What is left of a guest that is no more.
fn of_deleted_guest(cluster: &Cluster) -> Backup {
    Backup {
        vmid: cluster.guests.last().map_or(100, |guest| guest.vmid + 1),
        kind: GuestKind::Qemu,
        created: cluster.started - 45 * DAY,
        size: 3 << 30,
        notes: Some("retired-01".to_owned()),
        protected: false,
        age: 0,
    }
}

fn volume(storage: &Storage, backup: &Backup) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = civil(backup.created);
    let (name, vmid) = (&storage.name, backup.vmid);
    match (storage.plugin, backup.kind) {
        ("pbs", kind) => {
            let group = if kind == GuestKind::Qemu { "vm" } else { "ct" };
            format!(
                "{name}:backup/{group}/{vmid}/{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
            )
        }
        (_, kind) => format!(
            "{name}:backup/vzdump-{}-{vmid}-{year}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}.{}",
            kind.as_str(),
            archive(kind)
        ),
    }
}

fn archive(kind: GuestKind) -> &'static str {
    match kind {
        GuestKind::Qemu => "vma.zst",
        GuestKind::Lxc => "tar.zst",
    }
}

fn described(storage: &Storage, backup: &Backup, random: &mut Random) -> String {
    let server = storage.plugin == "pbs";
    let mut object = Object::new();
    object
        .text("volid", &volume(storage, backup))
        .text("content", "backup")
        .int("vmid", backup.vmid)
        .text("subtype", backup.kind.as_str())
        .int("ctime", backup.created)
        .int("size", backup.size)
        .text(
            "format",
            match (server, backup.kind) {
                (true, GuestKind::Qemu) => "pbs-vm",
                (true, GuestKind::Lxc) => "pbs-ct",
                (false, kind) => archive(kind),
            },
        );
    if let Some(notes) = &backup.notes {
        object.text("notes", notes);
    }
    if backup.protected {
        object.int("protected", 1);
    }
    // The newest is not verified before the next night.
    if server && backup.age > 0 {
        object.raw("verification", &verification(backup, random));
    }
    object.into_json(Some(random))
}

fn verification(backup: &Backup, random: &mut Random) -> String {
    let failed = hash(&[backup.vmid, backup.created]).is_multiple_of(50);
    let upid = format!(
        "UPID:pbs:00000A1B:0001C2D3:00000004:{:08X}:verificationjob:vault:root@pam:",
        backup.created + DAY / 2
    );
    let mut object = Object::new();
    object
        .text("state", if failed { "failed" } else { "ok" })
        .text("upid", &upid);
    object.into_json(Some(random))
}
