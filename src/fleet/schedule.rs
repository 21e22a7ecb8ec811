//! When background slots are due: a pure function of time, without a clock of its own.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Each key once, at the time when it is due next; not at all while it is being asked.
#[derive(Debug)]
pub(super) struct Schedule<Key> {
    in_order: BTreeSet<(Instant, Key)>,
    due: HashMap<Key, Instant>,
}

impl<Key: Ord + Hash + Clone> Schedule<Key> {
    pub(super) fn new() -> Self {
        Self {
            in_order: BTreeSet::new(),
            due: HashMap::new(),
        }
    }

    /// From now on the key is due at this time, and no other.
    pub(super) fn set(&mut self, key: Key, at: Instant) {
        self.remove(&key);
        self.in_order.insert((at, key.clone()));
        self.due.insert(key, at);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.in_order.remove(&(at, key.clone()));
        }
    }

    /// When the first one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// Takes the one that has been due for longest.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Key> {
        self.next().filter(|at| *at <= now)?;
        let (_, key) = self.in_order.pop_first()?;
        self.due.remove(&key);
        Some(key)
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

/// When the first attempts start: one after the other at half of the budget, so that what is asked
/// at once anyway (a reload, a guest that moved) still has room, and in the order that they are
/// added in, cheap ones first.
#[derive(Debug)]
pub(super) struct FirstRound {
    next: Instant,
    step: Duration,
}

impl FirstRound {
    pub(super) fn new(start: Instant, calls_per_second: f64) -> Self {
        Self {
            next: start,
            step: Duration::from_secs_f64(2.0 / calls_per_second.max(0.1)),
        }
    }

    /// The time for the next one; not before `now`.
    pub(super) fn place(&mut self, now: Instant) -> Instant {
        let at = self.next.max(now);
        self.next = at + self.step;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_of_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new();
        schedule.set("late", at(30));
        schedule.set("soon", at(10));
        schedule.set("middle", at(20));
        assert_eq!(schedule.next(), Some(at(10)));
        assert_eq!(schedule.take_due(at(9)), None);
        assert_eq!(schedule.take_due(at(25)), Some("soon"));
        assert_eq!(schedule.take_due(at(25)), Some("middle"));
        assert_eq!(schedule.take_due(at(25)), None);
        assert_eq!(schedule.next(), Some(at(30)));
    }

    #[test]
    fn a_key_is_due_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new();
        schedule.set("a", at(900));
        schedule.set("a", at(1));
        assert_eq!(schedule.take_due(at(1000)), Some("a"));
        assert_eq!(schedule.take_due(at(1000)), None);
        schedule.set("a", at(5));
        schedule.remove(&"a");
        assert_eq!(schedule.next(), None);
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

    #[test]
    fn the_first_round_is_spread_at_half_the_budget() {
        let start = Instant::now();
        let mut round = FirstRound::new(start, 5.0);
        let places: Vec<u128> = (0..3)
            .map(|_| (round.place(start) - start).as_millis())
            .collect();
        assert_eq!(places, [0, 400, 800]);
        let later = start + Duration::from_secs(60);
        assert_eq!(round.place(later), later);
    }

    /// A thousand guests every 15 minutes: in virtual time each is asked at its interval, and never
    /// more at once than the spread of the first round allows.
    #[test]
    fn intervals_are_kept_and_the_spread_stays() {
        let start = Instant::now();
        let interval = Duration::from_secs(900);
        let mut schedule = Schedule::new();
        let mut round = FirstRound::new(start, 5.0);
        for guest in 0..1000 {
            schedule.set(guest, round.place(start));
        }
        let mut asked = vec![Vec::new(); 1000];
        let mut busiest = 0;
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            let mut at_once = 0;
            while let Some(guest) = schedule.take_due(now) {
                asked[guest].push(second);
                at_once += 1;
                let jitter = (guest % 10) as f64 / 10.0;
                schedule.set(guest, now + wait_after(interval, 0, jitter));
            }
            busiest = busiest.max(at_once);
        }
        assert!(busiest <= 5, "{busiest} in one second");
        for times in asked {
            assert!(times.len() >= 3);
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 991));
        }
    }
}
