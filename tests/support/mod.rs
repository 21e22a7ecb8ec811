//! The program under test, and a client that plays the scraper.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::let_underscore_must_use,
    reason = "a test ends where it goes wrong"
)]

pub mod drop_in;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proxfleet::metric::exposition::Format;
use proxfleet::metric::parse::{self, Exposition, ParsedSample};
use simulator::{Clock, Fleet, FleetPlan, PbsPlan, PvePlan, RemotePlan, Rights, SimulatedRemote};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nothing here takes longer unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running `proxfleet serve`.
pub struct Proxfleet {
    child: Child,
    pub address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxfleet {
    /// Starts it with these `[[remote]]` tables, and what else stands in front of them.
    pub async fn start_with(front: &str, remotes: &str) -> Self {
        let port = free_port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("proxfleet.toml");
        std::fs::write(&config, configuration(address, front, remotes)).unwrap();
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
        let arguments = ["serve", "--config", &config.display().to_string()];
        Self::start_as(address, folder, &arguments, &[]).await
    }

    /// Starts any command that serves at this address, with these variables in its environment.
    pub async fn start_as(
        address: SocketAddr,
        folder: tempfile::TempDir,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_proxfleet"))
            .args(arguments)
            .args(["--log", "proxfleet=trace,info"])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let proxfleet = Self {
            child,
            address,
            folder,
        };
        eventually("the program listens", async || {
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        proxfleet
    }

    pub async fn start(remotes: &str) -> Self {
        Self::start_with("", remotes).await
    }

    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("proxfleet.toml")
    }

    /// Replaces the configuration; it is read at the next reload.
    pub fn rewrite(&self, front: &str, remotes: &str) {
        std::fs::write(
            self.config_path(),
            configuration(self.address, front, remotes),
        )
        .unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[]).await
    }

    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.address, method, path, headers).await
    }

    /// A scrape of everything, held against the strict reader.
    pub async fn scrape(&self) -> Exposition {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        parse::parse(Format::Text, &answer.text()).unwrap()
    }

    /// Scrapes until the exposition is as wanted.
    pub async fn scrape_until(
        &self,
        what: &str,
        wanted: impl Fn(&Exposition) -> bool,
    ) -> Exposition {
        let end = Instant::now() + PATIENCE;
        loop {
            let exposition = self.scrape().await;
            if wanted(&exposition) {
                return exposition;
            }
            assert!(
                Instant::now() < end,
                "waited in vain for: {what}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Scrapes until every collector of every remote has been answered all that it asks, or is
    /// known to lack the rights.
    pub async fn scrape_all(&self) -> Exposition {
        let is_settled = |exposition: &Exposition, sample: &ParsedSample| {
            let outcome = exposition.samples_named("proxfleet_collector_outcome");
            let is_forbidden = outcome.iter().any(|outcome| {
                outcome.labels["outcome"] == "forbidden"
                    && ["remote", "collector"]
                        .iter()
                        .all(|label| outcome.labels[*label] == sample.labels[*label])
            });
            sample.value == 1.0 || is_forbidden
        };
        self.scrape_until("every collector has been answered", |exposition| {
            let all = |name| {
                let samples = exposition.samples_named(name);
                !samples.is_empty() && samples.iter().all(|sample| is_settled(exposition, sample))
            };
            all("proxfleet_collector_success") && all("proxfleet_collector_coverage_ratio")
        })
        .await
    }
}

impl Drop for Proxfleet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code and output of a sub-command. The simulated servers go on meanwhile.
pub async fn run(arguments: &[&str], config: &Path) -> (Option<i32>, String) {
    run_with(arguments, config, "").await
}

/// The same with answers to its questions.
pub async fn run_with(arguments: &[&str], config: &Path, answers: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxfleet"));
    command.args(arguments).env("PROXFLEET_CONFIG", config);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let answers = answers.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(answers.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    });
    let output = tokio::time::timeout(PATIENCE, running)
        .await
        .expect("an end in time")
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn configuration(address: SocketAddr, front: &str, remotes: &str) -> String {
    // Most tests have no time for the pace of a gentle program.
    let quick = "background_calls_per_second = 1000";
    let front = if front.contains("background_calls_per_second") {
        front.to_owned()
    } else if front.contains("[defaults]") {
        front.replace("[defaults]", &format!("[defaults]\n{quick}"))
    } else {
        format!("{front}\n[defaults]\n{quick}\n")
    };
    let server = if front.contains("[server]") {
        front.replace("[server]", &format!("[server]\nlisten = [\"{address}\"]"))
    } else {
        format!("[server]\nlisten = [\"{address}\"]\n{front}")
    };
    format!("{server}\n{remotes}")
}

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn unpacked(&self) -> String {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&*self.body)
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

/// One request on a connection of its own.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let asking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("an answer in time");
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    }
}

