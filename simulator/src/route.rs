//! The declared calls of a product, and finding the one that a path means.

use std::collections::BTreeMap;

use crate::access::Role;
use crate::answer::Answer;
use crate::http;

/// A call: what it takes, what it needs, and what answers it.
pub(crate) struct Route<Server> {
    /// Below `/api2/json`, with `{node}` and `{store}`.
    pub(crate) path: &'static str,
    pub(crate) parameters: &'static [&'static str],
    /// A privilege and its path, without which the call is a 403.
    pub(crate) needs: Option<(&'static str, &'static str)>,
    /// Whether PVE hands the call to pvedaemon, whose answers carry two `Connection` headers.
    pub(crate) by_daemon: bool,
    pub(crate) answer: fn(&Server, &Asked<'_>) -> Answer,
}

/// A call as it was made.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: usize,
    pub(crate) role: Role,
    /// The end-point's clock, Unix seconds.
    pub(crate) now: f64,
    pub(crate) variables: BTreeMap<&'static str, String>,
    pub(crate) query: &'a BTreeMap<String, String>,
}

impl Asked<'_> {
    pub(crate) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// Whether a parameter is set, and not to 0.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false" | ""))
    }
}

/// A request's path and query, decoded.
pub(crate) struct Target {
    /// Below `/api2/json`.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
}

/// Splits a request's target; `None` if it is not below `/api2/json`.
pub(crate) fn split(target: &str) -> Option<Target> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix("/api2/json")?;
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (http::decode(key), http::decode(value))
        })
        .collect();
    Some(Target { path: format!("/{}", path.trim_matches('/')), query })
}

/// The route of a path, and what stands in the place of its variables.
pub(crate) fn find<'r, Server>(
    routes: &'r [Route<Server>],
    path: &str,
) -> Option<(&'r Route<Server>, BTreeMap<&'static str, String>)> {
    routes.iter().find_map(|route| Some((route, variables(route.path, path)?)))
}

fn variables(template: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let mut found = BTreeMap::new();
    let mut parts = path.split('/');
    for expected in template.split('/') {
        let part = parts.next()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                found.insert(name, http::decode(part));
            }
            None if expected == part => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(found)
}
