//! The time of the fleet: real time, or a time that a test drives.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::lock;

/// The clock that all endpoints of a fleet follow. Copies share it.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy)]
enum State {
    /// Follows real time, this many seconds ahead of it.
    Running {
        ahead: f64,
    },
    Frozen {
        at: f64,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Self::real_time()
    }
}

impl Clock {
    pub fn real_time() -> Self {
        Self(Arc::new(Mutex::new(State::Running { ahead: 0.0 })))
    }

    /// Stands at a UNIX time, in seconds, until it is advanced.
    pub fn frozen_at(unix_seconds: f64) -> Self {
        Self(Arc::new(Mutex::new(State::Frozen { at: unix_seconds })))
    }

    /// The UNIX time of the fleet in seconds.
    pub fn now(&self) -> f64 {
        match *lock(&self.0) {
            State::Running { ahead } => real_now() + ahead,
            State::Frozen { at } => at,
        }
    }

    pub fn freeze(&self) {
        let at = self.now();
        *lock(&self.0) = State::Frozen { at };
    }

    /// Goes on from where it stands, with the speed of real time.
    pub fn resume(&self) {
        let ahead = self.now() - real_now();
        *lock(&self.0) = State::Running { ahead };
    }

    /// Jumps to a UNIX time in seconds; a frozen clock stays frozen.
    pub fn set(&self, unix_seconds: f64) {
        let mut state = lock(&self.0);
        *state = match *state {
            State::Running { .. } => State::Running {
                ahead: unix_seconds - real_now(),
            },
            State::Frozen { .. } => State::Frozen { at: unix_seconds },
        };
    }

    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by.as_secs_f64());
    }
}

fn real_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// A time in the calendar, in UTC.
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 for January.
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

pub(crate) fn civil(unix_seconds: i64) -> Civil {
    let days = unix_seconds.div_euclid(86_400);
    let second = unix_seconds.rem_euclid(86_400);
    // Days since 1 March of year 0, in eras of 400 years (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    Civil {
        year: year_of_era + era * 400 + i64::from(month < 3),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        hour: second / 3600,
        minute: second / 60 % 60,
        second: second % 60,
    }
}

/// `Sun, 22 Nov 2026 01:41:13 GMT`, the form of the `Date` header (RFC 9110, IMF-fixdate).
pub(crate) fn http_date(unix_seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = civil(unix_seconds);
    let days = unix_seconds.div_euclid(86_400);
    let week_day = DAYS
        .get(days.rem_euclid(7) as usize)
        .copied()
        .unwrap_or_default();
    let month_name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    format!("{week_day}, {day:02} {month_name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen_at(1_000.0);
        clock.advance(Duration::from_secs(5));
        assert!((clock.now() - 1_005.0).abs() < f64::EPSILON);
        clock.set(50.0);
        assert!((clock.now() - 50.0).abs() < f64::EPSILON);
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(1_795_311_673), "Sun, 22 Nov 2026 01:41:13 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
