//! From the text of a configuration to a [`Config`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use toml_edit::{Document, Item, TableLike};

use super::filter::{GuestFilter, Patterns};
use super::reader::{self, Reader, Section, Spanned};
use super::secret;
use super::{
    BasicAuth, CertificateAuthority, CollectorKey, CollectorSettings, Config, Endpoint, Fingerprint,
    Loaded, Product, Remote, Server, ServerTls, Token,
};

const DEFAULT_TIME_OUT: Duration = Duration::from_secs(10);
/// Both products answer a refused token after three seconds: a shorter time-out would show a
/// wrong token as a server that does not answer.
const SHORTEST_TIME_OUT: Duration = Duration::from_secs(5);
/// pveproxy and pvedaemon have three workers each.
const DEFAULT_IN_FLIGHT: usize = 3;
const DEFAULT_IN_FLIGHT_TOTAL: usize = 64;

/// Labels of `proxfleet_remote_info`, and those that belong to Prometheus.
const RESERVED_LABELS: [&str; 4] = ["remote", "product", "job", "instance"];

/// Reads a configuration. Files that it names are read too; `path` is for messages, and for what
/// relative paths are relative to.
pub fn parse(text: &str, path: &Path, known: &[CollectorKey]) -> Loaded {
    let reader = Reader::new(path, text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            reader.error(error.span().unwrap_or_default(), error.message().trim().replace('\n', ", "));
            return Loaded { config: None, findings: reader.into_findings() };
        }
    };
    let config = {
        let root = reader.section(reader::ROOT, document.as_table(), 0..0);
        read_config(&root, known)
    };
    let config = if reader.has_errors() { None } else { Some(config) };
    Loaded { config, findings: reader.into_findings() }
}

fn read_config(root: &Section<'_>, known: &[CollectorKey]) -> Config {
    let server = root.table("server").map(|section| read_server(&section)).unwrap_or_default();
    let state_directory = root.table("state").and_then(|section| {
        let directory = section.string("directory");
        section.finish();
        directory.map(|directory| PathBuf::from(directory.value))
    });
    let defaults = match root.table("defaults") {
        Some(section) => read_defaults(&section, known),
        None => Defaults::default(),
    };
    let remotes = read_remotes(root, &defaults, known);
    root.finish();
    Config { server, state_directory, max_in_flight_total: defaults.max_in_flight_total, remotes }
}

fn read_server(section: &Section<'_>) -> Server {
    let mut server = Server::default();
    if let Some(addresses) = section.strings("listen") {
        server.listen = read_listen(section.reader, addresses);
    }
    let path = |key| {
        let path: Spanned<String> = section.string(key)?;
        let full = secret::resolve(section.reader.path, &path.value);
        if let Err(error) = std::fs::File::open(&full) {
            section.reader.error(path.span, format!("{key}: {} cannot be read: {error}", full.display()));
        }
        Some(full)
    };
    server.tls = match (path("tls_cert"), path("tls_key")) {
        (Some(cert), Some(key)) => Some(ServerTls { cert, key }),
        (None, None) => None,
        (cert, _) => {
            let (missing, there) =
                if cert.is_some() { ("tls_key", "tls_cert") } else { ("tls_cert", "tls_key") };
            section.reader.error(section.span.clone(), format!("server has {there} but no {missing}"));
            None
        }
    };
    server.basic_auth = section.table("basic_auth").and_then(|section| {
        let username = section.required_string("username");
        let password = secret::read(&section, secret::PASSWORD);
        section.finish();
        Some(BasicAuth { username: username?.value, password: password? })
    });
    server.external_address = section.string("external_address").map(|address| address.value);
    server.enable_reload = section.boolean("enable_reload").unwrap_or(false);
    if let Some(max) = section.number("max_connections", 1, 65_536) {
        server.max_connections = max;
    }
    section.finish();
    server
}

