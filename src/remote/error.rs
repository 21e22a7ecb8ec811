//! What went wrong with a call: which remote, which call, where, what, and what to do about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::Outcome;
use super::trust::{CertificateState, Verdict};
use crate::config::{KeptIn, Origin, Product};

/// A client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("remote {remote:?}: TLS cannot be set up: {source}")]
    Tls {
        remote: String,
        source: rustls::Error,
    },
    #[error("remote {remote:?}: the HTTP client cannot be set up: {source}")]
    Http {
        remote: String,
        source: reqwest::Error,
    },
    #[error(
        "remote {remote:?}: the token cannot be sent: it has characters that no header may have"
    )]
    Token { remote: String },
    #[error("remote {remote:?}: {address:?} is no host")]
    Address { remote: String, address: String },
}

/// A call that brought no usable answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CallError {
    context: Context,
    failure: Arc<Failure>,
}

/// Where it happened.
#[derive(Debug, Clone)]
pub struct Context {
    pub remote: Arc<str>,
    pub product: Product,
    pub call: &'static str,
    /// The end-point, where one was asked.
    pub address: Option<Arc<str>>,
}

/// What happened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("{}", distrust(.state, .origin))]
    Certificate {
        state: Box<CertificateState>,
        origin: Origin,
    },
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the {shown} was refused ({text}){hint}")]
    Unauthorised {
        /// A token, a ticket, or the password itself.
        shown: &'static str,
        text: String,
        hint: &'static str,
    },
    #[error(
        "the user {0:?} has a second factor, which nobody is here to give: \
         use an API token, or a user without one"
    )]
    SecondFactor(String),
    #[error("the {shown} was refused before; it is tried again in {} s at the latest", .left.as_secs() + 1)]
    Paused { shown: &'static str, left: Duration },
    #[error("the token lacks a privilege: {0}")]
    Forbidden(String),
    #[error("node {node} could not be reached from the one that was asked: {text}")]
    OtherNode {
        node: String,
        text: String,
        /// A 596: it was waited for in vain.
        timed_out: bool,
    },
    #[error("this server does not know the call ({0})")]
    NotImplemented(String),
    #[error("there is no such thing here: {0}")]
    NotApplicable(String),
    #[error("it is there no longer: {0}")]
    ObjectGone(String),
    #[error("the call was refused with {status}: {text}")]
    BadRequest { status: u16, text: String },
    #[error("the server failed with {status}: {text}")]
    Server { status: u16, text: String },
    #[error("{0}")]
    Unreadable(String),
    #[error("no end-point answered lately, the last of them: {0}")]
    BackOff(String),
}

impl Failure {
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorised { .. } | Self::SecondFactor(_))
    }
}

/// Says what is wrong with a certificate, and what is to be done about it.
fn distrust(state: &CertificateState, origin: &Origin) -> String {
    let presented = state.certificate.fingerprint;
    let remedy = remedy(state, origin);
    match (state.verdict, state.expected) {
        (Verdict::Mismatch, Some(expected)) => format!(
            "the certificate is not the pinned one: presented {presented}, expected {expected}; \
             if you know of the change: {remedy}"
        ),
        _ => format!(
            "the certificate is not trusted ({}): presented {presented}; {remedy}",
            state.objection.as_deref().unwrap_or("unknown reason")
        ),
    }
}

/// What makes this certificate a trusted one. `REMOTE` and `ADDRESS` stand for the remote's.
pub(super) fn remedy(state: &CertificateState, origin: &Origin) -> String {
    let presented = state.certificate.fingerprint;
    match origin {
        Origin::Configured if state.verdict == Verdict::Mismatch => {
            format!("proxfleet remote set-fingerprint REMOTE ADDRESS {presented}")
        }
        Origin::Configured => format!(
            "look at it with proxfleet remote probe-certificate REMOTE, and trust it with \
             proxfleet remote set-fingerprint REMOTE ADDRESS {presented}"
        ),
        Origin::Module { name, first_seen } => match first_seen {
            Some(KeptIn::File(path)) => format!(
                "remove the line of \"ADDRESS\" in [{name}] of {}, and reload",
                path.display()
            ),
            Some(KeptIn::Memory) => "restart proxfleet, which keeps the pin in memory".to_owned(),
            None => format!(
                "give ca_file to [modules.{name}], or make it a [[remote]] with this fingerprint"
            ),
        },
    }
}

impl CallError {
    pub fn new(context: Context, failure: Failure) -> Self {
        Self {
            context,
            failure: Arc::new(failure),
        }
    }

    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    pub fn outcome(&self) -> Outcome {
        match &*self.failure {
            Failure::Connect(_)
            | Failure::Certificate { .. }
            | Failure::TimedOut(_)
            | Failure::Broken(_)
            | Failure::Server { .. }
            | Failure::BackOff(_) => Outcome::Unavailable,
            Failure::TooLong(_) | Failure::BadRequest { .. } | Failure::Unreadable(_) => {
                Outcome::Invalid
            }
            Failure::Unauthorised { .. } | Failure::SecondFactor(_) | Failure::Paused { .. } => {
                Outcome::Unauthorised
            }
            Failure::Forbidden(_) => Outcome::Forbidden,
            Failure::OtherNode { .. } => Outcome::OtherNodeDown,
            Failure::NotImplemented(_) | Failure::NotApplicable(_) => Outcome::NotApplicable,
            Failure::ObjectGone(_) => Outcome::ObjectGone,
        }
    }

    /// Whether the server itself does not know the call, as an older one does not.
    pub fn is_not_implemented(&self) -> bool {
        matches!(&*self.failure, Failure::NotImplemented(_))
    }

    /// Whether a worker or another node had no time for the call, which more calls make worse.
    pub fn is_from_busy_node(&self) -> bool {
        matches!(
            &*self.failure,
            Failure::OtherNode {
                timed_out: true,
                ..
            }
        )
    }

    /// Whether a server has refused the credentials themselves.
    pub fn is_refusal(&self) -> bool {
        self.failure.is_refusal()
    }

    /// Whether a server has answered at all, if only with an error.
    pub fn is_answered(&self) -> bool {
        !matches!(
            &*self.failure,
            Failure::Connect(_)
                | Failure::Certificate { .. }
                | Failure::TimedOut(_)
                | Failure::Broken(_)
                | Failure::BackOff(_)
                | Failure::Paused { .. }
        )
    }

    /// The error in one line, with everything that is needed to act on it.
    pub fn report(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context {
            remote,
            call,
            address,
            ..
        } = &self.context;
        write!(f, "remote {remote:?}: GET {call}")?;
        if let Some(address) = address {
            write!(f, " at {address}")?;
        }
        let text = self.failure.to_string();
        let text = text.replace("REMOTE", remote);
        write!(
            f,
            ": {}",
            text.replace("ADDRESS", address.as_deref().unwrap_or("ADDRESS"))
        )
    }
}

impl std::error::Error for CallError {}
