//! HTTP/1.1 as much as the API servers speak, by hand: a library would mend what clients have to
//! live with, such as two `Connection` headers, statuses like 595 and bodies that end too early.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const LONGEST_HEAD: usize = 16 << 10;

/// A request without its body: no call so far has one.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    pub(crate) fn accepts(&self, coding: &str) -> bool {
        self.header("accept-encoding").is_some_and(|codings| codings.contains(coding))
    }
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// Whether the length is told; a 401 of PVE has none and ends with the connection.
    pub(crate) has_length: bool,
    pub(crate) closes: bool,
    /// The connection ends in the middle of the body.
    pub(crate) truncated: bool,
}

/// Reads a request; `None` at the end of the connection, or when nothing comes for so long.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    idle: Option<Duration>,
) -> io::Result<Option<Request>> {
    loop {
        if let Some(request) = parse(buffer)? {
            return Ok(Some(request));
        }
        let reading = stream.read_buf(buffer);
        let read = match idle {
            Some(idle) => match tokio::time::timeout(idle, reading).await {
                Ok(read) => read?,
                Err(_) => return Ok(None),
            },
            None => reading.await?,
        };
        if read == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &mut BytesMut) -> io::Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(buffer) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if buffer.len() <= LONGEST_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(io::Error::other("the head is too long")),
        Err(error) => return Err(io::Error::other(error)),
    };
    let parsed = Request {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: request
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
            .collect(),
    };
    let _head = buffer.split_to(head);
    Ok(Some(parsed))
}

pub(crate) async fn write_response<S: AsyncWrite + Unpin>(
    stream: &mut S,
    response: &Response,
    is_head: bool,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, response.reason);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if response.has_length {
        head.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    if !is_head {
        let end = if response.truncated { response.body.len() / 2 } else { response.body.len() };
        stream.write_all(response.body.get(..end).unwrap_or_default()).await?;
    }
    stream.flush().await
}

/// A time in the form of the `Date` header.
pub(crate) fn http_date(unix_seconds: f64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(unix_seconds.max(0.0) as u64);
    httpdate::fmt_http_date(time.max(SystemTime::UNIX_EPOCH))
}

/// Undoes percent encoding.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        if byte == b'%' {
            let (high, low) = (rest.next(), rest.next());
            if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                bytes.push((high * 16 + low) as u8);
            }
        } else {
            bytes.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
