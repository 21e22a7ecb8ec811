//! API tokens, users, and what they may see.

use serde::Serialize;

use crate::random::Random;

/// What a token of the simulated remote may do: the cases that behave differently on real servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// `PVEAuditor` / `Audit` on `/`: what monitoring should use.
    Auditor,
    /// `Administrator` / `Admin` on `/`.
    Admin,
    /// A token of a user without any ACL.
    Nothing,
    /// Privilege separation without an ACL on both the user and the token: `/access/permissions` is `{}`.
    Separated,
    /// PVE: `PVEVMUser` on one guest. PBS: `DatastoreAudit` on one namespace.
    Narrow,
    /// PVE: as the auditor, but of the storages only those of type `pbs`. PBS: the auditor.
    SomeStorages,
}

impl Rights {
    /// Whether it sees everything, with the one exception of storages.
    pub(crate) fn are_wide(self) -> bool {
        matches!(self, Self::Auditor | Self::Admin | Self::SomeStorages)
    }
}

/// An API token that the simulated remote accepts.
#[derive(Clone, Serialize)]
pub struct Token {
    pub id: String,
    /// The secret. Nothing here is real, so it may be printed and written to files.
    pub secret: String,
    pub rights: Rights,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Token")
            .field("id", &self.id)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

impl Token {
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            id: &self.id,
            rights: self.rights,
        }
    }
}

/// A user who logs in with a password.
#[derive(Clone, Serialize)]
pub struct User {
    /// `user@realm`
    pub id: String,
    /// Nothing here is real, as with the secrets of tokens.
    pub password: String,
    pub rights: Rights,
    /// The password alone brings no more than half a ticket.
    pub second_factor: bool,
}

impl std::fmt::Debug for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("User")
            .field("id", &self.id)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

/// Who makes a call.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// A token's or a user's.
    pub(crate) id: &'a str,
    pub(crate) rights: Rights,
}

/// An auditor with a password alone, and one with a second factor.
pub(crate) fn users(realm: &str, random: &mut Random) -> Vec<User> {
    [("monitor", false), ("careful", true)]
        .into_iter()
        .map(|(user, second_factor)| User {
            id: format!("{user}@{realm}"),
            // What a form must encode.
            password: format!("a+b&c=d é%41 {}", random.uuid()),
            rights: Rights::Auditor,
            second_factor,
        })
        .collect()
}

/// One token of each kind; the auditor is the first.
pub(crate) fn tokens(realm: &str, random: &mut Random) -> Vec<Token> {
    [
        ("monitor", "fleet", Rights::Auditor),
        ("admin", "full", Rights::Admin),
        ("nobody", "none", Rights::Nothing),
        ("monitor", "separated", Rights::Separated),
        ("limited", "narrow", Rights::Narrow),
        ("monitor", "storages", Rights::SomeStorages),
    ]
    .into_iter()
    .map(|(user, name, rights)| Token {
        id: format!("{user}@{realm}!{name}"),
        secret: random.uuid(),
        rights,
    })
    .collect()
}
