//! The fleet by HTTP, for scripts: plain, on loopback, one request a connection.
//!
//! - `GET /counts`: what clients have done, by remote; `POST /counts/reset`.
//! - `POST /faults/REMOTE?{"fault":"node_offline","node":"…"}`: begins a fault, given as JSON in the
//!   query; `POST /faults/REMOTE/clear`.
//! - `POST /clock/freeze`, `POST /clock/run`, `POST /clock/advance?SECONDS`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::{TcpListener, TcpStream};

use crate::http::{self, Response};
use crate::{Counts, Fleet};

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, fleet: Arc<Fleet>) {
    while let Ok((stream, _)) = listener.accept().await {
        let fleet = Arc::clone(&fleet);
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &fleet).await {
                tracing::debug!("a connection to the control ended: {error}");
            }
        });
    }
}

async fn answer(mut stream: TcpStream, fleet: &Fleet) -> std::io::Result<()> {
    let mut buffer = BytesMut::new();
    let Some(request) = http::read_request(&mut stream, &mut buffer, None).await? else {
        return Ok(());
    };
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let (status, body) = match act(fleet, &request.method, path, &http::decode(query)) {
        Ok(body) => (200, body),
        Err(problem) => (400, format!("{problem}\n")),
    };
    let response = Response {
        status,
        reason: if status == 200 { "OK" } else { "Bad Request" }.to_owned(),
        headers: vec![("Connection", "close".to_owned())],
        body: Bytes::from(body),
        has_length: true,
        closes: true,
        truncated: false,
    };
    http::write_response(&mut stream, &response, false).await
}

fn act(fleet: &Fleet, method: &str, path: &str, query: &str) -> Result<String, String> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let remote = |name: &str| fleet.remote(name).ok_or(format!("there is no remote {name:?}"));
    match (method, parts.as_slice()) {
        ("GET", ["counts"]) => {
            let counts: BTreeMap<&str, Counts> =
                fleet.remotes().iter().map(|remote| (remote.name(), remote.counts())).collect();
            serde_json::to_string(&counts).map_err(|error| error.to_string())
        }
        ("POST", ["counts", "reset"]) => {
            fleet.reset_counts();
            Ok(String::new())
        }
        ("POST", ["faults", name, "clear"]) => {
            remote(name)?.clear_faults();
            Ok(String::new())
        }
        ("POST", ["faults", name]) => {
            let fault = serde_json::from_str(query).map_err(|error| format!("this is no fault: {error}"))?;
            remote(name)?.set_fault(fault);
            Ok(String::new())
        }
        ("POST", ["clock", "freeze"]) => {
            fleet.clock().freeze();
            Ok(String::new())
        }
        ("POST", ["clock", "run"]) => {
            fleet.clock().run();
            Ok(String::new())
        }
        ("POST", ["clock", "advance"]) => {
            let seconds: f64 = query.parse().map_err(|_| "how many seconds?".to_owned())?;
            fleet.clock().advance(Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?);
            Ok(String::new())
        }
        _ => Err(format!("unknown: {method} {path}")),
    }
}
