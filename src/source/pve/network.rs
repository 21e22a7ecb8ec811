//! Network interfaces of a node, as configured and as they are: `/nodes/{node}/network`.
//!
//! It lists what `/etc/network/interfaces` has and the physical interfaces, not those of guests.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Request, Scope, Source};

/// Open to every token.
pub static NETWORK_CALL: ApiCall = ApiCall::get("/nodes/{node}/network");

pub static NETWORK: Source<Network> =
    Source::new("network", Scope::EachNode, &[&NETWORK_CALL], |asked| {
        Box::pin(fetch(asked))
    });

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Network {
    pub interfaces: Vec<Interface>,
    /// Whether the configuration was changed and not applied.
    pub has_pending_changes: bool,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Interface {
    pub name: Box<str>,
    /// `eth`, `bridge`, `bond`, `vlan`, `OVSBridge` …
    pub kind: Box<str>,
    pub is_active: bool,
    /// Whether the hardware is there; only of physical interfaces.
    pub is_present: Option<bool>,
    /// Whether it is brought up at boot.
    pub is_automatic: bool,
}

async fn fetch(asked: Asked<'_, Network>) -> Result<Fetched<Network>, CallError> {
    let request = Request::of(&NETWORK_CALL).node(asked.node());
    let answer = asked.session.get(request).await?;
    let network = asked.session.read(&answer, &NETWORK_CALL, parse).await?;
    Ok(Fetched::whole(network))
}

/// Reads `/nodes/{node}/network`. Flags that are not set are left out. Beside `data` stands
/// `changes`, a diff, while there is one (pve-manager: `PVE/API2/Network.pm`).
pub fn parse(text: &str) -> Result<Network, Unreadable> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Rows<Row<'a>>,
        #[serde(borrow, default)]
        changes: Text<'a>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        iface: Text<'a>,
        #[serde(rename = "type")]
        kind: Text<'a>,
        active: Number,
        exists: Number,
        autostart: Number,
    }

    let answer: Answer<'_> =
        serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))?;
    let is_set = |number: Number| number.flag() == Some(true);
    let rows = answer.data.0.iter();
    let mut interfaces: Vec<Interface> = rows
        .filter(|row| row.iface.known().is_some())
        .map(|row| Interface {
            name: row.iface.to_boxed(),
            kind: row.kind.to_boxed(),
            is_active: is_set(row.active),
            is_present: (row.kind.as_str() == "eth").then(|| is_set(row.exists)),
            is_automatic: is_set(row.autostart),
        })
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces.dedup_by(|a, b| a.name == b.name);
    Ok(Network {
        interfaces,
        has_pending_changes: answer.changes.known().is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_are_not_there_are_not_set() {
        let network = parse(
            r#"{"changes":"--- a\n+++ b\n","data":[{"iface":"eth1","type":"eth"},{"iface":"eth0","type":"eth",
            "exists":"1","active":true,"autostart":null},{"type":"eth"},{"iface":"eth0"},null]}"#,
        )
        .unwrap();
        assert!(network.has_pending_changes);
        let seen: Vec<_> = network
            .interfaces
            .iter()
            .map(|i| (&*i.name, i.is_active, i.is_present, i.is_automatic))
            .collect();
        assert_eq!(
            seen,
            [
                ("eth0", true, Some(true), false),
                ("eth1", false, Some(false), false)
            ]
        );
        assert_eq!(parse(r#"{"data":null}"#).unwrap(), Network::default());
        assert!(parse(r#"{"data":"x"}"#).is_err());
    }
}