fn read_listen(reader: &Reader<'_>, addresses: Vec<Spanned<String>>) -> Vec<SocketAddr> {
    let mut listen = Vec::new();
    for address in addresses {
        match address.value.parse::<SocketAddr>() {
            Ok(parsed) if listen.contains(&parsed) => {
                reader.error(address.span, format!("listen: {parsed} stands twice"));
            }
            Ok(parsed) => listen.push(parsed),
            Err(_) => reader.error_with(
                address.span,
                format!("listen: {:?} is no address with a port", address.value),
                "write \"127.0.0.1:9221\", \"[::1]:9221\", or \"0.0.0.0:9221\" for all interfaces",
            ),
        }
    }
    listen
}

/// What holds for every remote that says nothing else.
struct Defaults {
    timeout: Duration,
    max_in_flight: usize,
    max_in_flight_total: usize,
    collectors: CollectorSettings,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIME_OUT,
            max_in_flight: DEFAULT_IN_FLIGHT,
            max_in_flight_total: DEFAULT_IN_FLIGHT_TOTAL,
            collectors: CollectorSettings::default(),
        }
    }
}

fn read_defaults(section: &Section<'_>, known: &[CollectorKey]) -> Defaults {
    let standard = Defaults::default();
    let mut collectors = CollectorSettings::default();
    if let Some(table) = section.table("collectors") {
        read_collectors(&table, None, known, &mut collectors);
    }
    if let Some(table) = section.table("intervals") {
        for (name, item, span) in table.entries() {
            if let Some(key) = known_collector(table.reader, &name, None, known) {
                read_interval(table.reader, key, item, span, &mut collectors);
            }
        }
    }
    let defaults = Defaults {
        timeout: read_time_out(section).unwrap_or(standard.timeout),
        max_in_flight: section.number("max_in_flight", 1, 32).unwrap_or(standard.max_in_flight),
        max_in_flight_total: section
            .number("max_in_flight_total", 1, 4096)
            .unwrap_or(standard.max_in_flight_total),
        collectors,
    };
    section.finish();
    defaults
}

fn read_time_out(section: &Section<'_>) -> Option<Duration> {
    let time_out = section.duration("timeout")?;
    if time_out.value < SHORTEST_TIME_OUT {
        section.reader.error_with(
            time_out.span,
            "timeout must be at least 5s",
            "a server answers a refused token after 3 s; with less it would look as if it did not answer",
        );
        return None;
    }
    Some(time_out.value)
}

/// A table of `NAME = true | false | "30s"`.
fn read_collectors(
    section: &Section<'_>,
    product: Option<Product>,
    known: &[CollectorKey],
    settings: &mut CollectorSettings,
) {
    for (name, item, span) in section.entries() {
        let Some(key) = known_collector(section.reader, &name, product, known) else {
            continue;
        };
        if let Some(enabled) = item.as_bool() {
            settings.enable(key.name, enabled);
        } else if item.is_str() {
            settings.enable(key.name, true);
            read_interval(section.reader, key, item, span, settings);
        } else {
            section.reader.error(
                span,
                format!("{} must be true, false or an interval like \"30s\", this is {}", key.name, reader::kind(item)),
            );
        }
    }
}

fn known_collector<'k>(
    reader: &Reader<'_>,
    name: &Spanned<String>,
    product: Option<Product>,
    known: &'k [CollectorKey],
) -> Option<&'k CollectorKey> {
    let message = format!("unknown collector {:?}", name.value);
    let Some(key) = known.iter().find(|key| key.name == name.value) else {
        let names = || known.iter().filter(|key| product.is_none_or(|p| p == key.product)).map(|key| key.name);
        match reader::nearest(&name.value, names()) {
            Some(nearest) => reader.error_with(name.span.clone(), message, format!("did you mean {nearest:?}?")),
            None => {
                let names: Vec<&str> = names().collect();
                reader.error_with(name.span.clone(), message, format!("known are: {}", names.join(", ")));
            }
        }
        return None;
    };
    if product.is_some_and(|product| product != key.product) {
        reader.error(
            name.span.clone(),
            format!("the collector {:?} is for remotes of type {:?}", key.name, key.product.as_str()),
        );
        return None;
    }
    Some(key)
}

