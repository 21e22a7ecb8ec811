//! Users and tokens, as far as they expire.

use serde::Deserialize;

use super::json::{self, List, Number, Object, Rows, Text, Unreadable};

/// Directories that are synchronised may have thousands of users; few of them expire.
const MOST_EXPIRING: usize = 500;

/// The accounts that can be used and will expire, or have.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Expiries {
    pub users: Vec<Expiry>,
    pub tokens: Vec<Expiry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expiry {
    /// `monitor@pve`, or with its token `monitor@pve!metrics`.
    pub id: Box<str>,
    /// Unix seconds.
    pub at: f64,
}

/// Reads `/access/users` with its tokens. PVE tells only the name of a token, PBS its whole id; no
/// expiry is 0, `null` or absent, as is `enable` of those that are.
pub fn parse(text: &str) -> Result<Expiries, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct User<'a> {
        #[serde(borrow)]
        userid: Text<'a>,
        enable: Number,
        expire: Number,
        tokens: List<Object<Token<'a>>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Token<'a> {
        #[serde(borrow)]
        tokenid: Text<'a>,
        enable: Number,
        expire: Number,
    }

    let mut expiries = Expiries::default();
    for user in &json::envelope::<Rows<User<'_>>>(text)?.0 {
        let Some(userid) = user.userid.known().filter(|_| is_enabled(user.enable)) else {
            continue;
        };
        expiries.users.extend(expiry(userid.into(), user.expire));
        for Object(token) in &user.tokens.0 {
            let Some(tokenid) = token.tokenid.known().filter(|_| is_enabled(token.enable)) else {
                continue;
            };
            let id = if tokenid.contains('!') {
                tokenid.into()
            } else {
                format!("{userid}!{tokenid}").into()
            };
            expiries.tokens.extend(expiry(id, token.expire));
        }
    }
    bound(&mut expiries.users);
    bound(&mut expiries.tokens);
    Ok(expiries)
}

fn is_enabled(enable: Number) -> bool {
    enable.flag().unwrap_or(true)
}

fn expiry(id: Box<str>, expire: Number) -> Option<Expiry> {
    let at = expire.quantity().filter(|at| *at > 0.0)?;
    Some(Expiry { id, at })
}

/// Each once, and of too many those that expire first.
fn bound(expiries: &mut Vec<Expiry>) {
    expiries.sort_by(|a, b| a.id.cmp(&b.id));
    expiries.dedup_by(|a, b| a.id == b.id);
    expiries.sort_by(|a, b| a.at.total_cmp(&b.at));
    expiries.truncate(MOST_EXPIRING);
    expiries.sort_by(|a, b| a.id.cmp(&b.id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_those_that_expire_first_are_told() {
        let rows: Vec<_> = (1..=600)
            .map(|n| format!(r#"{{"userid":"u{n}@pve","expire":{}}}"#, 1000 - n))
            .collect();
        let expiries = parse(&format!(r#"{{"data":[{}]}}"#, rows.join(","))).unwrap();
        assert_eq!(expiries.users.len(), MOST_EXPIRING);
        assert!(expiries.users.iter().all(|user| user.at <= 899.0));
    }
}
