//! Virtual machines and containers, and what they do over time.

use crate::plan::{FIRST_VMID, PvePlan};
use crate::pve::world::{CYCLE, counter};
use crate::random::{Random, noise};

/// How long a migrated guest shows `lock: migrate` before it moves.
const MIGRATION: i64 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Qemu,
    Lxc,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    Stopped,
    Paused,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
        }
    }
}

/// What a guest does once in its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Steady,
    Restarts,
    /// Stopped for the last quarter of each period.
    StopsAndStarts,
    /// Moves to the next node.
    Migrates,
}

pub(super) struct Guest {
    pub(super) vmid: i64,
    pub(super) kind: Kind,
    /// `qemu/100`
    pub(super) id: String,
    /// Absent for a VM that nobody named.
    pub(super) name: Option<String>,
    pub(super) tags: Option<&'static str>,
    pub(super) pool: Option<usize>,
    pub(super) cpus: i64,
    pub(super) memory: i64,
    pub(super) disk: i64,
    pub(super) template: bool,
    pub(super) ha_state: Option<&'static str>,
    pub(super) lock: Option<&'static str>,
    pub(super) in_backup: bool,
    home: usize,
    nodes: usize,
    base: Status,
    pub(super) started: i64,
    life: Life,
    period: i64,
    offset: i64,
    rates: [f64; 4],
    load: f64,
    pub(super) seed: i64,
}

/// Where a guest is and what it does at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) node: usize,
    pub(super) status: Status,
    /// Seconds; 0 when it does not run.
    pub(super) uptime: i64,
    pub(super) lock: Option<&'static str>,
}

/// What is done to a guest by a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Start,
    Shutdown,
    Reboot,
    Migrate,
}

/// Something done to a guest, on the node where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) action: Action,
    pub(super) begin: i64,
    pub(super) end: i64,
    pub(super) node: usize,
}

/// A running guest's numbers; all 0 for a stopped one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct GuestNumbers {
    pub(super) cpu: f64,
    pub(super) memory: i64,
    pub(super) memory_of_host: i64,
    /// Always 0 for VMs, as PVE does not look into their disks.
    pub(super) disk: i64,
    pub(super) received: i64,
    pub(super) transmitted: i64,
    pub(super) read: i64,
    pub(super) written: i64,
}

/// The last one.
const BACKED_UP_POOL: usize = 2;

impl Guest {
    pub(super) fn new(
        index: usize,
        plan: &PvePlan,
        nodes: usize,
        origin: i64,
        random: &mut Random,
    ) -> Self {
        const ROLES: [&str; 12] = [
            "web", "db", "mail", "cache", "build", "dns", "git", "proxy", "queue", "monitor",
            "files", "auth",
        ];
        const TAGS: [Option<&str>; 6] = [
            Some("prod"),
            Some("prod;web"),
            Some("test"),
            None,
            Some("db;prod"),
            None,
        ];
        let all_run = plan.running_ratio >= 1.0;
        let kind = if random.unit() < plan.qemu_ratio {
            Kind::Qemu
        } else {
            Kind::Lxc
        };
        let vmid = FIRST_VMID + index as i64;
        let role = random.pick(&ROLES).copied().unwrap_or("web");
        let template = !all_run && random.unit() < 0.04;
        let runs = !template && (all_run || random.unit() < plan.running_ratio);
        // About seven of each at most: more would change the picture of a big cluster every second.
        let life = match random.below((plan.guests as u64 / 7).max(60)) {
            // A cluster whose guests are all to run keeps running.
            0 if !all_run => Life::StopsAndStarts,
            1 => Life::Restarts,
            2 if nodes > 1 => Life::Migrates,
            _ => Life::Steady,
        };
        let mut guest = Self {
            vmid,
            kind,
            id: String::new(),
            name: Some(format!("{role}-{:02}", index + 1)),
            tags: random.pick(&TAGS).copied().flatten(),
            pool: match random.below(4) {
                0 if plan.guests >= 3 => Some(0),
                1 if plan.guests >= 3 => Some(BACKED_UP_POOL),
                _ => None,
            },
            cpus: *random.pick(&[1, 2, 2, 4, 8]).unwrap_or(&2),
            memory: *random
                .pick(&[512, 1024, 2048, 4096, 16_384])
                .unwrap_or(&1024)
                << 20,
            disk: *random.pick(&[4, 8, 32, 100]).unwrap_or(&8) << 30,
            template,
            ha_state: (nodes > 1 && !template && random.unit() < 0.1).then_some(if runs {
                "started"
            } else {
                "stopped"
            }),
            lock: None,
            in_backup: {
                let by_seed = random.unit() < 0.8;
                let planned = plan.backups.as_ref();
                planned.map_or(by_seed, |backups| backups.cover(vmid))
            },
            home: random.below(nodes as u64) as usize,
            nodes,
            base: if runs {
                Status::Running
            } else {
                Status::Stopped
            },
            started: origin - random.between(600, 40 * 86_400),
            life: if runs { life } else { Life::Steady },
            period: random.between(15 * 60, 60 * 60),
            offset: random.between(0, 60 * 60),
            rates: [
                random.unit() * 2e5,
                random.unit() * 2e5,
                random.unit() * 1e6,
                random.unit() * 5e5,
            ],
            load: random.unit() * 0.4,
            seed: random.between(1, 1 << 40),
        };
        // A backup job takes the whole pool.
        guest.in_backup |= guest.pool == Some(BACKED_UP_POOL);
        if plan.oddities && plan.guests >= 20 {
            guest.make_odd(index, all_run);
        }
        guest.id = format!("{}/{vmid}", guest.kind.as_str());
        guest
    }