fn read_interval(
    reader: &Reader<'_>,
    key: &CollectorKey,
    item: &Item,
    span: Range<usize>,
    settings: &mut CollectorSettings,
) {
    let Some(interval) = reader::duration(reader, key.name, item, span) else {
        return;
    };
    if interval.value < key.minimum_interval {
        reader.error(
            interval.span,
            format!("the interval of {} must be at least {:?}", key.name, key.minimum_interval),
        );
        return;
    }
    settings.set_interval(key.name, interval.value);
}

fn read_remotes(root: &Section<'_>, defaults: &Defaults, known: &[CollectorKey]) -> Vec<Arc<Remote>> {
    let mut tables: Vec<(&dyn TableLike, Range<usize>)> = Vec::new();
    if let Some((item, span)) = root.item("remote") {
        if let Some(array) = item.as_array_of_tables() {
            tables.extend(array.iter().map(|table| (table as &dyn TableLike, table.span().unwrap_or_default())));
        } else if let Some(array) = item.as_array() {
            for value in array {
                let span = value.span().unwrap_or(span.clone());
                match value.as_inline_table() {
                    Some(table) => tables.push((table, span)),
                    None => root.reader.error(span, "remote must be a list of tables"),
                }
            }
        } else {
            root.reader.error_with(span, "remote must be a list of tables", "write [[remote]], with two brackets");
        }
    }
    if tables.is_empty() {
        root.reader.warning_of_file("no [[remote]] is configured: there is nothing to scrape");
    }

    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut remotes = Vec::new();
    for (table, span) in tables {
        let section = root.reader.section("remote", table, span);
        if let Some(remote) = read_remote(&section, defaults, known, &mut names) {
            remotes.push(Arc::new(remote));
        }
    }
    remotes
}

fn read_remote(
    section: &Section<'_>,
    defaults: &Defaults,
    known: &[CollectorKey],
    names: &mut BTreeMap<String, usize>,
) -> Option<Remote> {
    let name = read_name(section, names);
    let product = read_product(section);
    let endpoints = read_endpoints(section, product.unwrap_or(Product::Pve));
    let token_id = read_token_id(section);
    let secret = secret::read(section, secret::TOKEN);
    let ca = read_authority(section);
    let labels = section.table("labels").map(|labels| read_labels(&labels)).unwrap_or_default();
    let filter = section.table("filter").map(|filter| read_filter(&filter)).unwrap_or_default();
    let timeout = read_time_out(section).unwrap_or(defaults.timeout);
    let max_in_flight = section.number("max_in_flight", 1, 32).unwrap_or(defaults.max_in_flight);
    let mut collectors = CollectorSettings::default();
    if let Some(table) = section.table("collectors") {
        read_collectors(&table, product, known, &mut collectors);
    }
    section.finish();
    Some(Remote {
        name: name?,
        product: product?,
        endpoints,
        token: Token { id: token_id?, secret: secret? },
        ca,
        labels,
        filter,
        timeout,
        max_in_flight,
        collectors: defaults.collectors.overlaid(&collectors),
    })
}

fn read_name(section: &Section<'_>, names: &mut BTreeMap<String, usize>) -> Option<String> {
    let name = section.required_string("name")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.value.is_empty() || !name.value.chars().all(is_plain) {
        section.reader.error(
            name.span,
            format!("name: {:?} must be made of letters, digits, \"_\", \".\" and \"-\"", name.value),
        );
        return None;
    }
    let line = section.reader.line(&name.span);
    if let Some(first) = names.insert(name.value.clone(), line) {
        section.reader.error(
            name.span,
            format!("the remote {:?} stands twice, first in line {first}", name.value),
        );
        return None;
    }
    Some(name.value)
}

fn read_product(section: &Section<'_>) -> Option<Product> {
    let product = section.required_string("type")?;
    match product.value.as_str() {
        "pve" => Some(Product::Pve),
        "pbs" => Some(Product::Pbs),
        other => {
            section.reader.error_with(
                product.span,
                format!("type: {other:?} is no product"),
                "write \"pve\" for Proxmox VE or \"pbs\" for Proxmox Backup Server",
            );
            None
        }
    }
}

