//! What proxfleet tells of its own remotes: up, success, age, coverage, certificates, clocks.
//!
//! These change with time and not with answers, so they are rendered for each body.

use std::time::Instant;

use super::remote::Remote;
use crate::collect::Collector;
use crate::metric::block::Block;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::remote::trust::Verdict;

pub static FAMILIES: &[&Family] = &[
    &REMOTE_UP,
    &REMOTE_ANSWER_TIME,
    &REMOTE_INFO,
    &COLLECTOR_SUCCESS,
    &COLLECTOR_OUTCOME,
    &COLLECTOR_AGE,
    &COLLECTOR_COVERAGE,
    &CERTIFICATE_NOT_AFTER,
    &CERTIFICATE_STATE,
    &CLOCK_DIFFERENCE,
];

static REMOTE_UP: Family = Family::gauge(
    "proxfleet_remote_up",
    "Whether the remote has answered when it was last asked",
    &["remote"],
);
static REMOTE_ANSWER_TIME: Family = Family::gauge(
    "proxfleet_remote_answer_seconds",
    "Time that the remote last took to answer what a scrape asks of it",
    &["remote"],
);
/// The labels that the operator has set follow those that are declared here.
static REMOTE_INFO: Family = Family::gauge(
    "proxfleet_remote_info",
    "Product of a configured remote, and the labels that its configuration gives it",
    &["product", "remote"],
);
static COLLECTOR_SUCCESS: Family = Family::gauge(
    "proxfleet_collector_success",
    "Whether everything that the collector asked of the remote has been answered without an error",
    &["collector", "remote"],
);
static COLLECTOR_OUTCOME: Family = Family::gauge(
    "proxfleet_collector_outcome",
    "The worst outcome of what the collector last asked of the remote, always 1",
    &["collector", "outcome", "remote"],
);
static COLLECTOR_AGE: Family = Family::gauge(
    "proxfleet_collector_age_seconds",
    "Age of the oldest answer that the samples of the collector are made from",
    &["collector", "remote"],
);
static COLLECTOR_COVERAGE: Family = Family::gauge(
    "proxfleet_collector_coverage_ratio",
    "What has a fresh answer as a fraction of what the collector has to ask of the remote",
    &["collector", "remote"],
);
static CERTIFICATE_NOT_AFTER: Family = Family::gauge(
    "proxfleet_certificate_not_after_timestamp_seconds",
    "End of validity of the certificate that the end-point presents",
    &["address", "remote"],
);
static CERTIFICATE_STATE: Family = Family::gauge(
    "proxfleet_certificate_state",
    "How the certificate that the end-point presents was judged, 1 for the current state",
    &["address", "remote", "state"],
);
static CLOCK_DIFFERENCE: Family = Family::gauge(
    "proxfleet_clock_difference_seconds",
    "Clock of the end-point minus our own, to the second that the protocol tells",
    &["address", "remote"],
);

/// Renders the status of these remotes.
pub fn render<'a>(
    remotes: impl Iterator<Item = &'a Remote>,
    label_names: &[String],
    wanted: impl Fn(&Collector) -> bool,
    now: Instant,
) -> Block {
    let mut sheet = Sheet {
        up: Lines::of(&REMOTE_UP),
        answer_time: Lines::of(&REMOTE_ANSWER_TIME),
        info: Lines::of(&REMOTE_INFO),
        success: Lines::of(&COLLECTOR_SUCCESS),
        outcome: Lines::of(&COLLECTOR_OUTCOME),
        age: Lines::of(&COLLECTOR_AGE),
        coverage: Lines::of(&COLLECTOR_COVERAGE),
        not_after: Lines::of(&CERTIFICATE_NOT_AFTER),
        certificate: Lines::of(&CERTIFICATE_STATE),
        clock: Lines::of(&CLOCK_DIFFERENCE),
        labels: LabelBlock::new(),
    };
    for remote in remotes {
        sheet.remote(remote, label_names);
        sheet.collectors(remote, &wanted, now);
        sheet.endpoints(remote);
    }
    Block::from_lines([
        sheet.up,
        sheet.answer_time,
        sheet.info,
        sheet.success,
        sheet.outcome,
        sheet.age,
        sheet.coverage,
        sheet.not_after,
        sheet.certificate,
        sheet.clock,
    ])
}

struct Sheet {
    up: Lines,
    answer_time: Lines,
    info: Lines,
    success: Lines,
    outcome: Lines,
    age: Lines,
    coverage: Lines,
    not_after: Lines,
    certificate: Lines,
    clock: Lines,
    labels: LabelBlock,
}

impl Sheet {
    fn remote(&mut self, remote: &Remote, label_names: &[String]) {
        let config = &remote.config;
        self.labels.clear();
        self.labels.push("remote", &config.name);
        self.up.push(&self.labels, remote.is_up());
        let answer_time = remote.answer_time().map(|took| took.as_secs_f64());
        self.answer_time.push_known(&self.labels, answer_time);

        // Every remote has every label: label sets within a family are equal.
        self.labels.clear();
        self.labels
            .push("product", config.product.as_str())
            .push("remote", &config.name);
        for name in label_names {
            self.labels
                .push(name, config.labels.get(name).map_or("", String::as_str));
        }
        self.info.push_open(&self.labels, true);
    }

    fn collectors(&mut self, remote: &Remote, wanted: impl Fn(&Collector) -> bool, now: Instant) {
        for subject in remote
            .subjects
            .iter()
            .filter(|subject| wanted(subject.collector))
        {
            let state = remote.state_of(subject, now);
            self.labels.clear();
            self.labels
                .push("collector", subject.collector.name)
                .push("remote", &remote.config.name);
            self.success.push(&self.labels, state.success);
            self.coverage.push(&self.labels, state.coverage);
            self.age
                .push_known(&self.labels, state.age.map(|age| age.as_secs_f64()));
            if let Some(outcome) = state.outcome {
                self.labels.clear();
                self.labels
                    .push("collector", subject.collector.name)
                    .push("outcome", outcome.as_str())
                    .push("remote", &remote.config.name);
                self.outcome.push(&self.labels, true);
            }
        }
    }

    fn endpoints(&mut self, remote: &Remote) {
        for endpoint in remote.telemetry.endpoints() {
            self.labels.clear();
            self.labels
                .push("address", &endpoint.address)
                .push("remote", &remote.config.name);
            let view = endpoint.view();
            self.clock.push_known(&self.labels, view.clock_difference);
            if let Some(state) = &view.certificate {
                self.not_after
                    .push_known(&self.labels, state.certificate.not_after);
                self.certificate.state_set(
                    &self.labels,
                    "state",
                    &Verdict::ALL.map(Verdict::as_str),
                    state.verdict.as_str(),
                );
            }
        }
    }
}
