//! Which collectors run and how often, for all remotes or for one.

use std::ops::Range;
use std::time::Duration;

use toml::de::DeValue;

use super::report::Report;
use super::section::{self, Item};
use crate::config::{CollectorKey, CollectorSetting, CollectorSettings, Product};

/// The collectors that exist, and those of them that may be named here.
pub(super) struct Known<'k> {
    pub keys: &'k [CollectorKey],
    /// `None` where the settings are for remotes of both products.
    pub product: Option<Product>,
}

impl<'k> Known<'k> {
    fn named(&self, name: &str) -> impl Iterator<Item = &'k CollectorKey> {
        let product = self.product;
        self.keys.iter().filter(move |key| {
            key.name == name && product.is_none_or(|product| key.product == product)
        })
    }

    fn names(&self) -> Vec<&'k str> {
        let mut names: Vec<&str> = self
            .keys
            .iter()
            .filter(|key| self.product.is_none_or(|product| key.product == product))
            .map(|key| key.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Reports a name that is not of a collector, or of one of the other product.
    fn check(&self, name: &str, span: Range<usize>, report: &mut Report<'_>) -> bool {
        if self.named(name).next().is_some() {
            return true;
        }
        let shown = name.escape_debug();
        let names = self.names();
        let other = self.keys.iter().find(|key| key.name == name);
        if let (Some(other), Some(product)) = (other, self.product) {
            report
                .error(
                    span,
                    format!(
                        "collector \"{shown}\" is for {} remotes, and this is a {product} remote",
                        other.product
                    ),
                )
                .help(format!(
                    "remove it; for {product} there are: {}",
                    names.join(", ")
                ));
            return false;
        }
        let help = match section::nearest(name, names.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("there are: {}", names.join(", ")),
        };
        report
            .error(span, format!("unknown collector \"{shown}\""))
            .help(help);
        false
    }

    fn interval(&self, name: &str, item: Item<'_>, report: &mut Report<'_>) -> Option<Duration> {
        let interval = section::duration(item, report)?;
        let minimum = self.named(name).map(|key| key.minimum_interval).max()?;
        if interval < minimum {
            report
                .error(
                    item.span(),
                    format!("collector \"{name}\" is asked every {minimum:?} at most"),
                )
                .help(format!(
                    "write \"{}s\" or more",
                    minimum.as_secs_f64().ceil()
                ));
            return None;
        }
        Some(interval)
    }
}

/// Reads `NAME = true`, `false` or a time, which switches on as well.
pub(super) fn switches(
    item: Item<'_>,
    known: &Known<'_>,
    settings: &mut CollectorSettings,
    report: &mut Report<'_>,
) {
    let DeValue::Table(table) = item.get_ref() else {
        section::wrong_type::<()>(item, "a table of collectors", report);
        return;
    };
    for (name, item) in table.iter() {
        if !known.check(name.get_ref(), name.span(), report) {
            continue;
        }
        let setting = match item.get_ref() {
            DeValue::Boolean(enabled) => Some(CollectorSetting {
                enabled: Some(*enabled),
                interval: None,
            }),
            DeValue::String(_) | DeValue::Integer(_) => known
                .interval(name.get_ref(), item, report)
                .map(|interval| CollectorSetting {
                    enabled: Some(true),
                    interval: Some(interval),
                }),
            _ => section::wrong_type(item, "true, false or a time such as \"30s\"", report),
        };
        if let Some(setting) = setting {
            settings.set(name.get_ref(), setting);
        }
    }
}

/// Reads `NAME = "30s"`, which leaves open whether the collector runs.
pub(super) fn intervals(
    item: Item<'_>,
    known: &Known<'_>,
    settings: &mut CollectorSettings,
    report: &mut Report<'_>,
) {
    let DeValue::Table(table) = item.get_ref() else {
        section::wrong_type::<()>(item, "a table of collectors", report);
        return;
    };
    for (name, item) in table.iter() {
        if known.check(name.get_ref(), name.span(), report)
            && let Some(interval) = known.interval(name.get_ref(), item, report)
        {
            settings.set(
                name.get_ref(),
                CollectorSetting {
                    enabled: None,
                    interval: Some(interval),
                },
            );
        }
    }
}
