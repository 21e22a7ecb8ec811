//! What is read of a configuration without mistakes.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Folder, SECRET, remote_with};
use crate::config::filter::GuestFacts;
use crate::config::{Credentials, Product, Remote, Server};

#[test]
fn everything_arrives() {
    let folder = Folder::new();
    let config = folder.config(&format!(
        r#"
[server]
listen = ["127.0.0.1:1", "[::1]:2"]
tls_cert = "cert.pem"
tls_key = "key.pem"
basic_auth = {{ username = "p", password_file = "token" }}
external_address = "x:1"
enable_reload = true
max_connections = 7
[state]
directory = "state"
[defaults]
timeout = "1m"
max_in_flight = 4
max_in_flight_total = 9
collectors = {{ usage = false, datastores = "7s" }}
intervals = {{ resources = "1m 5s" }}
[[remote]]
name = "a"
type = "pve"
endpoints = ["https://H1", {{ host = "[::1]:443", fingerprint = "{pin}" }}]
token_id = "u@pve!t"
token_secret_env = "CARGO_PKG_NAME"
ca_file = "cert.pem"
labels = {{ site = "ams" }}
filter = {{ include = {{ tags = ["prod"] }}, exclude = {{ names = ["x*"] }}, templates = false }}
collectors = {{ version = "5m" }}
[[remote]]
name = "b"
type = "pbs"
endpoints = ["h"]
token_id = "u@pbs!t"
token_secret = "{SECRET}"
timeout = "5s"
max_in_flight = 32
"#,
        pin = "ab".repeat(32)
    ));
    let listen: [SocketAddr; 2] = ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    assert_eq!(config.server.listen, listen);
    assert_eq!(
        config.server.tls.as_ref().unwrap().key,
        folder.path("key.pem")
    );
    let basic_auth = config.server.basic_auth.as_ref().unwrap();
    assert_eq!(
        (
            basic_auth.username.as_str(),
            basic_auth.password.expose_secret()
        ),
        ("p", SECRET)
    );
    assert_eq!(config.server.external_address.as_deref(), Some("x:1"));
    assert!(config.server.enable_reload);
    assert_eq!(
        (config.server.max_connections, config.max_in_flight_total),
        (7, 9)
    );
    assert_eq!(config.state_directory, Some(folder.path("state")));

    let [a, b] = config.remotes.as_slice() else {
        panic!("two remotes")
    };
    let addresses: Vec<String> = a
        .endpoints
        .iter()
        .map(|endpoint| endpoint.address())
        .collect();
    assert_eq!(addresses, ["h1:8006", "[::1]:443"]);
    assert_eq!(a.endpoints[1].fingerprint, Some([0xAB; 32].into()));
    let Credentials::Token(token) = &a.credentials else {
        panic!("a token")
    };
    assert_eq!(token.secret.expose_secret(), "proxfleet");
    assert_eq!(a.ca.as_ref().unwrap().certificates.len(), 1);
    assert_eq!(a.labels["site"], "ams");
    let facts = GuestFacts {
        name: "web",
        tags: "prod",
        pool: "",
        template: false,
    };
    assert!(a.filter.admits(&facts));
    assert!(!a.filter.admits(&GuestFacts {
        name: "x1",
        ..facts
    }));
    assert!(!a.filter.admits(&GuestFacts {
        template: true,
        ..facts
    }));
    assert_eq!((a.timeout, a.max_in_flight), (Duration::from_secs(60), 4));
    let (second, usual) = (Duration::from_secs(1), Duration::from_secs(2));
    assert!(!a.collectors.enabled("usage", true) && a.collectors.enabled("version", false));
    assert!(a.collectors.enabled("resources", true) && !a.collectors.enabled("resources", false));
    assert_eq!(a.collectors.interval("resources", usual), second * 65);
    assert_eq!(a.collectors.interval("version", usual), second * 300);
    assert_eq!(a.collectors.interval("datastores", usual), usual);

    assert_eq!((b.product, b.endpoints[0].port), (Product::Pbs, 8007));
    assert_eq!((b.timeout, b.max_in_flight), (Duration::from_secs(5), 32));
    assert_eq!(b.collectors.interval("datastores", usual), second * 7);

    let shown = format!("{config:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn what_is_not_said_is_usual() {
    let folder = Folder::new();
    let config = folder.config(&remote_with(""));
    assert_eq!(config.server, Server::default());
    assert_eq!(
        (config.state_directory, config.max_in_flight_total),
        (None, 64)
    );
    let remote = &config.remotes[0];
    assert_eq!(
        (remote.timeout, remote.max_in_flight),
        (Duration::from_secs(10), 3)
    );
    assert!(remote.filter.is_empty() && remote.ca.is_none() && remote.labels.is_empty());
    assert!(folder.rendered(&remote_with("")).is_empty());
}

#[test]
fn a_remote_equals_only_itself() {
    let folder = Folder::new();
    let remote = |text: &str| -> Remote { folder.config(text).remotes[0].as_ref().clone() };
    let with_ca = remote_with("ca_file = \"cert.pem\"");
    let first = remote(&with_ca);
    assert_eq!(first, remote(&with_ca));
    assert_ne!(first, remote(&remote_with("")));
    folder.write("token", "another", 0o600);
    assert_ne!(first, remote(&with_ca));
    folder.write("token", SECRET, 0o600);
    assert_eq!(first, remote(&with_ca));
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    folder.write("cert.pem", &other.cert.pem(), 0o644);
    assert_ne!(first, remote(&with_ca));
    // A default for the other product changes nothing here.
    let plain = remote(&remote_with(""));
    let defaults = format!(
        "[defaults]\ncollectors = {{ datastores = false }}\n{}",
        remote_with("")
    );
    assert_eq!(plain, remote(&defaults));
}
