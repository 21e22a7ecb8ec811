//! Which end-point is asked: the one that answered last, and the others when it does not.
//!
//! A state machine over time, without a clock of its own.

use std::time::{Duration, Instant};

const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Endpoints {
    states: Vec<State>,
    preferred: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Alive,
    Dead {
        failures: u32,
        until: Instant,
        /// One call finds out whether it lives again; the others do not wait for that.
        probing: bool,
    },
}

impl Endpoints {
    pub(super) fn new(count: usize) -> Self {
        Self {
            states: vec![State::Alive; count],
            preferred: 0,
        }
    }

    /// The end-points to ask, in order; those that are dead and not yet due are left out. Whoever
    /// takes one must say what became of it, or that it was not asked.
    pub(super) fn candidates(&self, now: Instant) -> Vec<usize> {
        let count = self.states.len();
        let mut candidates: Vec<usize> = (0..count)
            .map(|offset| (self.preferred + offset) % count)
            .filter(|index| self.may_ask(*index, now))
            .collect();
        // One that lives before one that is tried again.
        candidates.sort_by_key(|index| matches!(self.states.get(*index), Some(State::Dead { .. })));
        candidates
    }

    pub(super) fn may_ask(&self, index: usize, now: Instant) -> bool {
        match self.states.get(index) {
            Some(State::Alive) => true,
            Some(State::Dead { until, probing, .. }) => !probing && *until <= now,
            None => false,
        }
    }

    /// Notes that an end-point is being asked.
    pub(super) fn asking(&mut self, index: usize) {
        if let Some(State::Dead { probing, .. }) = self.states.get_mut(index) {
            *probing = true;
        }
    }

    /// It was not asked after all, or the call was given up.
    pub(super) fn given_up(&mut self, index: usize) {
        if let Some(State::Dead { probing, .. }) = self.states.get_mut(index) {
            *probing = false;
        }
    }

    /// Returns whether it was dead.
    pub(super) fn answered(&mut self, index: usize, prefer: bool) -> bool {
        let Some(state) = self.states.get_mut(index) else {
            return false;
        };
        let was_dead = matches!(state, State::Dead { .. });
        *state = State::Alive;
        if prefer {
            self.preferred = index;
        }
        was_dead
    }

    /// It did not answer. `jitter` is 0..1. Returns whether it was alive.
    pub(super) fn failed(&mut self, index: usize, now: Instant, jitter: f64) -> bool {
        let Some(state) = self.states.get_mut(index) else {
            return false;
        };
        let failures = match state {
            State::Alive => 0,
            State::Dead { failures, .. } => *failures,
        };
        let wait = FIRST_BACK_OFF
            .saturating_mul(1 << failures.min(16))
            .min(LONGEST_BACK_OFF);
        *state = State::Dead {
            failures: failures.saturating_add(1),
            until: now + wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0),
            probing: false,
        };
        failures == 0
    }

    pub(super) fn prefer(&mut self, index: usize) {
        if index < self.states.len() {
            self.preferred = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_one_that_answered_is_asked_first() {
        let now = Instant::now();
        let mut endpoints = Endpoints::new(3);
        assert_eq!(endpoints.candidates(now), [0, 1, 2]);
        endpoints.failed(0, now, 0.0);
        assert_eq!(endpoints.candidates(now), [1, 2]);
        endpoints.answered(1, true);
        assert_eq!(
            endpoints.candidates(now + seconds(2)),
            [1, 2, 0],
            "the dead one last"
        );
        endpoints.answered(0, false);
        assert_eq!(endpoints.candidates(now), [1, 2, 0]);
    }

    #[test]
    fn back_off_doubles_to_a_minute_and_one_call_probes() {
        let mut now = Instant::now();
        let mut endpoints = Endpoints::new(1);
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            endpoints.failed(0, now, 0.0);
            assert!(
                endpoints
                    .candidates(now + seconds(wait) - Duration::from_millis(1))
                    .is_empty()
            );
            now += seconds(wait);
            assert_eq!(endpoints.candidates(now), [0]);
        }
        endpoints.asking(0);
        assert!(endpoints.candidates(now).is_empty(), "one call finds out");
        endpoints.given_up(0);
        assert_eq!(endpoints.candidates(now), [0]);
        endpoints.answered(0, true);
        endpoints.failed(0, now, 0.0);
        assert_eq!(
            endpoints.candidates(now + seconds(1)),
            [0],
            "the first wait again"
        );
    }
}
