//! `scrape_interval` and `scrape_timeout`.

use std::ops::Range;
use std::time::Duration;

use super::report::Report;
use super::section::Section;
use crate::config::ScrapeTimes;

const SHORTEST: Duration = Duration::from_secs(1);

pub(super) fn read(
    section: &Section<'_>,
    defaults: ScrapeTimes,
    report: &mut Report<'_>,
) -> ScrapeTimes {
    let interval = time(section, "scrape_interval", report);
    let time_out = time(section, "scrape_timeout", report);
    let span = match (&interval, &time_out) {
        (_, Some((_, span))) | (Some((_, span)), None) => Some(span.clone()),
        (None, None) => None,
    };
    let times = ScrapeTimes {
        interval: interval.map(|(time, _)| time).or(defaults.interval),
        time_out: time_out.map(|(time, _)| time).or(defaults.time_out),
    };
    if let (Some(interval), Some(time_out), Some(span)) = (times.interval, times.time_out, span)
        && time_out > interval
    {
        report
            .error(
                span,
                format!(
                    "`scrape_timeout` is {time_out:?} and `scrape_interval` is {interval:?}: \
                     Prometheus drops a target whose time-out is longer than its interval"
                ),
            )
            .help("give both here, the time-out at most as long as the interval");
    }
    times
}

fn time(
    section: &Section<'_>,
    key: &'static str,
    report: &mut Report<'_>,
) -> Option<(Duration, Range<usize>)> {
    let (time, span) = section.duration(key, report)?;
    if time < SHORTEST {
        report
            .error(span, format!("`{key}` must be at least \"1s\""))
            .help("what is scraped more often has not changed");
        return None;
    }
    Some((time, span))
}
