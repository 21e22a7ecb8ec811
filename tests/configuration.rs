//! Reading, checking, changing and reloading the configuration.

mod support;

use simulator::{Fault, RemotePlan};
use support::{Proxfleet, fleet, pve, run, run_with, value};

const DEAD: &str = "[[remote]]\nname = \"dead\"\ntype = \"pve\"\nendpoints = [\"127.0.0.1:1\"]\n\
    token_id = \"u@pve!t\"\ntoken_secret = \"s\"\n";

#[tokio::test]
async fn every_mistake_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxfleet.toml");
    std::fs::write(
        &path,
        "[server]\nlissten = [\"x\"]\n[[remote]]\nname = \"a b\"\ntype = \"pvee\"\nendpoints = [\"http://h\"]\n\
         token_id = \"u@pve\"\ntoken_secret_file = \"nosuch\"\ntimeout = \"2s\"\n",
    )
    .unwrap();
    for command in ["serve", "check"] {
        let (code, output) = run(&[command], &path).await;
        assert_eq!(code, Some(1));
        for text in [
            ":2:1: error: unknown key \"lissten\" in [server]",
            "help: did you mean `listen`?",
            ":4:8: error: this cannot be the name of a remote",
            ":5:8: error: ",
            ":6:14: error: the token would travel in clear over http",
            ":7:12: error: ",
            ":8:21: error: ",
            ":9:11: error: ",
        ] {
            assert!(output.contains(text), "{text} is missing:\n{output}");
        }
    }
    let (code, output) = run(&["check", "--format", "json"], &path).await;
    assert_eq!(code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        report["findings"].as_array().unwrap().len(),
        7,
        "{report:#}"
    );
    assert_eq!(report["findings"][0]["line"], 2);
}

#[tokio::test]
async fn a_good_fleet_is_said_to_be_good() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 3, 5)),
        RemotePlan::Pbs(support::pbs("b")),
    ])
    .await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let (code, output) = run(&["check"], &proxfleet.config_path()).await;
    assert_eq!(code, Some(0), "{output}");
    for text in [
        "Proxmox VE 9.1.8, certificate pinned, expires in",
        "Proxmox Backup Server 4.2.1, certificate pinned",
        "the token has every privilege that is needed",
        "Everything works as configured.",
    ] {
        assert!(output.contains(text), "{text} is missing:\n{output}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_remote_is_told_with_its_mend() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 2, 5))]).await;
    let remote = fleet.remote("a");
    remote.set_fault_at(0, Fault::Refusing);
    remote.set_fault_at(1, Fault::ClockSkew { seconds: 90 });
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let (code, output) = run(&["check"], &proxfleet.config_path()).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("Connection refused"), "{output}");
    assert!(
        output.contains("its clock differs from ours by"),
        "{output}"
    );

    // The token of one product sent to the other: the form of the refusal tells.
    let wrong = support::table_of(remote).replace("type = \"pve\"", "type = \"pbs\"");
    proxfleet.rewrite("", &wrong);
    let (code, output) = run(&["check"], &proxfleet.config_path()).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("this looks like Proxmox VE: its type is \"pve\""),
        "{output}"
    );
}

#[tokio::test]
async fn a_reload_keeps_what_did_not_change() {
    let fleet = fleet([
        RemotePlan::Pve(pve("a", 1, 5)),
        RemotePlan::Pve(pve("b", 1, 5)),
    ])
    .await;
    let (a, b) = (fleet.remote("a"), fleet.remote("b"));
    let front = "[server]\nenable_reload = true\n";
    let proxfleet = Proxfleet::start_with(front, &support::table_of(a)).await;
    proxfleet.scrape_all().await;
    let calls = a.counts().requests_to("/version");

    proxfleet.rewrite(front, &fleet.config_toml());
    let answer = proxfleet.request("POST", "/-/reload", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let exposition = proxfleet.scrape_all().await;
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "b")]),
        Some(1.0)
    );
    assert_eq!(
        a.counts().requests_to("/version"),
        calls,
        "it goes on with what it knows"
    );

    proxfleet.rewrite(front, &support::table_of(b).replace("name = ", "naem = "));
    let answer = proxfleet.request("POST", "/-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    assert!(
        answer.text().contains("unknown key \"naem\""),
        "{}",
        answer.text()
    );
    let exposition = proxfleet.scrape().await;
    assert_eq!(
        value(&exposition, "proxfleet_config_last_reload_successful", &[]),
        Some(0.0)
    );
    assert_eq!(
        value(&exposition, "proxfleet_remote_up", &[("remote", "a")]),
        Some(1.0)
    );

    proxfleet.rewrite(front, &support::table_of(b));
    proxfleet.signal("-HUP");
    let exposition = proxfleet
        .scrape_until(
            "the remote that is configured no longer is gone",
            |exposition| value(exposition, "proxfleet_remote_up", &[("remote", "a")]).is_none(),
        )
        .await;
    assert_eq!(
        value(&exposition, "proxfleet_config_last_reload_successful", &[]),
        Some(1.0)
    );
    assert!(
        exposition
            .samples_named("proxfleet_api_requests_total")
            .iter()
            .all(|s| s.labels["remote"] == "b")
    );
}

