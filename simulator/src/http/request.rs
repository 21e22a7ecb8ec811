//! Reading requests.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request, with the prefix `/api2/json` taken off its path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The whole target as it came, for redirects and error texts.
    pub(crate) target: String,
    /// `json`, `extjs` …: what follows `/api2/`; empty when the target is outside the API.
    pub(crate) format: String,
    /// The API path, decoded: `/cluster/resources`.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    cookies: Option<String>,
    /// The fields of a body in the form of a query.
    form: Vec<(String, String)>,
    pub(crate) host: String,
    pub(crate) accept_encoding: String,
    pub(crate) close: bool,
}

impl Request {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// `GET /cluster/resources?type=vm`: the name under which the call is counted.
    pub(crate) fn call(&self) -> String {
        let short = self
            .target
            .strip_prefix("/api2/json")
            .unwrap_or(&self.target);
        format!("{} {short}", self.method)
    }

    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A cookie's value, decoded. What must be encoded and is not ends the value, or is lost.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let mut cookies = self.cookies.as_deref()?.split([';', ',', ' ']);
        let value = cookies.find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))?;
        Some(decode(value))
    }

    /// Bytes that hold a secret.
    pub(crate) fn secret_bytes(&self) -> u64 {
        let headers = [&self.authorization, &self.cookies].into_iter().flatten();
        let form = self.form.iter().map(|(_, value)| value);
        headers.chain(form).map(|value| value.len() as u64).sum()
    }

    pub(crate) fn accepts(&self, coding: &str) -> bool {
        self.accept_encoding.split(',').any(|part| {
            part.split(';')
                .next()
                .is_some_and(|name| name.trim().eq_ignore_ascii_case(coding))
        })
    }

    fn set_target(&mut self, target: &str) {
        self.target = target.to_owned();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some((format, rest)) = path
            .strip_prefix("/api2/")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        {
            self.format = format.to_owned();
            // Empty segments are skipped by both servers.
            self.path = rest
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| format!("/{}", decode(segment)))
                .collect();
        } else {
            self.path = path.to_owned();
        }
        self.query = pairs(query);
    }
}

/// The bytes of a connection that were read and not yet used.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// The next request; `None` when the other side closed, or sent what is no HTTP.
    pub(crate) async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
        const LONGEST_HEAD: usize = 64 * 1024;
        loop {
            if let Some((request, used)) = parse(&self.buffer) {
                self.buffer.drain(..used);
                return request;
            }
            if self.buffer.len() > LONGEST_HEAD || !self.fill(stream).await {
                return None;
            }
        }
    }

    pub(crate) async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> bool {
        matches!(stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }
}

/// The request at the start of `bytes` and its length, when it is there as a whole.
/// `Some((None, _))` for what is no request.
fn parse(bytes: &[u8]) -> Option<(Option<Request>, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some((None, bytes.len())),
    };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    request.set_target(parsed.path.unwrap_or_default());
    let mut body = 0;
    let mut is_form = false;
    for header in parsed.headers.iter() {
        let value = String::from_utf8_lossy(header.value).into_owned();
        match header.name.to_ascii_lowercase().as_str() {
            "authorization" => request.authorization = Some(value),
            "cookie" => request.cookies = Some(value),
            "content-type" => is_form = value.starts_with("application/x-www-form-urlencoded"),
            "host" => request.host = value,
            "accept-encoding" => request.accept_encoding = value,
            "connection" => request.close = value.eq_ignore_ascii_case("close"),
            "content-length" => body = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let body = bytes.get(head..head.checked_add(body)?)?;
    // Others are not looked at: nothing is written to a simulated remote.
    if is_form {
        request.form = pairs(&String::from_utf8_lossy(body));
    }
    Some((Some(request), head + body.len()))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => {
                let mut ahead = rest.clone();
                let digits = (ahead.next(), ahead.next());
                let value = match digits {
                    (Some(high), Some(low)) => char::from(high)
                        .to_digit(16)
                        .zip(char::from(low).to_digit(16)),
                    _ => None,
                };
                match value {
                    Some((high, low)) => {
                        rest = ahead;
                        (high * 16 + low) as u8
                    }
                    None => b'%',
                }
            }
            other => other,
        };
        bytes.push(decoded);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let bytes = b"GET /api2/json//cluster/resources/?type=vm&x=a%20b HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip, deflate\r\n\r\nrest";
        let (request, used) = parse(bytes).unwrap();
        let request = request.unwrap();
        assert_eq!(used, bytes.len() - 4);
        assert_eq!(
            (request.format.as_str(), request.path.as_str()),
            ("json", "/cluster/resources")
        );
        assert_eq!(request.parameter("x"), Some("a b"));
        assert!(request.accepts("deflate") && !request.accepts("br"));
        assert!(parse(b"GET / HT").is_none());
        assert_eq!(decode("a%zz+%C3%A4"), "a%zz ä");
    }
}