/// Waits for a condition, with a bound.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Until a token is refused; real servers take three seconds.
const SOON: Duration = Duration::from_millis(50);

pub fn pve(name: &str, nodes: usize, guests: usize) -> PvePlan {
    PvePlan {
        name: name.to_owned(),
        nodes,
        guests,
        auth_delay: SOON,
        ..PvePlan::default()
    }
}

pub fn pbs(name: &str) -> PbsPlan {
    PbsPlan {
        name: name.to_owned(),
        auth_delay: SOON,
        ..PbsPlan::default()
    }
}

/// The `[[remote]]` table of a remote, with a token of its own choice.
pub fn table(remote: &SimulatedRemote, token_id: &str, secret: &str) -> String {
    let endpoints: Vec<String> = remote
        .endpoints()
        .iter()
        .map(|endpoint| {
            format!(
                "{{ host = \"{}\", fingerprint = \"{}\" }}",
                endpoint.address, endpoint.fingerprint
            )
        })
        .collect();
    format!(
        "[[remote]]\nname = \"{}\"\ntype = \"{}\"\nendpoints = [{}]\ntoken_id = \"{token_id}\"\ntoken_secret = \"{secret}\"\n",
        remote.name(),
        remote.product(),
        endpoints.join(", "),
    )
}

/// The same with the token that monitoring should have.
pub fn table_of(remote: &SimulatedRemote) -> String {
    table(remote, remote.token_id(), remote.token_secret())
}

/// The same with the token that may see everything: what an auditor may not see is told, too.
pub fn table_of_admin(remote: &SimulatedRemote) -> String {
    let mut tokens = remote.tokens().iter();
    let admin = tokens.find(|token| token.rights == Rights::Admin).unwrap();
    table(remote, &admin.id, &admin.secret)
}

/// Calls that an end-point has seen.
pub fn calls_at(remote: &SimulatedRemote, endpoint: usize) -> u64 {
    remote.counts().endpoints[endpoint].requests.values().sum()
}

pub async fn fleet(remotes: impl IntoIterator<Item = RemotePlan>) -> Fleet {
    let plan = FleetPlan {
        seed: 1,
        clock: Clock::default(),
        remotes: remotes.into_iter().collect(),
    };
    Fleet::start(plan).await.unwrap()
}

/// A cluster of three nodes.
pub async fn cluster(guests: usize) -> Fleet {
    fleet([RemotePlan::Pve(pve("a", 3, guests))]).await
}

/// The value of the one sample with this name and these labels.
pub fn value(exposition: &Exposition, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let found: Vec<f64> = exposition
        .samples_named(name)
        .iter()
        .filter(|sample| {
            labels
                .iter()
                .all(|(label, value)| sample.labels.get(*label).is_some_and(|v| v == value))
        })
        .map(|sample| sample.value)
        .collect();
    assert!(
        found.len() < 2,
        "{name} {labels:?} stands {} times",
        found.len()
    );
    found.first().copied()
}
