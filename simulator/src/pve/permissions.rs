//! `GET /access/permissions`: what the asking token may do, by path.

use super::world::Cluster;
use super::{Call, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::Object;
use crate::plan::PveVersion;
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/access/permissions", Access::Everyone).with(&[
    Parameter::new("path", Kind::Text),
    Parameter::new("userid", Kind::Text),
]);

const PATHS: &[&str] = &[
    "/",
    "/access",
    "/access/groups",
    "/nodes",
    "/pool",
    "/sdn",
    "/storage",
    "/vms",
];
const AUDITOR: &[&str] = &[
    "Datastore.Audit",
    "Mapping.Audit",
    "Pool.Audit",
    "SDN.Audit",
    "Sys.Audit",
    "VM.Audit",
];
const VM_USER: &[&str] = &[
    "VM.Audit",
    "VM.Backup",
    "VM.Config.CDROM",
    "VM.Config.Cloudinit",
    "VM.Console",
    "VM.PowerMgmt",
];
const ADMINISTRATOR: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Group.Allocate",
    "Mapping.Modify",
    "Mapping.Use",
    "Permissions.Modify",
    "Pool.Allocate",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];

/// Whether a kind of token holds one of the privileges of `A|B` on a path.
pub(super) fn allows(cluster: &Cluster, rights: Rights, path: &str, privileges: &str) -> bool {
    let own = cluster
        .guests
        .first()
        .is_some_and(|guest| path == format!("/vms/{}", guest.vmid));
    let storage = path.strip_prefix("/storage/");
    let shown = rights == Rights::SomeStorages
        && storage.is_some_and(|name| shown_storages(cluster).any(|shown| shown == name));
    privileges.split('|').any(|privilege| {
        holds(cluster.version, rights, privilege)
            || (shown && privilege == "Datastore.Audit")
            || (rights == Rights::Narrow && own && holds_as_user(cluster.version, privilege))
    })
}

/// The storages that are open to who may not see all.
fn shown_storages(cluster: &Cluster) -> impl Iterator<Item = &str> {
    let storages = cluster.storages.iter();
    storages
        .filter(|storage| storage.plugin == "pbs")
        .map(|storage| storage.name.as_str())
}

/// What a `PVEVMUser` may do with its guest.
fn holds_as_user(version: PveVersion, privilege: &str) -> bool {
    VM_USER.contains(&privilege)
        || (version >= PveVersion::V9_1 && privilege == "VM.GuestAgent.Audit")
}

/// The privileges as the version names them: before 9.0 reading from the guest agent needed `VM.Monitor`.
pub(super) fn named(version: PveVersion, privileges: &'static str) -> &'static str {
    match version {
        PveVersion::V8_4 if privileges.starts_with("VM.GuestAgent.") => "VM.Monitor",
        _ => privileges,
    }
}

/// Whether a kind of token holds a privilege on the whole tree.
pub(super) fn holds(version: PveVersion, rights: Rights, privilege: &str) -> bool {
    match rights {
        Rights::Admin => true,
        // From 9.0 on the guest agent has privileges of its own.
        Rights::Auditor => {
            AUDITOR.contains(&privilege)
                || (version >= PveVersion::V9_1 && privilege == "VM.GuestAgent.Audit")
        }
        Rights::SomeStorages => {
            privilege != "Datastore.Audit" && holds(version, Rights::Auditor, privilege)
        }
        Rights::Nothing | Rights::Separated | Rights::Narrow => false,
    }
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    // From 9.0 on the guest agent has privileges of its own.
    let nine = call.cluster.version >= PveVersion::V9_1;
    let agent = |names: &[&'static str]| if nine { names.to_vec() } else { Vec::new() };
    let mut paths: Vec<(String, Vec<&str>)> = Vec::new();
    match call.caller.rights {
        Rights::Nothing | Rights::Separated => {}
        Rights::Narrow => {
            let vmid = call.cluster.guests.first().map_or(100, |guest| guest.vmid);
            let files = [
                "VM.GuestAgent.Audit",
                "VM.GuestAgent.FileRead",
                "VM.GuestAgent.FileSystemMgmt",
                "VM.GuestAgent.FileWrite",
            ];
            paths.push((format!("/vms/{vmid}"), [VM_USER, &agent(&files)].concat()));
        }
        Rights::Auditor => {
            let privileges = [AUDITOR, &agent(&["VM.GuestAgent.Audit"])].concat();
            paths.extend(
                PATHS
                    .iter()
                    .map(|path| ((*path).to_owned(), privileges.clone())),
            );
        }
        Rights::SomeStorages => {
            let mut privileges = [AUDITOR, &agent(&["VM.GuestAgent.Audit"])].concat();
            privileges.retain(|privilege| *privilege != "Datastore.Audit");
            let open = PATHS.iter().map(|path| (*path).to_owned());
            paths.extend(open.map(|path| (path, privileges.clone())));
            let shown = shown_storages(call.cluster);
            let shown = shown.map(|name| format!("/storage/{name}"));
            paths
                .extend(shown.map(|path| (path, [&privileges[..], &["Datastore.Audit"]].concat())));
        }
        Rights::Admin => {
            let files = [
                "VM.GuestAgent.Audit",
                "VM.GuestAgent.FileRead",
                "VM.GuestAgent.FileSystemMgmt",
                "VM.GuestAgent.FileWrite",
                "VM.GuestAgent.Unrestricted",
                "VM.Replicate",
            ];
            let privileges = [AUDITOR, ADMINISTRATOR, &agent(&files)].concat();
            paths.extend(
                PATHS
                    .iter()
                    .map(|path| ((*path).to_owned(), privileges.clone())),
            );
        }
    }
    if let Some(wanted) = call.request.parameter("path") {
        paths.retain(|(path, _)| path == wanted);
    }
    let mut tree = Object::new();
    for (path, privileges) in paths {
        tree.raw(&path, &granted(&privileges, &mut random));
    }
    Answer::data(&tree.into_json(Some(&mut random)))
}

/// `{"Sys.Audit": 1, …}`; the 1 says that it goes down to the paths below.
fn granted(privileges: &[&str], random: &mut Random) -> String {
    let mut object = Object::new();
    for privilege in privileges {
        object.int(privilege, 1);
    }
    object.into_json(Some(random))
}
