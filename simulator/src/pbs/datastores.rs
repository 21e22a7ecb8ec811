//! `/admin/datastore` and `/admin/datastore/{store}/status`.

use serde_json::{Value, json};

use super::{Pbs, Store};
use crate::access::Role;
use crate::answer::{self, Answer, Object};
use crate::plan::DatastoreKind;
use crate::route::{Asked, Route};

pub(super) const LIST: Route<Pbs> = Route {
    path: "/admin/datastore",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: list,
};

pub(super) const STATUS: Route<Pbs> = Route {
    path: "/admin/datastore/{store}/status",
    parameters: &["verbose"],
    needs: None,
    by_daemon: false,
    answer: status,
};

fn list(pbs: &Pbs, asked: &Asked<'_>) -> Answer {
    let seen = |store: &&Store| match asked.role {
        Role::OneObject => pbs.stores.first().is_some_and(|first| first.name == store.name),
        role => role.sees_all(),
    };
    let rows = pbs.stores.iter().filter(seen).map(|store| {
        let row = Object::new()
            .with("store", store.name.as_str())
            .with("comment", Value::Null)
            .with("mount-status", store.mount_status());
        let row = match store.kind {
            DatastoreKind::ReadOnly => row.with("maintenance", "read-only,message=migrating disks"),
            DatastoreKind::Offline => row.with("maintenance", "offline"),
            _ => row,
        };
        if pbs.version >= (4, 1, 7) { row.with("backend-type", store.backend()) } else { row }
    });
    let rows = rows.collect();
    Answer::Good(answer::list(rows, &mut pbs.order("datastores", asked.now as u64)))
}

fn status(pbs: &Pbs, asked: &Asked<'_>) -> Answer {
    let name = asked.variable("store");
    let Some(store) = pbs.stores.iter().find(|store| store.name == name) else {
        return match asked.role {
            Role::Administrator => Answer::Error(400, format!("no such datastore '{name}'")),
            _ => Answer::Error(403, "permission check failed".to_owned()),
        };
    };
    if asked.role == Role::Nothing || asked.role == Role::PrivilegeSeparated {
        return Answer::Error(403, "permission check failed".to_owned());
    }
    if pbs.faults().breaks_store(name) {
        return Answer::Error(400, "ENOENT: No such file or directory".to_owned());
    }
    match store.kind {
        DatastoreKind::Offline => {
            return Answer::Error(400, format!("datastore '{name}' is unavailable: offline maintenance mode: "));
        }
        DatastoreKind::Unmounted => {
            return Answer::Error(400, format!("datastore '{name}' is not mounted"));
        }
        _ => {}
    }
    // A token for a namespace is told zeros.
    let (total, used, avail) = if asked.role.sees_all() { store.at(asked.now) } else { (0, 0, 0) };
    let mut data = json!({ "total": total, "used": used, "avail": avail });
    if let Some(data) = data.as_object_mut() {
        if pbs.version >= (4, 1, 6) {
            data.insert("backend-type".to_owned(), store.backend().into());
        }
        if asked.flag("verbose") {
            data.insert("counts".to_owned(), json!({ "ct": null, "host": null, "vm": null, "other": null }));
        }
    }
    Answer::Good(answer::data(data))
}
