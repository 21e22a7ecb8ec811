//! `POST /-/reload`: reads the configuration again; the answer says what was wrong with it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::{mpsc, oneshot};

use super::App;

/// Where reloads are asked for. The answer is the text of what was wrong.
pub type ReloadRequests = mpsc::Sender<oneshot::Sender<Result<(), String>>>;

pub(super) async fn reload(State(app): State<Arc<App>>) -> (StatusCode, String) {
    if !app.config.load().server.enable_reload {
        return (
            StatusCode::FORBIDDEN,
            "reload by HTTP is off; set enable_reload = true in [server], or send SIGHUP\n"
                .to_owned(),
        );
    }
    let (answer, answered) = oneshot::channel();
    if app.reload.send(answer).await.is_err() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the program is stopping\n".to_owned(),
        );
    }
    match answered.await {
        Ok(Ok(())) => (
            StatusCode::OK,
            "the configuration was reloaded\n".to_owned(),
        ),
        Ok(Err(report)) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the running configuration stays in force:\n{report}\n"),
        ),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the program is stopping\n".to_owned(),
        ),
    }
}
