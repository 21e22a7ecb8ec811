//! How to talk to one PVE or PBS: trust, login, fail-over, limits, and what the answer means.
//!
//! [`Client`] is the door. It reports every call to an [`Observer`](observer::Observer) and knows
//! no metrics; it gives bodies as they are and knows no API call by name.

mod authorization;
pub mod call;
pub mod certificate;
mod classify;
mod client;
mod endpoints;
pub mod error;
pub mod in_flight;
mod login;
pub mod observer;
pub mod outcome;
pub mod pace;
pub mod percent;
pub mod responder;
pub mod table;
mod ticket;
mod transport;
pub mod trust;
pub mod upid;
pub mod version;

pub use client::Client;
pub use error::SetupError;
