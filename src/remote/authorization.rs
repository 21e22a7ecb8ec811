//! What goes with each call so that it is answered: a token, or the ticket that a password brings.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::error::{Failure, SetupError};
use super::ticket::Tickets;
use super::transport::Transport;
use crate::config::{self, Credentials, Product, Token};

pub(super) enum Authorization {
    Token(HeaderValue),
    Password(Tickets),
}

/// What one call shows.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) name: HeaderName,
    /// Marked as sensitive.
    pub(super) value: HeaderValue,
    /// For errors: what a server refuses where it refuses this.
    pub(super) kind: &'static str,
    /// Whether it was got for this call.
    is_new: bool,
}

impl Authorization {
    pub(super) fn new(config: &config::Remote) -> Result<Self, SetupError> {
        match &config.credentials {
            Credentials::Token(token) => match of_token(config.product, token) {
                Some(value) => Ok(Self::Token(value)),
                None => Err(SetupError::Token {
                    remote: config.name.clone(),
                }),
            },
            Credentials::Password(password) => Ok(Self::Password(Tickets::new(
                config.product,
                password.clone(),
            ))),
        }
    }

    /// What to show to an end-point, which may have to be got there first.
    pub(super) async fn show(
        &self,
        endpoint: usize,
        transport: &Arc<Transport>,
        time_out: Duration,
    ) -> Result<Shown, Failure> {
        match self {
            Self::Token(value) => Ok(Shown {
                name: AUTHORIZATION,
                value: value.clone(),
                kind: "token",
                is_new: false,
            }),
            Self::Password(tickets) => {
                let (value, is_new) = tickets.valid(endpoint, transport, time_out).await?;
                Ok(Shown {
                    name: COOKIE,
                    value,
                    kind: "ticket",
                    is_new,
                })
            }
        }
    }

    /// Whether there may be something better to show than this, which was refused.
    pub(super) fn renews(&self, refused: &Shown) -> bool {
        match self {
            Self::Token(_) => false,
            Self::Password(tickets) => {
                tickets.forget(&refused.value);
                !refused.is_new
            }
        }
    }

    /// Forgets what was refused, because the operator may have mended it.
    pub(super) fn reconsider(&self) {
        if let Self::Password(tickets) = self {
            tickets.reconsider();
        }
    }
}

/// The products differ in the separator before the secret. `None` where no header may have it.
fn of_token(product: Product, token: &Token) -> Option<HeaderValue> {
    let (id, secret) = (&token.id, token.secret.expose_secret());
    let text = match product {
        Product::Pve => format!("PVEAPIToken={id}={secret}"),
        Product::Pbs => format!("PBSAPIToken={id}:{secret}"),
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
