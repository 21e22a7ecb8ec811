//! Basic authentication of callers, where it is configured.
//!
//! `/-/healthy` and `/-/ready` are open: whoever probes a process has no password, and they tell
//! nothing.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::App;
use crate::config::BasicAuth;

pub(super) async fn require(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if let Some(expected) = &app.config.load().server.basic_auth
        && !is_allowed(expected, request.headers())
    {
        let mut response = (
            StatusCode::UNAUTHORIZED,
            "user name and password are required\n",
        )
            .into_response();
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"proxfleet\", charset=\"UTF-8\""),
        );
        return response;
    }
    next.run(request).await
}

fn is_allowed(expected: &BasicAuth, headers: &HeaderMap) -> bool {
    let credentials = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| BASE64.decode(encoded.trim()).ok());
    let Some(given) = credentials else {
        return false;
    };
    let expected = format!(
        "{}:{}",
        expected.username,
        expected.password.expose_secret()
    );
    // Digests have one length, so that the time of the comparison tells nothing of the secret's.
    Sha256::digest(&given)
        .ct_eq(&Sha256::digest(expected.as_bytes()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(header: &str) -> bool {
        let expected = BasicAuth {
            username: "prometheus".into(),
            password: "s3cr:t".into(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_str(header).unwrap(),
        );
        is_allowed(&expected, &headers)
    }

    #[test]
    fn only_the_right_name_and_password_are_allowed() {
        assert!(allowed("Basic cHJvbWV0aGV1czpzM2NyOnQ="));
        assert!(allowed("basic cHJvbWV0aGV1czpzM2NyOnQ="));
        assert!(!allowed("Basic cHJvbWV0aGV1czp4"));
        assert!(!allowed("Basic !!"));
        assert!(!allowed("Bearer cHJvbWV0aGV1czpzM2NyOnQ="));
        let expected = BasicAuth {
            username: "a".into(),
            password: "b".into(),
        };
        assert!(!is_allowed(&expected, &HeaderMap::new()));
    }
}
