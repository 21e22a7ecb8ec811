//! Who is told what becomes of calls.

use std::time::Duration;

use super::outcome::Outcome;
use super::trust::CertificateState;
use crate::config::Product;

/// One attempt at one end-point.
#[derive(Debug, Clone, Copy)]
pub struct CallRecord {
    pub product: Product,
    pub endpoint: usize,
    pub call: &'static str,
    pub outcome: Outcome,
    pub elapsed: Duration,
    /// Their clock minus ours, in seconds; known to half a second.
    pub clock_difference: Option<f64>,
}

pub trait Observer: Send + Sync {
    fn call_finished(&self, record: &CallRecord);
    fn certificate_seen(&self, endpoint: usize, certificate: &CertificateState);
}

/// For whoever does not want to know.
pub struct Nobody;

impl Observer for Nobody {
    fn call_finished(&self, _: &CallRecord) {}
    fn certificate_seen(&self, _: usize, _: &CertificateState) {}
}
