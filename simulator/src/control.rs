//! The control API: JSON over plain HTTP, on an address of its own.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /` | what is served: remotes, endpoints, tokens, users |
//! | `GET /config` | the `[[remote]]` tables of a proxfleet configuration, TOML |
//! | `GET /counts`, `DELETE /counts` | read and reset the counts |
//! | `GET /faults` | the faults in force, by remote |
//! | `POST /faults?remote=NAME[&endpoint=N]` | set the fault of the body, on all remotes without `remote` |
//! | `DELETE /faults[?remote=NAME[&endpoint=N]]` | clear faults |
//! | `GET /clock`, `POST /clock` | the time; `{"freeze":true}`, `{"resume":true}`, `{"set":T}`, `{"advance":S}` |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::Error;
use crate::fault::Fault;
use crate::fleet::Fleet;
use crate::remote::SimulatedRemote;

/// A running control port; stops when dropped.
pub struct Control {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Control {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When it is taken.
    pub async fn start(fleet: Arc<Fleet>, address: SocketAddr) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                        let fleet = Arc::clone(&fleet);
                        tokio::spawn(async move { answer(&fleet, stream).await });
                    }
                }
            }
        });
        Ok(Self {
            address,
            _stop: guard,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One request, one answer, and the connection is closed.
async fn answer(fleet: &Fleet, mut stream: TcpStream) -> Option<()> {
    const LONGEST: usize = 64 * 1024;
    let mut bytes = Vec::new();
    let (method, target, body) = loop {
        if let Some(request) = parse(&bytes) {
            break request;
        }
        if bytes.len() > LONGEST || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let (status, kind, text) = match handle(fleet, &method, &target, &body) {
        Ok(Reply::Json(value)) => ("200 OK", "application/json", value.to_string()),
        Ok(Reply::Text(text)) => ("200 OK", "text/plain", text),
        Err(problem) => (
            "400 Bad Request",
            "application/json",
            json!({ "error": problem }).to_string(),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

fn parse(bytes: &[u8]) -> Option<(String, String, Vec<u8>)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).ok()? else {
        return None;
    };
    let length = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| {
            std::str::from_utf8(header.value)
                .ok()?
                .trim()
                .parse::<usize>()
                .ok()
        })
        .unwrap_or(0);
    let body = bytes.get(head..head + length)?.to_vec();
    Some((request.method?.to_owned(), request.path?.to_owned(), body))
}

enum Reply {
    Json(Value),
    Text(String),
}

fn handle(fleet: &Fleet, method: &str, target: &str, body: &[u8]) -> Result<Reply, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameter = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let remotes = match parameter("remote") {
        Some(name) => vec![
            fleet
                .find(name)
                .ok_or_else(|| format!("no remote is called {name:?}"))?,
        ],
        None => fleet.remotes().iter().collect(),
    };
    let endpoint = parameter("endpoint")
        .map(str::parse::<usize>)
        .transpose()
        .map_err(|_| "endpoint is no number".to_owned())?;
    let done = json!({ "done": true });
    Ok(Reply::Json(match (method, path) {
        ("GET", "/") => description(fleet),
        ("GET", "/config") => return Ok(Reply::Text(fleet.config_toml())),
        ("GET", "/counts") => {
            serde_json::to_value(fleet.counts()).map_err(|error| error.to_string())?
        }
        ("DELETE", "/counts") => {
            fleet.reset_counts();
            done
        }
        ("GET", "/faults") => remotes
            .iter()
            .map(|remote| (remote.name().to_owned(), json!(remote.faults())))
            .collect(),
        ("POST", "/faults") => {
            let fault: Fault = serde_json::from_slice(body)
                .map_err(|error| format!("the body is no fault: {error}"))?;
            for remote in remotes {
                match endpoint {
                    Some(endpoint) => remote.set_fault_at(endpoint, fault.clone()),
                    None => remote.set_fault(fault.clone()),
                }
            }
            done
        }
        ("DELETE", "/faults") => {
            for remote in remotes {
                match endpoint {
                    Some(endpoint) => remote.clear_faults_at(endpoint),
                    None => remote.clear_faults(),
                }
            }
            done
        }
        ("GET", "/clock") => json!({ "now": fleet.clock().now() }),
        ("POST", "/clock") => {
            let wanted: Value = serde_json::from_slice(body)
                .map_err(|error| format!("the body is no JSON: {error}"))?;
            let clock = fleet.clock();
            if wanted.get("freeze").is_some() {
                clock.freeze();
            }
            if wanted.get("resume").is_some() {
                clock.resume();
            }
            if let Some(time) = wanted.get("set").and_then(Value::as_f64) {
                clock.set(time);
            }
            if let Some(seconds) = wanted.get("advance").and_then(Value::as_f64) {
                clock.advance(
                    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?,
                );
            }
            json!({ "now": clock.now() })
        }
        _ => return Err(format!("no such call: {method} {path}")),
    }))
}

/// What the fleet serves, with its secrets: they open nothing else.
pub(crate) fn description(fleet: &Fleet) -> Value {
    let remote = |remote: &SimulatedRemote| {
        json!({
            "name": remote.name(),
            "type": remote.product(),
            "endpoints": remote.endpoints(),
            "token_id": remote.token_id(),
            "token_secret": remote.token_secret(),
            "tokens": remote.tokens(),
            "users": remote.users(),
            "ca": remote.ca_pem(),
        })
    };
    json!({ "remotes": fleet.remotes().iter().map(remote).collect::<Vec<_>>() })
}
