//! What the log of a backup task (vzdump) tells of each guest.
//!
//! A job for many guests is one task, and only its log says how each of them went. The log has
//! local times without a zone; the end of the task, which is known, tells the zone.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::source::item::GuestKind;
use crate::source::json::{self, Rows, Text, Unreadable};

/// Zones are whole quarters of an hour from UTC.
const ZONE_STEP_SECONDS: f64 = 900.0;

/// The last backup of a guest by a task.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestBackup {
    /// `qemu/100`
    pub guest: String,
    pub succeeded: bool,
    /// Unix seconds.
    pub end: f64,
    /// Seconds.
    pub duration: Option<f64>,
    /// Size of the archive in bytes, to the digits that the log has. Not told for a backup to PBS.
    pub size: Option<f64>,
    /// Unix seconds.
    pub last_success: Option<f64>,
}

impl GuestBackup {
    /// Which of the two is the last one, with the last success of both.
    pub fn after(self, known: Option<Self>) -> Self {
        let Some(known) = known else { return self };
        let last_success = match (self.last_success, known.last_success) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let last = if known.end > self.end { known } else { self };
        Self {
            last_success,
            ..last
        }
    }
}

/// The guests of a log, in their order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct BackupLog(Vec<Entry>);

#[derive(Debug, Default, Clone, PartialEq)]
struct Entry {
    guest: String,
    vmid: String,
    succeeded: Option<bool>,
    /// Seconds since 1970 in the zone of the server.
    local_start: Option<f64>,
    local_end: Option<f64>,
    duration: Option<f64>,
    size: Option<f64>,
}

impl BackupLog {
    /// The backups that have ended, of a task that ended at this time. The last of them ended just
    /// before it.
    pub fn backups(&self, task_end: f64) -> Vec<GuestBackup> {
        let last = self.0.iter().rev().find_map(|entry| entry.local_end);
        let zone = last.map_or(0.0, |last| {
            ((last - task_end) / ZONE_STEP_SECONDS).round() * ZONE_STEP_SECONDS
        });
        let ended = self.0.iter().filter_map(|entry| {
            let succeeded = entry.succeeded?;
            let end = entry
                .local_end
                .map_or(task_end, |local| (local - zone).min(task_end));
            Some(GuestBackup {
                guest: entry.guest.clone(),
                succeeded,
                end,
                duration: entry.duration.or_else(|| entry.local_duration()),
                size: entry.size.filter(|_| succeeded),
                last_success: succeeded.then_some(end),
            })
        });
        ended.collect()
    }
}

impl Entry {
    fn local_duration(&self) -> Option<f64> {
        let duration = self.local_end? - self.local_start?;
        (duration >= 0.0).then_some(duration)
    }

    /// Takes in a line that belongs to this guest.
    fn read(&mut self, level: &str, text: &str) {
        if let Some(rest) = text.strip_prefix("Finished Backup of VM ") {
            if let Some(duration) = rest.strip_prefix(&*self.vmid).and_then(parse_duration) {
                self.succeeded = Some(true);
                self.duration = Some(duration);
            }
        } else if let Some(rest) = text.strip_prefix("Backup of VM ") {
            let is_failure = level == "ERROR"
                && rest
                    .strip_prefix(&*self.vmid)
                    .is_some_and(|rest| rest.starts_with(" failed"));
            if is_failure {
                self.succeeded = Some(false);
            }
        } else if let Some(time) = text.strip_prefix("Backup started at ") {
            self.local_start = parse_local_time(time);
        } else if let Some(time) = text
            .strip_prefix("Backup finished at ")
            .or_else(|| text.strip_prefix("Failed at "))
        {
            self.local_end = parse_local_time(time);
        } else if let Some(size) = text.strip_prefix("archive file size: ") {
            self.size = parse_size(size);
        }
    }
}

/// Reads the log of a backup task.
pub fn parse(text: &str) -> Result<BackupLog, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        t: Text<'a>,
    }

    let mut entries: Vec<Entry> = Vec::new();
    for row in json::envelope::<Rows<Row<'_>>>(text)?.0 {
        let Some((level, text)) = row.t.as_str().split_once(": ") else {
            continue;
        };
        if let Some(entry) = starting(text) {
            entries.push(entry);
        } else if let Some(entry) = entries.last_mut() {
            entry.read(level, text);
        }
    }
    Ok(BackupLog(entries))
}

