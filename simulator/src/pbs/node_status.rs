//! `GET /nodes/{node}/status`; the node's name is not looked at.

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Route};

pub(super) const ROUTE: Route = route(
    "/nodes/{node}/status",
    Access::Privilege {
        path: "/system/status",
        name: "Sys.Audit",
    },
);

const KERNEL: &str = "6.17.4-2-pve";
const KERNEL_BUILD: &str = "#1 SMP PREEMPT_DYNAMIC PMX 6.17.4-2";

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let server = call.server;
    let numbers = server.numbers(call.now);
    let sizes = |fields: &[(&str, i64)]| {
        let mut object = Object::new();
        for (name, value) in fields {
            object.int(name, *value);
        }
        object.into_json(None)
    };
    let mut boot = Object::new();
    boot.text("mode", "efi").boolean("secureboot", false);
    let mut cpu = Object::new();
    cpu.int("cpus", server.cpus)
        .text("model", "AMD EPYC 9354P 32-Core Processor")
        .int("sockets", 1);
    let mut kernel = Object::new();
    kernel
        .text("machine", "x86_64")
        .text("release", KERNEL)
        .text("sysname", "Linux")
        .text("version", KERNEL_BUILD);
    let mut info = Object::new();
    let fingerprint = call
        .remote
        .identity(call.endpoint)
        .map(|identity| identity.described.fingerprint.to_lowercase());
    info.text("fingerprint", &fingerprint.unwrap_or_default());
    let used = numbers.memory_used;
    let mut object = Object::new();
    object
        .raw("boot-info", &boot.into_json(None))
        .float("cpu", numbers.cpu)
        .raw("cpuinfo", &cpu.into_json(None))
        .raw("current-kernel", &kernel.into_json(None))
        .raw("info", &info.into_json(None))
        .text("kversion", &format!("Linux {KERNEL} {KERNEL_BUILD}"))
        .raw(
            "loadavg",
            &array(numbers.load.map(|load| format!("{load:?}"))),
        )
        .raw(
            "memory",
            &sizes(&[
                ("free", server.memory - used),
                ("total", server.memory),
                ("used", used),
            ]),
        )
        .raw(
            "root",
            &sizes(&[
                ("avail", numbers.root.available),
                ("total", numbers.root.total),
                ("used", numbers.root.used),
            ]),
        )
        .raw(
            "swap",
            &sizes(&[
                ("free", server.swap - numbers.swap_used),
                ("total", server.swap),
                ("used", numbers.swap_used),
            ]),
        )
        .int("uptime", numbers.uptime)
        .float("wait", numbers.iowait);
    Answer::data(&object.into_json(None))
}
