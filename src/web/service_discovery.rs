//! `GET /sd`: every remote as a target of its own, for `http_sd_configs` of Prometheus.
//!
//! - `?format=native` (where none is given): `/metrics?remote=NAME` of each remote.
//! - `?format=pve-exporter`: `/pve?target=NAME` of each PVE remote.
//! - `?format=pbs-exporter`: `/pbs?target=NAME` of each PBS remote.
//! - `?classes=split`, of the native format: two targets for each remote, apart by the label
//!   `collector_class`: `live` and `background` collectors.
//!
//! The label `instance` is the remote's name, and the remote's configured labels are there. No
//! label `remote`: the series have it themselves. `__meta_proxfleet_product` is `pve` or `pbs`.
//!
//! 400 for a value that is not known, and for a `Host` that is none where no `[server]
//! external_address` says under which address this server is reached.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{App, query};
use crate::config::{self, Config, Product};

pub(super) async fn targets(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let config = app.config.load();
    let answered = Wanted::read(query.as_deref()).and_then(|wanted| {
        let address = address(&config, &headers)?;
        Ok(axum::Json(groups(&config, &address, wanted)).into_response())
    });
    answered
        .unwrap_or_else(|reason| (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response())
}

/// As Prometheus reads it: <https://prometheus.io/docs/prometheus/latest/http_sd/>.
#[derive(Debug, Serialize, PartialEq)]
struct TargetGroup {
    /// One `__address__`.
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// What a discovered target is scraped as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Native,
    PveExporter,
    PbsExporter,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Wanted {
    format: Format,
    /// Whether live and background collectors are targets of their own.
    split: bool,
}

impl Wanted {
    fn read(query: Option<&str>) -> Result<Self, String> {
        let mut wanted = Self {
            format: Format::Native,
            split: false,
        };
        for (name, value) in query::parameters(query)? {
            match (name.as_str(), value.as_str()) {
                ("format", "native") => wanted.format = Format::Native,
                ("format", "pve-exporter") => wanted.format = Format::PveExporter,
                ("format", "pbs-exporter") => wanted.format = Format::PbsExporter,
                ("format", other) => {
                    return Err(format!(
                        "unknown format {other:?}; known: native, pve-exporter, pbs-exporter"
                    ));
                }
                ("classes", "split") => wanted.split = true,
                ("classes", "together") => wanted.split = false,
                ("classes", other) => {
                    return Err(format!("unknown classes {other:?}; known: together, split"));
                }
                // Somebody else's, as with /metrics.
                _ => {}
            }
        }
        if wanted.split && wanted.format != Format::Native {
            return Err("classes=split goes with format=native alone".to_owned());
        }
        Ok(wanted)
    }
}

/// One group for each target, by the names of their remotes.
fn groups(config: &Config, address: &str, wanted: Wanted) -> Vec<TargetGroup> {
    let mut remotes: Vec<&config::Remote> = config
        .remotes
        .iter()
        .map(Arc::as_ref)
        .filter(|remote| match wanted.format {
            Format::Native => true,
            Format::PveExporter => remote.product == Product::Pve,
            Format::PbsExporter => remote.product == Product::Pbs,
        })
        .collect();
    remotes.sort_by(|one, other| one.name.cmp(&other.name));
    let classes: &[Option<&str>] = match wanted.split {
        true => &[Some("live"), Some("background")],
        false => &[None],
    };
    let mut groups = Vec::with_capacity(remotes.len() * classes.len());
    for remote in remotes {
        for class in classes {
            let mut labels = labels(remote, wanted.format);
            if let Some(class) = class {
                labels.insert("collector_class".to_owned(), (*class).to_owned());
                labels.insert("__param_collect".to_owned(), format!("@{class}"));
            }
            if config.server.tls.is_some() {
                labels.insert("__scheme__".to_owned(), "https".to_owned());
            }
            groups.push(TargetGroup {
                targets: [address.to_owned()],
                labels,
            });
        }
    }
    groups
}

fn labels(remote: &config::Remote, format: Format) -> BTreeMap<String, String> {
    let (path, parameter) = match format {
        Format::Native => ("/metrics", "__param_remote"),
        Format::PveExporter => ("/pve", "__param_target"),
        Format::PbsExporter => ("/pbs", "__param_target"),
    };
    let mut labels = remote.labels.clone();
    let mut set = |name: &str, value: String| labels.insert(name.to_owned(), value);
    set("instance", remote.name.clone());
    set("__metrics_path__", path.to_owned());
    set(parameter, remote.name.clone());
    set(
        "__meta_proxfleet_product",
        remote.product.as_str().to_owned(),
    );
    if let Some(interval) = remote.scrape.interval {
        set("__scrape_interval__", prometheus_duration(interval));
    }
    if let Some(time_out) = remote.scrape.time_out() {
        set("__scrape_timeout__", prometheus_duration(time_out));
    }
    labels
}

/// Prometheus knows no fractions.
fn prometheus_duration(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

/// Where this server is reached: by its configuration, or as who asks has reached it.
fn address(config: &Config, headers: &HeaderMap) -> Result<String, String> {
    if let Some(address) = &config.server.external_address {
        return Ok(address.clone());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().filter(|host| is_address(host)),
        _ => None,
    };
    host.map(str::to_owned).ok_or_else(|| {
        "the header Host does not say how this server is reached; \
         set external_address in [server]"
            .to_owned()
    })
}

/// Whether this is a host, with a port or without.
fn is_address(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else {
        return false;
    };
    let host = authority.host();
    let is_host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !host.is_empty() && host.bytes().all(allowed)
        }
    };
    let rest = text.strip_prefix(host);
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    };
    is_host
        && rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(server: &str) -> Config {
        let text = format!(
            "{server}\n[defaults]\nscrape_interval = \"1m\"\n\
             [[remote]]\nname = \"b\"\ntype = \"pve\"\nendpoints = [\"h\"]\n\
             token_id = \"u@pve!t\"\ntoken_secret = \"x\"\nlabels = {{ site = \"ams\" }}\n\
             [[remote]]\nname = \"a\"\ntype = \"pbs\"\nendpoints = [\"h\"]\n\
             token_id = \"u@pbs!t\"\ntoken_secret = \"x\"\n\
             scrape_interval = \"5500ms\"\nscrape_timeout = \"3s\"\n"
        );
        let loaded = config::parse(&text, Path::new("/nosuch/proxfleet.toml"), &[]);
        loaded
            .config
            .unwrap_or_else(|| panic!("{:?}", loaded.findings))
    }

    fn told(server: &str, query: &str) -> Vec<String> {
        let wanted = Wanted::read(Some(query)).unwrap();
        let groups = groups(&config(server), "h:9221", wanted);
        groups
            .iter()
            .map(|group| serde_json::to_string(group).unwrap())
            .collect()
    }

    #[test]
    fn each_remote_is_a_target_by_name() {
        assert_eq!(
            told("", ""),
            [
                r#"{"targets":["h:9221"],"labels":{"__meta_proxfleet_product":"pbs","__metrics_path__":"/metrics","__param_remote":"a","__scrape_interval__":"5500ms","__scrape_timeout__":"3s","instance":"a"}}"#,
                r#"{"targets":["h:9221"],"labels":{"__meta_proxfleet_product":"pve","__metrics_path__":"/metrics","__param_remote":"b","__scrape_interval__":"60s","__scrape_timeout__":"10s","instance":"b","site":"ams"}}"#,
            ]
        );
    }

    #[test]
    fn the_older_exporters_paths_are_of_their_product() {
        let [pve] = &told("", "format=pve-exporter")[..] else {
            panic!("one")
        };
        assert!(pve.contains(r#""__metrics_path__":"/pve","__param_target":"b""#));
        let [pbs] = &told("", "format=pbs-exporter")[..] else {
            panic!("one")
        };
        assert!(pbs.contains(r#""__metrics_path__":"/pbs","__param_target":"a""#));
        assert!(pbs.contains(r#""instance":"a""#) && !pbs.contains(r#""remote""#));
    }

    #[test]
    fn classes_are_targets_that_differ() {
        let told = told("", "classes=split");
        let [live, background, ..] = &told[..] else {
            panic!("two for each")
        };
        assert_eq!(told.len(), 4);
        assert!(live.contains(r#""__param_collect":"@live""#));
        assert!(live.contains(r#""collector_class":"live""#));
        assert!(background.contains(r#""__param_collect":"@background""#));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for query in [
            "format=x",
            "classes=x",
            "classes=split&format=pve-exporter",
            "format=%FF",
        ] {
            assert!(Wanted::read(Some(query)).is_err(), "{query}");
        }
        assert!(Wanted::read(Some("other=1")).is_ok());
        assert!(Wanted::read(None).is_ok());
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "proxfleet",
            "proxfleet:9221",
            "prox_fleet.example.org:9221",
            "10.0.0.1:9221",
            "[::1]:9221",
            "[2001:db8::1]",
            "proxfleet.",
        ] {
            assert!(is_address(host), "{host}");
        }
        for odd in [
            "",
            ":9221",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:b",
            "a b",
            "a/b",
            "a?b",
            "u@a",
            "::1",
            "[::1",
            "[x]:1",
            "[fe80::1%eth0]",
            "a,b",
            "a\"b",
            "[::1]9221",
        ] {
            assert!(!is_address(odd), "{odd}");
        }
        let ours = config("[server]\nexternal_address = \"proxfleet.example.org\"");
        let mut headers = HeaderMap::new();
        assert_eq!(address(&ours, &headers).unwrap(), "proxfleet.example.org");
        let config = config("");
        assert!(address(&config, &headers).is_err());
        headers.append(header::HOST, "a:1".parse().unwrap());
        assert_eq!(address(&config, &headers).unwrap(), "a:1");
        headers.append(header::HOST, "b:1".parse().unwrap());
        assert!(address(&config, &headers).is_err());
    }
}