/// `Starting Backup of VM 111 (lxc)`; containers are called VM as well.
fn starting(text: &str) -> Option<Entry> {
    let rest = text.strip_prefix("Starting Backup of VM ")?;
    let (vmid, kind) = rest.trim_end().strip_suffix(')')?.split_once(" (")?;
    let kind = GuestKind::parse(kind)?;
    let number: u32 = vmid.parse().ok()?;
    Some(Entry {
        guest: format!("{}/{number}", kind.as_str()),
        vmid: vmid.to_owned(),
        ..Entry::default()
    })
}

/// ` (00:01:40)`: hours, which may be more than 24, minutes and seconds.
fn parse_duration(text: &str) -> Option<f64> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut parts = inner.splitn(3, ':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + f64::from(seconds))
}

fn parse_local_time(text: &str) -> Option<f64> {
    let time: DateTime = text.trim().parse().ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second() as f64)
}

/// `1.29GB`, which means powers of 1024.
fn parse_size(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at_checked(end)?;
    let power = match unit.trim() {
        "B" => 0,
        "KB" | "KiB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        "TB" | "TiB" => 4,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * 1024_f64.powi(power)).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> BackupLog {
        let rows: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(n, line)| serde_json::json!({"n": n + 1, "t": line}))
            .collect();
        parse(&serde_json::json!({"data": rows}).to_string()).unwrap()
    }

    #[test]
    fn each_guest_of_a_job_has_its_own_end_whatever_the_zone() {
        let log = log(&[
            "INFO: starting new backup job: vzdump --all 1",
            "INFO: Starting Backup of VM 100 (qemu)",
            "INFO: Backup started at 2026-11-22 03:00:00",
            "INFO: archive file size: 1.50GB",
            "INFO: Finished Backup of VM 100 (00:01:40)",
            "INFO: Backup finished at 2026-11-22 03:01:40",
            "INFO: Starting Backup of VM 101 (lxc)",
            "INFO: Backup started at 2026-11-22 03:01:40",
            "ERROR: Backup of VM 101 failed - no space",
            "INFO: Failed at 2026-11-22 03:01:50",
            "INFO: Starting Backup of VM 102 (qemu)",
            "INFO: Backup started at 2026-11-22 03:01:51",
            "TASK ERROR: received interrupt",
        ]);
        // 02:02:00 UTC: the server is an hour ahead.
        let backups = log.backups(1_795_312_920.0);
        let seen: Vec<_> = backups
            .iter()
            .map(|b| (&*b.guest, b.succeeded, b.end, b.duration, b.size))
            .collect();
        let size = Some(1.5 * 1024.0 * 1024.0 * 1024.0);
        assert_eq!(
            seen,
            [
                ("qemu/100", true, 1_795_312_900.0, Some(100.0), size),
                ("lxc/101", false, 1_795_312_910.0, Some(10.0), None),
            ]
        );
    }

    #[test]
    fn a_later_failure_keeps_the_last_success() {
        let backup = |succeeded, end: f64| GuestBackup {
            succeeded,
            end,
            last_success: succeeded.then_some(end),
            ..GuestBackup::default()
        };
        let last = backup(false, 20.0).after(Some(backup(true, 10.0)));
        assert_eq!(
            (last.succeeded, last.end, last.last_success),
            (false, 20.0, Some(10.0))
        );
        let last = backup(true, 10.0).after(Some(backup(false, 20.0)));
        assert_eq!(
            (last.succeeded, last.end, last.last_success),
            (false, 20.0, Some(10.0))
        );
    }

    #[test]
    fn hostile_lines_are_no_backup() {
        let log = log(&[
            "no content",
            "INFO: Starting Backup of VM 100 (router)",
            "INFO: Starting Backup of VM x (qemu)",
            "INFO: Finished Backup of VM 100 (00:01:40)",
            "INFO: Starting Backup of VM 7 (qemu)",
            "INFO: Finished Backup of VM 70 (00:00:01)",
            "INFO: Finished Backup of VM 7 (x:é:1)",
            "INFO: archive file size: é",
            "INFO: Backup finished at yesterday",
        ]);
        assert_eq!(log.backups(5.0), []);
    }
}
