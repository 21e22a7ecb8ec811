//! What changes slowly about a backup server's host.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::node_status;

pub static HOST: Collector = Collector {
    name: "host",
    about: "Uptime, CPUs and kernel of the backup server.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&node_status::NODE_STATUS],
    reads: &[],
    families: &[&UPTIME, &CPU_LIMIT, &INFO],
    collect,
};

static UPTIME: Family = Family::gauge(
    "pbs_host_uptime_seconds",
    "Time since the backup server was booted",
    &["remote"],
);
static CPU_LIMIT: Family = Family::gauge(
    "pbs_host_cpu_limit",
    "Number of logical CPUs of the backup server",
    &["remote"],
);
static INFO: Family = Family::gauge(
    "pbs_host_info",
    "Running kernel, CPU model and boot mode of the backup server",
    &["boot_mode", "cpu_model", "kernel", "remote", "secure_boot"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(status) = inputs.get(&node_status::NODE_STATUS) else {
        return Vec::new();
    };
    let mut uptime = Lines::of(&UPTIME);
    let mut cpu_limit = Lines::of(&CPU_LIMIT);
    let mut info = Lines::of(&INFO);
    let mut labels = LabelBlock::new();
    labels.push("remote", inputs.remote);
    uptime.push_known(&labels, status.uptime);
    cpu_limit.push_known(&labels, status.cpus);
    labels.clear();
    labels
        .push("boot_mode", &status.boot_mode)
        .push("cpu_model", &status.cpu_model)
        .push("kernel", &status.kernel)
        .push("remote", inputs.remote)
        .push(
            "secure_boot",
            match status.secure_boot {
                Some(true) => "1",
                Some(false) => "0",
                None => "",
            },
        );
    info.push(&labels, true);
    vec![uptime, cpu_limit, info]
}
