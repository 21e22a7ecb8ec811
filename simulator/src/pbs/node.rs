//! `/nodes/localhost/status` and what only administrators may ask of the node.

use serde_json::json;

use super::Pbs;
use crate::answer::{self, Answer};
use crate::route::{Asked, Route};

/// The name of the node is not looked at.
pub(super) const STATUS: Route<Pbs> = Route {
    path: "/nodes/{node}/status",
    parameters: &[],
    needs: Some(("Sys.Audit", "/system/status")),
    by_daemon: false,
    answer: status,
};

/// An auditor may not.
pub(super) const CERTIFICATES: Route<Pbs> = Route {
    path: "/nodes/{node}/certificates/info",
    parameters: &[],
    needs: Some(("Sys.Modify", "/system/certificates")),
    by_daemon: false,
    answer: |pbs, _| Answer::Good(answer::data(json!([{
        "filename": "proxy.pem",
        "subject": "O = Proxmox Backup Server, CN = pbs",
        "issuer": "O = Proxmox Backup Server, CN = pbs",
        "fingerprint": pbs.fingerprint.to_lowercase(),
        "san": ["localhost"],
        "public-key-type": "id-ecPublicKey",
        "public-key-bits": 256,
        "notbefore": 1_767_225_600_i64,
        "notafter": 33_324_220_800_i64,
        "pem": "",
    }]))),
};

fn status(pbs: &Pbs, asked: &Asked<'_>) -> Answer {
    let wave = pbs.wave(asked.now);
    let (memory, root) = (34_359_738_368_u64, 107_374_182_400_u64);
    let used = (memory as f64 * (0.4 + 0.1 * wave)) as u64;
    Answer::Good(answer::data(json!({
        "uptime": (asked.now - pbs.booted).max(0.0) as u64,
        "cpu": pbs.load * (1.0 + 0.2 * wave),
        "wait": 0.02 * (1.0 + wave),
        "loadavg": [pbs.load * 8.0, pbs.load * 7.0, pbs.load * 6.0],
        "memory": { "total": memory, "used": used, "free": memory - used },
        "swap": { "total": 0, "used": 0, "free": 0 },
        "root": { "total": root, "used": 32_212_254_720_u64, "avail": 69_793_218_560_u64 },
        "cpuinfo": { "model": "Simulated", "sockets": 1, "cpus": 8 },
        "kversion": "Linux 6.17.2-1-pve #1 SMP PREEMPT_DYNAMIC",
        "current-kernel": { "sysname": "Linux", "release": "6.17.2-1-pve", "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64" },
        "boot-info": { "mode": "efi", "secureboot": false },
        "info": { "fingerprint": pbs.fingerprint.to_lowercase() },
    })))
}
