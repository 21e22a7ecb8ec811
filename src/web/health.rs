//! Whether the process lives: never a question of what it watches.
//!
//! - `GET /-/healthy`: 200 while the process answers at all.
//! - `GET /-/ready`: 200 once the configuration is in force. Remotes that are down do not matter:
//!   a restart of proxfleet would not mend them.

use axum::http::StatusCode;

pub(super) async fn healthy() -> &'static str {
    "proxfleet is healthy.\n"
}

pub(super) async fn ready() -> (StatusCode, &'static str) {
    (StatusCode::OK, "proxfleet is ready.\n")
}
