//! Which collectors run, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Product;

/// A collector that exists, told by whoever knows the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectorKey {
    pub name: &'static str,
    pub product: Product,
    pub minimum_interval: Duration,
}

/// What is set for the collectors of one remote; the rest is as the catalogue has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectorSettings(BTreeMap<String, CollectorSetting>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CollectorSetting {
    pub enabled: Option<bool>,
    pub interval: Option<Duration>,
}

impl CollectorSettings {
    pub fn enabled(&self, name: &str, default: bool) -> bool {
        self.0
            .get(name)
            .and_then(|setting| setting.enabled)
            .unwrap_or(default)
    }

    pub fn interval(&self, name: &str, default: Duration) -> Duration {
        self.0
            .get(name)
            .and_then(|setting| setting.interval)
            .unwrap_or(default)
    }

    /// Keeps what is set for the collectors that `keep` names.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// Adds to what is set for a collector; what `setting` leaves open stays as it is.
    pub fn set(&mut self, name: &str, setting: CollectorSetting) {
        let entry = self.0.entry(name.to_owned()).or_default();
        entry.enabled = setting.enabled.or(entry.enabled);
        entry.interval = setting.interval.or(entry.interval);
    }
}
