//! A simulated fleet in a process of its own, for benchmarks and for trying things out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use simulator::{Behaviour, Fleet, FleetPlan, Latency, PvePlan, RemotePlan};

/// Serves a simulated fleet on loopback, and says where.
#[derive(Parser)]
#[command(name = "proxfleet-simulator", version)]
struct Arguments {
    /// Nodes of each cluster.
    #[arg(long, value_delimiter = ',', default_value = "3,5,1")]
    clusters: Vec<usize>,
    /// Guests, shared among the clusters by their size.
    #[arg(long, default_value_t = 200)]
    guests: usize,
    /// Backup servers.
    #[arg(long, default_value_t = 2)]
    pbs: usize,
    /// Instead of --clusters: so many standalone nodes, each with --guests guests.
    #[arg(long)]
    remotes: Option<usize>,
    /// Fraction of the guests that run, 0..1; 1 also makes them stay as they are.
    #[arg(long, default_value_t = 0.7)]
    running: f64,
    /// Time before each answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// The same seed makes the same fleet.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the fleet is controlled.
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// Write a configuration of proxfleet for this fleet.
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    /// Stop after so many seconds.
    #[arg(long, default_value_t = 3600)]
    r#for: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let fleet = Fleet::start(plan(&arguments)).await.map_err(|error| error.to_string())?;
    let fleet = Arc::new(fleet);
    if let Some(path) = &arguments.write_config {
        std::fs::write(path, fleet.config_toml()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut control = None;
    if let Some(address) = arguments.control {
        let listener =
            tokio::net::TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
        control = listener.local_addr().ok();
        tokio::spawn(simulator::control::serve(listener, Arc::clone(&fleet)));
    }
    describe(&fleet, control);
    tokio::time::sleep(Duration::from_secs(arguments.r#for)).await;
    Ok(())
}

fn plan(arguments: &Arguments) -> FleetPlan {
    let mut plan = match arguments.remotes {
        None => FleetPlan::demo(&arguments.clusters, arguments.guests, arguments.pbs, arguments.seed),
        Some(remotes) => {
            let mut plan = FleetPlan::demo(&[], 0, arguments.pbs, arguments.seed);
            plan.remotes.extend((0..remotes).map(|index| {
                RemotePlan::Pve(PvePlan {
                    name: format!("node-{index:04}"),
                    nodes: 1,
                    guests: arguments.guests,
                    ..PvePlan::default()
                })
            }));
            plan
        }
    };
    let latency = Latency::Fixed(Duration::from_millis(arguments.latency));
    for remote in &mut plan.remotes {
        let behaviour = match remote {
            RemotePlan::Pve(pve) => {
                pve.running = arguments.running;
                pve.lively = arguments.running < 1.0;
                &mut pve.behaviour
            }
            RemotePlan::Pbs(pbs) => &mut pbs.behaviour,
        };
        *behaviour = Behaviour { latency, ..behaviour.clone() };
    }
    plan
}

/// One line of JSON: where everything is, and the tokens.
#[expect(clippy::print_stdout, reason = "this is what the program is asked for")]
fn describe(fleet: &Fleet, control: Option<SocketAddr>) {
    let remotes: Vec<_> = fleet
        .remotes()
        .iter()
        .map(|remote| {
            let token = remote.tokens().first();
            json!({
                "name": remote.name(),
                "type": remote.product(),
                "endpoints": remote.endpoints().iter().map(|endpoint| json!({
                    "address": endpoint.address.to_string(),
                    "node": endpoint.node,
                    "fingerprint": endpoint.fingerprint,
                })).collect::<Vec<_>>(),
                "token_id": token.map(|token| &token.id),
                "token_secret": token.map(|token| &token.secret),
            })
        })
        .collect();
    println!("{}", json!({ "control": control.map(|address| address.to_string()), "remotes": remotes }));
}
