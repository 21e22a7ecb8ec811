//! `GET /pve`: one target, as prometheus-pve-exporter answers.
//!
//! - 200 with what is known; what is not is said in comments at the end. With `[drop_in] strict`
//!   anything that is not known makes it a 500.
//! - 400 for an unknown module, 403 for a target that is not allowed.
//! - 500 with the reason where the target does not answer, so that Prometheus' `up` is 0.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

use super::{Question, accepts_gzip, bad_request, exposition, failure, refusal, rendered};
use crate::config::{DropIn, Product};
use crate::fleet::Remote;
use crate::fleet::target::Target;
use crate::source::pve::resources::{Picture, RESOURCES};
use crate::view::pve_exporter::{self, Nodes, Wanted};
use crate::web::App;
use crate::web::metrics::deadline;

/// Whom the exporter asks where nobody is named.
const DEFAULT_TARGET: &str = "localhost";

pub(in crate::web) async fn scrape(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let question = match Question::read(query.as_deref()) {
        Ok(question) => question,
        Err(reason) => return bad_request(&reason),
    };
    let name = question.target.as_deref().unwrap_or(DEFAULT_TARGET);
    let found = app
        .fleet
        .target(Product::Pve, name, &question.module, pve_exporter::SOURCES);
    let target = match found.await {
        Ok(target) => target,
        Err(refused) => return refusal(&refused),
    };
    let scrape = Scrape {
        target,
        cluster: question.is_on("cluster"),
        node: question.is_on("node"),
        started,
        deadline: started + deadline(&headers),
    };
    let gzip = accepts_gzip(&headers);
    let settings = app.config.load().drop_in.clone();
    let answered = scrape.answer(settings, gzip).await;
    app.fleet.telemetry().scrape_served(started.elapsed());
    match answered {
        Ok(body) => exposition(body, gzip),
        Err(reason) => failure(&reason),
    }
}

struct Scrape {
    target: Target,
    cluster: bool,
    node: bool,
    started: Instant,
    deadline: Instant,
}

impl Scrape {
    async fn answer(&self, settings: DropIn, gzip: bool) -> Result<Bytes, String> {
        if !self.cluster && !self.node {
            return Ok(Bytes::new());
        }
        let remote = Arc::clone(self.target.remote());
        let (picture, nodes) = tokio::join!(self.picture(&remote), self.nodes(&remote));
        let picture = picture?;
        let nodes = match nodes? {
            Some(Nodes::One(name)) if name.is_empty() => Some(Nodes::One(picture)),
            nodes => nodes,
        };
        let wanted = Wanted {
            cluster: self.cluster,
            nodes,
        };
        if let Target::Admitted(remote) = &self.target {
            let node = match &wanted.nodes {
                Some(Nodes::One(node)) => Some(node.as_str()),
                _ => None,
            };
            remote
                .ask_now(&wanted.sources(&settings), node, self.deadline)
                .await;
        }
        rendered(move || {
            let answer = pve_exporter::answer(&remote, &wanted, &settings, Instant::now());
            if settings.strict && !answer.lacks.is_empty() {
                return Err(answer.complaints().collect::<Vec<_>>().join("\n"));
            }
            Ok(answer.body(gzip))
        })
        .await
    }

    /// Brings the live picture of the cluster up to date; comes back with the name of the node
    /// that has answered.
    async fn picture(&self, remote: &Remote) -> Result<String, String> {
        let is_wanted = |collector: &crate::collect::Collector| {
            let mut sources = collector.sources.iter();
            sources.any(|source| source.name() == RESOURCES.name)
        };
        remote.refresh_by(is_wanted, self.deadline).await;
        let picture = remote.fresh::<Picture>(&RESOURCES, self.started)?;
        Ok(picture.local.to_string())
    }

    /// Whose node families are asked for. That of an end-point which nobody configured is the node
    /// that has answered: its name is left open here.
    async fn nodes(&self, remote: &Remote) -> Result<Option<Nodes>, String> {
        Ok(match &self.target {
            _ if !self.node => None,
            Target::Remote(_) => Some(Nodes::All),
            Target::Admitted(_) => Some(Nodes::One(String::new())),
            Target::Endpoint(_, endpoint) => {
                let node = remote.node_behind(*endpoint, self.deadline).await?;
                Some(Nodes::One(node))
            }
        })
    }
}
