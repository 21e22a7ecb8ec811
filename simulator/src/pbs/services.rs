//! `GET /nodes/{node}/services`; what is not installed is listed as dead.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route(
    "/nodes/{node}/services",
    Access::Privilege {
        path: "/system/services",
        name: "Sys.Audit",
    },
);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let chrony = if call.server.oddities {
        "failed"
    } else {
        "running"
    };
    let services = [
        (
            "proxmox-backup",
            "Proxmox Backup API Server",
            "running",
            "enabled",
        ),
        (
            "proxmox-backup-proxy",
            "Proxmox Backup API Proxy Server",
            "running",
            "enabled",
        ),
        ("systemd-journald", "Journal Service", "running", "static"),
        (
            "cron",
            "Regular background program processing daemon",
            "running",
            "enabled",
        ),
        ("chrony", "chrony, an NTP client/server", chrony, "enabled"),
        ("sshd", "OpenBSD Secure Shell server", "running", "enabled"),
        ("postfix", "postfix.service", "dead", "not-found"),
    ]
    .map(|(name, description, state, unit)| {
        let mut object = Object::new();
        object
            .text("desc", description)
            .text("name", name)
            .text("service", name)
            .text("state", state)
            .text("unit-state", unit);
        object.into_json(None)
    });
    Answer::data(&array(services))
}
