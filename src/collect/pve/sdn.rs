//! The software-defined network as configured; how its zones are doing is told of `resources`.

use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pve::sdn::{self, Controller, Sdn, Vnet, Zone};

pub static SDN: Collector = Collector {
    name: "sdn",
    about: "Zones, VNets and controllers of the software-defined network, and changes not applied.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(5 * 60),
    sources: &[&sdn::SDN],
    reads: &[],
    families: &[&ZONE_INFO, &VNET_INFO, &CONTROLLER_INFO, &PENDING],
    collect,
};

static ZONE_INFO: Family = Family::gauge(
    "pve_sdn_zone_info",
    "Type of a zone, and controller and VXLAN network identifier of an EVPN zone",
    &["controller", "remote", "type", "vni", "zone"],
);
static VNET_INFO: Family = Family::gauge(
    "pve_sdn_vnet_info",
    "Zone of a VNet, and its VLAN tag or VXLAN network identifier",
    &["remote", "tag", "vnet", "zone"],
);
static CONTROLLER_INFO: Family = Family::gauge(
    "pve_sdn_controller_info",
    "Type and autonomous system number of a controller",
    &["asn", "controller", "remote", "type"],
);
static PENDING: Family = Family::gauge(
    "pve_sdn_changes_pending",
    "Number of zones, VNets or controllers that were changed and not applied",
    &["remote", "type"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(sdn) = inputs.get(&sdn::SDN) else {
        return Vec::new();
    };
    vec![
        zone_lines(sdn.zones.iter().flatten(), inputs.remote),
        vnet_lines(sdn.vnets.iter().flatten(), inputs.remote),
        controller_lines(sdn.controllers.iter().flatten(), inputs.remote),
        pending_lines(&sdn, inputs.remote),
    ]
}

fn zone_lines<'a>(zones: impl Iterator<Item = &'a Zone>, remote: &str) -> Lines {
    let mut lines = Lines::of(&ZONE_INFO);
    let mut labels = LabelBlock::new();
    for zone in zones {
        labels.clear();
        labels
            .push("controller", &zone.controller)
            .push("remote", remote)
            .push("type", &zone.kind)
            .push("vni", &zone.vni)
            .push("zone", &zone.name);
        lines.push(&labels, true);
    }
    lines
}

fn vnet_lines<'a>(vnets: impl Iterator<Item = &'a Vnet>, remote: &str) -> Lines {
    let mut lines = Lines::of(&VNET_INFO);
    let mut labels = LabelBlock::new();
    for vnet in vnets {
        labels.clear();
        labels
            .push("remote", remote)
            .push("tag", &vnet.tag)
            .push("vnet", &vnet.name)
            .push("zone", &vnet.zone);
        lines.push(&labels, true);
    }
    lines
}

fn controller_lines<'a>(controllers: impl Iterator<Item = &'a Controller>, remote: &str) -> Lines {
    let mut lines = Lines::of(&CONTROLLER_INFO);
    let mut labels = LabelBlock::new();
    for controller in controllers {
        labels.clear();
        labels
            .push("asn", &controller.asn)
            .push("controller", &controller.name)
            .push("remote", remote)
            .push("type", &controller.kind);
        lines.push(&labels, true);
    }
    lines
}

fn pending_lines(sdn: &Sdn, remote: &str) -> Lines {
    let zones = sdn.zones.as_ref();
    let vnets = sdn.vnets.as_ref();
    let controllers = sdn.controllers.as_ref();
    let mut lines = Lines::of(&PENDING);
    let mut labels = LabelBlock::new();
    labels.push("remote", remote);
    for (kind, changes) in [
        ("zone", zones.map(|all| count(all, |zone| zone.is_pending))),
        ("vnet", vnets.map(|all| count(all, |vnet| vnet.is_pending))),
        (
            "controller",
            controllers.map(|all| count(all, |controller| controller.is_pending)),
        ),
    ] {
        if let Some(changes) = changes {
            lines.push_with(&labels, "type", kind, changes);
        }
    }
    lines
}

fn count<T>(all: &[T], is_pending: fn(&T) -> bool) -> usize {
    all.iter().filter(|object| is_pending(object)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    fn answers() -> AnswerTable {
        AnswerTable::new(Product::Pve, 1_800_000_000)
            .with("/cluster/resources", r#"{"data":[]}"#)
            .with("/cluster/status", r#"{"data":[]}"#)
    }

    #[tokio::test]
    async fn what_is_configured_and_what_is_not_applied_is_told() {
        let answers = answers()
            .with(
                "/cluster/sdn/zones?pending=1",
                r#"{"data":[{"zone":"lab","type":"simple","ipam":"pve","digest":null},
                    {"zone":"tz1","type":"simple","state":"new","pending":{},"digest":null},
                    {"zone":"ev1","type":"evpn","state":"new","digest":null,
                     "pending":{"vrf-vxlan":10000,"controller":"evc","mtu":1400}}]}"#,
            )
            .with(
                "/cluster/sdn/vnets?pending=1",
                r#"{"data":[{"vnet":"labnet","zone":"lab","type":"vnet","alias":"a \"note\""},
                    {"vnet":"vl100","zone":"vlanz","type":"vnet","tag":100,"state":"deleted","pending":{}}]}"#,
            )
            .with(
                "/cluster/sdn/controllers?pending=1",
                r#"{"data":[{"controller":"evc","type":"evpn","asn":65000,"peers":"192.0.2.1"}]}"#,
            );
        assert_eq!(
            walk::exposed(&SDN, answers).await,
            [
                r#"pve_sdn_zone_info{controller="evc",remote="r",type="evpn",vni="10000",zone="ev1"} 1"#,
                r#"pve_sdn_zone_info{controller="",remote="r",type="simple",vni="",zone="lab"} 1"#,
                r#"pve_sdn_zone_info{controller="",remote="r",type="simple",vni="",zone="tz1"} 1"#,
                r#"pve_sdn_vnet_info{remote="r",tag="",vnet="labnet",zone="lab"} 1"#,
                r#"pve_sdn_vnet_info{remote="r",tag="100",vnet="vl100",zone="vlanz"} 1"#,
                r#"pve_sdn_controller_info{asn="65000",controller="evc",remote="r",type="evpn"} 1"#,
                r#"pve_sdn_changes_pending{remote="r",type="zone"} 2"#,
                r#"pve_sdn_changes_pending{remote="r",type="vnet"} 1"#,
                r#"pve_sdn_changes_pending{remote="r",type="controller"} 0"#,
            ]
        );
    }

    #[tokio::test]
    async fn a_list_that_fails_hides_no_other() {
        let answers = answers()
            .with("/cluster/sdn/zones?pending=1", r#"{"data":[]}"#)
            .with_status("/cluster/sdn/vnets?pending=1", 500, "got timeout")
            .with("/cluster/sdn/controllers?pending=1", r#"{"data":null}"#);
        assert_eq!(
            walk::exposed(&SDN, answers).await,
            [
                r#"pve_sdn_changes_pending{remote="r",type="zone"} 0"#,
                r#"pve_sdn_changes_pending{remote="r",type="controller"} 0"#,
            ]
        );
    }
}
