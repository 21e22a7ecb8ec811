//! A cluster as it is at any time: every value is a function of the seed and the time, so that
//! history, frozen numbers and restarts come for free.

use crate::plan::PvePlan;
use crate::random::Random;

/// What never changes about a cluster.
pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) guests: Vec<Guest>,
    pub(crate) storages: Vec<Storage>,
    pub(crate) zones: Vec<&'static str>,
    pub(crate) version: (u32, u32, u32),
}

pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) booted: f64,
    pub(crate) cpus: u32,
    pub(crate) memory: u64,
    pub(crate) disk: u64,
    /// Where in the ten seconds its status daemon reports.
    pub(crate) phase: f64,
    load: f64,
}

pub(crate) struct Guest {
    pub(crate) vmid: u32,
    pub(crate) is_vm: bool,
    pub(crate) name: String,
    home: usize,
    pub(crate) template: bool,
    pub(crate) tags: String,
    pub(crate) pool: Option<&'static str>,
    pub(crate) cpus: u32,
    pub(crate) memory: u64,
    pub(crate) disk: u64,
    pub(crate) lock: Option<&'static str>,
    pub(crate) ha_state: Option<&'static str>,
    habit: Habit,
    /// Bytes a second.
    rates: [f64; 4],
    load: f64,
}

/// What a guest does with its time.
enum Habit {
    Stopped,
    Paused(f64),
    RunningSince(f64),
    /// Runs for two thirds of each period.
    OnAndOff { period: f64, phase: f64 },
    /// Moves to the next node each period, which is a restart for its numbers.
    Moving { period: f64, phase: f64 },
}

pub(crate) struct Storage {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) content: &'static str,
    pub(crate) shared: bool,
    pub(crate) active: bool,
    size: u64,
    used: f64,
}

/// How a guest is at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GuestState {
    pub(crate) node: usize,
    pub(crate) status: &'static str,
    pub(crate) uptime: f64,
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    /// Received, sent, read, written.
    pub(crate) counters: [u64; 4],
}

/// How a node is at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NodeState {
    pub(crate) uptime: f64,
    pub(crate) cpu: f64,
    pub(crate) iowait: f64,
    pub(crate) loads: [f64; 3],
    pub(crate) memory: f64,
    pub(crate) disk: f64,
    pub(crate) swap: f64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// The status daemons report every so many seconds.
pub(crate) const CYCLE: f64 = 10.0;
/// The reports of a node are forgotten after so many seconds.
pub(crate) const FORGOTTEN_AFTER: f64 = 300.0;

const GIB: u64 = 1 << 30;
/// The day on which this make-believe began.
const EPOCH: f64 = 1_790_000_000.0;
const POOLS: &[&str] = &["prod", "prod/web", "staging"];
const TAGS: &[&str] = &["prod", "web", "db", "dev", "backup-daily", "linux"];
const ROLES: &[&str] = &["web", "db", "mail", "app", "ci", "dns", "cache", "files"];

impl World {
    pub(crate) fn new(plan: &PvePlan, seed: u64) -> Self {
        let mut random = Random::of(seed, &plan.name, 0);
        let nodes: Vec<Node> = (0..plan.nodes.max(1))
            .map(|index| Node {
                name: format!("{}-pve{}", plan.name, index + 1),
                booted: EPOCH - 86_400.0 * (3.0 + 40.0 * random.fraction()),
                cpus: 16 << random.below(3),
                memory: (64 << random.below(3)) * GIB,
                disk: 200 * GIB,
                phase: (random.below(10)) as f64,
                load: 0.1 + 0.4 * random.fraction(),
            })
            .collect();
        let guests = (0..plan.guests).map(|index| guest(index, plan, nodes.len(), seed)).collect();
        Self {
            name: plan.name.clone(),
            zones: vec!["localnetwork", "lab"],
            storages: storages(),
            nodes,
            guests,
            version: plan.version,
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.nodes.len() > 1
    }

    pub(crate) fn node_index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }
}

fn guest(index: usize, plan: &PvePlan, nodes: usize, seed: u64) -> Guest {
    let mut random = Random::of(seed, &plan.name, index as u64 + 1);
    let vmid = 100 + index as u32;
    let role = random.pick(ROLES).copied().unwrap_or("vm");
    // A few names as hostile as PVE allows them to be in tags, notes and containers.
    let name = match index {
        3 => format!("VM {vmid}"),
        5 => "1234".to_owned(),
        7 => "we\"ird\\näme".to_owned(),
        _ => format!("{role}-{:02}", index + 1),
    };
    let template = index % 50 == 49;
    let runs = random.chance(plan.running) && !template;
    let started = EPOCH + 86_400.0 * 30.0 * random.fraction();
    let period = 600.0 + 3000.0 * random.fraction();
    let phase = period * random.fraction();
    let habit = match index % 25 {
        _ if !runs => Habit::Stopped,
        11 if plan.lively => Habit::OnAndOff { period, phase },
        17 if plan.lively && nodes > 1 => Habit::Moving { period, phase },
        23 if plan.lively => Habit::Paused(started),
        _ => Habit::RunningSince(started),
    };
    let mut tags: Vec<&str> = TAGS.iter().copied().filter(|_| random.chance(0.25)).collect();
    tags.dedup();
    Guest {
        vmid,
        is_vm: !random.chance(0.3),
        name,
        home: random.below(nodes),
        template,
        tags: tags.join(";"),
        pool: random.chance(0.5).then(|| random.pick(POOLS).copied()).flatten(),
        cpus: 1 << random.below(4),
        memory: (1 << random.below(5)) * GIB,
        disk: (8 << random.below(4)) * GIB,
        lock: (index % 40 == 13).then_some("backup"),
        ha_state: (nodes > 1 && index % 20 == 4).then_some("started"),
        habit,
        rates: [0; 4].map(|_: i32| 1000.0 * (1.0 + 5000.0 * random.fraction().powi(3))),
        load: 0.01 + 0.7 * random.fraction().powi(2),
    }
}

