//! The log: to stderr, as text for people and journals, or as JSON.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

#[derive(Args)]
pub(super) struct LogArguments {
    /// Form of the log on stderr.
    #[arg(long, value_name = "FORM", default_value = "text")]
    log_format: Form,
    /// What is logged: a level, or levels by module.
    #[arg(
        long,
        env = "PROXFLEET_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub(super) log: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Starts the log. Returns what is wrong with the filter, if anything.
pub(super) fn start(arguments: &LogArguments) -> Result<(), String> {
    let filter = EnvFilter::try_new(&arguments.log)
        .map_err(|error| format!("--log {:?} is no filter: {error}", arguments.log))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // The journal has a time of its own.
    let in_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match arguments.log_format {
        Form::Json => builder.json().try_init(),
        Form::Text if in_journal => builder.with_ansi(false).without_time().try_init(),
        Form::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
    };
    started.map_err(|error| format!("the log cannot be started: {error}"))
}
