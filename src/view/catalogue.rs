//! Everything that is exposed, and what it takes: from the declarations, for people and programs.
//!
//! `docs/metrics.md` and `docs/privileges.md` are made here, and a test fails when they are not what
//! is made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::collect::{COLLECTORS, Class, Collector, FLEET_COLLECTORS, FleetCollector};
use crate::config::Product;
use crate::fleet::telemetry::Telemetry;
use crate::fleet::{process, status};
use crate::metric::family::Family;
use crate::source::{Access, AnySource, ApiCall, Privilege};
use crate::view::samples;

/// A family with where it comes from.
pub struct Entry {
    pub family: &'static Family,
    pub origin: Origin,
}

#[derive(Clone, Copy)]
pub enum Origin {
    Remote(&'static Collector),
    /// Joined from all remotes.
    Fleet(&'static FleetCollector),
    /// The program's own.
    Proxfleet,
}

impl Origin {
    fn collector(self) -> Option<&'static str> {
        match self {
            Self::Remote(collector) => Some(collector.name),
            Self::Fleet(collector) => Some(collector.name),
            Self::Proxfleet => None,
        }
    }

    fn calls(self) -> Vec<&'static ApiCall> {
        match self {
            Self::Remote(collector) => calls_of(collector.sources),
            Self::Fleet(collector) => calls_of(collector.reads),
            Self::Proxfleet => Vec::new(),
        }
    }
}

/// Every family, in the order of the exposition.
pub fn entries() -> Vec<Entry> {
    let collected = COLLECTORS.iter().flat_map(|collector| {
        let families = collector.families.iter();
        families.map(|family| Entry {
            family,
            origin: Origin::Remote(collector),
        })
    });
    let joined = FLEET_COLLECTORS.iter().flat_map(|collector| {
        let families = collector.families.iter();
        families.map(|family| Entry {
            family,
            origin: Origin::Fleet(collector),
        })
    });
    let counted = Telemetry::new();
    let own = status::FAMILIES.iter().chain(process::FAMILIES).copied();
    let own = own.chain(counted.families().iter().copied());
    let mut entries: Vec<Entry> = collected
        .chain(joined)
        .chain(own.map(|family| Entry {
            family,
            origin: Origin::Proxfleet,
        }))
        .collect();
    // What is about proxfleet itself may come from the collectors of both products.
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.family.name));
    entries
}

