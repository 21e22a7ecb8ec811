//! What the fleet saw: for tests that count calls, handshakes and secrets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::lock;

/// What one endpoint saw since the start or the last reset.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EndpointCounts {
    /// Requests by `METHOD PATH?QUERY`, without `/api2/json`.
    pub requests: BTreeMap<String, u64>,
    /// Connections accepted, TLS or not.
    pub connections: u64,
    /// TLS handshakes that were completed.
    pub handshakes: u64,
    /// Bytes of secrets received: `Authorization` values, cookies, and the forms of logins.
    pub authorization_bytes: u64,
}

/// What one remote saw since the start or the last reset.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RemoteCounts {
    pub remote: String,
    pub endpoints: Vec<EndpointCounts>,
    /// Calls answered with 401.
    pub failed_logins: u64,
    /// The highest number of calls under way at one time.
    pub highest_concurrency: u64,
}

impl RemoteCounts {
    /// All requests to all endpoints.
    pub fn requests(&self) -> u64 {
        self.endpoints
            .iter()
            .flat_map(|endpoint| endpoint.requests.values())
            .sum()
    }

    /// Requests whose path, without the query, is `path`.
    pub fn requests_to(&self, path: &str) -> u64 {
        self.endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.requests)
            .filter(|(call, _)| {
                call.split_once(' ')
                    .is_some_and(|(_, target)| target.split('?').next() == Some(path))
            })
            .map(|(_, count)| count)
            .sum()
    }

    /// Requests by `METHOD PATH?QUERY`, all endpoints together.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for (call, count) in self
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.requests)
        {
            *calls.entry(call.clone()).or_default() += count;
        }
        calls
    }

    pub fn handshakes(&self) -> u64 {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.handshakes)
            .sum()
    }

    pub fn authorization_bytes(&self) -> u64 {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.authorization_bytes)
            .sum()
    }
}

/// What all remotes saw.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FleetCounts {
    pub remotes: Vec<RemoteCounts>,
}

impl FleetCounts {
    pub fn requests(&self) -> u64 {
        self.remotes.iter().map(RemoteCounts::requests).sum()
    }

    pub fn remote(&self, name: &str) -> Option<&RemoteCounts> {
        self.remotes.iter().find(|counts| counts.remote == name)
    }
}

#[derive(Debug, Default)]
pub(crate) struct EndpointCounters {
    pub(crate) requests: Mutex<BTreeMap<String, u64>>,
    pub(crate) connections: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) authorization_bytes: AtomicU64,
}

impl EndpointCounters {
    pub(crate) fn read(&self) -> EndpointCounts {
        EndpointCounts {
            requests: lock(&self.requests).clone(),
            connections: self.connections.load(Ordering::Relaxed),
            handshakes: self.handshakes.load(Ordering::Relaxed),
            authorization_bytes: self.authorization_bytes.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn reset(&self) {
        lock(&self.requests).clear();
        self.connections.store(0, Ordering::Relaxed);
        self.handshakes.store(0, Ordering::Relaxed);
        self.authorization_bytes.store(0, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
pub(crate) struct RemoteCounters {
    pub(crate) failed_logins: AtomicU64,
    under_way: AtomicU64,
    highest: AtomicU64,
}

impl RemoteCounters {
    /// Counts a call as under way until the guard is dropped, which also happens when its connection is cut.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        let now = self.under_way.fetch_add(1, Ordering::AcqRel) + 1;
        self.highest.fetch_max(now, Ordering::AcqRel);
        UnderWay(self)
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest.load(Ordering::Acquire)
    }

    pub(crate) fn reset(&self) {
        self.failed_logins.store(0, Ordering::Relaxed);
        self.highest
            .store(self.under_way.load(Ordering::Acquire), Ordering::Release);
    }
}

pub(crate) struct UnderWay<'a>(&'a RemoteCounters);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