fn read_endpoints(section: &Section<'_>, product: Product) -> Vec<Endpoint> {
    let reader = section.reader;
    let Some((item, span)) = section.item("endpoints") else {
        reader.error_with(
            section.span.clone(),
            "remote has no endpoints",
            "endpoints = [\"10.0.0.1\"], or with a port and a fingerprint: \
             [{ host = \"10.0.0.1:8006\", fingerprint = \"AA:…\" }]",
        );
        return Vec::new();
    };
    let mut found: Vec<(Spanned<String>, Option<Spanned<String>>)> = Vec::new();
    let mut add_table = |table: &dyn TableLike, span: Range<usize>| {
        let section = reader.section("endpoints", table, span);
        let host = section.required_string("host");
        let fingerprint = section.string("fingerprint");
        section.finish();
        if let Some(host) = host {
            found.push((host, fingerprint));
        }
    };
    let mut plain = Vec::new();
    if let Some(text) = item.as_str() {
        plain.push(Spanned { value: text.to_owned(), span: span.clone() });
    } else if let Some(array) = item.as_array() {
        for value in array {
            let span = value.span().unwrap_or(span.clone());
            match (value.as_str(), value.as_inline_table()) {
                (Some(text), _) => plain.push(Spanned { value: text.to_owned(), span }),
                (None, Some(table)) => {
                    add_table(table, span);
                    continue;
                }
                (None, None) => reader.error(span, "an end-point is a text, or a table with host"),
            }
        }
    } else if let Some(array) = item.as_array_of_tables() {
        for table in array {
            add_table(table, table.span().unwrap_or(span.clone()));
        }
    } else {
        reader.error(span.clone(), format!("endpoints must be a list, this is {}", reader::kind(item)));
    }
    found.extend(plain.into_iter().map(|text| (text, None)));
    // In the order of the text, which is the order of fail-over.
    found.sort_by_key(|(host, _)| host.span.start);
    if found.is_empty() && !reader.has_errors() {
        reader.error(span, "endpoints is empty");
    }

    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (host, fingerprint) in found {
        let fingerprint = fingerprint.and_then(|text| read_fingerprint(reader, &text));
        let Some((name, port)) = read_address(reader, &host, product) else {
            continue;
        };
        let endpoint = Endpoint { host: name, port, fingerprint };
        if endpoints.iter().any(|known| known.address() == endpoint.address()) {
            reader.error(host.span, format!("the end-point {} stands twice", endpoint.address()));
            continue;
        }
        endpoints.push(endpoint);
    }
    endpoints
}

fn read_fingerprint(reader: &Reader<'_>, text: &Spanned<String>) -> Option<Fingerprint> {
    match text.value.parse::<Fingerprint>() {
        Ok(fingerprint) => Some(fingerprint),
        Err(error) => {
            reader.error_with(
                text.span.clone(),
                format!("fingerprint: {error}"),
                "proxfleet remote probe-certificate shows the one that the server presents",
            );
            None
        }
    }
}

fn read_address(reader: &Reader<'_>, text: &Spanned<String>, product: Product) -> Option<(String, u16)> {
    match split_address(&text.value, product.default_port()) {
        Ok(address) => Some(address),
        Err(AddressError::Clear) => {
            reader.error_with(
                text.span.clone(),
                format!("{:?}: the token would be sent in clear", text.value),
                format!("write {:?}", text.value.replacen("http://", "", 1)),
            );
            None
        }
        Err(AddressError::Form(problem)) => {
            reader.error_with(
                text.span.clone(),
                format!("end-point {:?}: {problem}", text.value),
                "write \"host\", \"host:port\", \"10.0.0.1:8006\" or \"[fd00::1]:8006\"",
            );
            None
        }
    }
}

/// Why a text is no address of an end-point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AddressError {
    Clear,
    Form(&'static str),
}

