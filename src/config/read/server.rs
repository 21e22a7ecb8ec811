//! `[server]`.

use std::net::SocketAddr;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::report::Report;
use super::secret::{self, Sources};
use super::section::{Section, Text};
use super::{file, shape};
use crate::config::{BasicAuth, Exposed, Server, ServerTls};

static PASSWORD: Sources = Sources {
    file: "password_file",
    inline: "password",
    environment: "password_env",
    what: "password",
};

pub(super) fn read(section: &Section<'_>, report: &mut Report<'_>) -> Option<Server> {
    let usual = Server::default();
    let basic_auth = match section.table("basic_auth", &shape::BASIC_AUTH, report) {
        Some(section) => Some(basic_auth(&section, report)?),
        None => None,
    };
    Some(Server {
        listen: listen(section, report).unwrap_or(usual.listen),
        tls: tls(section, report),
        basic_auth,
        external_address: external_address(section, report),
        metrics: exposed(section, report).unwrap_or(usual.metrics),
        enable_reload: section
            .boolean("enable_reload", report)
            .unwrap_or(usual.enable_reload),
        max_connections: section
            .number("max_connections", 1..=65_536, report)
            .unwrap_or(usual.max_connections),
    })
}

fn listen(section: &Section<'_>, report: &mut Report<'_>) -> Option<Vec<SocketAddr>> {
    let item = section.get("listen")?;
    let texts = section.strings("listen", report);
    if item
        .get_ref()
        .as_array()
        .is_some_and(|items| items.is_empty())
    {
        report
            .error(item.span(), "there is no address to listen on")
            .help("listen = [\"127.0.0.1:9221\"]");
        return None;
    }
    let mut addresses: Vec<SocketAddr> = Vec::with_capacity(texts.len());
    for text in texts {
        match text.value.parse::<SocketAddr>() {
            Ok(address) if addresses.contains(&address) => {
                report
                    .error(text.span, format!("{address} is there twice"))
                    .help("remove one of them");
            }
            Ok(address) => addresses.push(address),
            Err(_) => {
                report
                    .error(text.span, "this is not an address and a port")
                    .help("write \"127.0.0.1:9221\" or \"[::1]:9221\"; \"[::]:9221\" and \"0.0.0.0:9221\" are all addresses");
            }
        }
    }
    Some(addresses)
}

fn tls(section: &Section<'_>, report: &mut Report<'_>) -> Option<ServerTls> {
    for (given, missing) in [("tls_cert", "tls_key"), ("tls_key", "tls_cert")] {
        if section.get(given).is_some() && section.get(missing).is_none() {
            report
                .error(
                    section.key_span(given),
                    format!("`{given}` is there without `{missing}`"),
                )
                .help(format!("add `{missing}`"))
                .is_absence();
        }
    }
    let cert = section.string("tls_cert", report).and_then(|text| {
        let path = report.relative(text.value);
        let bytes = file::read(&path, &text.span, report)?;
        if !matches!(CertificateDer::pem_slice_iter(&bytes).next(), Some(Ok(_))) {
            report.error(
                text.span,
                format!("{} has no certificate in PEM form", path.display()),
            );
        }
        Some(path)
    });
    let key = section.string("tls_key", report).and_then(|text| {
        let path = report.relative(text.value);
        let bytes = file::read(&path, &text.span, report)?;
        file::warn_if_public(&path, &text.span, report);
        if PrivateKeyDer::from_pem_slice(&bytes).is_err() {
            report.error(
                text.span,
                format!("{} has no private key in PEM form", path.display()),
            );
        }
        Some(path)
    });
    Some(ServerTls {
        cert: cert?,
        key: key?,
    })
}

fn basic_auth(section: &Section<'_>, report: &mut Report<'_>) -> Option<BasicAuth> {
    let username = section
        .required("username", "username = \"prometheus\"", report)
        .and_then(|item| Text::of(item, "a string", report))
        .and_then(|username| username.not_empty(report));
    if let Some(username) = &username
        && username.value.contains([':', '\n'])
    {
        report.error(
            username.span.clone(),
            "a user name cannot have a colon or a line's end in it",
        );
    }
    let password = secret::read(section, &PASSWORD, report);
    Some(BasicAuth {
        username: username?.value.to_owned(),
        password: password?,
    })
}

fn exposed(section: &Section<'_>, report: &mut Report<'_>) -> Option<Exposed> {
    let text = section.string("metrics", report)?;
    match text.value {
        "fleet" => Some(Exposed::Fleet),
        "self" => Some(Exposed::Itself),
        _ => {
            report
                .error(text.span, "`metrics` must be \"fleet\" or \"self\"")
                .help(
                    "\"self\" leaves the remotes to /pve and /pbs, and tells of the program alone",
                );
            None
        }
    }
}

fn external_address(section: &Section<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = section.string("external_address", report)?;
    if text.value.is_empty()
        || text
            .value
            .contains(|character: char| "/@?# ".contains(character) || character.is_control())
    {
        report
            .error(text.span, "this is not a host and a port")
            .help("write \"proxfleet.example.org:9221\", without scheme and path");
        return None;
    }
    Some(text.value.to_owned())
}
