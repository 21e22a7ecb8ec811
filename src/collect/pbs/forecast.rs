//! When the datastores will be full.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::usage;

pub static FORECAST: Collector = Collector {
    name: "forecast",
    about: "When each datastore will be full by the server's own estimate, and which are broken.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&usage::USAGE],
    reads: &[],
    families: &[&ESTIMATED_FULL],
    collect,
};

static ESTIMATED_FULL: Family = Family::gauge(
    "pbs_datastore_estimated_full_timestamp_seconds",
    "When the datastore will be full if its usage goes on growing as in the last month; absent where it does not grow",
    &["datastore", "remote"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut full = Lines::of(&ESTIMATED_FULL);
    let mut labels = LabelBlock::new();
    for usage in inputs
        .get(&usage::USAGE)
        .iter()
        .flat_map(|usages| usages.iter())
    {
        if let Some(date) = usage.estimated_full {
            labels.clear();
            labels
                .push("datastore", &usage.store)
                .push("remote", inputs.remote);
            full.push(&labels, date);
        }
    }
    vec![full]
}
