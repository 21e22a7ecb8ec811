//! `GET /pbs`: one backup server, as pbs-exporter answers.
//!
//! - 200 with what is known; what is not is said in comments at the end.
//! - 200 with `pbs_up 0` and the reason where the server does not answer.
//! - 400 for a target that cannot be read, is reached by http, or is not named where that leaves a
//!   choice; 403 for one that is not allowed.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Question, accepts_gzip, bad_request, exposition, failure, refusal, rendered};
use crate::config::Product;
use crate::fleet::target::Target;
use crate::fleet::{Fleet, Remote};
use crate::source::pbs::datastores::DATASTORES;
use crate::source::pbs::metrics::METRICS;
use crate::view::pbs_exporter;
use crate::web::App;
use crate::web::metrics::deadline;

pub(in crate::web) async fn scrape(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let named = Question::read(query.as_deref()).and_then(|question| {
        let target = match question.target.as_deref() {
            Some(target) if !target.is_empty() => target.to_owned(),
            _ => only_remote(&app.fleet)?,
        };
        Ok((target, question.module))
    });
    let (name, module) = match named {
        Ok(named) => named,
        Err(reason) => return bad_request(&reason),
    };
    let found = app
        .fleet
        .target(Product::Pbs, &name, &module, pbs_exporter::SOURCES);
    let target = match found.await {
        Ok(target) => target,
        Err(refused) => return refusal(&refused),
    };
    let refreshed = refresh(&target, started, started + deadline(&headers)).await;
    let gzip = accepts_gzip(&headers);
    let remote = Arc::clone(target.remote());
    let body = rendered(move || {
        let answer = match refreshed {
            Ok(()) => pbs_exporter::answer(&remote, Instant::now()),
            Err(reason) => pbs_exporter::down(&reason),
        };
        Ok(answer.body(gzip))
    });
    let body = body.await;
    app.fleet.telemetry().scrape_served(started.elapsed());
    match body {
        Ok(body) => exposition(body, gzip),
        Err(reason) => failure(&reason),
    }
}

/// Whom a scrape asks about that names nobody.
///
/// # Errors
/// That there is a choice, or none.
fn only_remote(fleet: &Fleet) -> Result<String, String> {
    let roster = fleet.roster();
    let remotes = roster.remotes.iter();
    let names: Vec<&str> = remotes
        .filter(|remote| remote.config.product == Product::Pbs)
        .map(|remote| remote.config.name.as_str())
        .collect();
    match &names[..] {
        [only] => Ok((*only).to_owned()),
        [] => Err(
            "no target is named, and no pbs remote is configured: name a host that a module \
             admits, as ?target=HOST&module=NAME"
                .to_owned(),
        ),
        names => Err(format!(
            "no target is named: ?target= may be one of {}",
            names.join(", ")
        )),
    }
}

/// Brings up to date what a scrape asks for: the live numbers, and of a host of a module all the
/// rest.
///
/// # Errors
/// Why the server has not answered.
async fn refresh(target: &Target, started: Instant, deadline: Instant) -> Result<(), String> {
    let remote: &Remote = target.remote();
    let is_wanted = |collector: &crate::collect::Collector| {
        let mut sources = collector.sources.iter();
        sources.any(|source| source.name() == METRICS.name)
    };
    remote.refresh_by(is_wanted, deadline).await;
    // A server that answers one of them is up, whatever is wrong with the other.
    let metrics = remote.fresh(&METRICS, started);
    if let Err(reason) = metrics {
        remote.fresh(&DATASTORES, started).map_err(|_| reason)?;
    }
    if let Target::Admitted(remote) = target {
        let sources = pbs_exporter::BACKGROUND_SOURCES;
        remote.ask_now(sources, None, deadline).await;
    }
    Ok(())
}
