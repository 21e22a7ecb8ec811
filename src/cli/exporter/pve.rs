//! `proxfleet pve-exporter`: prometheus-pve-exporter's command line, straight from its old files.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::ArgAction;
use clap::{Arg, ArgMatches, Args, FromArgMatches};

use super::prometheus_yml::Targets;
use super::pve_yml::PveYml;
use super::{Additions, announce, server};
use crate::cli::serve::serve_from;
use crate::cli::{Verdict, logging, say};
use crate::config::drop_in::PVE_EXPORTER_COLLECTORS;
use crate::config::{Admission, Config, DropIn};

const METRICS_PATH: &str = "/pve";
const HOW_TO_ALLOW: &str =
    "name targets by --allow-target HOST|CIDR, or by --prometheus prometheus.yml";

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The exporter's modules. Not read where the environment has PVE_USER.
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "/etc/prometheus/pve.yml"
    )]
    config_file: PathBuf,
    /// Where to listen.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "[::]:9221"
    )]
    listen_address: String,
    /// Key of the server's own certificate.
    #[arg(long = "server.keyfile", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The server's own certificate.
    #[arg(long = "server.certfile", value_name = "FILE")]
    certificate_file: Option<PathBuf>,
    /// A Prometheus configuration whose jobs for /pve name the targets.
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Answer 500 where any part of an answer is missing, as the exporter did.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    collectors: Collectors,
    #[command(flatten)]
    additions: Additions,
    #[command(flatten)]
    logging: logging::LogArguments,
}

/// `--collector.X` and `--no-collector.X`, of which the last that is given counts.
struct Collectors {
    without: BTreeSet<&'static str>,
    /// Those that told of the exporter itself.
    of_itself: bool,
}

/// Collectors that told of the exporter itself; off there by default.
const OF_ITSELF: &[&str] = &["pve-api-metrics", "target-metrics"];

impl Collectors {
    fn all() -> impl Iterator<Item = &'static str> {
        PVE_EXPORTER_COLLECTORS.iter().chain(OF_ITSELF).copied()
    }
}

impl Args for Collectors {
    fn augment_args(command: clap::Command) -> clap::Command {
        Self::all().fold(command, |command, name| {
            let (on, off) = (format!("collector.{name}"), format!("no-collector.{name}"));
            let flag = |long: &str, other: &str| {
                Arg::new(long.to_owned())
                    .long(long.to_owned())
                    .action(ArgAction::SetTrue)
                    .overrides_with(other.to_owned())
                    .help_heading("Collectors of prometheus-pve-exporter")
            };
            command.arg(flag(&on, &off)).arg(flag(&off, &on))
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Collectors {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_off = |name: &&'static str| matches.get_flag(&format!("no-collector.{name}"));
        let is_on = |name: &&'static str| matches.get_flag(&format!("collector.{name}"));
        Ok(Self {
            without: PVE_EXPORTER_COLLECTORS
                .iter()
                .copied()
                .filter(is_off)
                .collect(),
            of_itself: OF_ITSELF.iter().any(is_on),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(in crate::cli) async fn serve(arguments: Arguments) -> Verdict {
    if let Err(problem) = logging::start(&arguments.logging) {
        say(&format!("error: {problem}"));
        return Verdict::Failed;
    }
    if arguments.collectors.of_itself {
        tracing::info!("/metrics tells of calls and scrapes in families of its own, which are on");
    }
    serve_from(Box::new(move || configuration(&arguments))).await
}

fn configuration(arguments: &Arguments) -> Result<Config, String> {
    let variable = |name: &str| std::env::var(name).ok();
    let yml = match PveYml::from_environment(variable) {
        Some(read) => read,
        None => PveYml::load(&arguments.config_file),
    };
    let PveYml {
        mut modules,
        mut warnings,
    } = yml.map_err(|errors| errors.to_string())?;

    let everywhere = arguments.additions.admissions()?;
    for module in &mut modules {
        module.targets.clone_from(&everywhere);
    }
    if let Some(path) = &arguments.prometheus {
        let targets = Targets::load(path, METRICS_PATH)?;
        warnings.extend(targets.warnings);
        for (name, texts) in targets.of_modules {
            let Some(module) = modules.iter_mut().find(|module| module.name == name) else {
                warnings.push(format!("{}: there is no module {name}", path.display()));
                continue;
            };
            for text in texts {
                match Admission::parse(&text) {
                    Ok(admission) => module.targets.push(admission),
                    Err(problem) => warnings.push(format!("target {text:?}: {problem}")),
                }
            }
        }
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    announce(&modules, HOW_TO_ALLOW);
    Ok(Config {
        server: server(
            &arguments.listen_address,
            arguments.certificate_file.as_ref(),
            arguments.key_file.as_ref(),
        )?,
        state_directory: arguments.additions.state_directory.clone(),
        max_in_flight_total: 64,
        remotes: Vec::new(),
        modules: modules.into_iter().map(Arc::new).collect(),
        drop_in: DropIn {
            strict: arguments.strict,
            without: arguments.collectors.without.clone(),
        },
    })
}
