//! `/access/permissions`: what the token may, by path.

use serde_json::{Map, Value, json};

use super::Pbs;
use crate::access::{PBS_AUDIT, Role};
use crate::answer::{self, Answer};
use crate::route::Route;

pub(super) const PERMISSIONS: Route<Pbs> = Route {
    path: "/access/permissions",
    parameters: &["auth-id", "path"],
    needs: None,
    by_daemon: false,
    answer: |pbs, asked| {
        let store = pbs.stores.first().map_or("", |store| &store.name);
        Answer::Good(answer::data(permissions(asked.role, store)))
    },
};

const PATHS: &[&str] = &["/", "/access", "/datastore", "/remote", "/system"];

fn permissions(role: Role, store: &str) -> Value {
    let all = |privileges: &[&str]| -> Value {
        let held: Map<String, Value> = privileges.iter().map(|name| ((*name).to_owned(), true.into())).collect();
        PATHS.iter().map(|path| ((*path).to_owned(), Value::Object(held.clone()))).collect::<Map<_, _>>().into()
    };
    match role {
        Role::Auditor => all(PBS_AUDIT),
        Role::Administrator => all(&["Datastore.Audit", "Datastore.Modify", "Sys.Audit", "Sys.Modify", "Remote.Audit", "Tape.Audit"]),
        Role::OneObject => {
            let mut permissions = Map::new();
            permissions.insert(format!("/datastore/{store}/prod"), json!({ "Datastore.Audit": true }));
            Value::Object(permissions)
        }
        Role::Nothing | Role::PrivilegeSeparated => json!({}),
    }
}
