//! One end-point: a listener, its TLS, its connections, and what the faults make of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::access::{self, Token};
use crate::answer::{Answer, Body};
use crate::certificate::Identity;
use crate::clock::Clock;
use crate::counts::Counts;
use crate::fault::Faults;
use crate::http::{self, Request, Response};
use crate::pbs::{self, Pbs};
use crate::plan::Behaviour;
use crate::pve::{self, Pve};
use crate::random::Random;
use crate::route::{self, Asked, Route};

/// What answers behind the end-points of a remote.
pub(crate) enum Product {
    Pve(Pve),
    Pbs(Pbs),
}

impl Product {
    pub(crate) fn is_pve(&self) -> bool {
        matches!(self, Self::Pve(_))
    }

    pub(crate) fn faults(&self) -> Faults {
        match self {
            Self::Pve(pve) => pve.faults(),
            Self::Pbs(pbs) => pbs.faults(),
        }
    }

    pub(crate) fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        let faults = match self {
            Self::Pve(pve) => &pve.faults,
            Self::Pbs(pbs) => &pbs.faults,
        };
        change(&mut faults.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A remote as its end-points share it.
pub(crate) struct Remote {
    pub(crate) product: Product,
    pub(crate) tokens: Vec<Token>,
    pub(crate) behaviour: Behaviour,
    pub(crate) clock: Clock,
    pub(crate) counts: Mutex<Counts>,
    in_flight: Mutex<u64>,
    jitter: Mutex<Random>,
    /// Told at each change of the faults.
    pub(crate) changed: watch::Sender<u64>,
}

impl Remote {
    pub(crate) fn new(product: Product, tokens: Vec<Token>, behaviour: Behaviour, clock: Clock, seed: u64) -> Self {
        Self {
            product,
            tokens,
            behaviour,
            clock,
            counts: Mutex::default(),
            in_flight: Mutex::default(),
            jitter: Mutex::new(Random::of(seed, "latency", 0)),
            changed: watch::Sender::new(0),
        }
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One listener of a remote.
pub(crate) struct Endpoint {
    pub(crate) remote: Arc<Remote>,
    pub(crate) index: usize,
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
    /// What it presents once its certificate was rotated.
    pub(crate) other_identity: Identity,
}

/// pveproxy closes a connection that idles.
const PVE_IDLE: Duration = Duration::from_secs(5);
/// pveproxy closes a connection after so many calls.
const PVE_CALLS: u64 = 100;
/// Bodies below are not worth compressing.
const COMPRESSED_FROM: usize = 1024;

impl Endpoint {
    /// Listens until the fleet stops. While the end-point refuses, nothing does.
    pub(crate) async fn run(self: Arc<Self>, first: TcpListener, stop: CancellationToken) {
        let mut changed = self.remote.changed.subscribe();
        let mut listener = Some(first);
        loop {
            let faults = self.remote.product.faults();
            if faults.refuses(self.index) {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(self.address).await.ok();
            }
            changed.mark_unchanged();
            let connections = stop.child_token();
            let accepting = async {
                match &listener {
                    None => std::future::pending().await,
                    Some(listener) => self.accept(listener, &connections).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = accepting => {}
                _ = changed.changed() => {}
            }
            // What was said before a fault is not heard after it.
            connections.cancel();
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, connections: &CancellationToken) {
        while let Ok((stream, _)) = listener.accept().await {
            let (endpoint, connections) = (Arc::clone(self), connections.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = connections.cancelled() => {}
                    _ = endpoint.serve(stream) => {}
                }
            });
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let faults = self.remote.product.faults();
        if faults.hangs(self.index) {
            return std::future::pending().await;
        }
        stream.set_nodelay(true)?;
        let mut first = [0];
        if stream.peek(&mut first).await? > 0 && first[0].is_ascii_uppercase() {
            return self.send_to_https(&mut stream).await;
        }
        let identity = if faults.is_rotated(self.index) { &self.other_identity } else { &self.identity };
        let acceptor = TlsAcceptor::from(Arc::clone(&identity.server_config));
        let mut stream = acceptor.accept(stream).await?;
        self.remote.count(|counts| {
            if let Some(endpoint) = counts.endpoints.get_mut(self.index) {
                endpoint.handshakes += 1;
            }
        });

        let is_pve = self.remote.product.is_pve();
        let mut buffer = BytesMut::new();
        let mut calls = 0;
        while let Some(request) = http::read_request(&mut stream, &mut buffer, is_pve.then_some(PVE_IDLE)).await? {
            calls += 1;
            let mut response = self.respond(&request).await;
            response.closes |= is_pve && calls >= PVE_CALLS;
            http::write_response(&mut stream, &response, request.method == "HEAD").await?;
            if response.closes || response.truncated {
                break;
            }
        }
        // The other side shall see an end and no reset.
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await
    }

    async fn send_to_https(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let response = Response {
            status: 301,
            reason: "Moved Permanently".to_owned(),
            headers: vec![("Location", format!("https://{}", self.address))],
            body: Bytes::new(),
            has_length: true,
            closes: true,
            truncated: false,
        };
        http::write_response(stream, &response, false).await
    }

    async fn respond(&self, request: &Request) -> Response {
        let _in_flight = InFlight::enter(&self.remote);
        let authorization = request.header("authorization");
        let target = route::split(&request.target);
        self.remote.count(|counts| {
            let path = request.target.strip_prefix("/api2/json").unwrap_or(&request.target);
            *counts.requests.entry(path.to_owned()).or_default() += 1;
            if let Some(endpoint) = counts.endpoints.get_mut(self.index) {
                endpoint.requests += 1;
                endpoint.authorization_bytes += authorization.map_or(0, str::len) as u64;
            }
        });
        let faults = self.remote.product.faults();
        let path = target.as_ref().map_or("", |target| &target.path);
        if faults.call_hangs(path) {
            return std::future::pending().await;
        }
        let latency = {
            let mut jitter = self.remote.jitter.lock().unwrap_or_else(PoisonError::into_inner);
            self.remote.behaviour.latency.sample(jitter.fraction())
        };
        let latency = latency + faults.delay(path);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }

        let is_pve = self.remote.product.is_pve();
        let role = access::authenticate(&self.remote.tokens, is_pve, authorization)
            .filter(|_| !faults.refuses_tokens());
        let is_open = !is_pve && path == "/ping";
        let Some(role) = role.or(is_open.then_some(access::Role::Nothing)) else {
            self.remote.count(|counts| counts.failed_logins += 1);
            tokio::time::sleep(self.remote.behaviour.refusal_delay).await;
            return self.refusal(authorization.is_some());
        };
        if let Some((status, text)) = faults.status(path) {
            return self.error(status, &text, None);
        }
        let Some(target) = target else {
            return self.unknown(request, path);
        };
        let now = self.remote.clock.now() + faults.skew(self.index);
        let asked = |variables| Asked { endpoint: self.index, role, now, variables, query: &target.query };
        let answered = match &self.remote.product {
            Product::Pve(pve) => dispatch(pve, pve::ROUTES, request, &target.path, asked, true),
            Product::Pbs(pbs) => dispatch(pbs, pbs::ROUTES, request, &target.path, asked, false),
        };
        match answered {
            None => self.unknown(request, &target.path),
            Some((Answer::Error(status, text), _)) => {
                if status == 403 && !is_pve {
                    tokio::time::sleep(self.remote.behaviour.refusal_delay / 6).await;
                }
                self.error(status, &text, None)
            }
            Some((Answer::BadParameter(name, text), _)) => {
                self.error(400, "Parameter verification failed.", Some((name, text)))
            }
            Some((Answer::Good(body), by_daemon)) => self.good(request, &faults, &target.path, &body, by_daemon),
            Some((Answer::Late(body, delay), by_daemon)) => {
                tokio::time::sleep(delay).await;
                self.good(request, &faults, &target.path, &body, by_daemon)
            }
        }
    }

    fn date(&self) -> String {
        let skew = self.remote.product.faults().skew(self.index);
        http::http_date(self.remote.clock.now() + skew)
    }

    fn good(&self, request: &Request, faults: &Faults, path: &str, body: &Arc<Body>, by_daemon: bool) -> Response {
        let mut headers = self.headers(by_daemon, false);
        headers.push(("Content-Type", "application/json;charset=UTF-8".to_owned()));
        let is_large = body.plain.len() > COMPRESSED_FROM;
        let body = if faults.breaks_json(path) {
            Bytes::from_static(b"{\"data\":[{\"id\":")
        } else if is_large && self.remote.product.is_pve() && request.accepts("gzip") {
            headers.push(("Content-Encoding", "gzip".to_owned()));
            body.gzip()
        } else if is_large && !self.remote.product.is_pve() && request.accepts("deflate") {
            headers.push(("content-encoding", "deflate".to_owned()));
            body.zlib()
        } else {
            body.plain.clone()
        };
        Response {
            status: 200,
            reason: "OK".to_owned(),
            headers,
            body,
            has_length: true,
            closes: false,
            truncated: faults.truncates(path),
        }
    }

    fn headers(&self, by_daemon: bool, closes: bool) -> Vec<(&'static str, String)> {
        if !self.remote.product.is_pve() {
            return vec![("date", self.date())];
        }
        let mut headers = vec![("Cache-Control", "max-age=0".to_owned())];
        // What pvedaemon says of its own connection is passed on, and means nothing.
        if by_daemon || closes {
            headers.push(("Connection", "close".to_owned()));
        }
        if !closes {
            headers.push(("Connection", "Keep-Alive".to_owned()));
        }
        headers.extend([
            ("Date", self.date()),
            ("Pragma", "no-cache".to_owned()),
            ("Server", "pve-api-daemon/3.0".to_owned()),
            ("Expires", self.date()),
        ]);
        headers
    }

    fn refusal(&self, had_header: bool) -> Response {
        let is_pve = self.remote.product.is_pve();
        let reason = match (is_pve, had_header) {
            (true, true) => "Authentication failed!",
            (true, false) => "No ticket",
            (false, _) => "Unauthorized",
        };
        let body = if is_pve { "" } else { "authentication failed" };
        Response {
            status: 401,
            reason: reason.to_owned(),
            headers: self.headers(false, true),
            body: Bytes::from_static(body.as_bytes()),
            has_length: !is_pve,
            closes: is_pve,
            truncated: false,
        }
    }

    fn unknown(&self, request: &Request, path: &str) -> Response {
        if self.remote.product.is_pve() {
            let text = match request.method.as_str() {
                "GET" | "POST" | "PUT" | "DELETE" => format!("Method '{} {path}' not implemented", request.method),
                method => format!("method '{method}' not available"),
            };
            self.error(501, &text, None)
        } else {
            self.error(404, &format!("Path '/api2/json{path}' not found."), None)
        }
    }

    fn error(&self, status: u16, text: &str, parameter: Option<(String, String)>) -> Response {
        let is_pve = self.remote.product.is_pve();
        let mut headers = self.headers(false, true);
        let body = match (is_pve, parameter) {
            // An error of the way to another node has no body.
            (true, _) if matches!(status, 595 | 596) => String::new(),
            (true, None) => serde_json::json!({ "data": null, "message": format!("{text}\n") }).to_string(),
            (true, Some((name, problem))) => serde_json::json!({
                "data": null, "message": format!("{text}\n"), "errors": { name: problem },
            })
            .to_string(),
            (false, None) => text.to_owned(),
            (false, Some((name, problem))) => format!("parameter verification failed - '{name}': {problem}"),
        };
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json;charset=UTF-8".to_owned()));
        }
        let reason = match (is_pve, status) {
            (true, _) => text.replace(['\r', '\n'], " "),
            (false, 400) => "Bad Request".to_owned(),
            (false, 403) => "Forbidden".to_owned(),
            (false, 404) => "Not Found".to_owned(),
            (false, _) => "Internal Server Error".to_owned(),
        };
        Response {
            status,
            reason,
            headers,
            body: Bytes::from(body),
            has_length: true,
            closes: is_pve,
            truncated: false,
        }
    }
}

/// Finds the route and checks what every route has checked: parameters and privilege.
fn dispatch<'q, Server>(
    server: &Server,
    routes: &[Route<Server>],
    request: &Request,
    path: &str,
    asked: impl Fn(BTreeMap<&'static str, String>) -> Asked<'q>,
    is_pve: bool,
) -> Option<(Answer, bool)> {
    if request.method != "GET" {
        return None;
    }
    let (route, variables) = route::find(routes, path)?;
    let asked = asked(variables);
    if let Some(unknown) = asked.query.keys().find(|key| !route.parameters.contains(&key.as_str())) {
        let text = if is_pve {
            "property is not defined in schema and the schema does not allow additional properties"
        } else {
            "schema does not allow additional properties."
        };
        return Some((Answer::BadParameter(unknown.clone(), text.to_owned()), false));
    }
    if let Some((privilege, on)) = route.needs {
        let is_audit = privilege.ends_with(".Audit");
        let allowed = match asked.role {
            access::Role::Administrator => true,
            access::Role::Auditor => is_audit,
            _ => false,
        };
        if !allowed {
            let on = on.replace("{node}", asked.variable("node"));
            let text = if is_pve {
                format!("Permission check failed ({on}, {privilege})")
            } else {
                "permission check failed".to_owned()
            };
            return Some((Answer::Error(403, text), false));
        }
    }
    Some(((route.answer)(server, &asked), route.by_daemon))
}

/// A call under way.
struct InFlight<'a>(&'a Remote);

impl<'a> InFlight<'a> {
    fn enter(remote: &'a Remote) -> Self {
        let now = {
            let mut in_flight = remote.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            *in_flight += 1;
            *in_flight
        };
        remote.count(|counts| counts.most_in_flight = counts.most_in_flight.max(now));
        Self(remote)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        *self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}