/// The catalogue as a list of objects, one a family.
pub fn json() -> Value {
    let families = entries().into_iter().map(|Entry { family, origin }| {
        let collector = match origin {
            Origin::Remote(collector) => Some(collector),
            Origin::Fleet(_) | Origin::Proxfleet => None,
        };
        let calls: Vec<Value> = origin
            .calls()
            .into_iter()
            .map(|call| {
                json!({
                    "path": call.path,
                    "since": call.since.map(|version| version.to_string()),
                    "privileges": call.privileges().iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({
            "name": family.name,
            "type": family.kind.as_str(),
            "unit": family.unit(),
            "help": family.help,
            "labels": family.labels,
            "collector": origin.collector(),
            "product": collector.map(|collector| collector.product.as_str()),
            "by_default": collector.is_none_or(|collector| collector.by_default),
            "interval_seconds": collector.map(|collector| collector.interval.as_secs()),
            "calls": calls,
            "recorded": family.recorded,
        })
    });
    Value::Array(families.collect())
}

/// `docs/metrics.md`.
pub fn metrics_document() -> String {
    let mut text = "# Metrics\n\n\
        Made by `proxfleet metrics`; `--format json` has the same for programs. Every family about a remote has the \
        label `remote`, its configured name. What is not known is absent, never 0.\n\n\
        Families with a † are read from answers whose shape comes from the sources of Proxmox, and from no recording of \
        a real server.\n"
        .to_owned();
    for product in [Product::Pve, Product::Pbs] {
        text.push_str(&format!("\n## {}\n", product.name()));
        for collector in of_product(product) {
            text.push_str(&collector_document(collector));
        }
    }
    text.push_str("\n## The fleet as a whole\n");
    for collector in FLEET_COLLECTORS {
        text.push_str(&format!(
            "\n### {0}\n\n{1} Collector `{0}`, from what the others know.\n\n{2}",
            collector.name,
            collector.about,
            table(collector.families.iter().copied()),
        ));
    }
    text.push_str("\n## proxfleet itself\n\n");
    let entries = entries();
    let own = entries
        .iter()
        .filter(|entry| matches!(entry.origin, Origin::Proxfleet));
    text.push_str(&table(own.map(|entry| entry.family)));
    text.push_str(&samples::section());
    text
}

/// `docs/privileges.md`.
pub fn privileges_document() -> String {
    let mut text = "# Privileges\n\n\
        Made by `proxfleet metrics --privileges`. `proxfleet check` says which of these a token lacks, and how to grant \
        them.\n\n\
        The role PVEAuditor on `/` (Proxmox VE) and the role Audit on `/` (Backup Server) hold all but the ones \
        marked **more**. Without a privilege its calls are not made, and the collector's outcome is `forbidden`; the \
        others go on.\n"
        .to_owned();
    for product in [Product::Pve, Product::Pbs] {
        let mut needed: BTreeMap<Privilege, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for collector in of_product(product) {
            for call in calls_of(collector.sources) {
                for privilege in call.privileges() {
                    let by = needed.entry(*privilege).or_default();
                    by.entry(collector.name).or_default().insert(call.path);
                }
            }
        }
        text.push_str(&format!(
            "\n## {}\n\n| privilege | path | collectors and their calls |\n|---|---|---|\n",
            product.name()
        ));
        for (privilege, collectors) in needed {
            let more = match is_of_the_auditor(product, privilege.name) {
                true => "",
                false => " **more**",
            };
            let collectors: Vec<String> = collectors
                .into_iter()
                .map(|(collector, calls)| {
                    let calls: Vec<String> =
                        calls.into_iter().map(|call| format!("`{call}`")).collect();
                    format!("{collector}: {}", calls.join(", "))
                })
                .collect();
            text.push_str(&format!(
                "| {}{more} | `{}` | {} |\n",
                privilege.name,
                privilege.path,
                collectors.join("; ")
            ));
        }
    }
    text
}

/// Whether the role that monitoring should have holds a privilege: PVEAuditor, Audit.
pub fn is_of_the_auditor(product: Product, privilege: &str) -> bool {
    match product {
        Product::Pve => privilege.ends_with(".Audit"),
        Product::Pbs => matches!(privilege, "Sys.Audit" | "Datastore.Audit"),
    }
}

fn of_product(product: Product) -> impl Iterator<Item = &'static Collector> {
    COLLECTORS
        .iter()
        .copied()
        .filter(move |collector| collector.product == product)
}

/// What the sources may ask, each call once.
fn calls_of(sources: &'static [&'static dyn AnySource]) -> Vec<&'static ApiCall> {
    let mut calls: Vec<&'static ApiCall> = Vec::new();
    for call in sources.iter().flat_map(|source| source.calls()) {
        if !calls.iter().any(|known| known.path == call.path) {
            calls.push(call);
        }
    }
    calls
}

fn collector_document(collector: &'static Collector) -> String {
    let when = match collector.class {
        _ if collector.sources.is_empty() => "made of what others ask".to_owned(),
        Class::Live => format!(
            "asked for a scrape where older than {}",
            interval(collector.interval)
        ),
        Class::Background => format!("asked every {}", interval(collector.interval)),
    };
    let default = if collector.by_default {
        ""
    } else {
        ", off by default"
    };
    let calls: Vec<String> = calls_of(collector.sources)
        .into_iter()
        .map(call_document)
        .collect();
    let calls = match calls.is_empty() {
        true => String::new(),
        false => format!(": {}", calls.join(", ")),
    };
    format!(
        "\n### {}\n\n{} Collector `{}`, {when}{default}{calls}.\n\n{}",
        collector.name,
        collector.about,
        collector.name,
        table(collector.families.iter().copied()),
    )
}

fn call_document(call: &'static ApiCall) -> String {
    let mut text = format!("`{}`", call.path);
    let mut notes = Vec::new();
    let privileges: Vec<String> = call.privileges().iter().map(ToString::to_string).collect();
    match call.access {
        Access::Open => {}
        Access::Needs(_) => notes.push(format!("needs {}", privileges.join(", "))),
        Access::NeedsOneOf(_) => notes.push(format!("needs one of {}", privileges.join(", "))),
        Access::FilteredBy(_) => notes.push(format!("shows what {} allows", privileges.join(", "))),
    }
    if let Some(since) = call.since {
        notes.push(format!("since {since}"));
    }
    if !notes.is_empty() {
        text.push_str(&format!(" ({})", notes.join("; ")));
    }
    text
}

fn table(families: impl Iterator<Item = &'static Family>) -> String {
    let mut text = "| family | type | labels | tells |\n|---|---|---|---|\n".to_owned();
    for family in families {
        let mark = if family.recorded { "" } else { " †" };
        let labels: Vec<&str> = family.labels.to_vec();
        text.push_str(&format!(
            "| `{}`{mark} | {} | {} | {} |\n",
            family.name,
            family.kind.as_str(),
            labels.join(", "),
            family.help.replace('|', "\\|"),
        ));
    }
    text
}

fn interval(interval: Duration) -> String {
    match interval.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mend with: `proxfleet metrics > docs/metrics.md`, `proxfleet metrics --privileges > docs/privileges.md`
    #[test]
    fn the_documents_are_those_that_are_made() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        for (file, made) in [
            ("metrics.md", metrics_document()),
            ("privileges.md", privileges_document()),
        ] {
            let written = std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default();
            assert!(
                written.trim_end() == made.trim_end(),
                "docs/{file} is stale"
            );
        }
    }

    #[test]
    fn the_example_of_a_configuration_names_every_collector() {
        let example = include_str!("../../config.example.toml").replace("\n#   ", " ");
        for product in [Product::Pve, Product::Pbs] {
            let start = format!("for {}: ", product.as_str());
            let (_, list) = example.split_once(&start).unwrap();
            let list = list.lines().next().unwrap_or_default();
            for collector in of_product(product) {
                let interval = interval(collector.interval)
                    .replace(" min", "m")
                    .replace(' ', "");
                let off = if collector.by_default { "" } else { ", off" };
                let named = format!("{} ({interval}{off})", collector.name);
                assert!(list.contains(&named), "{named} is not in {list}");
            }
        }
        for collector in FLEET_COLLECTORS {
            assert!(example.contains(collector.name));
        }
    }

    #[test]
    fn every_family_is_in_the_catalogue_once() {
        let entries = entries();
        let names: BTreeSet<&str> = entries.iter().map(|entry| entry.family.name).collect();
        assert_eq!(names.len(), entries.len());
        for family in crate::view::native::FAMILIES.iter() {
            assert!(names.contains(family.name), "{}", family.name);
        }
        let listed = json();
        assert_eq!(listed.as_array().unwrap().len(), entries.len());
    }
}
