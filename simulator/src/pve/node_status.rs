//! `GET /nodes` and `GET /nodes/{node}/status`.

use super::view::NodeView;
use super::world::Node;
use super::{Call, NODE_AUDIT, route, subscription};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::PveVersion;
use crate::random::noise;
use crate::route::{Access, Route};

pub(super) const LIST_ROUTE: Route = route("/nodes", Access::Everyone);
pub(super) const ROUTE: Route = route("/nodes/{node}/status", NODE_AUDIT);

pub(super) const KERNEL: &str = "6.17.4-2-pve";
const KERNEL_BUILD: &str = "#1 SMP PREEMPT_DYNAMIC PMX 6.17.4-2";

pub(super) fn list(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut entries = Vec::new();
    let full = call.caller.rights.are_wide();
    for (index, (node, seen)) in call.cluster.nodes.iter().zip(&call.view.nodes).enumerate() {
        let mut object = Object::new();
        object
            .text("id", &format!("node/{}", node.name))
            .text("node", &node.name)
            .text("type", "node")
            .text("status", seen.status());
        match call.remote.identity(index) {
            Some(identity) => object.text("ssl_fingerprint", &identity.described.fingerprint),
            // Nodes without a listener of their own have no certificate either.
            None => object.null("ssl_fingerprint"),
        };
        if !seen.forgotten {
            object.text("level", subscription::level(call.cluster, index));
            if full {
                sizes(&mut object, node, seen);
            }
        }
        entries.push(object.into_json(Some(&mut random)));
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// What the last broadcast told of a node; of an offline one only how big it is.
pub(super) fn sizes(object: &mut Object, node: &Node, seen: &NodeView) {
    object
        .int("maxcpu", node.cpus)
        .int("maxmem", node.memory)
        .int("maxdisk", node.root_size);
    if seen.online {
        let numbers = node.numbers(seen.cycle);
        object
            .number("cpu", numbers.cpu)
            .int("mem", numbers.memory_used)
            .int("disk", numbers.root_used)
            .int("uptime", numbers.uptime);
    }
}

/// Measured when asked, so it goes on while the status daemon is dead.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let Some(node) = call.cluster.nodes.get(call.node) else {
        return super::error(500, "no such cluster node");
    };
    let numbers = node.numbers(call.view.now);
    let mut object = Object::new();
    let mut memory = Object::new();
    memory
        .int("total", node.memory)
        .int("used", numbers.memory_used)
        .int("free", (node.memory - numbers.memory_used) / 2);
    if call.cluster.version >= PveVersion::V9_1 {
        memory.int("available", node.memory - numbers.memory_used);
    }
    let mut swap = Object::new();
    swap.int("total", node.swap_size)
        .int("used", numbers.swap_used)
        .int("free", node.swap_size - numbers.swap_used);
    let mut root = Object::new();
    root.int("total", node.root_size)
        .int("used", numbers.root_used)
        .int("free", node.root_size - numbers.root_used)
        .int("avail", (node.root_size - numbers.root_used) / 10 * 9);
    let mut cpu = Object::new();
    cpu.int("cpus", node.cpus)
        .int("cores", node.cpus / 2)
        .int("sockets", 1)
        .text("model", "AMD EPYC 9354P 32-Core Processor")
        .text("mhz", "3250.000")
        .int("user_hz", 100)
        .text("hvm", "1")
        .text("flags", "fpu vme de pse tsc msr pae");
    if call.cluster.version >= PveVersion::V9_1 {
        cpu.text("vendor", "AuthenticAMD").text("family", "25");
    }
    let mut kernel = Object::new();
    kernel
        .text("machine", "x86_64")
        .text("release", KERNEL)
        .text("sysname", "Linux")
        .text("version", KERNEL_BUILD);
    let mut boot = Object::new();
    match noise(&[node.seed, 10]) {
        low if low < 0.4 => boot.text("mode", "legacy-bios"),
        low => boot
            .text("mode", "efi")
            .int("secureboot", i64::from(low < 0.7)),
    };
    let mut merging = Object::new();
    merging.int("shared", numbers.memory_used / 50);
    let loads = array(numbers.load.map(|load| format!("\"{load:.2}\"")));
    let version = call.cluster.version.version();
    object
        .text(
            "pveversion",
            &format!("pve-manager/{version}/{}", call.cluster.repository_id),
        )
        .text("kversion", &format!("Linux {KERNEL} {KERNEL_BUILD}"))
        .raw("current-kernel", &kernel.into_json(Some(&mut random)))
        .raw("boot-info", &boot.into_json(None))
        .raw("cpuinfo", &cpu.into_json(Some(&mut random)))
        .raw("memory", &memory.into_json(Some(&mut random)))
        .raw("swap", &swap.into_json(Some(&mut random)))
        .raw("rootfs", &root.into_json(Some(&mut random)))
        .raw("ksm", &merging.into_json(None))
        .raw("loadavg", &loads)
        .number("cpu", numbers.cpu)
        .number("wait", numbers.iowait)
        .int("idle", 0)
        .int("uptime", numbers.uptime);
    Answer::data(&object.into_json(Some(&mut random)))
}
