//! A running fleet.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::{self, Token};
use crate::certificate::{self, Authority, Identity};
use crate::clock::Clock;
use crate::counts::{Counts, EndpointCounts};
use crate::fault::{Active, Fault};
use crate::pbs::Pbs;
use crate::plan::{FleetPlan, PbsPlan, PvePlan, RemotePlan};
use crate::pve::Pve;
use crate::pve::world::World;
use crate::server::{Endpoint, Product, Remote};

/// Why a fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("no port can be opened: {0}")]
    Listen(#[from] std::io::Error),
}

/// Servers on loopback, each end-point on a port of its own. They stop with it.
pub struct Fleet {
    clock: Clock,
    remotes: Vec<SimulatedRemote>,
    stop: CancellationToken,
}

/// One remote of a fleet.
pub struct SimulatedRemote {
    name: String,
    shared: Arc<Remote>,
    endpoints: Vec<SimulatedEndpoint>,
    ca_pem: Option<String>,
}

/// Where a remote can be reached.
#[derive(Debug, Clone)]
pub struct SimulatedEndpoint {
    pub address: SocketAddr,
    /// The node behind it.
    pub node: String,
    /// Of the certificate that it presents, `AA:BB:…`.
    pub fingerprint: String,
    /// Of the one that it presents once it was rotated.
    pub other_fingerprint: String,
}

impl Fleet {
    /// Starts every server of a plan.
    pub async fn start(plan: FleetPlan) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let mut remotes = Vec::with_capacity(plan.remotes.len());
        for (index, remote) in plan.remotes.iter().enumerate() {
            let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
            let made = match remote {
                RemotePlan::Pve(pve) => make_pve(pve, seed, &plan.clock)?,
                RemotePlan::Pbs(pbs) => make_pbs(pbs, seed, &plan.clock)?,
            };
            remotes.push(made.open(&stop).await?);
        }
        Ok(Self { clock: plan.clock, remotes, stop })
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn remotes(&self) -> &[SimulatedRemote] {
        &self.remotes
    }

    /// The remote of a name.
    pub fn remote(&self, name: &str) -> Option<&SimulatedRemote> {
        self.remotes.iter().find(|remote| remote.name == name)
    }

    /// Calls to all remotes together.
    pub fn total_calls(&self) -> u64 {
        self.remotes.iter().map(|remote| remote.counts().total()).sum()
    }

    pub fn reset_counts(&self) {
        self.remotes.iter().for_each(SimulatedRemote::reset_counts);
    }

