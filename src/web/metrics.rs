//! `GET /metrics`: the whole fleet in one answer, or the part that is asked for.
//!
//! - `?remote=NAME` (repeatable): only these remotes.
//! - `?collect[]=NAME` (repeatable), or `?collect=NAME`, which can be the name of a label: only these
//!   collectors; `@live` and `@background` are classes.
//!
//! With `[server] metrics = "self"` the program's own metrics alone, where no part is asked for.
//!
//! Always 200 with what is known by the scraper's deadline, whatever the remotes do; 400 for a
//! name that does not exist, with those that do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use moka::future::Cache;

use super::App;
use super::{negotiation, query};
use crate::collect::{COLLECTORS, Class, FLEET_COLLECTORS};
use crate::config::Exposed;
use crate::fleet::{Fleet, Selection};
use crate::metric::exposition::Format;
use crate::view::native;

/// What Prometheus says how long it will wait for this answer.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Without it: Prometheus' default time-out of 10 s, less the margin.
const DEFAULT_DEADLINE: Duration = Duration::from_millis(9_500);
/// For rendering, compressing and the way back.
const MARGIN: Duration = Duration::from_millis(500);
/// No scraper waits longer for anything.
const LONGEST_DEADLINE: Duration = Duration::from_secs(120);

/// A body is served again for so long while no new answer comes: then ages have to be told anew.
const BODY_LIFE: Duration = Duration::from_secs(5);
/// Memory for bodies, in bytes.
const BODIES: u64 = 64 << 20;

/// Rendered bodies by what was asked for and what they were made of.
pub struct Bodies(Cache<BodyKey, Bytes>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct BodyKey {
    selection: Selection,
    format: Format,
    gzip: bool,
    generation: (u64, u64),
}

impl Default for Bodies {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(BODIES)
                .weigher(|_: &BodyKey, body: &Bytes| u32::try_from(body.len()).unwrap_or(u32::MAX))
                .time_to_live(BODY_LIFE)
                .build(),
        )
    }
}

pub(super) async fn scrape(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let selection = match select(query.as_deref().unwrap_or_default(), &app.fleet) {
        Ok(selection) => selection,
        Err(unknown) => return (StatusCode::BAD_REQUEST, unknown).into_response(),
    };
    let format = negotiation::format(joined(&headers, header::ACCEPT).as_deref());
    let gzip = negotiation::accepts_gzip(joined(&headers, header::ACCEPT_ENCODING).as_deref());
    if selection.is_everything() && app.config.load().server.metrics == Exposed::Itself {
        return own(&app, format, gzip);
    }
    app.fleet
        .refresh(&selection, started + deadline(&headers))
        .await;
    let key = BodyKey {
        format,
        gzip,
        generation: native::generation(&app.fleet, &selection),
        selection,
    };
    let body = app
        .bodies
        .0
        .get_with(key.clone(), render(Arc::clone(&app), key))
        .await;
    app.fleet.telemetry().scrape_served(started.elapsed());
    exposition(body, format, gzip)
}

/// What the program says of itself alone, where something else stands on `/metrics`.
pub(super) async fn scrape_own(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let format = negotiation::format(joined(&headers, header::ACCEPT).as_deref());
    let gzip = negotiation::accepts_gzip(joined(&headers, header::ACCEPT_ENCODING).as_deref());
    own(&app, format, gzip)
}

fn own(app: &App, format: Format, gzip: bool) -> Response {
    let own = app.fleet.telemetry().encode(format);
    exposition(native::render_own(format, &own, gzip), format, gzip)
}

