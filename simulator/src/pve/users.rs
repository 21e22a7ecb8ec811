//! `GET /access/users`, with the tokens of each user where `full` asks for them.

use std::collections::BTreeMap;

use super::{Call, route};
use crate::access::Token;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/access/users", Access::Everyone)
    .with(&[
        Parameter::new("enabled", Kind::Boolean),
        Parameter::new("full", Kind::Boolean),
    ])
    .by_daemon();

/// When what has expired did so.
const PAST: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// Without `Sys.Audit` a token sees nobody, not even its own user.
pub(super) fn answer(call: &Call<'_>) -> Answer {
    if !call.holds("Sys.Audit") {
        return Answer::data("[]");
    }
    let mut users: BTreeMap<&str, Vec<&Token>> = BTreeMap::new();
    for name in ["root@pam", "left@pve", "intern@pve"] {
        users.insert(name, Vec::new());
    }
    for token in &call.remote.tokens {
        let user = token.id.split('!').next().unwrap_or_default();
        users.entry(user).or_default().push(token);
    }
    let wanted = call
        .request
        .parameter("enabled")
        .map(|_| call.parameter_is_on("enabled"));
    let mut random = call.order();
    let entries: Vec<String> = users
        .iter()
        .filter(|(user, _)| wanted.is_none_or(|wanted| wanted == is_enabled(user)))
        .map(|(user, tokens)| described(call, user, tokens, &mut random))
        .collect();
    Answer::data(&array(entries))
}

fn is_enabled(user: &str) -> bool {
    user != "left@pve"
}

fn described(call: &Call<'_>, user: &str, tokens: &[&Token], random: &mut Random) -> String {
    let expires = if user == "intern@pve" { PAST } else { 0 };
    let mut object = Object::new();
    object
        .text("userid", user)
        .text("realm-type", user.rsplit('@').next().unwrap_or_default())
        .int("enable", i64::from(is_enabled(user)))
        .int("expire", expires);
    if call.parameter_is_on("full") {
        object.text("groups", if user == "monitor@pve" { "ops" } else { "" });
        match tokens {
            [] => object.null("tokens"),
            _ => object.raw("tokens", &tokens_of(call, tokens, random)),
        };
    }
    object.into_json(Some(random))
}

/// The administrator's token ends a month after the fleet started.
fn tokens_of(call: &Call<'_>, tokens: &[&Token], random: &mut Random) -> String {
    array(tokens.iter().map(|token| {
        let name = token.id.split('!').nth(1).unwrap_or_default();
        let expires = match name {
            "full" => call.cluster.started + 30 * DAY,
            _ => 0,
        };
        let mut object = Object::new();
        object
            .text("tokenid", name)
            .int("expire", expires)
            .int("privsep", i64::from(name == "separated"));
        object.into_json(Some(random))
    }))
}
