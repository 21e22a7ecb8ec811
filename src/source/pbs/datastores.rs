//! The datastores and their state: `/admin/datastore`, which works for stores in any state.

use std::sync::Arc;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Rows, Text, Unreadable};
use crate::source::topology::Topology;
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// Open to every token, filtered to the datastores it may see.
pub static DATASTORES_CALL: ApiCall = ApiCall::get("/admin/datastore")
    .filtered_by(&[Privilege::new("Datastore.Audit", "/datastore")]);

pub static DATASTORES: Source<Vec<Datastore>> =
    Source::new("datastores", Scope::Remote, &[&DATASTORES_CALL], |asked| {
        Box::pin(fetch(asked))
    });

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Datastore {
    pub name: Box<str>,
    /// `filesystem` or `s3`; empty before 4.1.7.
    pub backend: Box<str>,
    /// Whether a removable datastore is mounted; `None` for one that is not removable.
    pub mounted: Option<bool>,
    /// `read-only`, `offline`, `delete`, `unmount`, `s3-refresh`; empty where there is none.
    pub maintenance: Box<str>,
}

impl Datastore {
    /// Whether the datastore can be read: mounted, and in no maintenance that closes it.
    pub fn is_open(&self) -> bool {
        self.mounted != Some(false) && matches!(&*self.maintenance, "" | "read-only")
    }
}

async fn fetch(asked: Asked<'_, Vec<Datastore>>) -> Result<Fetched<Vec<Datastore>>, CallError> {
    let datastores = ask(asked.session).await?;
    let open = datastores.iter().filter(|datastore| datastore.is_open());
    asked.session.learn(Topology {
        datastores: open.map(|datastore| Arc::from(&*datastore.name)).collect(),
        ..Topology::default()
    });
    Ok(Fetched::whole(datastores))
}

/// Asks for the list, also for those who need to know which datastores there are.
pub(super) async fn ask(session: &Session) -> Result<Vec<Datastore>, CallError> {
    let answer = session.get(Request::of(&DATASTORES_CALL)).await?;
    session.read(&answer, &DATASTORES_CALL, parse).await
}

/// Reads `/admin/datastore`. The order of the answer is that of a hash; this one is by name.
pub fn parse(text: &str) -> Result<Vec<Datastore>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        store: Text<'a>,
        mount_status: Text<'a>,
        maintenance: Text<'a>,
        backend_type: Text<'a>,
    }

    let mut datastores: Vec<Datastore> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter(|row| row.store.known().is_some())
        .map(|row| Datastore {
            name: row.store.to_boxed(),
            backend: row.backend_type.to_boxed(),
            mounted: match row.mount_status.as_str() {
                "mounted" => Some(true),
                "notmounted" => Some(false),
                _ => None,
            },
            maintenance: Box::from(maintenance_type(row.maintenance.as_str())),
        })
        .collect();
    datastores.sort_by(|a, b| a.name.cmp(&b.name));
    datastores.dedup_by(|a, b| a.name == b.name);
    Ok(datastores)
}

/// The type in a property string like `read-only,message=…` or `message=…,type=offline`.
fn maintenance_type(property: &str) -> &str {
    property
        .split(',')
        .find_map(|part| match part.split_once('=') {
            None => Some(part),
            Some(("type", value)) => Some(value),
            Some(_) => None,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_their_property_strings() {
        let text = r#"{"data":[
            {"store":"usb","mount-status":"notmounted","comment":null},
            {"store":"disk","mount-status":"mounted"},
            {"store":"ro","mount-status":"nonremovable","maintenance":"read-only,message=moving, type=x"},
            {"store":"off","maintenance":"offline","backend-type":"filesystem"},
            {"store":"typed","maintenance":"message=later,type=delete"},
            {"comment":"no name"}]}"#;
        let datastores = parse(text).unwrap();
        let states: Vec<_> = datastores
            .iter()
            .map(|d| (&*d.name, d.mounted, &*d.maintenance, d.is_open()))
            .collect();
        assert_eq!(
            states,
            [
                ("disk", Some(true), "", true),
                ("off", None, "offline", false),
                ("ro", None, "read-only", true),
                ("typed", None, "delete", false),
                ("usb", Some(false), "", false),
            ]
        );
    }
}
