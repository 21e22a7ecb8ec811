//! A tiny HTTPS client that hides nothing: status line, repeated headers, bodies as they came.

// Each set of tests uses its own part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use simulator::{Clock, Fleet, FleetPlan, PbsPlan, PvePlan, RemotePlan, Rights, SimulatedRemote};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn data(&self) -> serde_json::Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["data"].clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// The `Authorization` value of the remote's token of this kind.
pub(crate) fn authorization(remote: &SimulatedRemote, rights: Rights) -> String {
    let token = remote
        .tokens()
        .iter()
        .find(|token| token.rights == rights)
        .unwrap();
    match remote.product() {
        "pve" => format!("PVEAPIToken={}={}", token.id, token.secret),
        _ => format!("PBSAPIToken={}:{}", token.id, token.secret),
    }
}

pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    host: String,
}

impl Connection {
    /// `None` when the endpoint does not take it.
    pub(crate) async fn open(remote: &SimulatedRemote, endpoint: usize) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(remote.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
        let address = remote.endpoints()[endpoint].address;
        let stream = TcpStream::connect(address).await.ok()?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .ok()?;
        Some(Self {
            stream,
            host: address.to_string(),
        })
    }

    pub(crate) fn peer_certificate(&self) -> Vec<u8> {
        self.stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    /// One call; `target` is the whole target. `None` when the connection ended before the answer was complete.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Option<Response> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if self.stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut body = bytes[end + 4..].to_vec();
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ').skip(1);
        let mut response = Response {
            status: status.next().unwrap().parse().unwrap(),
            reason: status.next().unwrap_or_default().to_owned(),
            headers: lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            body: Vec::new(),
        };
        let length = response
            .header("content-length")
            .first()
            .map_or(0, |length| length.parse::<usize>().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while body.len() < length {
            if self.stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        response.body = body;
        Some(response)
    }
}

/// One call over a connection of its own.
pub(crate) async fn call(
    remote: &SimulatedRemote,
    endpoint: usize,
    rights: Rights,
    path: &str,
) -> Response {
    let authorization = authorization(remote, rights);
    raw(
        remote,
        endpoint,
        "GET",
        &format!("/api2/json{path}"),
        &[("Authorization", &authorization)],
    )
    .await
}

pub(crate) async fn get(remote: &SimulatedRemote, path: &str) -> Response {
    call(remote, 0, Rights::Auditor, path).await
}

pub(crate) async fn raw(
    remote: &SimulatedRemote,
    endpoint: usize,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Response {
    let mut connection = Connection::open(remote, endpoint)
        .await
        .expect("a connection");
    connection
        .send(method, target, headers)
        .await
        .expect("an answer")
}

pub(crate) const START: f64 = 1_800_000_000.0;

pub(crate) async fn fleet() -> Fleet {
    start(PvePlan::default()).await
}

/// `cluster-a` by this plan, and `pbs-a`, with the clock standing still.
pub(crate) async fn start(pve: PvePlan) -> Fleet {
    let pve = PvePlan {
        auth_delay: Duration::ZERO,
        ..pve
    };
    let pbs = PbsPlan {
        auth_delay: Duration::ZERO,
        ..PbsPlan::default()
    };
    let remotes = vec![RemotePlan::Pve(pve), RemotePlan::Pbs(pbs)];
    Fleet::start(FleetPlan {
        seed: 3,
        clock: Clock::frozen_at(START),
        remotes,
    })
    .await
    .unwrap()
}

pub(crate) async fn resources(remote: &SimulatedRemote) -> Vec<Value> {
    get(remote, "/cluster/resources")
        .await
        .data()
        .as_array()
        .unwrap()
        .clone()
}

/// The points of an export.
pub(crate) async fn points(remote: &SimulatedRemote, path: &str) -> Vec<Value> {
    get(remote, path).await.data()["data"]
        .as_array()
        .unwrap()
        .clone()
}

/// The entries of a node of one type, in an order of their own.
pub(crate) fn on_node(entries: &[Value], node: &str, kind: &str) -> Vec<Value> {
    let chosen = entries
        .iter()
        .filter(|entry| entry["node"] == node && entry["type"] == kind);
    let mut chosen: Vec<Value> = chosen.cloned().collect();
    chosen.sort_by_key(|entry| entry["id"].to_string());
    chosen
}