/// A body with the headers that say what it is.
pub(super) fn exposition(body: Bytes, format: Format, gzip: bool) -> Response {
    let mut response = body.into_response();
    let response_headers = response.headers_mut();
    response_headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    response_headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding"),
    );
    if gzip {
        response_headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

async fn render(app: Arc<App>, key: BodyKey) -> Bytes {
    let rendered = tokio::task::spawn_blocking(move || {
        let own = if key.selection.is_everything() {
            app.fleet.telemetry().encode(key.format)
        } else {
            String::new()
        };
        native::render(&app.fleet, &key.selection, key.format, &own, key.gzip)
    });
    rendered.await.unwrap_or_default()
}

/// How long the remotes may take.
pub(super) fn deadline(headers: &HeaderMap) -> Duration {
    headers
        .get(SCRAPE_TIMEOUT)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(DEFAULT_DEADLINE, |time_out| {
            let time_out = time_out.min(LONGEST_DEADLINE);
            time_out.saturating_sub(MARGIN).max(time_out / 2)
        })
}

/// Several header lines of one name are one list.
pub(super) fn joined(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut joined = values.next()?.to_owned();
    for value in values {
        joined.push_str(", ");
        joined.push_str(value);
    }
    Some(joined)
}

fn select(query: &str, fleet: &Fleet) -> Result<Selection, String> {
    let mut selection = Selection::default();
    if query.is_empty() {
        return Ok(selection);
    }
    let parameters = query::parameters(Some(query)).map_err(|reason| format!("{reason}\n"))?;
    for (name, value) in parameters {
        match name.as_str() {
            "remote" => {
                let roster = fleet.roster();
                let mut names = roster
                    .remotes
                    .iter()
                    .map(|remote| remote.config.name.as_str());
                if !names.clone().any(|name| name == value) {
                    return Err(unknown("remote", &value, &mut names));
                }
                selection.remotes.get_or_insert_default().insert(value);
            }
            "collect[]" | "collect" => {
                let collectors = collectors_of(&value);
                if collectors.is_empty() {
                    let classes = ["@live", "@background"].into_iter();
                    let joined = FLEET_COLLECTORS.iter().map(|collector| collector.name);
                    let known: BTreeSet<&str> = COLLECTORS
                        .iter()
                        .map(|collector| collector.name)
                        .chain(joined)
                        .collect();
                    let mut names = known.into_iter().chain(classes);
                    return Err(unknown("collector", &value, &mut names));
                }
                selection
                    .collectors
                    .get_or_insert_default()
                    .extend(collectors);
            }
            // Prometheus' users add parameters of their own, for relabelling and for proxies.
            _ => {}
        }
    }
    Ok(selection)
}

fn collectors_of(name: &str) -> BTreeSet<&'static str> {
    let of_remotes = COLLECTORS
        .iter()
        .map(|collector| (collector.name, collector.class));
    // What is joined is known from what is asked in the background.
    let joined = FLEET_COLLECTORS
        .iter()
        .map(|collector| (collector.name, Class::Background));
    of_remotes
        .chain(joined)
        .filter(|(known, class)| match name {
            "@live" => *class == Class::Live,
            "@background" => *class == Class::Background,
            name => *known == name,
        })
        .map(|(known, _)| known)
        .collect()
}

fn unknown(kind: &str, name: &str, known: &mut dyn Iterator<Item = &str>) -> String {
    let known: Vec<&str> = known.collect();
    format!("unknown {kind} {name:?}; known: {}\n", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline_for(value: &str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert(SCRAPE_TIMEOUT, HeaderValue::from_str(value).unwrap());
        deadline(&headers)
    }

    #[test]
    fn the_scraper_decides_the_deadline() {
        assert_eq!(deadline(&HeaderMap::new()), Duration::from_millis(9_500));
        assert_eq!(deadline_for("15"), Duration::from_millis(14_500));
        assert_eq!(deadline_for("0.6"), Duration::from_millis(300));
        assert_eq!(deadline_for("99999"), LONGEST_DEADLINE - MARGIN);
        for odd in ["", "x", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(deadline_for(odd), DEFAULT_DEADLINE, "{odd}");
        }
    }

    #[test]
    fn classes_are_names_of_several_collectors() {
        assert_eq!(collectors_of("usage"), BTreeSet::from(["usage"]));
        assert!(collectors_of("@live").contains("resources"));
        assert!(!collectors_of("@live").contains("usage"));
        assert!(collectors_of("@background").contains("usage"));
        assert!(collectors_of("nosuch").is_empty());
    }
}
