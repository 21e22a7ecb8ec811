//! One simulated remote: what its endpoints share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::access::{Token, User};
use crate::certificate::{Authority, Identity};
use crate::clock::Clock;
use crate::counts::{EndpointCounters, RemoteCounters, RemoteCounts};
use crate::fault::{ActiveFault, Fault, Faults, covers};
use crate::http::{Answer, Body, Request};
use crate::plan::Latency;
use crate::random::Random;
use crate::{lock, pbs, pve};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    Pve,
    Pbs,
}

impl Product {
    /// `pve` or `pbs`, as proxfleet's configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pve => "pve",
            Self::Pbs => "pbs",
        }
    }
}

/// An address of a remote.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The node that answers there; for a PBS its host name.
    pub node: String,
    /// SHA-256 of the certificate it presents now, `AA:BB:…`.
    pub fingerprint: String,
}

/// A remote of a running fleet. Copies are the same remote.
#[derive(Clone)]
pub struct SimulatedRemote(pub(crate) Arc<RemoteState>);

impl SimulatedRemote {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// `pve` or `pbs`.
    pub fn product(&self) -> &'static str {
        self.0.product().as_str()
    }

    pub fn endpoints(&self) -> Vec<Endpoint> {
        (0..self.0.endpoints.len())
            .filter_map(|i| {
                let endpoint = self.0.endpoints.get(i)?;
                let fingerprint = self.0.identity(i)?.described.fingerprint.clone();
                Some(Endpoint {
                    address: endpoint.address,
                    node: endpoint.node.clone(),
                    fingerprint,
                })
            })
            .collect()
    }

    /// The token that monitoring should use: `user@realm!name`.
    pub fn token_id(&self) -> &str {
        self.0.tokens.first().map_or("", |token| &token.id)
    }

    pub fn token_secret(&self) -> &str {
        self.0.tokens.first().map_or("", |token| &token.secret)
    }

    /// All tokens that the remote accepts, one of each kind.
    pub fn tokens(&self) -> &[Token] {
        &self.0.tokens
    }

    /// The users that the remote lets log in with a password; the first is the one for monitoring.
    pub fn users(&self) -> &[User] {
        &self.0.users
    }

    /// The CA of a PVE cluster; a PBS is its own.
    pub fn ca_pem(&self) -> &str {
        &self.0.ca_pem
    }

    pub fn set_fault(&self, fault: Fault) {
        self.0
            .change_faults(|faults, now| faults.set(fault, None, now));
    }

    /// Sets a fault on one endpoint, by its place in [`Self::endpoints`].
    pub fn set_fault_at(&self, endpoint: usize, fault: Fault) {
        self.0
            .change_faults(|faults, now| faults.set(fault, Some(endpoint), now));
    }

    pub fn clear_faults(&self) {
        self.0
            .change_faults(|faults, now| faults.clear(now, |_| true));
    }

    /// Clears what was set with [`Self::set_fault_at`] on this endpoint.
    pub fn clear_faults_at(&self, endpoint: usize) {
        self.0.change_faults(|faults, now| {
            faults.clear(now, |active| active.endpoint == Some(endpoint))
        });
    }

    /// Clears one fault, wherever it is set.
    pub fn clear_fault(&self, fault: &Fault) {
        self.0
            .change_faults(|faults, now| faults.clear(now, |active| active.fault == *fault));
    }

    pub fn faults(&self) -> Vec<ActiveFault> {
        self.0.faults().active.clone()
    }

    pub fn counts(&self) -> RemoteCounts {
        RemoteCounts {
            remote: self.0.name.clone(),
            endpoints: self
                .0
                .endpoints
                .iter()
                .map(|endpoint| endpoint.counters.read())
                .collect(),
            failed_logins: self.0.counters.failed_logins.load(Ordering::Relaxed),
            highest_concurrency: self.0.counters.highest(),
        }
    }

    pub fn reset_counts(&self) {
        self.0.counters.reset();
        for endpoint in &self.0.endpoints {
            endpoint.counters.reset();
        }
    }
}

#[allow(clippy::large_enum_variant, reason = "there is one for each remote")]
pub(crate) enum World {
    Pve(pve::Cluster),
    Pbs(pbs::Server),
}

pub(crate) struct RemoteState {
    pub(crate) name: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) users: Vec<User>,
    pub(crate) ca_pem: String,
    pub(crate) authority: Option<Authority>,
    pub(crate) endpoints: Vec<EndpointState>,
    pub(crate) clock: Clock,
    pub(crate) latency: Latency,
    pub(crate) call_latency: Vec<(String, Latency)>,
    pub(crate) auth_delay: Duration,
    pub(crate) faults: watch::Sender<Arc<Faults>>,
    pub(crate) counters: RemoteCounters,
    pub(crate) random: Mutex<Random>,
    pub(crate) world: World,
}

pub(crate) struct EndpointState {
    pub(crate) address: SocketAddr,
    pub(crate) node: String,
    pub(crate) identity: Identity,
    pub(crate) rotated: OnceLock<Option<Identity>>,
    pub(crate) counters: EndpointCounters,
    /// Big answers by call and token, with what they were made of.
    pub(crate) bodies: Mutex<HashMap<String, (u64, Arc<Body>)>>,
}

/// What the endpoint does with a request.
pub(crate) enum Reaction {
    Answer(Answer),
    Truncated(Answer),
    Never,
}

impl RemoteState {
    pub(crate) fn product(&self) -> Product {
        match self.world {
            World::Pve(_) => Product::Pve,
            World::Pbs(_) => Product::Pbs,
        }
    }

