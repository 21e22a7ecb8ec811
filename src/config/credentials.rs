//! What a remote is shown so that it answers.

use secrecy::{ExposeSecret, SecretString};

/// Equal means that the secret is the same, too.
#[derive(Debug, Clone, PartialEq)]
pub enum Credentials {
    Token(Token),
    /// Only from the command lines and environments of the exporters whose place is taken: the
    /// configuration file knows tokens alone.
    Password(Password),
}

impl Credentials {
    /// Whom the remote takes us for: `user@realm!name`, or `user@realm`. No secret.
    pub fn identity(&self) -> &str {
        match self {
            Self::Token(token) => &token.id,
            Self::Password(password) => &password.user,
        }
    }

    /// What a server refuses where it refuses the credentials.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Password(_) => "password",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Token {
    /// `user@realm!name`.
    pub id: String,
    pub secret: SecretString,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// A user's own, who may do all that the user may.
#[derive(Debug, Clone)]
pub struct Password {
    /// `user@realm`.
    pub user: String,
    pub password: SecretString,
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.user == other.user && self.password.expose_secret() == other.password.expose_secret()
    }
}
