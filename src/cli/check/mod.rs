//! `proxfleet check`: what is wrong with a configuration, and with what it names.

mod examine;
mod report;

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{ConfigFile, Verdict, print};
use crate::remote::trust::SystemRoots;
use crate::{collect, config};
use report::{RemoteReport, Report};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Form of the report.
    #[arg(long, value_name = "FORM", default_value = "text")]
    format: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(super) async fn check(arguments: Arguments) -> Verdict {
    let loaded = config::load(&arguments.config.path, &collect::configuration_keys());
    let mut report = Report {
        findings: loaded.findings,
        remotes: Vec::new(),
    };
    if let Some(config) = loaded.config {
        report.remotes = examine_all(&config).await;
    }
    match arguments.format {
        Form::Text => print(report.to_string().trim_end()),
        Form::Json => print(&serde_json::to_string_pretty(&report).unwrap_or_default()),
    }
    if report.is_good() {
        Verdict::Good
    } else {
        Verdict::Failed
    }
}

/// All remotes at once; reported in the order of the configuration.
async fn examine_all(config: &config::Config) -> Vec<RemoteReport> {
    let roots = Arc::new(SystemRoots::load());
    let examining: Vec<_> = config
        .remotes
        .iter()
        .map(|remote| tokio::spawn(examine::remote(Arc::clone(remote), Arc::clone(&roots))))
        .collect();
    let mut reports = Vec::new();
    for (examined, remote) in examining.into_iter().zip(&config.remotes) {
        reports.push(
            examined
                .await
                .unwrap_or_else(|_| RemoteReport::failed(remote, "it could not be examined")),
        );
    }
    reports
}
