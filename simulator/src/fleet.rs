//! Starting and stopping a fleet.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::access::{tokens, users};
use crate::certificate::{Authority, Identity, self_signed};
use crate::clock::Clock;
use crate::counts::{EndpointCounters, FleetCounts, RemoteCounters};
use crate::error::Error;
use crate::fault::Faults;
use crate::http::serve;
use crate::plan::{FleetPlan, PbsPlan, PvePlan, RemotePlan};
use crate::random::{Random, hash};
use crate::remote::{EndpointState, RemoteState, SimulatedRemote, World};
use crate::{pbs, pve};

/// A running fleet; all its listeners stop when it is dropped.
pub struct Fleet {
    clock: Clock,
    remotes: Vec<SimulatedRemote>,
    _stop: DropGuard,
}

impl Fleet {
    /// Starts every remote of the plan on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When two remotes share a name, no port is free, or a certificate cannot be made.
    pub async fn start(plan: FleetPlan) -> Result<Self, Error> {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let origin = plan.clock.now() as i64;
        let mut names = HashSet::new();
        let mut parts = Vec::with_capacity(plan.remotes.len());
        let mut guests = HashMap::new();
        for (index, remote) in plan.remotes.iter().enumerate() {
            let seed = hash(&[plan.seed.cast_signed(), index as i64]);
            let built = match remote {
                RemotePlan::Pve(plan_of_one) => Parts::pve(plan_of_one, seed, origin)?,
                RemotePlan::Pbs(plan_of_one) => Parts::pbs(plan_of_one, seed, origin, &guests)?,
            };
            if let World::Pve(cluster) = &built.world {
                guests.insert(built.name.clone(), cluster.backup_kinds());
            }
            if !names.insert(built.name.clone()) {
                return Err(Error::DuplicateRemote(built.name));
            }
            parts.push((index, seed, built));
        }

        // Clusters know the addresses of their backup servers, which must have some before.
        parts.sort_by_key(|(_, _, parts)| matches!(parts.world, World::Pve(_)));
        let mut servers = HashMap::new();
        let mut remotes = Vec::with_capacity(parts.len());
        for (index, seed, mut parts) in parts {
            if let World::Pve(cluster) = &mut parts.world {
                cluster.connect_backup_servers(&servers);
            }
            let remote = parts.start(plan.clock.clone(), seed, &stop).await?;
            if let (World::Pbs(_), Some(endpoint)) = (&remote.0.world, remote.endpoints().pop()) {
                servers.insert(remote.name().to_owned(), endpoint);
            }
            remotes.push((index, remote));
        }
        remotes.sort_by_key(|(index, _)| *index);
        let remotes = remotes.into_iter().map(|(_, remote)| remote).collect();
        Ok(Self {
            clock: plan.clock,
            remotes,
            _stop: guard,
        })
    }

    pub fn remotes(&self) -> &[SimulatedRemote] {
        &self.remotes
    }

    /// The remote of this name.
    ///
    /// # Panics
    /// When the plan had none: a mistake in the test that asks.
    #[allow(clippy::panic)]
    pub fn remote(&self, name: &str) -> &SimulatedRemote {
        match self.find(name) {
            Some(remote) => remote,
            None => panic!("the simulated fleet has no remote {name:?}"),
        }
    }

