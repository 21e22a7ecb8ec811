//! `/access/permissions`: what the token may, by path.

use serde_json::{Map, Value, json};

use super::Pve;
use crate::access::{PVE_AUDIT, Role};
use crate::answer::{self, Answer};
use crate::route::Route;

pub(super) const PERMISSIONS: Route<Pve> = Route {
    path: "/access/permissions",
    parameters: &["path", "userid"],
    needs: None,
    by_daemon: false,
    answer: |_, asked| Answer::Good(answer::data(permissions(asked.role))),
};

const PATHS: &[&str] = &["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];

fn permissions(role: Role) -> Value {
    let all = |privileges: &[&str]| -> Value {
        let held: Map<String, Value> = privileges.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
        PATHS.iter().map(|path| ((*path).to_owned(), Value::Object(held.clone()))).collect::<Map<_, _>>().into()
    };
    match role {
        Role::Auditor => all(PVE_AUDIT),
        Role::Administrator => {
            let more = ["Sys.Modify", "Sys.Syslog", "VM.PowerMgmt", "VM.Migrate", "Datastore.Allocate"];
            all(&[PVE_AUDIT, &more].concat())
        }
        Role::OneObject => json!({ "/vms/100": { "VM.Audit": 1, "VM.PowerMgmt": 1 } }),
        Role::Nothing | Role::PrivilegeSeparated => json!({}),
    }
}
