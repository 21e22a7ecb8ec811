//! How often and how long Prometheus scrapes a remote that it discovers here.

use std::time::Duration;

/// Of a target for which nothing else is set.
const USUAL_TIME_OUT: Duration = Duration::from_secs(10);

/// What is absent is decided by Prometheus' own configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScrapeTimes {
    pub interval: Option<Duration>,
    /// At most the interval, where both are given.
    pub time_out: Option<Duration>,
}

impl ScrapeTimes {
    /// The time-out that goes with the interval. With an interval there is always one: Prometheus
    /// drops a target whose time-out, of the job, is longer than its interval.
    pub fn time_out(&self) -> Option<Duration> {
        let usual = |interval: Duration| interval.min(USUAL_TIME_OUT);
        self.time_out.or_else(|| self.interval.map(usual))
    }
}
