//! The tasks of a node: what its jobs, its users and its guests made it do, as a function of time.

use super::backups::{DAY, NIGHT, fails, second_of_day};
use super::guest::{Action, Guest, Kind};
use super::world::{Cluster, Node};
use crate::plan::ClusterBackups;
use crate::random::{hash, noise};

/// How long the backup of one guest takes.
pub(super) const BACKUP_SECONDS: i64 = 25;
const HOUR: i64 = 3_600;

pub(super) struct Task {
    pub(super) upid: String,
    pub(super) pid: i64,
    pub(super) pstart: i64,
    pub(super) start: i64,
    pub(super) kind: &'static str,
    /// Mostly a vmid; empty for what concerns the node.
    pub(super) id: String,
    /// `root@pam`, or with the name of a token `admin@pve!full`.
    pub(super) owner: &'static str,
    /// When and how it ended; absent while it runs.
    pub(super) end: Option<(i64, String)>,
}

impl Task {
    /// The user and the token's name.
    pub(super) fn user(&self) -> (&'static str, Option<&'static str>) {
        match self.owner.split_once('!') {
            Some((user, token)) => (user, Some(token)),
            None => (self.owner, None),
        }
    }
}

/// The tasks that began from `from` on, and all that still run, the one that began last first.
pub(super) fn of_node(cluster: &Cluster, index: usize, from: i64, now: i64) -> Vec<Task> {
    let Some(node) = cluster.nodes.get(index) else {
        return Vec::new();
    };
    let mut stream = Stream {
        node,
        now,
        tasks: Vec::new(),
    };
    // What runs began at most a day ago.
    let since = from.min(now - DAY);
    match &cluster.backups {
        Some(planned) => stream.planned_backups(cluster, index, planned),
        None => {
            for day in since.div_euclid(DAY)..=now.div_euclid(DAY) {
                stream.backup(cluster, index, day);
            }
        }
    }
    for day in since.div_euclid(DAY)..=now.div_euclid(DAY) {
        stream.package_lists(cluster, index, day);
        stream.shutdown_without_reaction(cluster, index, day);
    }
    for hour in since.div_euclid(HOUR)..=now.div_euclid(HOUR) {
        stream.console(cluster, index, hour);
    }
    for guest in cluster
        .restless
        .iter()
        .filter_map(|i| cluster.guests.get(*i))
    {
        stream.turns(guest, index, since);
    }
    if cluster.oddities && index == 0 {
        stream.endless(cluster);
    }
    let mut tasks = stream.tasks;
    tasks.retain(|task| task.start >= from || task.end.is_none());
    tasks.sort_by_key(|task| -task.start);
    tasks
}

/// The guests that the nightly backup of a day takes on a node, in their order.
pub(super) fn backed_up(cluster: &Cluster, index: usize, day: i64) -> Vec<&Guest> {
    let mut guests: Vec<&Guest> = cluster
        .guests
        .iter()
        .filter(|guest| guest.in_backup && guest.at(day * DAY + NIGHT).node == index)
        .collect();
    guests.sort_by_key(|guest| (second_of_day(guest), guest.vmid));
    guests
}

struct Stream<'a> {
    node: &'a Node,
    now: i64,
    tasks: Vec<Task>,
}

