//! `proxfleet import`: old files in, a configuration out that answers.
#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Proxfleet, cluster, free_port, run};

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The target and the files of an old installation.
async fn old_installation(folder: &Path, fleet: &simulator::Fleet) -> (String, [String; 2]) {
    let remote = fleet.remote("a");
    let target = remote.endpoints()[0].address.to_string();
    let authority = write(folder, "ca.pem", remote.ca_pem());
    let (user, token) = remote.token_id().split_once('!').unwrap();
    let yml = format!(
        "default:\n  user: {user}\n  token_name: {token}\n  token_value: {}\n  verify_ssl: {authority}\n\
         old:\n  user: root@pam\n  password: s3cret\n",
        remote.token_secret()
    );
    let prometheus = format!(
        "scrape_configs:\n- job_name: pve\n  metrics_path: /pve\n  static_configs: [ {{ targets: ['{target}'] }} ]\n  \
         relabel_configs: [ {{ source_labels: [__address__], target_label: __param_target }} ]\n"
    );
    let files = [
        write(folder, "pve.yml", &yml),
        write(folder, "prometheus.yml", &prometheus),
    ];
    (target, files)
}

#[tokio::test]
async fn what_was_imported_answers() {
    let fleet = cluster(4).await;
    let folder = tempfile::tempdir().unwrap();
    let (target, [yml, prometheus]) = old_installation(folder.path(), &fleet).await;
    let output = folder.path().join("proxfleet.toml");
    let output_text = output.display().to_string();
    let arguments = [
        "import",
        "--pve-exporter",
        &yml,
        "--prometheus",
        &prometheus,
        "--output",
        &output_text,
    ];
    let (code, said) = run(&arguments, Path::new("unused")).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("module old logs in with a password"),
        "{said}"
    );
    let written = std::fs::read_to_string(&output).unwrap();
    for part in [
        "[[remote]]",
        "name = \"127.0.0.1\"",
        "[modules.default]",
        "# [modules.old]",
        "pveum user token add root@pam proxfleet --privsep 1",
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    assert!(
        !written.contains(fleet.remote("a").token_secret()),
        "{written}"
    );
    assert!(!written.contains("s3cret"), "{written}");
    for name in ["proxfleet.toml", "default.token"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let again = run(&arguments, Path::new("unused")).await;
    assert_eq!(again.0, Some(1), "{}", again.1);
    assert!(again.1.contains("File exists"), "{}", again.1);

    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listening = format!("[server]\nlisten = [\"{address}\"]\n{written}");
    std::fs::write(&output, listening).unwrap();
    let arguments = ["serve", "--config", &output_text];
    let proxfleet = Proxfleet::start_as(address, folder, &arguments, &[]).await;
    let answer = proxfleet.get(&format!("/pve?target={target}&node=0")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let all = proxfleet.get("/metrics").await.text();
    assert!(all.contains("remote=\"127.0.0.1\""), "{all}");
}

#[tokio::test]
async fn without_a_file_it_is_shown() {
    let fleet = cluster(1).await;
    let folder = tempfile::tempdir().unwrap();
    let (_, [yml, _]) = old_installation(folder.path(), &fleet).await;
    let (code, shown) = run(&["import", "--pve-exporter", &yml], Path::new("unused")).await;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("targets = []"), "{shown}");
    assert!(shown.contains("token_secret = "), "{shown}");
    assert!(!shown.contains("[[remote]]"), "{shown}");
    let (code, told) = run(&["import"], Path::new("unused")).await;
    assert_eq!(code, Some(2), "{told}");
}

#[tokio::test]
async fn the_environment_of_pbs_exporter_becomes_a_remote() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("proxfleet.toml");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proxfleet"));
    command
        .args(["import", "--pbs-exporter", "--output"])
        .arg(&output)
        .envs([
            ("PBS_ENDPOINT", "https://pbs1.example.org:8007"),
            ("PBS_USERNAME", "monitor@pbs"),
            ("PBS_API_TOKEN", "0123"),
            ("PBS_INSECURE", "1"),
        ]);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.unwrap().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{said}");
    assert!(
        said.contains("proxfleet remote probe-certificate"),
        "{said}"
    );
    let written = std::fs::read_to_string(&output).unwrap();
    for part in [
        "name = \"pbs1.example.org\"",
        "type = \"pbs\"",
        "token_id = \"monitor@pbs!pbs-exporter\"",
        "token_secret_file = \"pbs-exporter.token\"",
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
}
