//! The token of a remote.

use secrecy::ExposeSecret;

use super::report::Report;
use super::secret::{self, Sources};
use super::section::{Section, Text};
use crate::config::Token;

static SECRET: Sources = Sources {
    file: "token_secret_file",
    inline: "token_secret",
    environment: "token_secret_env",
    what: "token's secret",
};

pub(super) fn read(section: &Section<'_>, report: &mut Report<'_>) -> Option<Token> {
    let id = section
        .required("token_id", "token_id = \"user@realm!name\"", report)
        .and_then(|item| Text::of(item, "a string", report))
        .and_then(|id| identifier(&id, report));
    let secret = secret::read(section, &SECRET, report);
    if let Some(secret) = &secret
        && secret.expose_secret().contains(['!', ' ', '='])
    {
        report
            .error(
                section.span.clone(),
                "the token's secret has characters that no secret of a token has",
            )
            .help("it is what stands behind the token's id, mostly a UUID, alone");
        return None;
    }
    Some(Token {
        id: id?,
        secret: secret?,
    })
}

/// Messages quote nothing of what stands behind the token's name: it may be the secret.
fn identifier(id: &Text<'_>, report: &mut Report<'_>) -> Option<String> {
    let (problem, help) = match id.value.split_once('!') {
        None if id.value.contains('@') => (
            "this is a user, not a token of it",
            "add the token's name: \"user@realm!name\"; `pveum user token list USER` and `proxmox-backup-manager user list-tokens USER` show them",
        ),
        None => ("this is not the id of a token", "write \"user@realm!name\""),
        Some((_, name)) if name.contains(['=', ':']) => (
            "the secret stands behind the token's id",
            "keep \"user@realm!name\" here, and give the secret by `token_secret_file`",
        ),
        Some((user, name)) => match user.rsplit_once('@') {
            None => (
                "the user of this token lacks its realm",
                "write \"user@realm!name\", such as \"monitor@pve!proxfleet\"",
            ),
            Some((user, realm)) if is_user(user) && is_name(realm) && is_name(name) => {
                return Some(id.value.to_owned());
            }
            Some(_) => ("this is not the id of a token", "write \"user@realm!name\""),
        },
    };
    report.error(id.span.clone(), problem).help(help);
    None
}

fn is_user(user: &str) -> bool {
    let foreign = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || ":/".contains(character)
            || !character.is_ascii()
    };
    !user.is_empty() && !user.contains(foreign)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