    /// `[[remote]]` tables of proxfleet for this fleet, with the auditors' tokens.
    pub fn config_toml(&self) -> String {
        self.remotes.iter().map(SimulatedRemote::config_toml).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl SimulatedRemote {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `pve` or `pbs`, as in proxfleet's configuration.
    pub fn product(&self) -> &'static str {
        if self.shared.product.is_pve() { "pve" } else { "pbs" }
    }

    pub fn endpoints(&self) -> &[SimulatedEndpoint] {
        &self.endpoints
    }

    /// The auditor's first.
    pub fn tokens(&self) -> &[Token] {
        &self.shared.tokens
    }

    /// The cluster's own CA, where there is one.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Names of a cluster's nodes, also of those that no end-point leads to.
    pub fn nodes(&self) -> Vec<String> {
        match &self.shared.product {
            Product::Pve(pve) => pve.world.nodes.iter().map(|node| node.name.clone()).collect(),
            Product::Pbs(_) => Vec::new(),
        }
    }

    /// Begins a fault, from now on by the fleet's clock.
    pub fn set_fault(&self, fault: Fault) {
        let since = self.shared.clock.now();
        self.shared.product.change_faults(|faults| faults.0.push(Active { fault, since }));
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    pub fn clear_faults(&self) {
        self.shared.product.change_faults(|faults| faults.0.clear());
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    pub fn counts(&self) -> Counts {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn reset_counts(&self) {
        let endpoints = vec![EndpointCounts::default(); self.endpoints.len()];
        self.shared.count(|counts| *counts = Counts { endpoints, ..Counts::default() });
    }

    /// The `[[remote]]` table of proxfleet for this remote.
    pub fn config_toml(&self) -> String {
        let token = self.tokens().first();
        let (id, secret) = token.map_or(("", ""), |token| (&*token.id, &*token.secret));
        self.config_toml_with(id, secret)
    }

    /// The same with another token.
    pub fn config_toml_with(&self, token_id: &str, secret: &str) -> String {
        let endpoints: Vec<String> = self
            .endpoints
            .iter()
            .map(|endpoint| {
                format!("  {{ host = \"{}\", fingerprint = \"{}\" }},\n", endpoint.address, endpoint.fingerprint)
            })
            .collect();
        format!(
            "[[remote]]\nname = \"{}\"\ntype = \"{}\"\nendpoints = [\n{}]\ntoken_id = \"{token_id}\"\ntoken_secret = \"{secret}\"\n\n",
            self.name,
            self.product(),
            endpoints.concat(),
        )
    }
}

/// A remote before its listeners are open.
struct Made {
    name: String,
    shared: Remote,
    ca_pem: Option<String>,
    /// Node, certificate, and the one after a rotation.
    doors: Vec<(String, Identity, Identity)>,
}

impl Made {
    async fn open(self, stop: &CancellationToken) -> Result<SimulatedRemote, StartError> {
        let shared = Arc::new(self.shared);
        let mut endpoints = Vec::with_capacity(self.doors.len());
        for (index, (node, identity, other_identity)) in self.doors.into_iter().enumerate() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            endpoints.push(SimulatedEndpoint {
                address,
                node,
                fingerprint: identity.fingerprint.clone(),
                other_fingerprint: other_identity.fingerprint.clone(),
            });
            let endpoint =
                Arc::new(Endpoint { remote: Arc::clone(&shared), index, address, identity, other_identity });
            tokio::spawn(endpoint.run(listener, stop.clone()));
        }
        let remote = SimulatedRemote { name: self.name, shared, endpoints, ca_pem: self.ca_pem };
        remote.reset_counts();
        Ok(remote)
    }
}

fn make_pve(plan: &PvePlan, seed: u64, clock: &Clock) -> Result<Made, StartError> {
    let authority = Authority::new(&plan.name)?;
    let nodes: Vec<String> = World::new(plan, seed).nodes.into_iter().map(|node| node.name).collect();
    let reachable = plan.endpoints.clamp(1, nodes.len());
    let mut doors = Vec::with_capacity(reachable);
    for node in nodes.iter().take(reachable) {
        doors.push((node.clone(), authority.sign(node)?, authority.sign(node)?));
    }
    // A node that no end-point leads to has a certificate like any other.
    let mut fingerprints: Vec<String> = doors.iter().map(|(_, identity, _)| identity.fingerprint.clone()).collect();
    let mut pems: Vec<String> = doors.iter().map(|(_, identity, _)| identity.pem.clone()).collect();
    if let (Some(fingerprint), Some(pem)) = (fingerprints.first().cloned(), pems.first().cloned()) {
        fingerprints.resize(nodes.len(), fingerprint);
        pems.resize(nodes.len(), pem);
    }
    let ca_pem = authority.pem.clone();
    let product = Pve::new(plan, seed, fingerprints, (authority.pem, authority.fingerprint), pems);
    Ok(Made {
        name: plan.name.clone(),
        shared: Remote::new(
            Product::Pve(product),
            access::tokens("pve", seed),
            plan.behaviour.clone(),
            clock.clone(),
            seed,
        ),
        ca_pem: Some(ca_pem),
        doors,
    })
}

fn make_pbs(plan: &PbsPlan, seed: u64, clock: &Clock) -> Result<Made, StartError> {
    let identity = certificate::self_signed(&plan.name)?;
    let other = certificate::self_signed(&plan.name)?;
    let product = Pbs::new(plan, seed, identity.fingerprint.clone());
    Ok(Made {
        name: plan.name.clone(),
        shared: Remote::new(
            Product::Pbs(product),
            access::tokens("pbs", seed),
            plan.behaviour.clone(),
            clock.clone(),
            seed,
        ),
        ca_pem: None,
        doors: vec![(plan.name.clone(), identity, other)],
    })
}
