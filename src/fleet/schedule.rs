//! When background slots are due: a heap over time, without a clock of its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Slots by the time when they are due next. Each stands in it once, or not at all while it is
/// being asked.
#[derive(Debug, Default)]
pub(super) struct Schedule<Key: Ord> {
    due: BinaryHeap<Reverse<(Instant, Key)>>,
}

impl<Key: Ord> Schedule<Key> {
    pub(super) fn new() -> Self {
        Self {
            due: BinaryHeap::new(),
        }
    }

    pub(super) fn add(&mut self, key: Key, at: Instant) {
        self.due.push(Reverse((at, key)));
    }

    /// When the first one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Key> {
        self.next().filter(|at| *at <= now)?;
        self.due.pop().map(|Reverse((_, key))| key)
    }
}

/// The wait after an attempt: the interval, or sooner after failures, doubling up to it, so that
/// what is asked every 15 minutes is not missing for 15 minutes after a restart of its remote.
pub(super) fn wait_after(interval: Duration, failures: u32, jitter: f64) -> Duration {
    const FIRST_RETRY: Duration = Duration::from_secs(10);
    let wait = match failures {
        0 => interval,
        _ => FIRST_RETRY
            .saturating_mul(1 << (failures - 1).min(16))
            .min(interval),
    };
    // Up to a tenth more, never less: the sum of all remotes must not beat in step.
    wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_of_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new();
        schedule.add("late", at(30));
        schedule.add("soon", at(10));
        schedule.add("middle", at(20));
        assert_eq!(schedule.next(), Some(at(10)));
        assert_eq!(schedule.take_due(at(9)), None);
        assert_eq!(schedule.take_due(at(25)), Some("soon"));
        assert_eq!(schedule.take_due(at(25)), Some("middle"));
        assert_eq!(schedule.take_due(at(25)), None);
        assert_eq!(schedule.next(), Some(at(30)));
    }

    #[test]
    fn failures_are_retried_sooner_but_ever_more_rarely() {
        let seconds =
            |interval, failures| wait_after(Duration::from_secs(interval), failures, 0.0).as_secs();
        assert_eq!(seconds(900, 0), 900);
        assert_eq!(seconds(900, 1), 10);
        assert_eq!(seconds(900, 2), 20);
        assert_eq!(seconds(900, 7), 640);
        assert_eq!(seconds(900, 8), 900);
        assert_eq!(seconds(900, u32::MAX), 900);
        assert_eq!(seconds(5, 1), 5);
        assert_eq!(
            wait_after(Duration::from_secs(10), 0, 1.0).as_millis(),
            11_000
        );
    }
}
