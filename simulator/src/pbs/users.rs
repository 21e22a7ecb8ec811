//! `GET /access/users`: all users, or the token's own for those without `Sys.Audit`.

use std::collections::BTreeMap;

use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/access/users", Access::Everyone)
    .with(&[Parameter::new("include_tokens", Kind::Boolean)]);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    if call.sees_all() {
        users.insert("root@pam", Vec::new());
    }
    for token in &call.remote.tokens {
        let user = token.id.split('!').next().unwrap_or_default();
        if call.sees_all() || token.rights == call.rights {
            users.entry(user).or_default().push(&token.id);
        }
    }
    let mut entries: Vec<String> = users
        .into_iter()
        .map(|(user, tokens)| {
            let mut object = Object::new();
            if user == "root@pam" {
                object.text("comment", "Superuser");
            }
            if call.is_on("include_tokens") && !tokens.is_empty() {
                let tokens = tokens.into_iter().map(|id| {
                    let mut token = Object::new();
                    token.text("tokenid", id);
                    token.into_json(None)
                });
                object.raw("tokens", &array(tokens));
            }
            object.text("userid", user);
            object.into_json(None)
        })
        .collect();
    call.order().shuffle(&mut entries);
    call.listed(&array(entries))
}
