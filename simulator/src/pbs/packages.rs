//! `GET /nodes/{node}/apt/update`, `…/versions` and `…/repositories`.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::plan::PbsVersion;
use crate::route::{Access, Route};

const AUDIT: Access = Access::Privilege {
    path: "/",
    name: "Sys.Audit",
};
pub(super) const UPDATE_ROUTE: Route = route("/nodes/{node}/apt/update", AUDIT);
pub(super) const VERSIONS_ROUTE: Route = route("/nodes/{node}/apt/versions", AUDIT);
pub(super) const REPOSITORIES_ROUTE: Route = route("/nodes/{node}/apt/repositories", AUDIT);

fn package(name: &str, origin: &str, old: &str, new: &str) -> Object {
    let mut object = Object::new();
    object
        .text("Arch", "amd64")
        .text("Description", name)
        .text("OldVersion", old)
        .text("Origin", origin)
        .text("Package", name)
        .text("Priority", "optional")
        .text("Section", "admin")
        .text("Title", name)
        .text("Version", new);
    object
}

/// A server with oddities is behind, also with security updates.
pub(super) fn update(call: &Call<'_>) -> Answer {
    if !call.server.oddities {
        return Answer::data("[]");
    }
    let pending = [
        ("proxmox-backup-client", "Proxmox", "1"),
        ("openssl", "Debian", "3.5.4-1"),
        ("libssl3t64", "Debian", "3.5.4-1"),
    ]
    .map(|(name, origin, old)| package(name, origin, old, &format!("{old}+1")).into_json(None));
    Answer::data(&array(pending))
}

pub(super) fn versions(call: &Call<'_>) -> Answer {
    let version = match call.server.version {
        PbsVersion::V3_4 => "3.4.8",
        PbsVersion::V4_2 => "4.2.1",
    };
    let installed = [
        (
            "proxmox-backup",
            Some("running kernel: 6.17.4-2-pve".to_owned()),
        ),
        (
            "proxmox-backup-server",
            Some(format!("running version: {version}")),
        ),
        ("proxmox-backup-client", None),
        ("proxmox-kernel-6.17.4-2-pve-signed", None),
    ]
    .map(|(name, extra)| {
        let installed = format!("{version}-1");
        let mut object = package(name, "Proxmox", &installed, &installed);
        if let Some(extra) = extra {
            object.text("ExtraInfo", &extra);
        }
        object.into_json(None)
    });
    Answer::data(&array(installed))
}

pub(super) fn repositories(call: &Call<'_>) -> Answer {
    const PATH: &str = "/etc/apt/sources.list";
    let suite = match call.server.version {
        PbsVersion::V3_4 => "bookworm",
        PbsVersion::V4_2 => "trixie",
    };
    let mut repositories = Vec::new();
    let mut infos = Vec::new();
    for (index, (host, component, origin)) in [
        ("deb.debian.org/debian", "main", "Debian"),
        (
            "download.proxmox.com/debian/pbs",
            "pbs-no-subscription",
            "Proxmox",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let one = |value: &str| array([text(value)]);
        let mut repository = Object::new();
        repository
            .raw("Components", &one(component))
            .boolean("Enabled", true)
            .text("FileType", "list")
            .raw("Suites", &one(suite))
            .raw("Types", &one("deb"))
            .raw("URIs", &one(&format!("http://{host}")));
        repositories.push(repository.into_json(None));
        let mut info = Object::new();
        info.int("index", index as i64)
            .text("kind", "origin")
            .text("message", origin)
            .text("path", PATH);
        infos.push(info.into_json(None));
    }
    let mut file = Object::new();
    file.raw("digest", &array((0..32).map(|byte| byte.to_string())))
        .text("file-type", "list")
        .text("path", PATH)
        .raw("repositories", &array(repositories));
    let standard = [
        ("enterprise", "Enterprise"),
        ("no-subscription", "No-Subscription"),
    ]
    .map(|(handle, name)| {
        let mut object = Object::new();
        object
            .text("description", name)
            .text("handle", handle)
            .text("name", name);
        object.into_json(None)
    });
    let mut object = Object::new();
    object
        .text("digest", &"5a".repeat(32))
        .raw("errors", "[]")
        .raw("files", &array([file.into_json(None)]))
        .raw("infos", &array(infos))
        .raw("standard-repos", &array(standard));
    Answer::data(&object.into_json(None))
}
