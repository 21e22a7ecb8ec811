//! The process itself, read from `/proc/self`: the names that every Prometheus client has.

use std::fs;
use std::sync::OnceLock;

use crate::metric::block::Block;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;

pub static FAMILIES: &[&Family] = &[
    &CPU_SECONDS,
    &OPEN_FDS,
    &MAX_FDS,
    &RESIDENT_MEMORY,
    &VIRTUAL_MEMORY,
    &START_TIME,
    &THREADS,
];

static CPU_SECONDS: Family = Family::counter(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds",
    &[],
);
static OPEN_FDS: Family = Family::gauge("process_open_fds", "Number of open file descriptors", &[]);
static MAX_FDS: Family = Family::gauge(
    "process_max_fds",
    "Maximum number of open file descriptors",
    &[],
);
static RESIDENT_MEMORY: Family = Family::gauge(
    "process_resident_memory_bytes",
    "Resident memory size in bytes",
    &[],
);
static VIRTUAL_MEMORY: Family = Family::gauge(
    "process_virtual_memory_bytes",
    "Virtual memory size in bytes",
    &[],
);
static START_TIME: Family = Family::gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds",
    &[],
);
static THREADS: Family = Family::gauge("process_threads", "Number of threads of the process", &[]);

/// What Linux counts CPU time in for user space, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the process. What cannot be read is left out.
pub fn render() -> Block {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_fds = fs::read_dir("/proc/self/fd")
        .map(|entries| entries.count() as f64)
        .ok();

    let table = [
        (&CPU_SECONDS, cpu_seconds(&stat)),
        (&OPEN_FDS, open_fds),
        (&MAX_FDS, max_fds(&limits)),
        (&RESIDENT_MEMORY, kilobytes(&status, "VmRSS:")),
        (&VIRTUAL_MEMORY, kilobytes(&status, "VmSize:")),
        (&START_TIME, started(&stat)),
        (&THREADS, stat_field(&stat, 20)),
    ];
    Block::from_lines(table.into_iter().map(|(family, value)| {
        let mut lines = Lines::of(family);
        lines.push_known(&LabelBlock::new(), value);
        lines
    }))
}

/// A field of `/proc/self/stat` by its number in proc(5). The name of the program, field 2, may
/// hold blanks and parentheses; the last parenthesis closes it.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name
        .split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((stat_field(stat, 14)? + stat_field(stat, 15)?) / TICKS_PER_SECOND)
}

/// Never changes, and the file with the boot time has a line for every CPU.
fn started(stat: &str) -> Option<f64> {
    static STARTED: OnceLock<Option<f64>> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        start_time(stat, &boot)
    })
}

fn start_time(stat: &str, boot: &str) -> Option<f64> {
    let boot_time: f64 = boot
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(boot_time + stat_field(stat, 22)? / TICKS_PER_SECOND)
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn max_fds(limits: &str) -> Option<f64> {
    let values = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    values.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_a_name_with_parentheses() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 7 0 1000 9 9";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(stat_field(stat, 20), Some(7.0));
        assert_eq!(start_time(stat, "cpu 1\nbtime 5000\n"), Some(5010.0));
        assert_eq!(cpu_seconds("garbage"), None);
    }

    #[test]
    fn this_process_is_read() {
        let block = render();
        for family in FAMILIES {
            assert!(
                block.lines_of(family).is_some(),
                "{} is missing",
                family.name
            );
        }
    }
}
