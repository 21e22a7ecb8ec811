//! `GET /`: what this is, how the remotes are, and links to everything.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};

use super::App;
use crate::collect::{COLLECTORS, FLEET_COLLECTORS};

/// No script, no source from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td:first-child { white-space: nowrap; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.up { color: #2a8a3e; } .down { color: #d0342c; }
";

pub(super) async fn page(State(app): State<Arc<App>>) -> impl IntoResponse {
    let roster = app.fleet.roster();
    let mut rows = String::new();
    for remote in &roster.remotes {
        let config = &remote.config;
        let (class, word) = if remote.is_up() {
            ("up", "up")
        } else {
            ("down", "down")
        };
        let trouble = remote
            .trouble()
            .map(|report| escape(&report))
            .unwrap_or_default();
        rows.push_str(&format!(
            "<tr><td><a href=\"/metrics?remote={0}\">{0}</a></td><td><a href=\"/{1}?target={0}\">{1}</a></td>\
             <td class=\"{class}\">{word}</td><td><code>{trouble}</code></td></tr>\n",
            escape(&config.name),
            config.product.as_str(),
        ));
    }
    let mut collectors = String::new();
    for collector in COLLECTORS {
        collectors.push_str(&format!(
            "<tr><td><a href=\"/metrics?collect[]={0}\">{0}</a></td><td>{1}</td><td>{2}</td></tr>\n",
            collector.name,
            collector.product.as_str(),
            escape(collector.about),
        ));
    }
    for collector in FLEET_COLLECTORS {
        collectors.push_str(&format!(
            "<tr><td><a href=\"/metrics?collect[]={0}\">{0}</a></td><td>all</td><td>{1}</td></tr>\n",
            collector.name,
            escape(collector.about),
        ));
    }
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>proxfleet</title>\
         <style>{STYLE}</style></head>\n<body>\n<h1>proxfleet</h1>\n\
         <p>Version {version}. <a href=\"/metrics\">/metrics</a> is the whole fleet in one scrape; \
         <a href=\"/metrics?collect[]=@live\">live</a> and \
         <a href=\"/metrics?collect[]=@background\">background</a> apart. \
         /pve and /pbs answer as the older exporters do. \
         <a href=\"/sd\">/sd</a>: targets for Prometheus. \
         <a href=\"/api/v1/protection\">/api/v1/protection</a>: is each guest protected? \
         <a href=\"/-/healthy\">/-/healthy</a>, <a href=\"/-/ready\">/-/ready</a>.</p>\n\
         <h2>Remotes</h2>\n<table><tr><th>remote</th><th>product</th><th>state</th><th>what is wrong</th></tr>\n{rows}</table>\n\
         <h2>Collectors</h2>\n<table><tr><th>collector</th><th>product</th><th>tells</th></tr>\n{collectors}</table>\n\
         </body>\n</html>\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    (
        [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        Html(page),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_remote_says_is_text() {
        assert_eq!(
            escape("<b a=\"x\">&'"),
            "&lt;b a=&quot;x&quot;&gt;&amp;&#39;"
        );
    }
}
