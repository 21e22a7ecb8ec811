//! The command line: one file a sub-command.

mod check;
#[cfg(feature = "demo")]
mod demo;
mod exporter;
mod logging;
mod metrics;
mod remote;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Every Proxmox VE cluster and Backup Server you run, behind one scrape.
#[derive(Parser)]
#[command(
    name = "proxfleet",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the fleet of a configuration.
    Serve(serve::Arguments),
    /// Serve a simulated fleet: nothing else is needed.
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Say what is wrong with a configuration, and with the remotes and tokens it names.
    Check(check::Arguments),
    /// List, add and trust remotes.
    Remote(remote::Arguments),
    /// Take the place of prometheus-pve-exporter: its flags, its pve.yml, its /pve.
    PveExporter(exporter::pve::Arguments),
    /// List every metric with what it tells, and what is asked for it.
    Metrics(metrics::Arguments),
}

/// The configuration file, for the sub-commands that read it.
#[derive(Args)]
struct ConfigFile {
    /// The configuration.
    #[arg(
        long = "config",
        env = "PROXFLEET_CONFIG",
        value_name = "FILE",
        default_value = "/etc/proxfleet/proxfleet.toml"
    )]
    path: PathBuf,
}

/// What a sub-command ends with; each says what it was to the operator itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// The program could not do, or would not go on with, what it was asked for.
    Failed,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::SUCCESS,
            Verdict::Failed => Self::FAILURE,
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("error: cannot start the runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let verdict = runtime.block_on(async {
        match cli.command {
            Command::Serve(arguments) => serve::serve(arguments).await,
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => demo::demo(arguments).await,
            Command::Check(arguments) => check::check(arguments).await,
            Command::Remote(arguments) => remote::remote(arguments).await,
            Command::PveExporter(arguments) => exporter::pve::serve(arguments).await,
            Command::Metrics(arguments) => metrics::metrics(&arguments),
        }
    });
    // Answers that nobody waits for any more are not waited for either.
    runtime.shutdown_background();
    verdict.into()
}

/// A line for the operator, on stderr.
#[expect(
    clippy::print_stderr,
    reason = "the one place that writes to the operator's terminal"
)]
fn say(text: &str) {
    eprintln!("{text}");
}

/// A line of what was asked for, on stdout.
#[expect(clippy::print_stdout, reason = "the one place that writes results")]
fn print(text: &str) {
    println!("{text}");
}