fn storages() -> Vec<Storage> {
    let storage = |name, kind, content, shared, active, size: u64, used| Storage {
        name,
        kind,
        content,
        shared,
        active,
        size: size * GIB,
        used,
    };
    vec![
        storage("local", "dir", "iso,vztmpl,backup,snippets", false, true, 200, 0.3),
        storage("local-lvm", "lvmthin", "images,rootdir", false, true, 1800, 0.55),
        storage("nas", "nfs", "backup,iso", true, true, 20_000, 0.7),
        storage("old-nas", "nfs", "iso", true, false, 4000, 0.2),
    ]
}

impl Node {
    /// When it reported last before a time.
    pub(crate) fn last_report(&self, time: f64) -> f64 {
        ((time - self.phase) / CYCLE).floor() * CYCLE + self.phase
    }

    pub(crate) fn at(&self, time: f64) -> NodeState {
        let uptime = (time - self.booted).max(0.0);
        let wave = (time / 400.0 + self.booted).sin();
        let load = self.load * (1.0 + 0.3 * wave);
        NodeState {
            uptime: uptime.floor(),
            cpu: load,
            iowait: 0.01 * (1.0 + wave),
            loads: [load, load * 0.9, load * 0.8].map(|load| (load * f64::from(self.cpus) * 100.0).round() / 100.0),
            memory: (self.memory as f64 * (0.5 + 0.1 * wave)).floor(),
            disk: (self.disk as f64 * 0.2).floor(),
            swap: 0.0,
            received: grown(2.0e6, uptime),
            sent: grown(3.0e6, uptime),
        }
    }
}

impl Guest {
    pub(crate) fn at(&self, time: f64, nodes: usize) -> GuestState {
        let (status, uptime, node) = match self.habit {
            Habit::Stopped => ("stopped", 0.0, self.home),
            Habit::Paused(since) => ("paused", time - since, self.home),
            Habit::RunningSince(since) => ("running", time - since, self.home),
            Habit::OnAndOff { period, phase } => {
                let into = (time + phase).rem_euclid(period);
                if into < period * 2.0 / 3.0 {
                    ("running", into, self.home)
                } else {
                    ("stopped", 0.0, self.home)
                }
            }
            Habit::Moving { period, phase } => {
                let into = (time + phase).rem_euclid(period);
                let times = ((time + phase) / period).floor() as usize;
                ("running", into, (self.home + times) % nodes.max(1))
            }
        };
        let uptime = uptime.max(0.0).floor();
        let runs = status != "stopped";
        let wave = (time / 300.0 + f64::from(self.vmid)).sin();
        // The first sample after a start has no CPU time to compare with.
        let is_busy = status == "running" && uptime >= CYCLE;
        GuestState {
            node,
            status,
            uptime,
            cpu: if is_busy { self.load * (1.0 + 0.3 * wave) } else { 0.0 },
            memory: if runs { (self.memory as f64 * (0.6 + 0.1 * wave)).floor() } else { 0.0 },
            counters: if runs { self.rates.map(|rate| grown(rate, uptime)) } else { [0; 4] },
        }
    }
}

impl Storage {
    /// Size and used bytes.
    pub(crate) fn at(&self, time: f64) -> (u64, u64) {
        let used = self.used + 0.02 * (time / 86_400.0).sin();
        (self.size, (self.size as f64 * used) as u64)
    }
}

/// What a counter stands at that grows by about `rate` a second, never backwards.
fn grown(rate: f64, seconds: f64) -> u64 {
    (rate * (seconds + 10.0 * (seconds / 40.0).sin()).max(0.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new(&PvePlan { guests: 200, ..PvePlan::default() }, 1)
    }

    #[test]
    fn counters_grow_until_a_restart() {
        let world = world();
        for guest in &world.guests {
            let mut before = guest.at(EPOCH + 3_000_000.0, 3);
            for step in 1..400 {
                let after = guest.at(EPOCH + 3_000_000.0 + f64::from(step) * CYCLE, 3);
                if after.uptime > before.uptime {
                    assert!(after.counters.iter().zip(before.counters).all(|(a, b)| *a >= b));
                }
                before = after;
            }
        }
    }

    #[test]
    fn guests_come_go_and_move() {
        let world = world();
        let at = |hours: f64| {
            let states = world.guests.iter().map(|guest| guest.at(EPOCH + 3_000_000.0 + hours * 3600.0, 3));
            states.map(|state| (state.status, state.node)).collect::<Vec<_>>()
        };
        let changed = at(0.0).iter().zip(at(1.0)).filter(|(a, b)| **a != *b).count();
        assert!((1..40).contains(&changed), "{changed}");
        let again = World::new(&PvePlan { guests: 200, ..PvePlan::default() }, 1);
        assert_eq!(world.guests[42].name, again.guests[42].name);
    }
}
