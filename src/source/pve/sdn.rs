//! The software-defined network as configured: `/cluster/sdn/zones`, `/cluster/sdn/vnets` and
//! `/cluster/sdn/controllers`, with what is not applied yet.
//!
//! How a zone is doing on each node stands in `/cluster/resources`, and is not asked again.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

pub static ZONES_CALL: ApiCall =
    ApiCall::get("/cluster/sdn/zones").filtered_by(&[Privilege::new("SDN.Audit", "/sdn/zones")]);

/// Each VNet by its own path below that of its zone, `/sdn/zones/{zone}/{vnet}`.
pub static VNETS_CALL: ApiCall =
    ApiCall::get("/cluster/sdn/vnets").filtered_by(&[Privilege::new("SDN.Audit", "/sdn/zones")]);

pub static CONTROLLERS_CALL: ApiCall = ApiCall::get("/cluster/sdn/controllers")
    .filtered_by(&[Privilege::new("SDN.Audit", "/sdn/controllers")]);

pub static SDN: Source<Sdn> = Source::new(
    "sdn",
    Scope::Remote,
    &[&ZONES_CALL, &VNETS_CALL, &CONTROLLERS_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Sdn {
    /// `None` where the list was not to be had.
    pub zones: Option<Vec<Zone>>,
    pub vnets: Option<Vec<Vnet>>,
    pub controllers: Option<Vec<Controller>>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Zone {
    pub name: Box<str>,
    /// `simple`, `vlan`, `qinq`, `vxlan`, `evpn`, `faucet`.
    pub kind: Box<str>,
    /// Of an EVPN zone.
    pub controller: Box<str>,
    /// VXLAN network identifier of an EVPN zone's routing.
    pub vni: Box<str>,
    pub is_pending: bool,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Vnet {
    pub name: Box<str>,
    pub zone: Box<str>,
    /// VLAN tag, or VXLAN network identifier, by the type of its zone.
    pub tag: Box<str>,
    pub is_pending: bool,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Controller {
    pub name: Box<str>,
    /// `evpn`, `bgp`, `isis`, `faucet`.
    pub kind: Box<str>,
    /// Autonomous system number.
    pub asn: Box<str>,
    pub is_pending: bool,
}

async fn fetch(asked: Asked<'_, Sdn>) -> Result<Fetched<Sdn>, CallError> {
    let session = asked.session;
    let zones = ask(session, &ZONES_CALL, parse_zones).await?;
    let mut problems = Vec::new();
    let mut sdn = Sdn {
        zones: Some(zones),
        ..Sdn::default()
    };
    match ask(session, &VNETS_CALL, parse_vnets).await {
        Ok(vnets) => sdn.vnets = Some(vnets),
        Err(error) => problems.push(error),
    }
    match ask(session, &CONTROLLERS_CALL, parse_controllers).await {
        Ok(controllers) => sdn.controllers = Some(controllers),
        Err(error) => problems.push(error),
    }
    Ok(Fetched::with_problems(sdn, problems))
}

async fn ask<T: Send + 'static>(
    session: &Session,
    call: &'static ApiCall,
    parse: fn(&str) -> Result<Vec<T>, Unreadable>,
) -> Result<Vec<T>, CallError> {
    let answer = session.get(Request::of(call).with("pending", "1")).await?;
    session.read(&answer, call, parse).await
}

/// An object of any of the three kinds. With `pending=1` what was changed and is not applied has a
/// `state`, and its new values in `pending`; those of a new object stand nowhere else.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row<'a> {
    state: Text<'a>,
    #[serde(borrow)]
    pending: Object<Values<'a>>,
    #[serde(flatten, borrow)]
    running: Values<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Values<'a> {
    #[serde(borrow)]
    zone: Text<'a>,
    vnet: Text<'a>,
    controller: Text<'a>,
    #[serde(rename = "type")]
    kind: Text<'a>,
    vrf_vxlan: Number,
    tag: Number,
    asn: Number,
}

impl Row<'_> {
    fn is_pending(&self) -> bool {
        self.state.known().is_some()
    }
}

/// What is applied, or else what is to be.
fn text(running: &Text<'_>, pending: &Text<'_>) -> Box<str> {
    let text = running.known().or(pending.known());
    Box::from(text.unwrap_or_default())
}

fn number(running: Number, pending: Number) -> Box<str> {
    let number = running.quantity().or(pending.quantity());
    number
        .map(|number| number.to_string())
        .unwrap_or_default()
        .into()
}

/// Reads `/cluster/sdn/zones?pending=1`.
pub fn parse_zones(body: &str) -> Result<Vec<Zone>, Unreadable> {
    let rows = json::envelope::<Rows<Row<'_>>>(body)?.0;
    let mut zones: Vec<Zone> = rows
        .iter()
        .filter(|row| row.running.zone.known().is_some())
        .map(|row| {
            let (running, pending) = (&row.running, &row.pending.0);
            Zone {
                name: running.zone.to_boxed(),
                kind: text(&running.kind, &pending.kind),
                controller: text(&running.controller, &pending.controller),
                vni: number(running.vrf_vxlan, pending.vrf_vxlan),
                is_pending: row.is_pending(),
            }
        })
        .collect();
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    zones.dedup_by(|a, b| a.name == b.name);
    Ok(zones)
}

/// Reads `/cluster/sdn/vnets?pending=1`.
pub fn parse_vnets(body: &str) -> Result<Vec<Vnet>, Unreadable> {
    let rows = json::envelope::<Rows<Row<'_>>>(body)?.0;
    let mut vnets: Vec<Vnet> = rows
        .iter()
        .filter(|row| row.running.vnet.known().is_some())
        .map(|row| {
            let (running, pending) = (&row.running, &row.pending.0);
            Vnet {
                name: running.vnet.to_boxed(),
                zone: text(&running.zone, &pending.zone),
                tag: number(running.tag, pending.tag),
                is_pending: row.is_pending(),
            }
        })
        .collect();
    vnets.sort_by(|a, b| a.name.cmp(&b.name));
    vnets.dedup_by(|a, b| a.name == b.name);
    Ok(vnets)
}

/// Reads `/cluster/sdn/controllers?pending=1`.
pub fn parse_controllers(body: &str) -> Result<Vec<Controller>, Unreadable> {
    let rows = json::envelope::<Rows<Row<'_>>>(body)?.0;
    let mut controllers: Vec<Controller> = rows
        .iter()
        .filter(|row| row.running.controller.known().is_some())
        .map(|row| {
            let (running, pending) = (&row.running, &row.pending.0);
            Controller {
                name: running.controller.to_boxed(),
                kind: text(&running.kind, &pending.kind),
                asn: number(running.asn, pending.asn),
                is_pending: row.is_pending(),
            }
        })
        .collect();
    controllers.sort_by(|a, b| a.name.cmp(&b.name));
    controllers.dedup_by(|a, b| a.name == b.name);
    Ok(controllers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_object_has_its_values_under_pending() {
        let vnets = parse_vnets(
            r#"{"data":[{"vnet":"v2","type":"vnet","state":"new","digest":null,
            "pending":{"tag":"11000","zone":"ev1"}},{"vnet":"v1","zone":"z","tag":100,"state":null},
            {"vnet":"v3","zone":"z","tag":5,"state":"changed","pending":{"tag":6}},
            {"vnet":"v1"},{"zone":"z"},null]}"#,
        )
        .unwrap();
        let seen: Vec<_> = vnets
            .iter()
            .map(|vnet| (&*vnet.name, &*vnet.zone, &*vnet.tag, vnet.is_pending))
            .collect();
        assert_eq!(
            seen,
            [
                ("v1", "z", "100", false),
                ("v2", "ev1", "11000", true),
                ("v3", "z", "5", true),
            ]
        );
    }

    #[test]
    fn odd_rows_are_read() {
        let zones = parse_zones(
            r#"{"data":[{"zone":"a","pending":"x","vrf-vxlan":null,"type":7},{"zone":null},"x"]}"#,
        );
        assert_eq!(zones.unwrap().len(), 1);
        assert!(parse_controllers(r#"{"data":null}"#).unwrap().is_empty());
        assert!(parse_controllers("<html>").is_err());
    }
}
