//! `[modules.NAME]`.

use std::sync::Arc;

use toml::de::DeValue;

use super::remote::{self, Defaults};
use super::report::Report;
use super::section::{Section, wrong_type};
use super::{shape, token};
use crate::config::{
    Admission, CollectorSettings, Credentials, GuestFilter, Module, Origin, Product, Remote,
};

pub(super) fn list(
    root: &Section<'_>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Vec<Arc<Module>> {
    let Some(item) = root.get("modules") else {
        return Vec::new();
    };
    let DeValue::Table(modules) = item.get_ref() else {
        wrong_type::<()>(
            item,
            "a table for each module, such as [modules.default]",
            report,
        );
        return Vec::new();
    };
    modules
        .iter()
        .filter_map(|(name, item)| {
            let section = Section::open(&shape::MODULE, item, report)?;
            read(name.get_ref(), &section, defaults, report).map(Arc::new)
        })
        .collect()
}

fn read(
    name: &str,
    section: &Section<'_>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Option<Module> {
    let product = match section.get("type") {
        Some(_) => remote::product(section, report),
        None => Some(Product::Pve),
    };
    let targets = targets(section, report);
    let token = token::read(section, report);
    let ca = remote::authority(section, report);
    let timeout = remote::timeout(section, report).unwrap_or(defaults.timeout);
    let max_in_flight = remote::in_flight(section, report).unwrap_or(defaults.max_in_flight);
    let port = section.number("port", 1..=usize::from(u16::MAX), report);
    let pin_first_seen = section
        .boolean("pin_first_seen", report)
        .unwrap_or_default();
    let product = product?;
    Some(Module {
        name: name.to_owned(),
        targets,
        port: port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(product.default_port()),
        pin_first_seen,
        access: Remote {
            name: name.to_owned(),
            origin: Origin::Module {
                name: name.to_owned(),
                first_seen: None,
            },
            product,
            endpoints: Vec::new(),
            credentials: Credentials::Token(token?),
            ca,
            labels: Default::default(),
            filter: GuestFilter::default(),
            timeout,
            max_in_flight,
            background_calls_per_second: defaults.background_calls_per_second,
            collectors: CollectorSettings::default(),
        },
    })
}

fn targets(section: &Section<'_>, report: &mut Report<'_>) -> Vec<Admission> {
    section.required(
        "targets",
        "targets = [\"pve1.example.org\", \"*.example.org\", \"10.0.0.0/24\"]: where the token may be sent",
        report,
    );
    let mut targets = Vec::new();
    for text in section.strings("targets", report) {
        match Admission::parse(text.value) {
            Ok(admission) => {
                if admission.is_everything() {
                    report
                        .warning(
                            text.span,
                            "whoever can reach this server has the token sent to any host",
                        )
                        .help("name the hosts, or the network that they are in");
                }
                targets.push(admission);
            }
            Err(problem) => {
                report
                    .error(text.span, problem)
                    .help("write a host, a pattern such as \"*.example.org\", or a network such as \"10.0.0.0/24\"; a port may follow a host");
            }
        }
    }
    targets
}
