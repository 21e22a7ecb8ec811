//! What asking in the background costs a remote, and what it does not cost a scrape.
#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use proxfleet::collect::{COLLECTORS, Class, Collector};
use proxfleet::config::Product;
use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse::{self, Exposition, ParsedSample};
use proxfleet::source::permissions::PERMISSIONS_CALL;
use proxfleet::source::{ApiCall, Scope};
use simulator::{Fault, Fleet, RemotePlan, SimulatedRemote};
use support::{PATIENCE, Proxfleet, cluster, eventually, fleet, pve, table_of_admin, value};

/// Defaults of the configuration.
const CALLS_PER_SECOND: u32 = 5;
/// Attempts at once, each of which makes its calls one after the other.
const IN_FLIGHT: u64 = 2;

/// So many times faster than in operation: with it the shortest of the default intervals, 30 s, is
/// the shortest that a configuration may say, and a debug build on a busy machine still has room.
const FASTER: u32 = 30;

const NODES: usize = 10;
const GUESTS: usize = 1_000;

async fn large_cluster() -> Fleet {
    let mut plan = pve("a", NODES, GUESTS);
    // All can be answered.
    plan.oddities = false;
    fleet([RemotePlan::Pve(plan)]).await
}

fn of_class(class: Class) -> impl Iterator<Item = &'static Collector> {
    let all = COLLECTORS.iter().copied();
    all.filter(move |collector| collector.product == Product::Pve && collector.class == class)
}

fn calls_of(collector: &Collector) -> impl Iterator<Item = &'static ApiCall> {
    let sources = collector.sources.iter();
    sources.flat_map(|source| source.calls()).copied()
}

/// The budget and the intervals of a configuration that says nothing, faster.
fn all_defaults() -> String {
    let intervals: Vec<String> = of_class(Class::Background)
        .map(|collector| {
            let interval = collector.interval / FASTER;
            format!("{} = \"{}ms\"", collector.name, interval.as_millis())
        })
        .collect();
    format!(
        "[defaults]\nbackground_calls_per_second = {}\nintervals = {{ resources = \"1s\", {} }}\n",
        CALLS_PER_SECOND * FASTER,
        intervals.join(", ")
    )
}

/// Asks for nothing in the background but the configuration of each guest, one call each.
fn guest_config_alone(calls_per_second: u32, interval: &str) -> String {
    let others = of_class(Class::Background).filter(|other| other.name != "guest_config");
    let off: Vec<String> = others
        .map(|collector| format!("{} = false", collector.name))
        .collect();
    format!(
        "[defaults]\nbackground_calls_per_second = {calls_per_second}\n\
        intervals = {{ resources = \"1s\", guest_config = \"{interval}\" }}\n\
        collectors = {{ {} }}\n",
        off.join(", ")
    )
}

/// The calls of the background that the remote has seen, each with how often.
fn background_calls(remote: &SimulatedRemote) -> Vec<(String, u64)> {
    let others = paths_of_others();
    let endpoints = remote.counts().endpoints.into_iter();
    let calls = endpoints.flat_map(|endpoint| endpoint.requests);
    calls
        .filter(|(call, _)| !others.contains(path_of(call)))
        .collect()
}

/// What is asked for scrapes, and the rights, which are asked for before the first call of an hour
/// whatever the pace.
fn paths_of_others() -> BTreeSet<&'static str> {
    let live = of_class(Class::Live).flat_map(calls_of);
    let calls = live.chain([&PERMISSIONS_CALL]);
    calls.map(|call| call.path).collect()
}

fn background_count(remote: &SimulatedRemote) -> u64 {
    let calls = background_calls(remote).into_iter();
    calls.map(|(_, count)| count).sum()
}

/// The path of `METHOD PATH?QUERY`.
fn path_of(call: &str) -> &str {
    let target = call.split_once(' ').unwrap().1;
    target.split('?').next().unwrap()
}

