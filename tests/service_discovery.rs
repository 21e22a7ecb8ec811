//! `/sd`, as Prometheus asks it and follows what it is told.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse;
use serde_json::Value;
use simulator::{Fleet, RemotePlan};
use support::{Proxfleet, fleet, pbs, pve};

async fn both() -> Fleet {
    fleet([RemotePlan::Pve(pve("b", 2, 5)), RemotePlan::Pbs(pbs("a"))]).await
}

async fn discovered(proxfleet: &Proxfleet, query: &str) -> Vec<Value> {
    let answer = proxfleet.get(&format!("/sd{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/json");
    let again = proxfleet.get(&format!("/sd{query}")).await;
    assert_eq!(answer.text(), again.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// What Prometheus asks of a target: its path, with its parameters.
fn path(group: &Value) -> String {
    let mut path = group["labels"]["__metrics_path__"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut separator = '?';
    for (name, value) in group["labels"].as_object().unwrap() {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        assert!(name.bytes().all(is_name), "{name} is no name of a label");
        if let Some(parameter) = name.strip_prefix("__param_") {
            path.push(separator);
            path.push_str(&format!("{parameter}={}", value.as_str().unwrap()));
            separator = '&';
        }
    }
    path
}

#[tokio::test]
async fn each_target_answers_with_what_is_its_own() {
    let fleet = both().await;
    let config = fleet.config_toml() + "labels = { site = \"ams\" }\nscrape_interval = \"20s\"\n";
    let proxfleet = Proxfleet::start(&config).await;
    proxfleet.scrape_all().await;

    let native = discovered(&proxfleet, "").await;
    let names: Vec<&str> = native
        .iter()
        .map(|group| group["labels"]["instance"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b"]);
    for group in &native {
        let name = group["labels"]["instance"].as_str().unwrap();
        assert!(group["labels"].get("remote").is_none());
        let answer = proxfleet.get(&path(group)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let exposition = parse::parse(Format::Text, &answer.text()).unwrap();
        let up = exposition.samples_named("proxfleet_remote_up");
        assert_eq!(up.len(), 1);
        assert_eq!((up[0].labels["remote"].as_str(), up[0].value), (name, 1.0));
    }
    // The last table of the file is that of the backup server, whichever comes first there.
    let labelled = native
        .iter()
        .find(|group| group["labels"].get("site").is_some())
        .unwrap();
    assert_eq!(labelled["labels"]["site"], "ams");
    assert_eq!(labelled["labels"]["__scrape_interval__"], "20s");
    assert_eq!(labelled["labels"]["__scrape_timeout__"], "10s");

    let drop_in = discovered(&proxfleet, "?format=pve-exporter").await;
    let [target] = &drop_in[..] else {
        panic!("{drop_in:?}")
    };
    assert_eq!(target["labels"]["instance"], "b");
    let answer = proxfleet.get(&path(target)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("pve_up{"));

    let drop_in = discovered(&proxfleet, "?format=pbs-exporter").await;
    let [target] = &drop_in[..] else {
        panic!("{drop_in:?}")
    };
    assert_eq!(path(target), "/pbs?target=a");
}

#[tokio::test]
async fn split_targets_share_nothing_and_lack_nothing() {
    let fleet = both().await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    proxfleet.scrape_all().await;
    let groups = discovered(&proxfleet, "?classes=split").await;
    let classes: Vec<(&str, &str)> = groups
        .iter()
        .map(|group| {
            let label = |name: &str| group["labels"][name].as_str().unwrap();
            (label("instance"), label("collector_class"))
        })
        .collect();
    assert_eq!(
        classes,
        [
            ("a", "live"),
            ("a", "background"),
            ("b", "live"),
            ("b", "background")
        ]
    );
    let mut told = Vec::new();
    for group in &groups {
        let answer = proxfleet.get(&path(group)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        told.push(answer.text());
    }
    let has = |text: &str, family: &str| text.lines().any(|line| line.starts_with(family));
    assert!(has(&told[2], "pve_up{") && !has(&told[3], "pve_up{"));
    assert!(!has(&told[2], "pve_subscription_info{") && has(&told[3], "pve_subscription_info{"));
    let with_brackets = proxfleet.get("/metrics?remote=b&collect[]=@live").await;
    let families = |text: &str| -> Vec<String> {
        let comments = text.lines().filter(|line| line.starts_with("# TYPE"));
        comments.map(str::to_owned).collect()
    };
    assert_eq!(families(&with_brackets.text()), families(&told[2]));
}

#[tokio::test]
async fn the_address_is_where_prometheus_asks_or_what_is_configured() {
    let fleet = both().await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    for host in ["proxfleet.example.org:9221", "[::1]:9221", "10.0.0.1"] {
        let answer = proxfleet.request("GET", "/sd", &[("Host", host)]).await;
        let groups: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
        assert!(groups.iter().all(|group| group["targets"][0] == host));
    }
    for host in ["evil/path", "a:b", "u@a", ""] {
        let answer = proxfleet.request("GET", "/sd", &[("Host", host)]).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.text());
    }
    for query in ["format=nosuch", "classes=nosuch"] {
        let answer = proxfleet.get(&format!("/sd?{query}")).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("known: "), "{}", answer.text());
    }

    let front = "[server]\nexternal_address = \"proxfleet.example.org:443\"\n\
                 basic_auth = { username = \"u\", password = \"p\" }\n";
    let proxfleet = Proxfleet::start_with(front, &fleet.config_toml()).await;
    assert_eq!(proxfleet.get("/sd").await.status, 401);
    // printf u:p | base64
    let header = ("Authorization", "Basic dTpw");
    let answer = proxfleet.request("GET", "/sd", &[header]).await;
    let groups: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(groups[0]["targets"][0], "proxfleet.example.org:443");
}

#[tokio::test]
async fn a_server_with_a_certificate_is_scraped_by_https() {
    let fleet = both().await;
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let front = format!(
        "[server]\ntls_cert = \"{}\"\ntls_key = \"{}\"\n",
        cert.display(),
        key.display()
    );
    let proxfleet = Proxfleet::start_with(&front, &fleet.config_toml()).await;
    // The same as the program's own.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
    let roots = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([roots])
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/sd", proxfleet.address.port());
    let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
    let groups: Vec<Value> = serde_json::from_slice(&body).unwrap();
    assert_eq!(groups.len(), 2);
    for group in groups {
        assert_eq!(group["labels"]["__scheme__"], "https");
        let target = format!("localhost:{}", proxfleet.address.port());
        assert_eq!(group["targets"][0], target.as_str());
    }
}
