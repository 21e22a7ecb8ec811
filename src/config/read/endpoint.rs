//! End-points, as plain strings or with a fingerprint.

use std::net::{Ipv4Addr, Ipv6Addr};

use toml::de::DeValue;

use super::report::Report;
use super::section::{Item, Section, Text};
use super::shape;
use crate::config::{Endpoint, Fingerprint, Product};

pub(super) fn list(
    section: &Section<'_>,
    product: Option<Product>,
    report: &mut Report<'_>,
) -> Option<Vec<Endpoint>> {
    let wanted = "endpoints = [\"host\"]; several are ways to one cluster, for fail-over";
    section.required("endpoints", wanted, report)?;
    let items = section.list("endpoints", "a list of end-points", report)?;
    if items.is_empty() {
        report
            .error(section.key_span("endpoints"), "there is no end-point in it")
            .help(wanted);
        return None;
    }
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(items.len());
    let mut complete = true;
    for item in &items {
        let Some(endpoint) = read(item, product, report) else {
            complete = false;
            continue;
        };
        let known = endpoints
            .iter()
            .any(|other| other.host == endpoint.host && other.port == endpoint.port);
        if known {
            report
                .error(item.span(), format!("{endpoint} is there twice"))
                .help("remove one of them");
        }
        endpoints.push(endpoint);
    }
    complete.then_some(endpoints)
}

fn read(item: Item<'_>, product: Option<Product>, report: &mut Report<'_>) -> Option<Endpoint> {
    let (place_text, fingerprint) = match item.get_ref() {
        DeValue::Table(_) => {
            let section = Section::open(&shape::ENDPOINT, item, report)?;
            let host = section.required("host", "{ host = \"10.0.0.1\" }", report);
            let host = host.and_then(|host| Text::of(host, "a string", report));
            let fingerprint = match section.string("fingerprint", report) {
                Some(text) => Some(fingerprint(&text, report)?),
                None => None,
            };
            (host?, fingerprint)
        }
        _ => (
            Text::of(item, "a string or { host, fingerprint }", report)?,
            None,
        ),
    };
    // Without a known product any port will do: there is an error already.
    let product = product.unwrap_or(Product::Pve);
    match place(place_text.value, product.default_port()) {
        Ok((host, port)) => Some(Endpoint {
            host,
            port,
            fingerprint,
        }),
        Err(misplaced) => {
            report
                .error(place_text.span, misplaced.message)
                .help(misplaced.help);
            None
        }
    }
}

fn fingerprint(text: &Text<'_>, report: &mut Report<'_>) -> Option<Fingerprint> {
    match text.value.parse() {
        Ok(fingerprint) => Some(fingerprint),
        Err(error) => {
            report.error(text.span.clone(), error.to_string()).help(if error.digits == 40 {
                "this is a SHA-1; `pvenode cert info` and `proxmox-backup-manager cert info` show the SHA-256"
            } else {
                "`pvenode cert info`, `proxmox-backup-manager cert info` and `proxfleet remote probe-certificate` show it"
            });
            None
        }
    }
}

/// Why a text is not the place of an end-point.
#[derive(Debug)]
pub(in crate::config) struct Misplaced {
    pub message: &'static str,
    pub help: &'static str,
}

/// Reads `host`, `host:port`, `[v6]:port`, with `https://` before it or without. The host comes
/// back in lower case and without brackets.
pub(in crate::config) fn place(text: &str, default_port: u16) -> Result<(String, u16), Misplaced> {
    let wrong = |message, help| Err(Misplaced { message, help });
    let rest = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => {
            return wrong(
                "the token would travel in clear over http",
                "PVE and PBS answer by https: leave the scheme away",
            );
        }
        Some(_) => {
            return wrong(
                "an end-point is reached by https only",
                "leave the scheme away",
            );
        }
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return wrong(
            "an end-point has no user",
            "the token goes to `token_id` and `token_secret_file`",
        );
    }
    if rest.contains(['/', '?', '#']) {
        return wrong(
            "an end-point has no path and no query",
            "keep the host, and the port if it is not the usual one",
        );
    }
    if let Ok(address) = rest.parse::<Ipv6Addr>() {
        return Ok((address.to_string(), default_port));
    }
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => match (host.parse::<Ipv6Addr>(), port.strip_prefix(':')) {
                (Ok(address), Some(port)) => (address.to_string(), Some(port)),
                (Ok(address), None) if port.is_empty() => (address.to_string(), None),
                _ => {
                    return wrong(
                        "there is no IPv6 address in the brackets",
                        "write \"[2001:db8::1]:8006\"",
                    );
                }
            },
            None => return wrong("the bracket is not closed", "write \"[2001:db8::1]:8006\""),
        },
        None => match rest.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return wrong(
                    "this is not an IPv6 address",
                    "with a port it stands in brackets: \"[2001:db8::1]:8006\"",
                );
            }
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (rest.to_ascii_lowercase(), None),
        },
    };
    if !host.contains(':') && !is_host(&host) {
        return wrong(
            "this is not the name or the address of a host",
            "a name has letters, digits, dots and hyphens; an address has four numbers up to 255",
        );
    }
    match port {
        None => Ok((host, default_port)),
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok((host, number))
            }
            _ => wrong(
                "the port must be from 1 to 65535",
                "leave it away for the usual one: 8006 for pve, 8007 for pbs",
            ),
        },
    }
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let numeric = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_read() {
        for (text, host, port) in [
            ("pve1", "pve1", 8006),
            ("PVE1.example.org:443", "pve1.example.org", 443),
            ("10.0.0.1", "10.0.0.1", 8006),
            ("https://10.0.0.1:8007/", "10.0.0.1", 8007),
            ("2001:db8::1", "2001:db8::1", 8006),
            ("[2001:DB8:0::1]", "2001:db8::1", 8006),
            ("HTTPS://[::1]:9000", "::1", 9000),
        ] {
            let (read, number) = place(text, 8006).unwrap();
            assert_eq!((read.as_str(), number), (host, port), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_again(text in "(https://)?[\\[\\]a-f0-9.:/@-]{0,24}") {
            if let Ok((host, port)) = place(&text, 8007) {
                let endpoint = Endpoint { host, port, fingerprint: None };
                let again = place(&endpoint.address(), 8007);
                prop_assert_eq!(again.unwrap(), (endpoint.host, endpoint.port));
            }
        }
    }
}
