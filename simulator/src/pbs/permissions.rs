//! `GET /access/permissions`: what the asking token may do, by path.

use super::{Call, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::Object;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/access/permissions", Access::Everyone).with(&[
    Parameter::new("auth-id", Kind::Text),
    Parameter::new("path", Kind::Text),
]);

/// The namespace that the narrow token may see in the first datastore.
pub(super) const NAMESPACE: &str = "prod";
const AUDIT: &[&str] = &["Datastore.Audit", "Sys.Audit"];
const ADMIN: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.Audit",
    "Datastore.Backup",
    "Datastore.Modify",
    "Datastore.Prune",
    "Datastore.Read",
    "Datastore.Verify",
    "Permissions.Modify",
    "Realm.Allocate",
    "Remote.Audit",
    "Remote.Modify",
    "Remote.Prune",
    "Remote.Read",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Modify",
    "Sys.PowerManagement",
    "Tape.Audit",
    "Tape.Modify",
    "Tape.Read",
    "Tape.Write",
];

/// Whether a kind of token holds a privilege on the whole server.
pub(super) fn holds(rights: Rights, privilege: &str) -> bool {
    match rights {
        Rights::Admin => ADMIN.contains(&privilege),
        Rights::Auditor | Rights::SomeStorages => AUDIT.contains(&privilege),
        Rights::Nothing | Rights::Separated | Rights::Narrow => false,
    }
}

/// Whether a namespace is `parent` or below it.
pub(super) fn is_below(namespace: &str, parent: &str) -> bool {
    parent.is_empty()
        || namespace
            .strip_prefix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut tree = Object::new();
    let mut add = |path: &str, privileges: &[&str]| {
        if call
            .request
            .parameter("path")
            .is_none_or(|wanted| wanted == path)
        {
            let mut object = Object::new();
            for privilege in privileges {
                object.boolean(privilege, true);
            }
            tree.raw(path, &object.into_json(None));
        }
    };
    let first = call
        .server
        .datastores
        .first()
        .map(|store| store.name.as_str());
    match call.rights {
        Rights::Nothing | Rights::Separated => {}
        Rights::Narrow => {
            if let Some(store) = first {
                add(
                    &format!("/datastore/{store}/{NAMESPACE}"),
                    &["Datastore.Audit"],
                );
            }
        }
        Rights::Auditor | Rights::Admin | Rights::SomeStorages => {
            let privileges = if call.rights == Rights::Admin {
                ADMIN
            } else {
                AUDIT
            };
            for path in ["/", "/access", "/datastore"] {
                add(path, privileges);
            }
            if let Some(store) = first {
                add(&format!("/datastore/{store}"), privileges);
            }
            for path in ["/remote", "/system"] {
                add(path, privileges);
            }
        }
    }
    Answer::data(&tree.into_json(None))
}
