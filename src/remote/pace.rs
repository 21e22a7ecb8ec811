//! How fast one remote is asked in the background: a budget of calls, spread evenly, that gives way
//! to a remote that is slow. A pure function of the times that it is told.

use std::time::{Duration, Instant};

/// Above this median answer time a remote is taken to be slow.
const SLOW: Duration = Duration::from_secs(1);
/// Answers that the median is of.
const WINDOW: usize = 9;
/// How the pace comes back: by a tenth in so long.
const GROWS_EVERY: Duration = Duration::from_secs(60);
/// One call in this long is always allowed.
const SLOWEST: f64 = 1.0 / 60.0;

#[derive(Debug)]
pub struct Pace {
    /// Calls a second.
    full: f64,
    /// Attempts at once.
    full_in_flight: usize,
    /// What is allowed of both, 0..1.
    part: f64,
    changed: Option<Instant>,
    /// When the next call may start.
    next: Option<Instant>,
    /// The last answer times, oldest overwritten.
    times: Vec<Duration>,
    oldest: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(5.0, 2)
    }
}

impl Pace {
    /// `calls_per_second` is more than 0.
    pub fn new(calls_per_second: f64, in_flight: usize) -> Self {
        Self {
            full: calls_per_second.max(SLOWEST),
            full_in_flight: in_flight.max(1),
            part: 1.0,
            changed: None,
            next: None,
            times: Vec::with_capacity(WINDOW),
            oldest: 0,
        }
    }

    /// Reserves the next call, and says when it may start.
    pub fn turn(&mut self, now: Instant) -> Instant {
        self.grow(now);
        let start = self.next.map_or(now, |next| next.max(now));
        self.next = Some(start + Duration::from_secs_f64(1.0 / self.rate()));
        start
    }

    /// Notes how long an answer took; `timed_out` is a 596, with which a node says that another, or
    /// a worker of its own, had no time.
    pub fn answered(&mut self, now: Instant, took: Duration, timed_out: bool) {
        if self.times.len() < WINDOW {
            self.times.push(took);
        } else if let Some(time) = self.times.get_mut(self.oldest) {
            *time = took;
            self.oldest = (self.oldest + 1) % WINDOW;
        }
        if timed_out || self.median() > SLOW {
            self.part = (self.part / 2.0).max(SLOWEST / self.full);
            self.changed = Some(now);
            // Judged anew: the same slow answers must not halve it twice.
            self.times.clear();
            self.oldest = 0;
        }
    }

    /// Calls a second, now.
    pub fn rate(&self) -> f64 {
        (self.full * self.part).max(SLOWEST)
    }

    /// How many attempts may be under way at once.
    pub fn in_flight(&mut self, now: Instant) -> usize {
        self.grow(now);
        ((self.full_in_flight as f64 * self.part).round() as usize).max(1)
    }

    fn grow(&mut self, now: Instant) {
        let Some(changed) = self.changed else { return };
        let steps = now.saturating_duration_since(changed).as_secs() / GROWS_EVERY.as_secs();
        if steps > 0 {
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            self.part = (self.part * 1.1_f64.powi(steps.min(200).cast_signed())).min(1.0);
            self.changed = (self.part < 1.0).then_some(changed + GROWS_EVERY * steps);
        }
    }

    /// Of a full window; before that nothing is known.
    fn median(&self) -> Duration {
        if self.times.len() < WINDOW {
            return Duration::ZERO;
        }
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        sorted.get(WINDOW / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn milliseconds(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn calls_are_spread_evenly() {
        let start = Instant::now();
        let mut pace = Pace::new(5.0, 2);
        let turns: Vec<u128> = (0..4)
            .map(|_| (pace.turn(start) - start).as_millis())
            .collect();
        assert_eq!(turns, [0, 200, 400, 600]);
        // What was not used is lost: no burst after a rest.
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.turn(later), later);
        assert_eq!(pace.turn(later), later + milliseconds(200));
    }

    #[test]
    fn a_slow_remote_is_asked_half_as_fast_and_recovers_by_a_tenth_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(8.0, 4);
        for _ in 0..WINDOW {
            pace.answered(start, milliseconds(1500), false);
        }
        assert_eq!((pace.rate(), pace.in_flight(start)), (4.0, 2));
        for _ in 0..WINDOW {
            pace.answered(start, milliseconds(1500), false);
        }
        assert_eq!((pace.rate(), pace.in_flight(start)), (2.0, 1));
        pace.in_flight(start + Duration::from_secs(59));
        assert_eq!(pace.rate(), 2.0);
        pace.in_flight(start + Duration::from_secs(120));
        assert!((pace.rate() - 2.42).abs() < 1e-9, "{}", pace.rate());
        pace.in_flight(start + Duration::from_secs(3600));
        assert_eq!((pace.rate(), pace.in_flight(start)), (8.0, 4));
    }

    #[test]
    fn the_calls_themselves_come_half_as_often_and_then_a_tenth_more_often_each_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0, 2);
        pace.answered(start, milliseconds(10), true);
        // The first call of a minute starts at once; how long the second waits is the pace.
        let mut distances = (0..10).map(|minute| {
            let now = start + GROWS_EVERY * minute;
            let first = pace.turn(now);
            (pace.turn(now) - first).as_millis()
        });
        let expected = [200, 181, 165, 150, 136, 124, 112, 102, 100, 100];
        assert!(distances.by_ref().eq(expected));
    }

    #[test]
    fn a_single_596_halves_and_a_single_slow_answer_does_not() {
        let start = Instant::now();
        let mut pace = Pace::new(4.0, 2);
        pace.answered(start, Duration::from_secs(20), false);
        for _ in 0..WINDOW {
            pace.answered(start, milliseconds(10), false);
        }
        assert_eq!(pace.rate(), 4.0);
        pace.answered(start, milliseconds(10), true);
        assert_eq!(pace.rate(), 2.0);
    }

    #[test]
    fn it_never_stops() {
        let start = Instant::now();
        let mut pace = Pace::new(1.0, 1);
        for _ in 0..100 {
            pace.answered(start, Duration::ZERO, true);
        }
        assert!(pace.rate() >= SLOWEST);
        assert_eq!(pace.in_flight(start), 1);
    }
}
