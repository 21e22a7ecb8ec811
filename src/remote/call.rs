//! One call and its answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// A request. Only reading ones exist so far: a GET may be sent again where its answer was lost.
#[derive(Debug, Clone)]
pub struct Call {
    /// Template of the path, `/nodes/{node}/status`: names the call in errors and metrics.
    pub name: &'static str,
    /// Below `/api2/json`, filled and encoded, with the query.
    pub path: String,
    /// The node that the call is about, where the asked one has to pass it on.
    pub node: Option<Arc<str>>,
    /// Only this end-point.
    pub endpoint: Option<usize>,
    /// Instead of the remote's time-out. Such a call says nothing of its end-point's health.
    pub time_out: Option<Duration>,
    /// Nobody waits for it.
    pub background: bool,
    /// Longest body that is read, in bytes after decompression.
    pub body_limit: usize,
}

impl Call {
    /// The body of a cluster of 50,000 guests is 20 MB.
    const BODY_LIMIT: usize = 64 << 20;

    pub fn get(name: &'static str, path: String) -> Self {
        Self {
            name,
            path,
            node: None,
            endpoint: None,
            time_out: None,
            background: false,
            body_limit: Self::BODY_LIMIT,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    /// Decompressed.
    pub body: Bytes,
    /// The end-point that answered.
    pub endpoint: usize,
    /// The `Date` header, in Unix seconds.
    pub date: Option<i64>,
    pub received_at: SystemTime,
    pub elapsed: Duration,
}

impl Answer {
    /// The server's time, or ours where it has not told.
    pub fn unix_time(&self) -> f64 {
        self.date.map_or_else(
            || {
                self.received_at
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_secs_f64()
            },
            |date| date as f64,
        )
    }
}