    /// The first guests of a cluster with oddities are the ones that break careless programs.
    fn make_odd(&mut self, index: usize, all_run: bool) {
        match index {
            3 if !all_run => {
                (self.kind, self.base, self.life, self.template) =
                    (Kind::Qemu, Status::Paused, Life::Steady, false);
            }
            5 => (self.kind, self.name) = (Kind::Qemu, None),
            7 => self.name = Some("we\"ird\\name".into()),
            8 => self.name = Some("line\nbreak".into()),
            9 => self.name = Some("köln-日本".into()),
            10 => self.name = Some("1234".into()),
            11 => self.lock = Some("backup"),
            12 if !all_run => {
                (self.kind, self.base, self.life, self.template) =
                    (Kind::Qemu, Status::Stopped, Life::Steady, true);
            }
            13 if self.nodes > 1 => self.ha_state = Some("error"),
            _ => {}
        }
    }

    pub(super) fn is_restless(&self) -> bool {
        self.life != Life::Steady
    }

    /// The name that `/cluster/resources` shows.
    pub(super) fn shown_name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("VM {}", self.vmid))
    }

    /// What was done to it between two times.
    pub(super) fn turns(&self, from: i64, until: i64) -> impl Iterator<Item = Turn> + use<'_> {
        let first = (from - self.offset).div_euclid(self.period);
        let last = match self.life {
            Life::Steady => first - 1,
            _ => (until - self.offset).div_euclid(self.period) + 1,
        };
        (first..=last)
            .flat_map(|whole| self.turns_of_period(whole))
            .filter(move |turn| turn.begin >= from.max(self.started) && turn.begin <= until)
    }

    fn turns_of_period(&self, whole: i64) -> Vec<Turn> {
        let (home, begins) = (self.home, self.offset + whole * self.period);
        let turn = |action, seconds: i64, end: i64, node| Turn {
            action,
            begin: end - seconds,
            end,
            node,
        };
        match self.life {
            Life::Steady => Vec::new(),
            Life::Restarts => vec![turn(Action::Reboot, 6, begins, home)],
            Life::StopsAndStarts => {
                let stops = begins + self.period * 3 / 4 + 1;
                vec![
                    turn(Action::Start, 2, begins, home),
                    turn(Action::Shutdown, 9, stops, home),
                ]
            }
            Life::Migrates => {
                let left = self.at(begins - 1).node;
                vec![turn(Action::Migrate, MIGRATION, begins, left)]
            }
        }
    }

    /// The process that runs it.
    pub(super) fn process(&self) -> i64 {
        2_000 + self.vmid * 17 % 90_000
    }

    /// A container's swap.
    pub(super) fn swap(&self) -> i64 {
        (self.memory / 2).min(512 << 20)
    }

    pub(super) fn at(&self, time: i64) -> Moment {
        let whole = (time - self.offset).div_euclid(self.period);
        let since = (time - self.offset).rem_euclid(self.period);
        let mut moment = Moment {
            node: self.home,
            status: self.base,
            uptime: (time - self.started).max(1),
            lock: self.lock,
        };
        match self.life {
            Life::Steady => {}
            Life::Restarts => moment.uptime = since.min(moment.uptime),
            Life::StopsAndStarts => {
                moment.uptime = since.min(moment.uptime);
                if since > self.period * 3 / 4 {
                    moment.status = Status::Stopped;
                }
            }
            Life::Migrates => {
                moment.node = (self.home as i64 + whole).rem_euclid(self.nodes as i64) as usize;
                moment.uptime = since.min(moment.uptime);
                if self.period - since <= MIGRATION {
                    moment.lock = Some("migrate");
                }
            }
        }
        if moment.status == Status::Stopped {
            moment.uptime = 0;
        }
        moment
    }

    pub(super) fn numbers(&self, moment: &Moment, time: i64) -> GuestNumbers {
        if moment.status == Status::Stopped {
            return GuestNumbers::default();
        }
        let cycle = time.div_euclid(CYCLE);
        let total = |rate: usize| {
            self.rates
                .get(rate)
                .map_or(0, |rate| counter(*rate, moment.uptime))
        };
        // The first sample after a start has nothing to compare with.
        let busy = moment.status == Status::Running && moment.uptime > CYCLE;
        let cpu = if busy {
            self.load * (0.5 + noise(&[self.seed, 1, cycle]))
        } else {
            0.0
        };
        let memory = (self.memory as f64
            * (0.3 + 0.3 * noise(&[self.seed, 2]) + 0.02 * noise(&[self.seed, 3, cycle])))
            as i64;
        let container = self.kind == Kind::Lxc;
        GuestNumbers {
            cpu,
            memory,
            memory_of_host: if container { 0 } else { memory + memory / 16 },
            disk: if container {
                (self.disk as f64 * (0.2 + 0.3 * noise(&[self.seed, 4]))) as i64
            } else {
                0
            },
            received: total(0),
            transmitted: total(1),
            read: total(2),
            written: total(3),
        }
    }
}
