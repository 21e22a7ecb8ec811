//! Answers, and how each product writes them.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::clock::http_date;
use crate::http::Request;
use crate::remote::Product;

/// Below this a real pveproxy does not compress (`timing.json` of the traces: 641 bytes not, 1325 yes).
const SHORTEST_PACKED: usize = 1024;

/// A body, compressed at most once however often it is sent.
#[derive(Debug)]
pub(crate) struct Body {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    zlib: OnceLock<Bytes>,
}

impl Body {
    pub(crate) fn new(text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            plain: Bytes::from(text.into()),
            gzip: OnceLock::new(),
            zlib: OnceLock::new(),
        })
    }

    fn gzip(&self) -> &Bytes {
        self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            // Writing to a Vec cannot fail; an empty body would be noticed at once.
            let written = encoder.write_all(&self.plain);
            written
                .and_then(|()| encoder.finish())
                .unwrap_or_default()
                .into()
        })
    }

    fn zlib(&self) -> &Bytes {
        self.zlib.get_or_init(|| {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            let written = encoder.write_all(&self.plain);
            written
                .and_then(|()| encoder.finish())
                .unwrap_or_default()
                .into()
        })
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// PVE: the error text. PBS: the standard phrase.
    pub(crate) reason: String,
    pub(crate) body: Option<Arc<Body>>,
    pub(crate) json: bool,
    /// PVE: made by pvedaemon or another node and passed on, which gives a second `Connection` header.
    pub(crate) forwarded: bool,
    /// PBS 4: a 401 takes the login cookie away.
    pub(crate) clears_cookie: bool,
    /// How long to wait before sending it.
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn ok(body: Arc<Body>) -> Self {
        Self {
            status: 200,
            reason: "OK".into(),
            body: Some(body),
            json: true,
            forwarded: false,
            clears_cookie: false,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn data(json: &str) -> Self {
        Self::ok(Body::new(format!("{{\"data\":{json}}}")))
    }

    pub(crate) fn empty(status: u16, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
            body: None,
            json: false,
            forwarded: false,
            clears_cookie: false,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn text(status: u16, reason: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            body: Some(Body::new(text)),
            ..Self::empty(status, reason)
        }
    }

    pub(crate) fn with_json(mut self) -> Self {
        self.json = true;
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay += delay;
        self
    }
}

/// How the connection goes on after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    KeepAlive,
    Close,
}

/// The bytes of the answer: the head, and the body as it goes over the wire.
pub(crate) fn render(
    product: Product,
    answer: &Answer,
    request: &Request,
    now: i64,
    then: Then,
) -> (Vec<u8>, Bytes) {
    match product {
        Product::Pve => render_pve(answer, request, now, then),
        Product::Pbs => render_pbs(answer, request, now, then),
    }
}

fn render_pve(answer: &Answer, request: &Request, now: i64, then: Then) -> (Vec<u8>, Bytes) {
    let date = http_date(now);
    let mut head = format!(
        "HTTP/1.1 {} {}\r\nCache-Control: max-age=0\r\n",
        answer.status, answer.reason
    );
    match then {
        Then::KeepAlive if answer.forwarded => {
            head.push_str("Connection: close\r\nConnection: Keep-Alive\r\n")
        }
        Then::KeepAlive => head.push_str("Connection: Keep-Alive\r\n"),
        Then::Close => head.push_str("Connection: close\r\n"),
    }
    head.push_str(&format!(
        "Date: {date}\r\nPragma: no-cache\r\nServer: pve-api-daemon/3.0\r\n"
    ));
    let mut sent = Bytes::new();
    if let Some(body) = &answer.body {
        sent = body.plain.clone();
        if body.plain.len() > SHORTEST_PACKED {
            if request.accepts("gzip") {
                head.push_str("Content-Encoding: gzip\r\n");
                sent = body.gzip().clone();
            } else if request.accepts("deflate") {
                head.push_str("Content-Encoding: deflate\r\n");
                sent = body.zlib().clone();
            }
        }
        head.push_str(&format!("Content-Length: {}\r\n", sent.len()));
        if answer.json {
            head.push_str("Content-Type: application/json;charset=UTF-8\r\n");
        }
    } else if then == Then::KeepAlive {
        head.push_str("Content-Length: 0\r\n");
    }
    head.push_str(&format!("Expires: {date}\r\n\r\n"));
    (head.into_bytes(), sent)
}

fn render_pbs(answer: &Answer, request: &Request, now: i64, then: Then) -> (Vec<u8>, Bytes) {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, answer.reason);
    if answer.json {
        head.push_str("content-type: application/json;charset=UTF-8\r\n");
    }
    if answer.clears_cookie {
        head.push_str(
            "set-cookie: __Host-PBSAuthCookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Lax; HttpOnly; Path=/;\r\n",
        );
    }
    let mut sent = answer
        .body
        .as_ref()
        .map(|body| body.plain.clone())
        .unwrap_or_default();
    let length = sent.len();
    match &answer.body {
        Some(body) if answer.status == 200 && request.accepts("deflate") => {
            sent = body.zlib().clone();
            head.push_str(&format!(
                "content-encoding: deflate\r\ncontent-length: {}\r\n",
                sent.len()
            ));
        }
        _ => head.push_str(&format!("content-length: {length}\r\n")),
    }
    if request.method == "HEAD" {
        sent = Bytes::new();
    }
    if then == Then::Close {
        head.push_str("connection: close\r\n");
    }
    head.push_str(&format!("date: {}\r\n\r\n", http_date(now)));
    (head.into_bytes(), sent)
}
