//! `/version`, `/ping`.

use serde_json::json;

use super::Pbs;
use crate::answer::{self, Answer};
use crate::route::Route;

pub(super) const VERSION: Route<Pbs> = Route {
    path: "/version",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: |pbs, _| {
        let (major, minor, patch) = pbs.version;
        Answer::Good(answer::data(json!({
            "version": format!("{major}.{minor}"),
            "release": patch.to_string(),
            "repoid": "0123456789abcdef0123456789abcdef01234567",
        })))
    },
};

/// The one call that needs no token.
pub(super) const PING: Route<Pbs> = Route {
    path: "/ping",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: |_, _| Answer::Good(answer::data(json!({ "pong": true }))),
};
