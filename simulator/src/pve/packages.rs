//! `GET /nodes/{node}/apt/update`, `…/versions` and `…/repositories`.

use super::node_status::KERNEL;
use super::{Call, NODE_AUDIT, route};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::plan::PveVersion;
use crate::route::{Access, Route};

/// What an auditor does not hold.
const NODE_MODIFY: Access = Access::Privilege {
    path: "/nodes/{node}",
    name: "Sys.Modify",
};

pub(super) const UPDATE_ROUTE: Route = route("/nodes/{node}/apt/update", NODE_MODIFY).by_daemon();
pub(super) const VERSIONS_ROUTE: Route = route("/nodes/{node}/apt/versions", NODE_AUDIT);
pub(super) const REPOSITORIES_ROUTE: Route = route("/nodes/{node}/apt/repositories", NODE_AUDIT);

fn package(name: &str, origin: &str, version: &str) -> Object {
    let mut object = Object::new();
    object
        .text("Package", name)
        .text("Title", name)
        .text("Description", name)
        .text("Origin", origin)
        .text("Arch", "amd64")
        .text("Priority", "optional")
        .text("Section", "admin")
        .text("Version", version);
    object
}

/// The second node of a cluster is behind; with oddities the first one lacks security updates.
pub(super) fn update(call: &Call<'_>) -> Answer {
    let pending: &[(&str, &str, &str)] = match call.node {
        0 if call.cluster.oddities => &[
            ("openssl", "Debian", "3.5.4-1~deb13u1"),
            ("libssl3t64", "Debian", "3.5.4-1~deb13u1"),
        ],
        1 => &[
            ("proxmox-widget-toolkit", "Proxmox", "5.1.5"),
            ("qemu-server", "Proxmox", "9.1.2"),
            ("tzdata", "Debian", "2025b-4+deb13u1"),
        ],
        _ => &[],
    };
    let mut random = call.order();
    let entries = pending.iter().map(|(name, origin, old)| {
        let mut object = package(name, origin, &format!("{old}+1"));
        object.text("OldVersion", old);
        object.into_json(Some(&mut random))
    });
    Answer::data(&array(entries))
}

/// Of the kernel that runs.
const KERNEL_PACKAGE: &str = "proxmox-kernel-6.17.4-2-pve-signed";

/// The packages that make up the product, also those that are not installed.
pub(super) fn versions(call: &Call<'_>) -> Answer {
    let version = call.cluster.version.version();
    let mut random = call.order();
    let mut entries = Vec::new();
    for (name, origin, installed) in [
        ("proxmox-ve", "Proxmox", Some(version)),
        ("pve-manager", "Proxmox", Some(version)),
        ("corosync", "Proxmox", Some("3.1.9-pve2")),
        ("qemu-server", "Proxmox", Some("9.1.2")),
        (KERNEL_PACKAGE, "Proxmox", Some("6.17.4-2")),
        ("smartmontools", "Debian", Some("7.4-pve1")),
        ("ceph-fuse", "Debian", None),
    ] {
        let mut object = package(name, origin, installed.unwrap_or("19.2.3-pve1"));
        match installed {
            Some(old) => object
                .text("OldVersion", old)
                .text("CurrentState", "Installed"),
            None => object.text("CurrentState", "NotInstalled"),
        };
        match name {
            "proxmox-ve" => object.text("RunningKernel", KERNEL),
            "pve-manager" => object.text(
                "ManagerVersion",
                &format!("{version}/{}", call.cluster.repository_id),
            ),
            _ => &mut object,
        };
        entries.push(object.into_json(Some(&mut random)));
    }
    Answer::data(&array(entries))
}

/// Debian's and the one without a subscription.
pub(super) fn repositories(call: &Call<'_>) -> Answer {
    const PATH: &str = "/etc/apt/sources.list.d/proxmox.sources";
    let suite = match call.cluster.version {
        PveVersion::V8_4 => "bookworm",
        PveVersion::V9_1 | PveVersion::V9_2 => "trixie",
    };
    let mut random = call.order();
    let one = |value: &str| array([text(value)]);
    let mut repositories = Vec::new();
    let mut infos = Vec::new();
    for (index, (host, component, origin)) in [
        ("deb.debian.org/debian", "main", "Debian"),
        (
            "download.proxmox.com/debian/pve",
            "pve-no-subscription",
            "Proxmox",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut repository = Object::new();
        repository
            .text("FileType", "sources")
            .int("Enabled", 1)
            .raw("Types", &one("deb"))
            .raw("URIs", &one(&format!("http://{host}")))
            .raw("Suites", &one(suite))
            .raw("Components", &one(component))
            .raw("Options", "[]")
            .text("Comment", "");
        repositories.push(repository.into_json(Some(&mut random)));
        let mut info = Object::new();
        info.text("path", PATH)
            .int("index", index as i64)
            .text("kind", "origin")
            .text("message", origin);
        infos.push(info.into_json(Some(&mut random)));
    }
    let mut file = Object::new();
    file.text("path", PATH)
        .text("file-type", "sources")
        .raw("digest", &array((0..32).map(|byte| byte.to_string())))
        .raw("repositories", &array(repositories));
    let standard = [
        ("enterprise", "Enterprise", false),
        ("no-subscription", "No-Subscription", true),
        ("test", "Test", false),
    ]
    .map(|(handle, name, enabled)| {
        let mut object = Object::new();
        object
            .text("handle", handle)
            .text("name", name)
            .text("description", name);
        if enabled {
            object.int("status", 1);
        }
        object.into_json(Some(&mut random))
    });
    let mut object = Object::new();
    object
        .text("digest", &"5a".repeat(32))
        .raw("errors", "[]")
        .raw("files", &array([file.into_json(Some(&mut random))]))
        .raw("infos", &array(infos))
        .raw("standard-repos", &array(standard));
    Answer::data(&object.into_json(Some(&mut random)))
}