    pub(crate) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults.borrow())
    }

    fn change_faults(&self, change: impl FnOnce(&mut Faults, f64)) {
        let now = self.clock.now();
        self.faults
            .send_modify(|faults| change(Arc::make_mut(faults), now));
    }

    /// What the endpoint presents.
    pub(crate) fn identity(&self, endpoint: usize) -> Option<&Identity> {
        let state = self.endpoints.get(endpoint)?;
        if !self
            .faults()
            .has(endpoint, |fault| *fault == Fault::CertificateRotated)
        {
            return Some(&state.identity);
        }
        let rotated = state.rotated.get_or_init(|| {
            match &self.authority {
                Some(authority) => authority.sign_node(&state.node),
                None => crate::certificate::self_signed(&state.node),
            }
            .ok()
        });
        Some(rotated.as_ref().unwrap_or(&state.identity))
    }

    pub(crate) fn refuses(&self, endpoint: usize) -> bool {
        let node = self
            .endpoints
            .get(endpoint)
            .map(|state| state.node.as_str());
        let faults = self.faults();
        faults.has(endpoint, |fault| *fault == Fault::Refusing)
            || faults
                .active
                .iter()
                .any(|active| matches!(&active.fault, Fault::NodeOffline { node: dead } if Some(dead.as_str()) == node))
    }

    pub(crate) fn hangs(&self, endpoint: usize) -> bool {
        self.faults()
            .has(endpoint, |fault| *fault == Fault::Hanging)
    }

    /// The fleet's time as this endpoint's clock shows it, in whole seconds.
    pub(crate) fn endpoint_time(&self, endpoint: usize) -> i64 {
        self.clock.now() as i64 + self.faults().clock_skew(endpoint)
    }

    pub(crate) fn react(&self, endpoint: usize, request: &Request) -> Reaction {
        let faults = self.faults();
        let hit = |chosen: &dyn Fn(&Fault) -> bool| faults.has(endpoint, chosen);
        let path = request.path.as_str();
        if hit(
            &|fault| matches!(fault, Fault::CallHanging { path: wanted } if covers(wanted.as_deref(), path)),
        ) {
            return Reaction::Never;
        }
        let mut answer = match &self.world {
            World::Pve(cluster) => pve::answer(self, cluster, endpoint, request),
            World::Pbs(server) => pbs::answer(self, server, endpoint, request),
        };
        if hit(&|fault| *fault == Fault::Unauthorised) && request.secret_bytes() > 0 {
            answer = self.unauthorised();
        }
        if answer.status == 401 {
            self.counters.failed_logins.fetch_add(1, Ordering::Relaxed);
            return Reaction::Answer(answer);
        }
        let mut truncated = false;
        for active in faults.at(endpoint) {
            match &active.fault {
                Fault::Forbidden { path: wanted } if covers(wanted.as_deref(), path) => {
                    answer = match self.product() {
                        Product::Pve => pve::error(403, "Permission check failed (/, Sys.Audit)"),
                        Product::Pbs => pbs::error(403, "permission check failed"),
                    };
                }
                Fault::Error {
                    path: wanted,
                    status,
                    reason,
                } if covers(wanted.as_deref(), path) => {
                    answer = self.failure(*status, reason.as_deref());
                }
                Fault::BrokenJson { path: wanted }
                    if covers(wanted.as_deref(), path) && answer.status == 200 =>
                {
                    answer.body = Some(Body::new("{\"data\":[{\"id\":\"node/pve1\",\"cpu\":"));
                }
                Fault::Truncated { path: wanted } if covers(wanted.as_deref(), path) => {
                    truncated = true
                }
                Fault::Slow {
                    path: wanted,
                    milliseconds,
                } if covers(wanted.as_deref(), path) => {
                    answer = answer.after(Duration::from_millis(*milliseconds));
                }
                _ => {}
            }
        }
        let answer = answer.after(self.latency(path));
        if truncated {
            Reaction::Truncated(answer)
        } else {
            Reaction::Answer(answer)
        }
    }

    pub(crate) fn unauthorised(&self) -> Answer {
        match &self.world {
            World::Pve(_) => Answer::empty(401, "Authentication failed!").after(self.auth_delay),
            World::Pbs(server) => pbs::unauthorised(server).after(self.auth_delay),
        }
    }

    fn failure(&self, status: u16, reason: Option<&str>) -> Answer {
        match self.product() {
            Product::Pve => match (status, reason) {
                (595, reason) => Answer::empty(595, reason.unwrap_or("Connection refused")),
                (596, reason) => Answer::empty(596, reason.unwrap_or("Connection timed out")),
                (status, reason) => pve::error(status, reason.unwrap_or("simulated failure")),
            },
            Product::Pbs => pbs::error(status, reason.unwrap_or("simulated failure")),
        }
    }

    fn latency(&self, path: &str) -> Duration {
        let own = self
            .call_latency
            .iter()
            .find(|(wanted, _)| covers(Some(wanted), path));
        own.map_or(self.latency, |(_, latency)| *latency)
            .draw(&mut lock(&self.random))
    }

    /// A body that is made anew only when what it shows (`state`) has changed.
    pub(crate) fn cached(
        &self,
        endpoint: usize,
        key: String,
        state: u64,
        make: impl FnOnce() -> String,
    ) -> Arc<Body> {
        let Some(endpoint) = self.endpoints.get(endpoint) else {
            return Body::new(make());
        };
        if let Some((known, body)) = lock(&endpoint.bodies).get(&key)
            && *known == state
        {
            return Arc::clone(body);
        }
        let body = Body::new(make());
        lock(&endpoint.bodies).insert(key, (state, Arc::clone(&body)));
        body
    }
}
