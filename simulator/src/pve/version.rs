//! `/version`, `/nodes/{node}/version`.

use serde_json::json;

use super::Pve;
use crate::answer::{self, Answer};
use crate::route::Route;

pub(super) const VERSION: Route<Pve> = Route {
    path: "/version",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: |pve, _| Answer::Good(answer::data(release(pve, true))),
};

pub(super) const NODE_VERSION: Route<Pve> = Route {
    path: "/nodes/{node}/version",
    parameters: &[],
    needs: None,
    by_daemon: true,
    answer: |pve, asked| match super::nodes::reachable(pve, asked) {
        Ok(_) => Answer::Good(answer::data(release(pve, false))),
        Err(error) => error,
    },
};

fn release(pve: &Pve, with_console: bool) -> serde_json::Value {
    let (major, minor, patch) = pve.world.version;
    let mut release = json!({
        "version": format!("{major}.{minor}.{patch}"),
        "release": format!("{major}.{minor}"),
        "repoid": "0123456789abcdef",
    });
    if with_console && let Some(release) = release.as_object_mut() {
        release.insert("console".to_owned(), "html5".into());
    }
    release
}

