//! A worker task and its UPID.

use super::Server;
use super::content::task_number;

/// All tasks of the daemon carry its process id and start.
const PROCESS: i64 = 0x2A8;
const PROCESS_START: i64 = 0xFA7D;

#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) kind: &'static str,
    /// Empty for a task about nothing in particular, which the API shows as `null`.
    pub(super) id: String,
    /// A user or a token.
    pub(super) owner: String,
    pub(super) start: i64,
    /// When and how it ended; `None` while it runs.
    pub(super) end: Option<(i64, String)>,
}

impl Task {
    pub(super) fn new(kind: &'static str, id: &str, owner: &str, start: i64) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            owner: owner.to_owned(),
            start,
            end: None,
        }
    }

    pub(super) fn ended(mut self, end: Option<(i64, &str)>) -> Self {
        self.end = end.map(|(time, status)| (time, status.to_owned()));
        self
    }

    pub(super) fn upid(&self, server: &Server) -> String {
        format!(
            "UPID:{}:{PROCESS:08X}:{PROCESS_START:08X}:{:08X}:{:08X}:{}:{}:{}:",
            server.host,
            task_number(self.kind, &self.id, self.start),
            self.start,
            self.kind,
            escape(&self.id),
            self.owner
        )
    }
}

/// As systemd escapes unit names.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if place > 0 => out.push('.'),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

/// The reverse of [`escape`]; what is no escape stays as it is.
pub(super) fn unescape(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().replace('-', "/");
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        match u8::from_str_radix(code, 16) {
            Ok(byte) => out.push(char::from(byte)),
            Err(_) => out.push_str(code),
        }
        out.push_str(&rest.replace('-', "/"));
    }
    out
}

/// What a UPID tells of its task.
pub(super) struct Upid<'a> {
    pub(super) node: &'a str,
    pub(super) pid: i64,
    pub(super) pstart: i64,
    pub(super) start: i64,
    pub(super) kind: &'a str,
    pub(super) id: String,
    pub(super) owner: &'a str,
}

impl<'a> Upid<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text
            .strip_prefix("UPID:")?
            .strip_suffix(':')?
            .splitn(8, ':');
        let node = parts.next()?;
        let mut number = || i64::from_str_radix(parts.next()?, 16).ok();
        let (pid, pstart, _number, start) = (number()?, number()?, number()?, number()?);
        Some(Self {
            node,
            pid,
            pstart,
            start,
            kind: parts.next()?,
            id: unescape(parts.next()?),
            owner: parts.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_escaped_as_unit_names() {
        let escaped = escape("vault:host/web-01");
        assert_eq!(escaped, "vault\\x3ahost-web\\x2d01");
        assert_eq!(unescape(&escaped), "vault:host/web-01");
    }
}