/// Sets a fault on all that is asked in the background, on each call once.
fn set_on_background(remote: &SimulatedRemote, fault: impl Fn(Option<String>) -> Fault) {
    let others = paths_of_others();
    let paths: BTreeSet<&str> = of_class(Class::Background)
        .flat_map(calls_of)
        .map(|call| call.path.split("/{").next().unwrap())
        .filter(|path| !others.contains(path))
        .collect();
    let is_below = |path: &str, other: &str| {
        path.strip_prefix(other)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    for path in &paths {
        if !paths.iter().any(|other| is_below(path, other)) {
            remote.set_fault(fault(Some((*path).to_owned())));
        }
    }
}

/// Holds what comes in any window of time against a pace, for as long as it is polled.
async fn within(calls_per_second: u32, remote: &SimulatedRemote) -> Infallible {
    // The first call of a window, and those that were on their way before it began.
    let allowed = 1.0 + IN_FLIGHT as f64;
    let start = Instant::now();
    let due = |at: Instant| (at - start).as_secs_f64() * f64::from(calls_per_second);
    let mut least_ahead = f64::INFINITY;
    loop {
        // A window begins before one count and ends after another, so that it has all that lies
        // between them however long the counting takes.
        let before = Instant::now();
        let calls = background_count(remote) as f64;
        least_ahead = least_ahead.min(calls - due(before));
        let ahead = calls - due(Instant::now()) - least_ahead;
        assert!(ahead <= allowed, "{ahead:.1} calls more than the budget");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The collectors of which not everything was answered within two intervals.
fn late(exposition: &Exposition) -> Vec<&ParsedSample> {
    let mut coverage = exposition.samples_named("proxfleet_collector_coverage_ratio");
    let all = of_class(Class::Live).chain(of_class(Class::Background));
    let on = all.filter(|collector| collector.by_default);
    assert_eq!(coverage.len(), on.count());
    coverage.retain(|sample| sample.value < 1.0);
    coverage
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_on_by_default_keeps_its_intervals_within_the_budget() {
    let fleet = large_cluster().await;
    let remote = fleet.remote("a");
    let started = Instant::now();
    let proxfleet = Proxfleet::start_with(&all_defaults(), &table_of_admin(remote)).await;

    let keeps_up = async {
        // The first round is spread over a quarter of an hour.
        for last in ["/pending", "/snapshot"] {
            eventually("every guest is asked about", async || {
                let calls = background_calls(remote);
                let guests = calls
                    .iter()
                    .filter(|(call, _)| path_of(call).ends_with(last));
                guests.count() == GUESTS
            })
            .await;
        }
        // Then three minutes without a gap.
        let end = Instant::now() + PATIENCE;
        let minutes = Duration::from_secs(180) / FASTER;
        let mut complete_since = None;
        while complete_since.is_none_or(|since: Instant| since.elapsed() < minutes) {
            let exposition = proxfleet.scrape().await;
            let since = complete_since.unwrap_or_else(Instant::now);
            let late = late(&exposition);
            complete_since = late.is_empty().then_some(since);
            assert!(Instant::now() < end, "{late:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        never = within(CALLS_PER_SECOND * FASTER, remote) => match never {},
        () = keeps_up => {}
    }

    // Nor is anything asked sooner than its interval.
    let elapsed = started.elapsed();
    for (call, count) in background_calls(remote) {
        let matching = of_class(Class::Background)
            .filter(|collector| calls_of(collector).any(|known| is_of(&call, known)));
        let per_second: f64 = matching
            .map(|collector| f64::from(FASTER) / collector.interval.as_secs_f64())
            .sum();
        let most = elapsed.as_secs_f64() * per_second + 2.0;
        assert!(
            (count as f64) <= most,
            "{count} times {call} in {elapsed:?}"
        );
    }
}

/// Whether a call that was made is one that is declared.
fn is_of(made: &str, call: &ApiCall) -> bool {
    let (made, declared) = (path_of(made).split('/'), call.path.split('/'));
    made.clone().count() == declared.clone().count()
        && made
            .zip(declared)
            .all(|(made, declared)| made == declared || declared.starts_with('{'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_asks_what_is_live_and_is_answered_while_the_background_hangs() {
    let fleet = cluster(100).await;
    let remote = fleet.remote("a");
    set_on_background(remote, |path| Fault::CallHanging { path });
    let front = all_defaults().replace("[defaults]", "[defaults]\ntimeout = \"25s\"");
    let proxfleet = Proxfleet::start_with(&front, &table_of_admin(remote)).await;
    // A scraper with more patience than the calls have.
    let scrape = async || {
        let patience = ("X-Prometheus-Scrape-Timeout-Seconds", "60");
        let answer = proxfleet.request("GET", "/metrics", &[patience]).await;
        parse::parse(Format::Text, &answer.text()).unwrap()
    };
    scrape().await;
    eventually("the background hangs", async || {
        background_count(remote) == IN_FLIGHT
    })
    .await;
    remote.reset_counts();

    eventually("the live answers are asked for again", async || {
        let exposition = scrape().await;
        assert_eq!(exposition.samples_named("pve_guest_info").len(), 100);
        remote.counts().requests_to("/cluster/resources") >= 3
    })
    .await;
    let asked = remote.counts().calls();
    let asked: Vec<&str> = asked.keys().map(|call| path_of(call)).collect();
    assert_eq!(asked, ["/cluster/resources", "/cluster/status"]);
    // A scrape that had waited for the background would have seen the end of it.
    let exposition = scrape().await;
    let ended = exposition.samples_named("proxfleet_collector_outcome");
    assert_eq!(ended.len(), 1, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_second_are_asked_for_two_at_a_time_and_none_is_made_up() {
    let fleet = large_cluster().await;
    let remote = fleet.remote("a");
    set_on_background(remote, |path| Fault::Slow {
        path,
        milliseconds: 1000,
    });
    let proxfleet = Proxfleet::start_with(&all_defaults(), &table_of_admin(remote)).await;
    proxfleet.scrape().await;
    let before = background_count(remote);
    remote.reset_counts();
    // Nothing is scraped meanwhile, so that all that is under way is of the background.
    eventually("some calls are made", async || {
        background_count(remote) >= 12
    })
    .await;
    assert_eq!(remote.counts().highest_concurrency, IN_FLIGHT);

    let exposition = proxfleet
        .scrape_until("it is far from complete", |exposition| {
            coverage_of(exposition, "version") > 0.0
        })
        .await;
    assert_eq!(exposition.samples_named("pve_guest_info").len(), GUESTS);
    assert_eq!(coverage_of(&exposition, "resources"), 1.0);
    assert_eq!(coverage_of(&exposition, "guest_config"), 0.0);
    let fresh: f64 = of_class(Class::Background)
        .filter(|collector| collector.by_default)
        .map(|collector| coverage_of(&exposition, collector.name) * items(collector))
        .sum();
    let asked = before + background_count(remote);
    assert!(fresh <= asked as f64, "{fresh} answers to {asked} calls");
}

fn coverage_of(exposition: &Exposition, collector: &str) -> f64 {
    let labels = [("remote", "a"), ("collector", collector)];
    value(exposition, "proxfleet_collector_coverage_ratio", &labels).unwrap()
}

/// What a collector has to ask of the large cluster.
fn items(collector: &Collector) -> f64 {
    let of_source = collector.sources.iter().map(|source| match source.scope() {
        Scope::EachNode => NODES,
        Scope::EachGuest => GUESTS,
        _ => 1,
    });
    of_source.sum::<usize>() as f64
}

/// The number of calls that had been made, as time went on.
#[derive(Default)]
struct History(Mutex<Vec<(Instant, u64)>>);

impl History {
    /// Writes it, for as long as it is polled.
    async fn write(&self, remote: &SimulatedRemote) -> Infallible {
        loop {
            let calls = background_count(remote);
            self.0.lock().unwrap().push((Instant::now(), calls));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The least and the most that may have been made until then.
    fn until(&self, time: Instant) -> (f64, f64) {
        let known = self.0.lock().unwrap();
        let after = known.partition_point(|(at, _)| *at <= time);
        let calls = |index: usize| {
            known
                .get(index)
                .map_or(f64::NAN, |(_, calls)| *calls as f64)
        };
        (calls(after - 1), calls(after))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_is_what_was_answered_within_two_intervals() {
    const FRESH: Duration = Duration::from_secs(4);
    const ANSWER: Duration = Duration::from_secs(1);
    let guests = 30;
    let fleet = cluster(guests).await;
    let remote = fleet.remote("a");
    let front = guest_config_alone(100, "2s");
    let proxfleet = Proxfleet::start_with(&front, &table_of_admin(remote)).await;
    proxfleet
        .scrape_until("all is answered", |exposition| {
            coverage_of(exposition, "guest_config") == 1.0
        })
        .await;
    remote.set_fault(Fault::Slow {
        path: Some("/nodes".to_owned()),
        milliseconds: 1000,
    });

    let slow_since = Instant::now();
    let history = History::default();
    let tells = async {
        let mut judged = 0;
        while judged < 3 {
            assert!(slow_since.elapsed() < 2 * PATIENCE, "nothing to judge");
            tokio::time::sleep(Duration::from_millis(200)).await;
            let live = remote.counts().requests_to("/cluster/resources");
            let before = Instant::now();
            let exposition = proxfleet.scrape().await;
            let after = Instant::now();
            // All that is fresh are slow answers, and the body is not of an earlier scrape.
            let is_new = remote.counts().requests_to("/cluster/resources") > live;
            if !is_new || before < slow_since + 2 * (FRESH + ANSWER) {
                continue;
            }
            judged += 1;
            // A slow answer comes after a second, or a little later.
            let late = ANSWER;
            let (_, first) = history.until(after - FRESH - ANSWER);
            let (last, _) = history.until(before - ANSWER - late);
            let least = last - first;
            let (first, _) = history.until(before - FRESH - ANSWER - late);
            let (_, last) = history.until(after - ANSWER);
            let most = last - first;
            let fresh = (coverage_of(&exposition, "guest_config") * guests as f64).round();
            assert!((least..=most).contains(&fresh), "{least} {fresh} {most}");
            assert!(fresh > 0.0 && fresh < guests as f64);
        }
    };
    tokio::select! {
        never = history.write(remote) => match never {},
        () = tells => {}
    }
}

/// How long the next so many calls take to come.
async fn time_of(calls: u64, remote: &SimulatedRemote) -> Duration {
    let (start, before) = (Instant::now(), background_count(remote));
    eventually("calls are made", async || {
        background_count(remote) >= before + calls
    })
    .await;
    start.elapsed()
}

/// A remote of which more is wanted than the budget has is asked half as fast after `trouble`.
async fn halves(trouble: impl AsyncFn(&SimulatedRemote, &Proxfleet)) {
    let full = 40.0;
    let is_faster_than = async |calls_per_second: f64, remote: &SimulatedRemote| {
        eventually("it is asked faster", async || {
            time_of(20, remote).await.as_secs_f64() < 20.0 / calls_per_second
        })
        .await;
    };
    let fleet = cluster(300).await;
    let remote = fleet.remote("a");
    let front = guest_config_alone(40, "1s");
    let proxfleet = Proxfleet::start_with(&front, &table_of_admin(remote)).await;
    proxfleet.scrape().await;
    is_faster_than(full * 0.7, remote).await;

    trouble(remote, &proxfleet).await;
    remote.clear_faults();
    let took = time_of(60, remote).await.as_secs_f64();
    let least = (60.0 - 1.0 - IN_FLIGHT as f64) / (full / 2.0);
    assert!(took >= least, "60 calls in {took} s");
    // Half, and not less.
    is_faster_than(full * 0.35, remote).await;
    // Answers that take longer than the pace, without being slow, would meet.
    remote.set_fault(Fault::Slow {
        path: Some("/nodes".to_owned()),
        milliseconds: 200,
    });
    remote.reset_counts();
    time_of(8, remote).await;
    assert_eq!(remote.counts().highest_concurrency, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_remote_is_asked_half_as_fast() {
    halves(async |remote, _| {
        remote.set_fault(Fault::Slow {
            path: Some("/nodes".to_owned()),
            milliseconds: 1200,
        });
        // The median is of nine answers. Five have come when two more are waited for.
        time_of(5 + IN_FLIGHT, remote).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_had_no_time_is_asked_half_as_fast() {
    halves(async |remote, proxfleet| {
        // One call, which is not due again before all others have been made.
        let calls = background_calls(remote);
        remote.set_fault(Fault::Error {
            path: Some(path_of(&calls.first().unwrap().0).to_owned()),
            status: 596,
            reason: None,
        });
        let labels = [
            ("collector", "guest_config"),
            ("outcome", "other_node_down"),
        ];
        proxfleet
            .scrape_until("it says so", |exposition| {
                value(exposition, "proxfleet_collector_outcome", &labels) == Some(1.0)
            })
            .await;
    })
    .await;
}
