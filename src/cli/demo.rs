//! `proxfleet demo`: a simulated fleet and proxfleet over it, in one process.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use simulator::{Fleet, FleetPlan};

use super::serve::run;
use super::{Verdict, logging, print, say};
use crate::web::server;
use crate::{collect, config};

#[derive(Args)]
pub(super) struct Arguments {
    /// Where to serve.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9221")]
    listen: SocketAddr,
    /// Nodes of each simulated cluster.
    #[arg(
        long,
        value_name = "NODES",
        value_delimiter = ',',
        default_value = "3,5,1"
    )]
    clusters: Vec<usize>,
    /// Simulated guests, shared among the clusters by their size.
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    guests: usize,
    /// Simulated backup servers.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pbs: usize,
    /// The same seed makes the same fleet.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    logging: logging::LogArguments,
}

pub(super) async fn demo(arguments: Arguments) -> Verdict {
    if let Err(problem) = logging::start(&arguments.logging) {
        say(&format!("error: {problem}"));
        return Verdict::Failed;
    }
    match serve(&arguments).await {
        Ok(()) => Verdict::Good,
        Err(problem) => {
            say(&format!("error: {problem}"));
            Verdict::Failed
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), String> {
    let plan = FleetPlan::demo(
        &arguments.clusters,
        arguments.guests,
        arguments.pbs,
        arguments.seed,
    );
    let fleet = Fleet::start(plan)
        .await
        .map_err(|error| format!("the simulated fleet: {error}"))?;

    // The same way that an operator's configuration goes. Nobody has to be gentle to what is
    // simulated: everything is to be seen at once.
    let text = format!(
        "[server]\nlisten = [\"{}\"]\n[defaults]\nbackground_calls_per_second = 500\n\n{}",
        arguments.listen,
        fleet.config_toml()
    );
    let loaded = config::parse(
        &text,
        Path::new("demo.toml"),
        &collect::configuration_keys(),
    );
    let Some(config) = loaded.config else {
        let findings: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the demo's own configuration is wrong:\n{}",
            findings.join("\n")
        ));
    };
    let listeners = server::listen(&config.server.listen)
        .await
        .map_err(|error| error.to_string())?;
    let address = listeners
        .first()
        .and_then(|listener| listener.local_addr().ok())
        .unwrap_or(arguments.listen);
    print(&welcome(&fleet, address));
    run(config, listeners, None).await
}

fn welcome(fleet: &Fleet, address: SocketAddr) -> String {
    let mut text =
        "A simulated fleet, each end-point over TLS with its own certificate and token:\n"
            .to_owned();
    for remote in fleet.remotes() {
        let endpoints: Vec<String> = remote
            .endpoints()
            .iter()
            .map(|endpoint| endpoint.address.to_string())
            .collect();
        text.push_str(&format!(
            "  {:<12} {}  {} end-point(s) at {}\n",
            remote.name(),
            remote.product(),
            remote.endpoints().len(),
            endpoints.join(", "),
        ));
    }
    text.push_str(&format!(
        "\nLook at\n  http://{address}/           the remotes, and links\n  http://{address}/metrics    the whole fleet in one scrape\n\n\
         For Prometheus:\n\nscrape_configs:\n  - job_name: proxfleet\n    static_configs:\n      - targets: [\"{address}\"]\n\nCtrl-C stops it."
    ));
    text
}
