//! When jobs run: the few calendar events that the simulated ones are given.

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// 1970-01-03 was the first Saturday.
const SATURDAY: i64 = 2 * DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schedule {
    /// At this hour of each day, in UTC.
    Daily(i64),
    /// At this hour of each Saturday.
    Saturdays(i64),
}

impl Schedule {
    pub(super) fn text(self) -> String {
        match self {
            Self::Daily(0) => "daily".to_owned(),
            Self::Daily(hour) => format!("{hour:02}:00"),
            Self::Saturdays(hour) => format!("sat {hour:02}:00"),
        }
    }

    pub(super) fn period(self) -> i64 {
        match self {
            Self::Daily(_) => DAY,
            Self::Saturdays(_) => 7 * DAY,
        }
    }

    /// The last event at or before `time`.
    pub(super) fn last(self, time: i64) -> i64 {
        let offset = match self {
            Self::Daily(hour) => hour * HOUR,
            Self::Saturdays(hour) => SATURDAY + hour * HOUR,
        };
        time - (time - offset).rem_euclid(self.period())
    }

    pub(super) fn next(self, time: i64) -> i64 {
        self.last(time) + self.period()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_when_their_text_says() {
        // 2027-01-15 08:00:00 UTC, a Friday.
        let now = 1_800_000_000;
        assert_eq!(Schedule::Daily(3).last(now), now - 5 * HOUR);
        let saturday = Schedule::Saturdays(18);
        assert_eq!(saturday.next(now), now + 34 * HOUR);
        assert_eq!(saturday.text(), "sat 18:00");
    }
}
