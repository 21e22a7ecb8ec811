//! The endpoints of the exporters that this program takes the place of.
//!
//! | path | answers as |
//! |---|---|
//! | `GET /pve?target=&module=&cluster=&node=` | prometheus-pve-exporter |
//! | `GET /pbs?target=&module=` | pbs-exporter |

mod pbs;
mod pve;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

pub(super) use pbs::scrape as pbs;
pub(super) use pve::scrape as pve;

use super::{metrics, negotiation};
use crate::fleet::target::{DEFAULT_MODULE, Refused};
use crate::metric::exposition::Format;

/// What both exporters take from the query.
#[derive(Debug)]
struct Question {
    target: Option<String>,
    module: String,
    parameters: Vec<(String, String)>,
}

impl Question {
    /// # Errors
    /// What is wrong with the query.
    fn read(query: Option<&str>) -> Result<Self, String> {
        let query = query.unwrap_or_default();
        let uri: axum::http::Uri = format!("/?{query}")
            .parse()
            .map_err(|error| format!("the query cannot be read: {error}"))?;
        let axum::extract::Query(parameters) =
            axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
                .map_err(|error| format!("the query cannot be read: {error}"))?;
        let mut question = Self {
            target: None,
            module: String::new(),
            parameters,
        };
        question.target = question.first("target").map(str::to_owned);
        question.module = question
            .first("module")
            .unwrap_or(DEFAULT_MODULE)
            .to_owned();
        Ok(question)
    }

    /// Of a parameter that stands several times the first counts.
    fn first(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A switch that is on where it is not named.
    fn is_on(&self, name: &str) -> bool {
        self.first(name)
            .is_none_or(|value| !matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false"))
    }
}

fn bad_request(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response()
}

/// The reason as the body: it is what an operator who asks by hand sees.
fn refusal(refused: &Refused) -> Response {
    let status = match refused {
        Refused::UnknownModule(_) | Refused::Unreadable(_) => StatusCode::BAD_REQUEST,
        Refused::NotAdmitted { .. } | Refused::NotKnown { .. } => StatusCode::FORBIDDEN,
        Refused::Setup(_) | Refused::Unpinned { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{refused}\n")).into_response()
}

/// Makes a body where it does not hold up other tasks.
async fn rendered(
    make: impl FnOnce() -> Result<Bytes, String> + Send + 'static,
) -> Result<Bytes, String> {
    let made = tokio::task::spawn_blocking(make).await;
    made.unwrap_or_else(|_| Err("the answer could not be rendered".to_owned()))
}

fn failure(reason: &str) -> Response {
    let reason = reason.trim_end();
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{reason}\n")).into_response()
}

/// The text format whatever is accepted, as the exporters answer: with the old gauges beside the
/// counters of their name, OpenMetrics would be wrong.
fn exposition(body: Bytes, gzip: bool) -> Response {
    metrics::exposition(body, Format::Text, gzip)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = metrics::joined(headers, header::ACCEPT_ENCODING);
    negotiation::accepts_gzip(accepted.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_s_rules_of_truth_hold() {
        let question = |query: &str| Question::read(Some(query)).unwrap();
        let asked = question("target=a&target=b&cluster=0&node=no&x=%20");
        assert_eq!(asked.target.as_deref(), Some("a"));
        assert_eq!(asked.module, "default");
        assert!(!asked.is_on("cluster"));
        assert!(asked.is_on("node"));
        for off in ["False", "FALSE", "0", ""] {
            assert!(
                !question(&format!("cluster={off}")).is_on("cluster"),
                "{off}"
            );
        }
        for on in ["1", "true", "no", "off", "00"] {
            assert!(question(&format!("cluster={on}")).is_on("cluster"), "{on}");
        }
        assert!(Question::read(None).unwrap().is_on("cluster"));
        assert!(Question::read(Some("a=%ff%fe")).is_ok());
    }
}
