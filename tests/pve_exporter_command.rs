//! `proxfleet pve-exporter`: the old flags, files and environment, and the old answers.
#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::net::SocketAddr;
use std::path::Path;

use simulator::{Fleet, SimulatedRemote};
use support::{Proxfleet, cluster, eventually, free_port};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn pve_yml(remote: &SimulatedRemote, verify: &str) -> String {
    let (user, token) = remote.token_id().split_once('!').unwrap();
    format!(
        "default:\n  user: {user}\n  token_name: {token}\n  token_value: {}\n  verify_ssl: {verify}\n",
        remote.token_secret()
    )
}

async fn start(folder: Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Proxfleet {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = address.to_string();
    let mut all = vec!["pve-exporter", "--web.listen-address", &listen];
    all.extend(arguments);
    Proxfleet::start_as(address, folder.0, &all, environment).await
}

fn address_of(fleet: &Fleet) -> String {
    fleet.remote("a").endpoints()[0].address.to_string()
}

#[tokio::test]
async fn old_files_are_enough() {
    let fleet = cluster(6).await;
    let remote = fleet.remote("a");
    let folder = Folder::new();
    let authority = folder.write("ca.pem", remote.ca_pem());
    let config = folder.write("pve.yml", &pve_yml(remote, &authority));
    let prometheus = folder.write(
        "prometheus.yml",
        &format!(
            "scrape_configs:\n- job_name: pve\n  metrics_path: /pve\n  params: {{ module: [default] }}\n  \
             static_configs: [ {{ targets: ['{}'] }} ]\n  relabel_configs:\n  - {{ source_labels: [__address__], target_label: __param_target }}\n",
            address_of(&fleet)
        ),
    );
    let arguments = ["--config.file", &config, "--prometheus", &prometheus];
    let proxfleet = start(folder, &arguments, &[]).await;
    let path = format!("/pve?target={}", address_of(&fleet));
    let answer = proxfleet.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    for family in ["pve_up{", "pve_onboot_status{", "pve_subscription_info{"] {
        assert!(text.contains(family), "{family}\n{text}");
    }
    // Who scrapes it already is not shown the fleet a second time.
    let own = proxfleet.get("/metrics").await.text();
    assert!(
        own.contains("proxfleet_build_info") && !own.contains("pve_up"),
        "{own}"
    );
    let other = proxfleet.get("/pve?target=127.0.0.1:1").await;
    assert_eq!(other.status, 403, "{}", other.text());
}

#[tokio::test]
async fn without_targets_all_are_refused_and_the_log_says_what_to_add() {
    let fleet = cluster(2).await;
    let folder = Folder::new();
    let config = folder.write("pve.yml", &pve_yml(fleet.remote("a"), "true"));
    let proxfleet = start(folder, &["--config.file", &config], &[]).await;
    let answer = proxfleet
        .get(&format!("/pve?target={}", address_of(&fleet)))
        .await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let log = proxfleet.log();
    assert!(log.contains("--allow-target HOST|CIDR"), "{log}");
    assert_eq!(fleet.counts().remotes.len(), 1);
    assert_eq!(support::calls_at(fleet.remote("a"), 0), 0);
}

#[tokio::test]
async fn collectors_are_switched_off_by_their_old_flags() {
    let fleet = cluster(6).await;
    let remote = fleet.remote("a");
    let folder = Folder::new();
    let authority = folder.write("ca.pem", remote.ca_pem());
    let config = folder.write("pve.yml", &pve_yml(remote, &authority));
    let arguments = [
        "--config.file",
        &config,
        "--allow-target",
        &address_of(&fleet),
        "--no-collector.config",
        "--collector.status",
        "--no-collector.status",
        "--no-collector.version",
        "--collector.version",
    ];
    let proxfleet = start(folder, &arguments, &[]).await;
    let text = proxfleet
        .get(&format!("/pve?target={}", address_of(&fleet)))
        .await
        .text();
    assert!(!text.contains("pve_onboot_status"), "{text}");
    assert!(!text.contains("pve_up{"), "{text}");
    assert!(text.contains("pve_version_info"), "{text}");
}

#[tokio::test]
async fn verify_ssl_false_believes_the_first_certificate_and_no_other() {
    let fleet = cluster(2).await;
    let remote = fleet.remote("a");
    let folder = Folder::new();
    let state = folder.0.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let config = folder.write("pve.yml", &pve_yml(remote, "false"));
    let state = state.display().to_string();
    let target = address_of(&fleet);
    let arguments = ["--config.file", &config, "--allow-target", &target];
    let proxfleet = start(folder, &arguments, &[("STATE_DIRECTORY", &state)]).await;
    let path = format!("/pve?target={target}&node=0");
    assert_eq!(proxfleet.get(&path).await.status, 200);
    assert!(proxfleet.log().contains("verify_ssl is off"));
    assert!(std::fs::read_dir(Path::new(&state)).unwrap().count() > 0);
    remote.set_fault(simulator::Fault::CertificateRotated);
    eventually("the other certificate is refused", async || {
        let answer = proxfleet.get(&path).await;
        answer.status == 500 && answer.text().contains("certificate")
    })
    .await;
}

#[tokio::test]
async fn the_environment_is_enough_and_what_is_wrong_ends_the_program() {
    let fleet = cluster(2).await;
    let remote = fleet.remote("a");
    let (user, token) = remote.token_id().split_once('!').unwrap();
    let target = address_of(&fleet);
    let environment = [
        ("PVE_USER", user),
        ("PVE_TOKEN_NAME", token),
        ("PVE_TOKEN_VALUE", remote.token_secret()),
        ("PVE_VERIFY_SSL", "false"),
        ("PVE_MODULE", "lab"),
    ];
    let proxfleet = start(Folder::new(), &["--allow-target", &target], &environment).await;
    let path = format!("/pve?target={target}&node=0");
    assert_eq!(proxfleet.get(&path).await.status, 400);
    let answer = proxfleet.get(&format!("{path}&module=lab")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!proxfleet.log().contains(remote.token_secret()));

    let folder = Folder::new();
    let config = folder.write("pve.yml", "default:\n  user: a@pve\n  insecure: true\n");
    let arguments = ["pve-exporter", "--config.file", &config];
    let (code, text) = support::run(&arguments, Path::new("unused")).await;
    assert_eq!(code, Some(1));
    assert!(
        text.contains("pve.yml:3: `insecure` of module default: write verify_ssl: false"),
        "{text}"
    );
    assert!(
        text.contains("lacks token_name and token_value, or password"),
        "{text}"
    );
}

#[tokio::test]
async fn a_password_logs_in_once_and_the_log_says_what_replaces_it() {
    let fleet = cluster(3).await;
    let remote = fleet.remote("a");
    let user = &remote.users()[0];
    let folder = Folder::new();
    let authority = folder.write("ca.pem", remote.ca_pem());
    let yml = format!(
        "default:\n  user: {}\n  password: '{}'\n  verify_ssl: {authority}\n",
        user.id, user.password
    );
    let config = folder.write("pve.yml", &yml);
    let target = address_of(&fleet);
    let arguments = ["--config.file", &config, "--allow-target", &target];
    let proxfleet = start(folder, &arguments, &[]).await;
    for _ in 0..3 {
        let answer = proxfleet.get(&format!("/pve?target={target}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("pve_subscription_info"));
    }
    let logins: u64 = remote
        .counts()
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.requests.get("POST /access/ticket"))
        .sum();
    assert_eq!(logins, 1);
    let log = proxfleet.log();
    let command = format!("pveum user token add {} proxfleet --privsep 1", user.id);
    assert!(log.contains(&command), "{log}");
    assert!(!log.contains(&user.password), "{log}");
}
