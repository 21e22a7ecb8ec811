//! Task ids: `UPID:node:pid:pstart:starttime:type:id:user:` of PVE, with the number of the task
//! before the start time in PBS.

use std::fmt;
use std::str::FromStr;

use crate::config::Product;

/// A task id with its parts. PVE and PBS tell by the number of fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upid {
    text: Box<str>,
    pub product: Product,
    pub node: Box<str>,
    /// Unix seconds.
    pub start_time: i64,
    /// `vzdump`, `qmigrate`, `garbage_collection` …
    pub task_type: Box<str>,
    /// What the task is about, unescaped; may be empty.
    pub id: Box<str>,
    /// User or token.
    pub user: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no task id of Proxmox (UPID:…)")]
pub struct NoUpid;

impl FromStr for Upid {
    type Err = NoUpid;

    fn from_str(text: &str) -> Result<Self, NoUpid> {
        let fields: Vec<&str> = text.split(':').collect();
        let (product, rest) = match fields.as_slice() {
            ["UPID", node, pid, pstart, start, kind, id, user, ""] => (
                Product::Pve,
                ([*pid, *pstart, "0"], [*node, *start, *kind, *id, *user]),
            ),
            ["UPID", node, pid, pstart, task, start, kind, id, user, ""] => (
                Product::Pbs,
                ([*pid, *pstart, *task], [*node, *start, *kind, *id, *user]),
            ),
            _ => return Err(NoUpid),
        };
        let (numbers, [node, start, kind, id, user]) = rest;
        let hexadecimal = |field: &str| u64::from_str_radix(field, 16).map_err(|_| NoUpid);
        for number in numbers {
            hexadecimal(number)?;
        }
        if node.is_empty() || kind.is_empty() || user.is_empty() {
            return Err(NoUpid);
        }
        Ok(Self {
            text: Box::from(text),
            product,
            node: Box::from(node),
            start_time: i64::try_from(hexadecimal(start)?).map_err(|_| NoUpid)?,
            task_type: Box::from(kind),
            id: match product {
                Product::Pve => Box::from(id),
                Product::Pbs => unescape(id).into_boxed_str(),
            },
            user: Box::from(user),
        })
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Undoes the escapes of systemd unit names that PBS uses: `-` is a slash, `\x2d` a byte.
fn unescape(id: &str) -> String {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match after {
            [b'x', high, low, ..] if first == b'\\' => hexadecimal_pair(*high, *low),
            _ => None,
        };
        match (first, escaped) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            (b'-', None) => {
                bytes.push(b'/');
                rest = after;
            }
            (byte, None) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pve_and_pbs_tell_by_their_fields() {
        let pve: Upid = "UPID:pve1:0000AB12:0012D687:6B0243E3:vzdump:100:root@pam!x:"
            .parse()
            .unwrap();
        assert_eq!(
            (pve.product, &*pve.node, &*pve.task_type),
            (Product::Pve, "pve1", "vzdump")
        );
        assert_eq!(
            (pve.start_time, &*pve.id, &*pve.user),
            (0x6B02_43E3, "100", "root@pam!x")
        );

        let text = r"UPID:pbs-01:000003A9:00000612:000017CD:643F3D37:backup:Backup\x2dVms\x3avm-6002:backup@pbs:";
        let pbs: Upid = text.parse().unwrap();
        assert_eq!(
            (pbs.product, &*pbs.id),
            (Product::Pbs, "Backup-Vms:vm/6002")
        );
        assert_eq!(pbs.start_time, 1_681_866_039);
        assert_eq!(pbs.to_string(), text);
    }

    #[test]
    fn anything_else_is_no_task() {
        for text in [
            "",
            "UPID",
            "UPID:::::::",
            "UPID:n:x:1:1:t:i:u:",
            "UPID:n:1:1:1:t:i:u",
            "x:n:1:1:1:t:i:u:",
        ] {
            assert_eq!(text.parse::<Upid>(), Err(NoUpid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(UPID:)?[A-Fa-f0-9:\\\\x\\-n@!é]{0,60}") {
            if let Ok(upid) = text.parse::<Upid>() {
                prop_assert_eq!(upid.to_string(), text);
            }
        }
    }
}
