//! What the program counts of itself: calls, scrapes, configuration; and what is seen of the
//! remotes' end-points on the way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config;
use crate::metric::exposition::Format;
use crate::metric::family::Family;
use crate::metric::own::{
    Counter, EncodeLabelSet, Gauge, Histogram, Labelled, OwnRegistry, exponential_buckets,
};
use crate::remote::observer::{CallRecord, Observer};
use crate::remote::trust::CertificateState;

static REQUEST_DURATION: Family = Family::histogram(
    "proxfleet_api_request_duration_seconds",
    "Time until a call was answered or given up, without the wait for its turn",
    &["call", "product"],
);
static REQUESTS: Family = Family::counter(
    "proxfleet_api_requests_total",
    "Calls by end-point and outcome",
    &["address", "outcome", "remote"],
);
static SCRAPES: Family =
    Family::counter("proxfleet_scrapes_total", "Scrapes that were answered", &[]);
static SCRAPE_DURATION: Family = Family::histogram(
    "proxfleet_scrape_duration_seconds",
    "Time until a scrape was answered, with the wait for the remotes",
    &[],
);
static CONFIGURATION_GOOD: Family = Family::gauge(
    "proxfleet_config_last_reload_successful",
    "Whether the configuration that was last read is in force",
    &[],
);
static CONFIGURATION_TIME: Family = Family::gauge(
    "proxfleet_config_last_reload_success_timestamp_seconds",
    "When the configuration in force was read",
    &[],
);
static BUILD_INFO: Family =
    Family::gauge("proxfleet_build_info", "Version of proxfleet", &["version"]);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    product: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    address: Arc<str>,
    outcome: &'static str,
    remote: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// The counters of the program.
pub struct Telemetry {
    registry: OwnRegistry,
    request_duration: Labelled<CallLabels, Histogram, fn() -> Histogram>,
    requests: Labelled<RequestLabels, Counter>,
    scrapes: Counter,
    scrape_duration: Histogram,
    configuration_good: Gauge,
    configuration_time: Gauge,
    configurations_read: AtomicU64,
    /// What was counted for each remote, to be forgotten with it.
    counted: Mutex<HashMap<Arc<str>, Vec<RequestLabels>>>,
}

/// From 1 ms, a call over the local network, to the 20 s that PVE waits for one node.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 3.0, 10))
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    pub fn new() -> Self {
        let mut registry = OwnRegistry::new();
        let build = registry.register(&BUILD_INFO, Labelled::<BuildLabels, Gauge>::default());
        build
            .get_or_create(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        Self {
            request_duration: registry.register(
                &REQUEST_DURATION,
                Labelled::new_with_constructor(durations as fn() -> Histogram),
            ),
            requests: registry.register(&REQUESTS, Labelled::default()),
            scrapes: registry.register(&SCRAPES, Counter::default()),
            scrape_duration: registry.register(&SCRAPE_DURATION, durations()),
            configuration_good: registry.register(&CONFIGURATION_GOOD, Gauge::default()),
            configuration_time: registry.register(&CONFIGURATION_TIME, Gauge::default()),
            configurations_read: AtomicU64::new(0),
            counted: Mutex::default(),
            registry,
        }
    }

    /// Every family that is counted here.
    pub fn families(&self) -> &[&'static Family] {
        self.registry.families()
    }

    /// The counters as text, without an end mark.
    pub fn encode(&self, format: Format) -> String {
        self.registry.encode(format).unwrap_or_default()
    }

    pub fn scrape_served(&self, took: Duration) {
        self.scrapes.inc();
        self.scrape_duration.observe(took.as_secs_f64());
    }

    /// Notes that a configuration was read, and whether it came into force.
    pub fn configuration_read(&self, good: bool) {
        self.configurations_read.fetch_add(1, Ordering::Relaxed);
        self.configuration_good.set(i64::from(good));
        if good {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            self.configuration_time
                .set(now.as_secs().try_into().unwrap_or(i64::MAX));
        }
    }

    /// How often a configuration was read, into force or not.
    pub fn configurations_read(&self) -> u64 {
        self.configurations_read.load(Ordering::Relaxed)
    }

    /// The observer of a remote's calls.
    pub fn of_remote(self: &Arc<Self>, config: &config::Remote) -> Arc<RemoteTelemetry> {
        Arc::new(RemoteTelemetry {
            telemetry: Arc::clone(self),
            remote: Arc::from(&*config.name),
            endpoints: config
                .endpoints
                .iter()
                .map(|endpoint| EndpointTelemetry {
                    address: Arc::from(endpoint.address()),
                    view: Mutex::default(),
                })
                .collect(),
        })
    }

    /// Drops the series of a remote that is configured no longer.
    pub fn forget(&self, remote: &str) {
        let counted = self
            .counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(remote);
        for labels in counted.unwrap_or_default() {
            self.requests.remove(&labels);
        }
    }

    fn count(&self, labels: RequestLabels) {
        self.requests.get_or_create(&labels).inc();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counted.entry(Arc::clone(&labels.remote)).or_default();
        if !known.contains(&labels) {
            known.push(labels);
        }
    }
}

/// What is seen of one remote's end-points.
pub struct RemoteTelemetry {
    telemetry: Arc<Telemetry>,
    remote: Arc<str>,
    endpoints: Vec<EndpointTelemetry>,
}

pub struct EndpointTelemetry {
    pub address: Arc<str>,
    view: Mutex<EndpointView>,
}

/// The last that was seen of an end-point.
#[derive(Debug, Clone, Default)]
pub struct EndpointView {
    /// Their clock minus ours, seconds.
    pub clock_difference: Option<f64>,
    pub certificate: Option<CertificateState>,
}

impl EndpointTelemetry {
    pub fn view(&self) -> EndpointView {
        self.view
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl RemoteTelemetry {
    pub fn endpoints(&self) -> &[EndpointTelemetry] {
        &self.endpoints
    }
}

impl Observer for RemoteTelemetry {
    fn call_finished(&self, record: &CallRecord) {
        let labels = CallLabels {
            call: record.call,
            product: record.product.as_str(),
        };
        self.telemetry
            .request_duration
            .get_or_create(&labels)
            .observe(record.elapsed.as_secs_f64());
        let endpoint = self.endpoints.get(record.endpoint);
        if let Some(endpoint) = endpoint {
            self.telemetry.count(RequestLabels {
                address: Arc::clone(&endpoint.address),
                outcome: record.outcome.as_str(),
                remote: Arc::clone(&self.remote),
            });
            if record.clock_difference.is_some() {
                endpoint
                    .view
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clock_difference = record.clock_difference;
            }
        }
    }

    fn certificate_seen(&self, endpoint: usize, certificate: &CertificateState) {
        if let Some(endpoint) = self.endpoints.get(endpoint) {
            endpoint
                .view
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .certificate = Some(certificate.clone());
        }
    }
}