    pub fn find(&self, name: &str) -> Option<&SimulatedRemote> {
        self.remotes.iter().find(|remote| remote.name() == name)
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn counts(&self) -> FleetCounts {
        FleetCounts {
            remotes: self.remotes.iter().map(SimulatedRemote::counts).collect(),
        }
    }

    pub fn reset_counts(&self) {
        for remote in &self.remotes {
            remote.reset_counts();
        }
    }

    /// What is served, as JSON: remotes, endpoints, tokens.
    pub fn describe(&self) -> serde_json::Value {
        crate::control::description(self)
    }

    /// The `[[remote]]` tables of a proxfleet configuration, with pinned fingerprints and the monitoring tokens.
    pub fn config_toml(&self) -> String {
        let mut toml = String::new();
        for remote in &self.remotes {
            let endpoints: Vec<String> = remote
                .endpoints()
                .iter()
                .map(|endpoint| {
                    format!(
                        "{{ host = \"{}\", fingerprint = \"{}\" }}",
                        endpoint.address, endpoint.fingerprint
                    )
                })
                .collect();
            // Writing to a String cannot fail.
            write!(
                toml,
                "[[remote]]\nname = {}\ntype = \"{}\"\nendpoints = [{}]\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\n\n",
                crate::json::text(remote.name()),
                remote.product(),
                endpoints.join(", "),
                remote.token_id(),
                remote.token_secret(),
            )
            .unwrap_or_default();
        }
        toml
    }
}

/// A remote that does not listen yet.
struct Parts {
    name: String,
    realm: &'static str,
    nodes: Vec<String>,
    ca_pem: Option<String>,
    identities: Vec<Identity>,
    authority: Option<Authority>,
    world: World,
    latency: crate::Latency,
    call_latency: Vec<(String, crate::Latency)>,
    auth_delay: std::time::Duration,
}

impl Parts {
    fn pve(plan: &PvePlan, seed: u64, origin: i64) -> Result<Self, Error> {
        let cluster = pve::Cluster::new(plan, seed, origin);
        let authority = Authority::new(&Random::new(seed).uuid())?;
        let nodes: Vec<String> = cluster
            .node_names()
            .take(plan.endpoints.max(1))
            .map(str::to_owned)
            .collect();
        let identities = nodes
            .iter()
            .map(|node| authority.sign_node(node))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: plan.name.clone(),
            realm: "pve",
            nodes,
            ca_pem: Some(authority.certificate.pem.clone()),
            identities,
            authority: Some(authority),
            world: World::Pve(cluster),
            latency: plan.latency,
            call_latency: plan.call_latency.clone(),
            auth_delay: plan.auth_delay,
        })
    }

    fn pbs(
        plan: &PbsPlan,
        seed: u64,
        origin: i64,
        guests: &pbs::GuestKinds,
    ) -> Result<Self, Error> {
        let server = pbs::Server::new(plan, seed, origin, guests);
        let host = server.host().to_owned();
        let identity = self_signed(&host)?;
        Ok(Self {
            name: plan.name.clone(),
            realm: "pbs",
            nodes: vec![host],
            ca_pem: Some(identity.described.pem.clone()),
            identities: vec![identity],
            authority: None,
            world: World::Pbs(server),
            latency: plan.latency,
            call_latency: plan.call_latency.clone(),
            auth_delay: plan.auth_delay,
        })
    }

    async fn start(
        self,
        clock: Clock,
        seed: u64,
        stop: &CancellationToken,
    ) -> Result<SimulatedRemote, Error> {
        let mut endpoints = Vec::new();
        let mut listeners = Vec::new();
        for (node, identity) in self.nodes.into_iter().zip(self.identities) {
            let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let failed = |source| Error::Listen {
                address: wanted,
                source,
            };
            let listener = TcpListener::bind(wanted).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            listeners.push(listener);
            endpoints.push(EndpointState {
                address,
                node,
                identity,
                rotated: OnceLock::new(),
                counters: EndpointCounters::default(),
                bodies: Mutex::new(HashMap::new()),
            });
        }
        let mut random = Random::new(seed ^ 0xACCE55);
        let state = Arc::new(RemoteState {
            name: self.name,
            tokens: tokens(self.realm, &mut random),
            users: users(self.realm, &mut random),
            ca_pem: self.ca_pem.unwrap_or_default(),
            authority: self.authority,
            endpoints,
            clock,
            latency: self.latency,
            call_latency: self.call_latency,
            auth_delay: self.auth_delay,
            faults: watch::Sender::new(Arc::new(Faults::default())),
            counters: RemoteCounters::default(),
            random: Mutex::new(random),
            world: self.world,
        });
        for (index, listener) in listeners.into_iter().enumerate() {
            tokio::spawn(serve(Arc::clone(&state), index, listener, stop.clone()));
        }
        Ok(SimulatedRemote(state))
    }
}