/// Splits `host`, `host:port`, `[v6]:port`, with `https://` before it or not.
pub(crate) fn split_address(text: &str, default_port: u16) -> Result<(String, u16), AddressError> {
    let text = text.trim();
    if text.starts_with("http://") {
        return Err(AddressError::Clear);
    }
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.contains(['/', '?', '#', '@']) {
        return Err(AddressError::Form("it has more than a host and a port"));
    }
    let port = |port: &str| {
        port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(AddressError::Form("the port is no number from 1 to 65535"))
    };
    let is_v6 = |host: &str| host.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        match rest.split_once(']') {
            Some((host, "")) => (host, default_port),
            Some((host, after)) => (host, port(after.strip_prefix(':').unwrap_or_default())?),
            None => return Err(AddressError::Form("a bracket is not closed")),
        }
    } else if is_v6(text) {
        (text, default_port)
    } else {
        match text.rsplit_once(':') {
            Some((host, after)) => (host, port(after)?),
            None => (text, default_port),
        }
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if is_v6(host) || (!host.is_empty() && host.chars().all(is_name)) {
        Ok((host.to_owned(), port))
    } else {
        Err(AddressError::Form("this is no host name or address"))
    }
}

fn read_token_id(section: &Section<'_>) -> Option<String> {
    let id = section.required_string("token_id")?;
    let help = "it has the form user@realm!name, such as \"monitor@pve!proxfleet\"; the secret stands apart";
    let problem = match id.value.split_once('!') {
        None => Some("token_id has no name of a token after \"!\""),
        Some((user, _)) if !user.contains('@') => Some("token_id has no realm after \"@\""),
        Some((_, name)) if name.contains(['=', ':']) => Some("token_id holds the secret too"),
        Some((_, "")) => Some("token_id has no name of a token after \"!\""),
        Some(_) if id.value.contains(char::is_whitespace) => Some("token_id has blanks in it"),
        Some(_) => None,
    };
    match problem {
        Some(problem) => {
            section.reader.error_of_secret(id.span, problem, help);
            None
        }
        None => Some(id.value),
    }
}

fn read_authority(section: &Section<'_>) -> Option<CertificateAuthority> {
    let file = section.string("ca_file")?;
    let path = secret::resolve(section.reader.path, &file.value);
    let certificates = CertificateDer::pem_file_iter(&path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string());
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Some(CertificateAuthority { path, certificates }),
        Ok(_) => {
            section.reader.error_with(
                file.span,
                format!("ca_file: there is no certificate in {}", path.display()),
                "it must be in PEM form, with -----BEGIN CERTIFICATE-----",
            );
            None
        }
        Err(error) => {
            section.reader.error(file.span, format!("ca_file: {} cannot be read: {error}", path.display()));
            None
        }
    }
}

fn read_labels(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, item, span) in section.entries() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts_well = !name.value.starts_with(|c: char| c.is_ascii_digit());
        if name.value.is_empty() || !starts_well || !name.value.chars().all(is_word) {
            section.reader.error(name.span, format!("{:?} is no name of a label", name.value));
        } else if RESERVED_LABELS.contains(&name.value.as_str()) || name.value.starts_with("__") {
            section.reader.error(name.span, format!("the label {:?} is taken", name.value));
        } else if let Some(value) = item.as_str() {
            labels.insert(name.value, value.to_owned());
        } else {
            section.reader.error(span, format!("{} must be a text in quotes, this is {}", name.value, reader::kind(item)));
        }
    }
    labels
}

fn read_filter(section: &Section<'_>) -> GuestFilter {
    let patterns = |key| {
        let Some(section) = section.table(key) else {
            return Patterns::default();
        };
        let list = |key| {
            let strings = section.strings(key).unwrap_or_default();
            strings.into_iter().map(|text| text.value).collect()
        };
        let patterns = Patterns { tags: list("tags"), pools: list("pools"), names: list("names") };
        section.finish();
        patterns
    };
    let filter = GuestFilter {
        include: patterns("include"),
        exclude: patterns("exclude"),
        templates: section.boolean("templates").unwrap_or(true),
    };
    section.finish();
    filter
}
