//! What is told of rights and accounts, the same for both products.

use std::collections::{BTreeMap, BTreeSet};

use super::{Collector, Inputs};
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::access::{Expiries, Expiry};
use crate::source::permissions::Permissions;

/// Of both products: what is lacking is lacking to proxfleet.
pub(super) static MISSING_PRIVILEGE: Family = Family::gauge(
    "proxfleet_token_missing_privilege",
    "A privilege that the token of the remote lacks and a running collector needs, always 1",
    &["collector", "path", "privilege", "remote"],
);

/// A privilege's name and the path below which it is needed. Different objects may have their
/// rights from the same path, so a [`Privilege`](crate::source::Privilege) itself is too fine.
pub type Lacked = (&'static str, &'static str);

/// What the token lacks, with the names of the collectors that need it.
pub fn missing_privileges(
    permissions: &Permissions,
    collectors: impl Iterator<Item = &'static Collector>,
) -> BTreeMap<Lacked, BTreeSet<&'static str>> {
    let mut missing: BTreeMap<Lacked, BTreeSet<&'static str>> = BTreeMap::new();
    for collector in collectors {
        let sources = collector.sources.iter();
        let calls = sources.flat_map(|source| source.calls());
        for privilege in calls.flat_map(|call| permissions.missing(call)) {
            let lacked = (privilege.name, privilege.root());
            missing.entry(lacked).or_default().insert(collector.name);
        }
    }
    missing
}

pub(super) fn missing_lines(permissions: &Permissions, inputs: &Inputs<'_>) -> Lines {
    let mut lines = Lines::of(&MISSING_PRIVILEGE);
    let mut labels = LabelBlock::new();
    for ((privilege, path), collectors) in missing_privileges(permissions, inputs.running()) {
        for collector in collectors {
            labels.clear();
            labels
                .push("collector", collector)
                .push("path", path)
                .push("privilege", privilege)
                .push("remote", inputs.remote);
            lines.push(&labels, true);
        }
    }
    lines
}

/// The families of one product have the labels `user` and `token`.
pub(super) fn expiry_lines(
    expiries: &Expiries,
    users: &'static Family,
    tokens: &'static Family,
    remote: &str,
) -> [Lines; 2] {
    let lines = |family, name, expiries: &[Expiry]| {
        let mut lines = Lines::of(family);
        let mut labels = LabelBlock::new();
        labels.push("remote", remote);
        for expiry in expiries {
            lines.push_with(&labels, name, &expiry.id, expiry.at);
        }
        lines
    };
    [
        lines(users, "user", &expiries.users),
        lines(tokens, "token", &expiries.tokens),
    ]
}