#[tokio::test]
async fn reload_by_http_is_off_unless_it_was_opened() {
    let proxfleet = Proxfleet::start(DEAD).await;
    let answer = proxfleet.request("POST", "/-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("enable_reload = true"));
}

#[tokio::test]
async fn a_remote_is_added_by_answering_questions() {
    let fleet = fleet([RemotePlan::Pve(pve("a", 1, 5))]).await;
    let remote = fleet.remote("a");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxfleet.toml");
    std::fs::write(&path, "# mine\n").unwrap();
    let host = remote.endpoints()[0].address.to_string();
    let token = &remote.tokens()[0];

    // Whoever does not know the fingerprint adds nothing.
    let answers = format!("{host}\npve\nlab\nn\n");
    let (code, output) = run_with(&["remote", "add"], &path, &answers).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("not trusted, and nothing was changed"),
        "{output}"
    );
    assert_eq!(remote.counts().authorization_bytes(), 0);

    // Host, type (the port does not tell), name, fingerprint, token, secret, the cluster's CA.
    let answers = format!("{host}\npve\nlab\ny\n{}\n{}\ny\n", token.id, token.secret);
    let (code, output) = run_with(&["remote", "add"], &path, &answers).await;
    assert_eq!(code, Some(0), "{output}");
    assert!(
        output.contains(&remote.endpoints()[0].fingerprint),
        "{output}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# mine\n") && text.contains("ca_file = "),
        "{text}"
    );
    assert!(
        !text.contains(&token.secret) && !text.contains("fingerprint"),
        "{text}"
    );

    let (code, output) = run(&["check"], &path).await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("certificate trusted"), "{output}");
    let (_, output) = run(&["remote", "list"], &path).await;
    assert_eq!(output, format!("lab\tpve\t{}\t{host}\n", token.id));
    let (code, output) = run(&["remote", "probe-certificate", "lab"], &path).await;
    assert_eq!(code, Some(0), "{output}");
    assert!(
        output.contains("trusted: its chain and name are accepted"),
        "{output}"
    );
}

#[tokio::test]
async fn a_certificate_of_the_year_3026_is_shown_without_a_token() {
    let fleet = fleet([RemotePlan::Pbs(support::pbs("b"))]).await;
    let remote = fleet.remote("b");
    let proxfleet = Proxfleet::start(DEAD).await;
    proxfleet.rewrite("", &fleet.config_toml());
    let (code, output) = run(
        &["remote", "probe-certificate", "b"],
        &proxfleet.config_path(),
    )
    .await;
    assert_eq!(code, Some(0), "{output}");
    for text in [
        "pinned",
        &remote.endpoints()[0].fingerprint,
        "valid to     3026-01-01",
        "CN=b",
        "localhost",
    ] {
        assert!(output.contains(text), "{text} is missing:\n{output}");
    }
    assert_eq!(remote.counts().authorization_bytes(), 0);
}

#[tokio::test]
async fn scrapes_under_way_are_finished_at_the_end() {
    let mut slow = pve("a", 1, 5);
    slow.latency = simulator::Latency::Fixed(std::time::Duration::from_millis(800));
    let fleet = fleet([RemotePlan::Pve(slow)]).await;
    let proxfleet = Proxfleet::start(&fleet.config_toml()).await;
    let address = proxfleet.address;
    let scrape =
        tokio::spawn(async move { support::request(address, "GET", "/metrics", &[]).await });
    support::eventually("the scrape is under way", async || {
        fleet.remote("a").counts().requests_to("/cluster/resources") > 0
    })
    .await;
    proxfleet.signal("-TERM");
    let answer = scrape.await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("pve_guest_info"));
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "it listens no longer"
    );
}
