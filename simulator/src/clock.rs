//! The fleet's time: that of the machine, or one that a test stops and moves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Shared by every server of a fleet.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The time stands here, in Unix seconds.
    frozen: Option<f64>,
    /// Seconds ahead of the machine.
    ahead: f64,
}

impl Clock {
    /// Runs with the machine's time.
    pub fn real() -> Self {
        Self::default()
    }

    /// Stands at a time until it is moved.
    pub fn frozen_at(unix_seconds: f64) -> Self {
        let clock = Self::default();
        clock.state().frozen = Some(unix_seconds);
        clock
    }

    /// Unix seconds.
    pub fn now(&self) -> f64 {
        let state = self.state();
        state.frozen.unwrap_or_else(|| {
            let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            real.as_secs_f64() + state.ahead
        })
    }

    /// Stands still from now on.
    pub fn freeze(&self) {
        let now = self.now();
        self.state().frozen = Some(now);
    }

    /// Runs on from where it stands.
    pub fn run(&self) {
        let now = self.now();
        let mut state = self.state();
        if state.frozen.take().is_some() {
            let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            state.ahead = now - real.as_secs_f64();
        }
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        match &mut state.frozen {
            Some(frozen) => *frozen += by.as_secs_f64(),
            None => state.ahead += by.as_secs_f64(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_runs_and_is_moved() {
        let clock = Clock::frozen_at(1000.0);
        assert_eq!(clock.now(), 1000.0);
        clock.advance(Duration::from_secs(300));
        assert_eq!(clock.now(), 1300.0);
        clock.run();
        assert!(clock.now() >= 1300.0);
        clock.freeze();
        assert_eq!(clock.now(), clock.now());
    }
}
