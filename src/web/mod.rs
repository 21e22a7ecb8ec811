//! HTTP: what the program serves.
//!
//! | path | answer |
//! |---|---|
//! | `GET /` | the landing page, with links to everything |
//! | `GET /metrics` | the fleet, see [`metrics`] |
//! | `GET /pve` | one target, as prometheus-pve-exporter answers, see [`drop_in`] |
//! | `GET /pbs` | one backup server, as pbs-exporter answers, see [`drop_in`] |
//! | `GET /api/v1/protection` | whether each guest is protected, as JSON |
//! | `GET /-/healthy`, `GET /-/ready` | 200, whatever the remotes do |
//! | `POST /-/reload` | reads the configuration again, where `[server] enable_reload` is set |

mod api;
mod auth;
pub mod certificate;
mod drop_in;
mod health;
mod landing;
pub mod metrics;
pub mod negotiation;
mod reload;
pub mod server;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{get, post};

use crate::config::Config;
use crate::fleet::Fleet;
pub use reload::ReloadRequests;

/// What the handlers share.
pub struct App {
    pub fleet: Arc<Fleet>,
    /// Replaced at a reload.
    pub config: ArcSwap<Config>,
    bodies: metrics::Bodies,
    reload: ReloadRequests,
}

impl App {
    pub fn new(fleet: Arc<Fleet>, config: Config, reload: ReloadRequests) -> Arc<Self> {
        Arc::new(Self {
            fleet,
            config: ArcSwap::from_pointee(config),
            bodies: metrics::Bodies::default(),
            reload,
        })
    }
}

/// Every route.
pub fn router(app: Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/", get(landing::page))
        .route("/metrics", get(metrics::scrape))
        .route("/pve", get(drop_in::pve).post(drop_in::pve))
        .route("/pbs", get(drop_in::pbs).post(drop_in::pbs))
        .route("/api/v1/protection", get(api::protection::list))
        .route("/-/reload", post(reload::reload))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&app),
            auth::require,
        ));
    Router::new()
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .merge(guarded)
        .with_state(app)
}