impl Stream<'_> {
    fn push(
        &mut self,
        kind: &'static str,
        id: &str,
        owner: &'static str,
        (start, end): (i64, i64),
        status: &str,
    ) {
        if start > self.now {
            return;
        }
        let chance = hash(&[self.node.seed, start, kind.len() as i64, id.len() as i64]);
        let pid = 1_000 + (chance % 4_000_000).cast_signed();
        // Hundredths of seconds since the node was booted; before that it was booted another time.
        let pstart = match (start - self.node.booted) * 100 {
            negative @ ..0 => negative.rem_euclid(30 * DAY * 100),
            since => since,
        };
        self.tasks.push(Task {
            upid: format!(
                "UPID:{}:{pid:08X}:{pstart:08X}:{start:08X}:{kind}:{id}:{owner}:",
                self.node.name
            ),
            pid,
            pstart,
            start,
            kind,
            id: id.to_owned(),
            owner,
            end: (end <= self.now).then(|| (end, status.to_owned())),
        });
    }

    fn planned_backups(&mut self, cluster: &Cluster, index: usize, planned: &ClusterBackups) {
        for plan in &planned.tasks {
            let start = cluster.started - plan.age_seconds;
            let mut guests = cluster.guests.iter();
            let guest = guests.find(|guest| guest.vmid == plan.vmid);
            if guest.is_some_and(|guest| guest.at(start).node == index) {
                let status = if plan.fails { "job errors" } else { "OK" };
                let span = (start, start + plan.duration_seconds);
                self.push("vzdump", &plan.vmid.to_string(), "root@pam", span, status);
            }
        }
    }

    /// Without a guest on the node the job does not begin.
    fn backup(&mut self, cluster: &Cluster, index: usize, day: i64) {
        let guests = backed_up(cluster, index, day);
        let Some(last) = guests.last() else { return };
        let end = day * DAY + second_of_day(last) + BACKUP_SECONDS;
        let status = match guests.iter().any(|guest| fails(guest)) {
            true => "job errors",
            false => "OK",
        };
        let span = (day * DAY + NIGHT, end);
        self.push("vzdump", "", "root@pam", span, status);
    }

    /// The second node of a cluster with oddities cannot reach its mirror on some days.
    fn package_lists(&mut self, cluster: &Cluster, index: usize, day: i64) {
        let start = day * DAY
            + HOUR
            + hash(&[self.node.seed, 3, day])
                .cast_signed()
                .rem_euclid(4 * HOUR);
        let fails = cluster.oddities && index == 1 && noise(&[self.node.seed, 4, day]) < 0.5;
        let status = match fails {
            true => "command 'apt-get update' failed: exit code 100",
            false => "OK",
        };
        self.push("aptupdate", "", "root@pam", (start, start + 7), status);
    }

    /// Now and then somebody asks a VM to shut down that does not react, and goes on running.
    fn shutdown_without_reaction(&mut self, cluster: &Cluster, index: usize, day: i64) {
        if noise(&[self.node.seed, 5, day]) > 0.3 {
            return;
        }
        let start = day * DAY
            + 9 * HOUR
            + hash(&[self.node.seed, 6, day])
                .cast_signed()
                .rem_euclid(HOUR);
        let asked = self.resident(cluster, index, start);
        if let Some(guest) = asked.filter(|guest| guest.kind == Kind::Qemu) {
            let status = "VM quit/powerdown failed - got timeout";
            let span = (start, start + 180);
            self.push(
                "qmshutdown",
                &guest.vmid.to_string(),
                "admin@pve!full",
                span,
                status,
            );
        }
    }

    fn console(&mut self, cluster: &Cluster, index: usize, hour: i64) {
        if noise(&[self.node.seed, 7, hour]) > 0.3 {
            return;
        }
        let chance = hash(&[self.node.seed, 8, hour]).cast_signed();
        let start = hour * HOUR + chance.rem_euclid(HOUR);
        if let Some(guest) = self.resident(cluster, index, start) {
            let owner = match chance.rem_euclid(2) {
                0 => "root@pam",
                _ => "admin@pve!full",
            };
            let span = (start, start + 20 + chance.rem_euclid(900));
            self.push("vncproxy", &guest.vmid.to_string(), owner, span, "OK");
        }
    }

    /// A guest that stays where it is and runs.
    fn resident<'c>(&self, cluster: &'c Cluster, index: usize, time: i64) -> Option<&'c Guest> {
        let count = cluster.guests.len();
        let first = hash(&[self.node.seed, 9, time]) as usize % count.max(1);
        (0..count)
            .filter_map(|step| cluster.guests.get((first + step) % count))
            .find(|guest| {
                let moment = guest.at(time);
                !guest.is_restless() && moment.node == index && moment.uptime > 0
            })
    }

    fn turns(&mut self, guest: &Guest, index: usize, from: i64) {
        let turns: Vec<_> = guest.turns(from, self.now).collect();
        for turn in turns.iter().filter(|turn| turn.node == index) {
            let kind = match (guest.kind, turn.action) {
                (Kind::Qemu, Action::Start) => "qmstart",
                (Kind::Qemu, Action::Shutdown) => "qmshutdown",
                (Kind::Qemu, Action::Reboot) => "qmreboot",
                (Kind::Qemu, Action::Migrate) => "qmigrate",
                (Kind::Lxc, Action::Start) => "vzstart",
                (Kind::Lxc, Action::Shutdown) => "vzshutdown",
                (Kind::Lxc, Action::Reboot) => "vzreboot",
                (Kind::Lxc, Action::Migrate) => "vzmigrate",
            };
            let warns = kind == "qmstart" && noise(&[guest.seed, 10, turn.begin]) < 0.1;
            let status = if warns { "WARNINGS: 1" } else { "OK" };
            let span = (turn.begin, turn.end);
            self.push(kind, &guest.vmid.to_string(), "root@pam", span, status);
        }
    }

    /// A disk that is moved since before the fleet started, and never arrives.
    fn endless(&mut self, cluster: &Cluster) {
        let start = cluster.started - 5 * HOUR;
        let moved = self.resident(cluster, 0, start);
        if let Some(guest) = moved.filter(|guest| guest.kind == Kind::Qemu) {
            self.push(
                "qmmove",
                &guest.vmid.to_string(),
                "admin@pve!full",
                (start, i64::MAX),
                "OK",
            );
        }
    }
}
