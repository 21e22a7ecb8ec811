//! Calendar events, as jobs are scheduled by them, and `GET /cluster/jobs/schedule-analyze`.

use super::backups::DAY;
use super::task_log::clock_time;
use super::{Call, parameter_error, route};
use crate::clock::civil;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/cluster/jobs/schedule-analyze", Access::Everyone).with(&[
    Parameter::new("iterations", Kind::Integer),
    Parameter::new("schedule", Kind::Text),
    Parameter::new("starttime", Kind::Integer),
]);

/// The days of eight years, in which each date comes that comes at all.
const HORIZON: i64 = 8 * 366;

/// A calendar event of whole minutes: weekdays, a date and a time, each of which may be left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    /// 0 for Monday.
    weekdays: Vec<i64>,
    years: Vec<i64>,
    months: Vec<i64>,
    days: Vec<i64>,
    hours: Vec<i64>,
    minutes: Vec<i64>,
}

impl Calendar {
    /// `None` for what is no event, and for seconds and ranges of times, which the simulator does not know.
    pub(super) fn parse(event: &str) -> Option<Self> {
        let event = match event {
            "minutely" => "*:*",
            "hourly" => "*:0",
            "daily" => "0:0",
            "weekly" => "mon 0:0",
            "monthly" => "*-*-1 0:0",
            "yearly" | "annually" => "*-1-1 0:0",
            other => other,
        };
        let all = || "*".to_owned();
        let (mut weekdays, mut date, mut time) = (all(), [all(), all(), all()], None);
        for part in event.split_whitespace() {
            let parts: Vec<String> = part.split([':', '-']).map(str::to_owned).collect();
            match parts.as_slice() {
                [days] if days.starts_with(|first: char| first.is_ascii_alphabetic()) => {
                    weekdays = days.to_lowercase();
                }
                [year, month, day] if part.contains('-') => {
                    date = [year.clone(), month.clone(), day.clone()];
                }
                [hour, minute] if part.contains(':') => time = Some((hour.clone(), minute.clone())),
                [minute] => time = Some((all(), minute.clone())),
                _ => return None,
            }
        }
        // A date or a weekday alone means its midnight.
        let (hour, minute) = time.unwrap_or_else(|| ("0".to_owned(), "0".to_owned()));
        let [year, month, day] = date;
        (!event.trim().is_empty()).then_some(())?;
        Some(Self {
            weekdays: values(&named_weekdays(&weekdays)?, 0, 6)?,
            years: values(&year, 1970, 2100)?,
            months: values(&month, 1, 12)?,
            days: values(&day, 1, 31)?,
            hours: values(&hour, 0, 23)?,
            minutes: values(&minute, 0, 59)?,
        })
    }

    /// The first time after `after`.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        let today = after.div_euclid(DAY);
        (today..=today + HORIZON)
            .filter(|day| self.has_day(*day))
            .find_map(|day| self.times(day).find(|time| *time > after))
    }

    fn has_day(&self, day: i64) -> bool {
        let date = civil(day * DAY);
        // 1 January 1970 was a Thursday.
        self.weekdays.contains(&(day + 3).rem_euclid(7))
            && self.years.contains(&date.year)
            && self.months.contains(&date.month)
            && self.days.contains(&date.day)
    }

    fn times(&self, day: i64) -> impl Iterator<Item = i64> {
        self.hours.iter().flat_map(move |hour| {
            let of_hour = self.minutes.iter();
            of_hour.map(move |minute| day * DAY + hour * 3_600 + minute * 60)
        })
    }
}

/// `mon..fri` as `0..4`.
fn named_weekdays(text: &str) -> Option<String> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let numbered = NAMES
        .iter()
        .enumerate()
        .fold(text.to_owned(), |text, (number, name)| {
            text.replace(name, &number.to_string())
        });
    (!numbered.contains(|letter: char| letter.is_ascii_alphabetic())).then_some(numbered)
}

/// The values of `*`, `5`, `1,3`, `8..17`, `*/15` and `8..17/2`, in their order.
fn values(text: &str, least: i64, most: i64) -> Option<Vec<i64>> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok()?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once("..") {
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None if range == "*" => (least, most),
            None => {
                let value: i64 = range.parse().ok()?;
                (value, if step.is_some() { most } else { value })
            }
        };
        if first < least || last > most || step == Some(0) {
            return None;
        }
        values.extend((first..=last).step_by(step.unwrap_or(1)));
    }
    values.sort_unstable();
    values.dedup();
    Some(values)
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let Some(event) = call.request.parameter("schedule") else {
        return parameter_error("schedule", "property is missing and it is not optional");
    };
    let Some(calendar) = Calendar::parse(event) else {
        let cause = match event {
            "" => "unable to parse calendar event - event is empty".to_owned(),
            _ => format!("unable to parse calendar event at '{event}' - Context(\"weekday\")"),
        };
        let text = format!("invalid format - invalid calendar event '{event}' - {cause}\n\n");
        return parameter_error("schedule", &text);
    };
    let number = |name| {
        let given = call.request.parameter(name);
        given.and_then(|value| value.parse::<i64>().ok())
    };
    let iterations = match number("iterations").unwrap_or(10) {
        ..1 => return parameter_error("iterations", "value must have a minimum value of 1"),
        101.. => return parameter_error("iterations", "value must have a maximum value of 100"),
        iterations => iterations as usize,
    };
    let start = number("starttime").unwrap_or(call.view.now);
    let mut random = call.order();
    let times = std::iter::successors(calendar.next(start), |time| calendar.next(*time));
    let entries = times.take(iterations).map(|time| {
        let mut object = Object::new();
        object.int("timestamp", time).text("utc", &clock_time(time));
        object.into_json(Some(&mut random))
    });
    Answer::data(&array(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(event: &str, after: i64) -> Option<String> {
        Calendar::parse(event)?.next(after).map(clock_time)
    }

    #[test]
    fn events_come_when_they_should() {
        // Thursday, 15 January 2026, 00:00.
        let now = 1_768_435_200;
        for (event, expected) in [
            ("daily", "Fri Jan 16 00:00:00 2026"),
            ("*/15", "Thu Jan 15 00:15:00 2026"),
            ("sun 01:00", "Sun Jan 18 01:00:00 2026"),
            ("mon..wed 2:30", "Mon Jan 19 02:30:00 2026"),
            ("sat,sun 8..17/2:0", "Sat Jan 17 08:00:00 2026"),
            ("*-*-1 04:00", "Sun Feb  1 04:00:00 2026"),
            ("*-2-29", "Tue Feb 29 00:00:00 2028"),
        ] {
            assert_eq!(next(event, now).as_deref(), Some(expected), "{event}");
        }
        assert_eq!(next("2020-01-01 00:00", now), None);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for event in ["", "nonsense", "25:00", "*/0", "1:2:3"] {
            assert_eq!(Calendar::parse(event), None, "{event}");
        }
    }
}
