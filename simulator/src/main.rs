//! `proxfleet-simulator`: a simulated fleet in a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use simulator::{Control, Fleet, FleetPlan, Latency, PvePlan, RemotePlan};

/// Serves simulated Proxmox VE clusters and Backup Servers on loopback, and says where in one line of JSON.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Nodes of each cluster.
    #[arg(long, value_delimiter = ',', default_value = "3,5,1")]
    clusters: Vec<usize>,
    /// Guests in all clusters together; with --remotes, in each.
    #[arg(long, default_value_t = 200)]
    guests: usize,
    /// Backup servers.
    #[arg(long, default_value_t = 2)]
    pbs: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// This many clusters instead, each of the first size of --clusters, with one endpoint.
    #[arg(long)]
    remotes: Option<usize>,
    /// Which part of the guests runs: a ratio, or `all`.
    #[arg(long)]
    running: Option<String>,
    /// Latency of every call: 20ms, 1.5s, or median and 95th percentile as 20ms,60ms.
    #[arg(long)]
    latency: Option<String>,
    /// Include unnamed guests, hostile names, locks, unreachable storages and datastores of every kind.
    #[arg(long)]
    oddities: bool,
    /// Let all nodes of a cluster report in the same second.
    #[arg(long)]
    report_together: bool,
    /// Give each cluster a QDevice.
    #[arg(long)]
    qdevice: bool,
    /// Give the first two nodes of each cluster subscriptions: one is active, one has expired.
    #[arg(long)]
    subscriptions: bool,
    /// Address of the control API.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Write the remotes as tables of a proxfleet configuration here.
    #[arg(long)]
    write_config: Option<PathBuf>,
    /// Stop after this many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    stop_after: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Fleet(#[from] simulator::Error),
    #[error("{0:?} is no duration; write 20ms or 1.5s")]
    Duration(String),
    #[error("{0:?} is neither a ratio from 0 to 1 nor `all`")]
    Running(String),
    #[error("cannot write {path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

#[tokio::main]
#[allow(clippy::print_stdout, clippy::print_stderr)]
async fn main() -> std::process::ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("proxfleet-simulator: {failure}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout)]
async fn run(arguments: Arguments) -> Result<(), Failure> {
    let fleet = Arc::new(Fleet::start(plan(&arguments)?).await?);
    let control = Control::start(Arc::clone(&fleet), arguments.control).await?;
    if let Some(path) = arguments.write_config {
        std::fs::write(&path, fleet.config_toml())
            .map_err(|source| Failure::Write { path, source })?;
    }
    let mut description = fleet.describe();
    if let Some(fields) = description.as_object_mut() {
        fields.insert(
            "control".into(),
            format!("http://{}", control.address()).into(),
        );
    }
    println!("{description}");
    let end = async {
        match arguments
            .stop_after
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = end => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

fn plan(arguments: &Arguments) -> Result<FleetPlan, Failure> {
    let mut plan = FleetPlan::demo(
        &arguments.clusters,
        arguments.guests,
        arguments.pbs,
        arguments.seed,
    );
    if let Some(count) = arguments.remotes {
        let nodes = arguments.clusters.first().copied().unwrap_or(1);
        plan.remotes
            .retain(|remote| matches!(remote, RemotePlan::Pbs(_)));
        for index in 0..count {
            plan.remotes.push(RemotePlan::Pve(PvePlan {
                name: format!("cluster-{index:04}"),
                nodes,
                endpoints: 1,
                guests: arguments.guests,
                oddities: false,
                ..PvePlan::default()
            }));
        }
    }
    let latency = arguments.latency.as_deref().map(latency).transpose()?;
    let running = arguments.running.as_deref().map(running).transpose()?;
    for remote in &mut plan.remotes {
        match remote {
            RemotePlan::Pve(pve) => {
                pve.latency = latency.unwrap_or(pve.latency);
                pve.running_ratio = running.unwrap_or(pve.running_ratio);
                pve.oddities |= arguments.oddities;
                pve.report_together |= arguments.report_together;
                pve.qdevice |= arguments.qdevice;
                pve.subscriptions |= arguments.subscriptions;
            }
            RemotePlan::Pbs(pbs) => {
                pbs.latency = latency.unwrap_or(pbs.latency);
                pbs.oddities |= arguments.oddities;
                if arguments.oddities {
                    pbs.datastores = simulator::PbsPlan::every_kind();
                }
            }
        }
    }
    Ok(plan)
}

fn latency(text: &str) -> Result<Latency, Failure> {
    Ok(match text.split_once(',') {
        Some((median, p95)) => Latency::Spread {
            median: duration(median)?,
            p95: duration(p95)?,
        },
        None => Latency::Fixed(duration(text)?),
    })
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * unit);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Failure::Duration(text.to_owned()))
}

fn running(text: &str) -> Result<f64, Failure> {
    if text == "all" {
        return Ok(1.0);
    }
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| Failure::Running(text.to_owned()))
}
