//! What clients have done to a remote, for tests.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start, or since they were set back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Calls by path below `/api2/json`, with the query.
    pub requests: BTreeMap<String, u64>,
    /// By end-point.
    pub endpoints: Vec<EndpointCounts>,
    /// Calls that were answered with 401.
    pub failed_logins: u64,
    /// The most calls that were under way at once.
    pub most_in_flight: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EndpointCounts {
    pub requests: u64,
    /// TLS handshakes that came to their end.
    pub handshakes: u64,
    /// Bytes of `Authorization` headers that were seen.
    pub authorization_bytes: u64,
}

impl Counts {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Calls of a path, whatever their query.
    pub fn of(&self, path: &str) -> u64 {
        let is_of = |request: &str| request.split('?').next() == Some(path);
        self.requests.iter().filter(|(request, _)| is_of(request)).map(|(_, count)| count).sum()
    }

    /// Bytes of `Authorization` headers that were seen at any end-point.
    pub fn authorization_bytes(&self) -> u64 {
        self.endpoints.iter().map(|endpoint| endpoint.authorization_bytes).sum()
    }
}
