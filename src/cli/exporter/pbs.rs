//! `proxfleet pbs-exporter`: the flags and the environment of natrontech/pbs-exporter.
//!
//! A variable of the environment wins over its flag, as there.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, FromArgMatches};
use jiff::SignedDuration;
use secrecy::SecretString;

use super::{Additions, announce, server};
use crate::cli::serve::serve_from;
use crate::cli::{Verdict, logging, say};
use crate::config::{
    Admission, Config, Credentials, DropIn, Endpoint, Exposed, Module, PbsExporter, Product, Token,
};
use crate::fleet::target::DEFAULT_MODULE;

const DEFAULT_TARGET: &str = "https://localhost:8007";
const HOW_TO_ALLOW: &str = "name targets by --allow-target HOST|CIDR, or one by --pbs.endpoint";
/// A wrong token is answered after 3 s.
const SHORTEST_TIME_OUT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The backup server; without one each scrape names it as ?target= [PBS_ENDPOINT].
    #[arg(long = "pbs.endpoint", value_name = "URL")]
    endpoint: Option<String>,
    /// User of the token [PBS_USERNAME, PBS_USERNAME_FILE].
    #[arg(long = "pbs.username", value_name = "USER", default_value = "root@pam")]
    username: String,
    /// The token's secret; better in a file [PBS_API_TOKEN, PBS_API_TOKEN_FILE].
    #[arg(
        long = "pbs.api.token",
        value_name = "SECRET",
        hide_default_value = true
    )]
    token: Option<String>,
    /// The token's name [PBS_API_TOKEN_NAME, PBS_API_TOKEN_NAME_FILE].
    #[arg(
        long = "pbs.api.token.name",
        value_name = "NAME",
        default_value = "pbs-exporter"
    )]
    token_name: String,
    /// For one call [PBS_TIMEOUT].
    #[arg(long = "pbs.timeout", value_name = "TIME", default_value = "5s")]
    timeout: String,
    /// Believe the certificate that a server shows first, and only that one [PBS_INSECURE].
    #[arg(
        long = "pbs.insecure",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    insecure: String,
    /// Where the answers are [PBS_METRICS_PATH].
    #[arg(
        long = "pbs.metrics-path",
        value_name = "PATH",
        default_value = "/metrics"
    )]
    metrics_path: String,
    /// Where to listen [PBS_LISTEN_ADDRESS].
    #[arg(
        long = "pbs.listen-address",
        value_name = "ADDRESS",
        default_value = ":10019"
    )]
    listen_address: String,
    /// Level of the log [PBS_LOGLEVEL].
    #[arg(long = "pbs.loglevel", value_name = "LEVEL")]
    log_level: Option<String>,
    #[command(flatten)]
    additions: Additions,
    #[command(flatten)]
    logging: logging::LogArguments,
}

/// What the flags and the environment come to.
#[derive(Debug)]
pub(in crate::cli) struct Settings {
    /// As it was written, and as it is reached.
    pub(in crate::cli) endpoint: Option<(String, Endpoint)>,
    pub(in crate::cli) token: Token,
    pub(in crate::cli) timeout: Duration,
    pub(in crate::cli) insecure: bool,
    metrics_path: String,
    listen_address: String,
}

/// Gives flags with one dash, which Go's programs take, a second one.
pub(in crate::cli) fn with_two_dashes(
    arguments: impl Iterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    arguments.map(|argument| match argument.to_str() {
        Some(text) if text.starts_with("-pbs.") => OsString::from(format!("-{text}")),
        _ => argument,
    })
}

impl Settings {
    /// Reads the environment alone.
    pub(in crate::cli) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let command = Arguments::augment_args(clap::Command::new("pbs-exporter"));
        let arguments = command
            .try_get_matches_from(["pbs-exporter"])
            .and_then(|matches| Arguments::from_arg_matches(&matches))
            .map_err(|error| error.to_string())?;
        Self::read(&arguments, variable)
    }

    /// Reads them; `variable` is the environment.
    pub(in crate::cli) fn read(
        arguments: &Arguments,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        // The first line, as there.
        let from_file = |name: &str| -> Result<Option<String>, String> {
            let Some(path) = variable(&format!("{name}_FILE")) else {
                return Ok(None);
            };
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{name}_FILE: cannot read {path}: {error}"))?;
            Ok(Some(
                text.lines().next().unwrap_or_default().trim().to_owned(),
            ))
        };
        let either = |name: &str, flag: &str| variable(name).unwrap_or_else(|| flag.to_owned());
        let endpoint = variable("PBS_ENDPOINT").or_else(|| arguments.endpoint.clone());
        let endpoint = match endpoint.filter(|text| !text.is_empty()) {
            Some(text) => {
                let parsed = Endpoint::parse(&text, Product::Pbs)
                    .map_err(|problem| format!("pbs.endpoint {problem}"))?;
                Some((text, parsed))
            }
            None => None,
        };
        let user = match from_file("PBS_USERNAME")? {
            Some(user) => user,
            None => either("PBS_USERNAME", &arguments.username),
        };
        let name = match from_file("PBS_API_TOKEN_NAME")? {
            Some(name) => name,
            None => either("PBS_API_TOKEN_NAME", &arguments.token_name),
        };
        let secret = match from_file("PBS_API_TOKEN")? {
            Some(secret) => Some(secret),
            None => variable("PBS_API_TOKEN").or_else(|| arguments.token.clone()),
        };
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or(
            "there is no token: give its secret by PBS_API_TOKEN_FILE, PBS_API_TOKEN or --pbs.api.token",
        )?;
        let time_out = either("PBS_TIMEOUT", &arguments.timeout);
        let timeout = time_out
            .parse::<SignedDuration>()
            .ok()
            .and_then(|time| Duration::try_from(time).ok())
            .ok_or_else(|| format!("pbs.timeout {time_out:?} is no time such as 5s"))?;
        let insecure = either("PBS_INSECURE", &arguments.insecure);
        Ok(Self {
            endpoint,
            token: Token {
                id: format!("{user}!{name}"),
                secret: SecretString::from(secret),
            },
            timeout: timeout.clamp(SHORTEST_TIME_OUT, Duration::from_secs(120)),
            insecure: truth(&insecure)
                .ok_or_else(|| format!("pbs.insecure {insecure:?} is neither true nor false"))?,
            metrics_path: either("PBS_METRICS_PATH", &arguments.metrics_path),
            listen_address: either("PBS_LISTEN_ADDRESS", &arguments.listen_address),
        })
    }

    /// The module that asks with this token, and admits what is allowed.
    fn module(&self, allowed: Vec<Admission>) -> Result<Module, String> {
        let credentials = Credentials::Token(self.token.clone());
        let mut module = Module::new(DEFAULT_MODULE, Product::Pbs, credentials);
        module.targets = allowed;
        module.pin_first_seen = self.insecure;
        module.access.timeout = self.timeout;
        if let Some((_, endpoint)) = &self.endpoint {
            module.targets = vec![Admission::parse(&endpoint.address())?];
        }
        Ok(module)
    }
}

/// As Go reads it.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

pub(in crate::cli) async fn serve(mut arguments: Arguments) -> Verdict {
    let level = std::env::var("PBS_LOGLEVEL").ok();
    if let Some(level) = level.or(arguments.log_level.take()) {
        arguments.logging.log = level;
    }
    if let Err(problem) = logging::start(&arguments.logging) {
        say(&format!("error: {problem}"));
        return Verdict::Failed;
    }
    serve_from(Box::new(move || configuration(&arguments))).await
}

fn configuration(arguments: &Arguments) -> Result<Config, String> {
    let settings = Settings::read(arguments, |name| std::env::var(name).ok())?;
    if settings.insecure {
        tracing::warn!(
            "pbs.insecure: the certificate that a server shows first is believed, and only that one from then on"
        );
    }
    let module = settings.module(arguments.additions.admissions()?)?;
    announce(std::slice::from_ref(&module), HOW_TO_ALLOW);
    let exporter = PbsExporter::new(
        &settings.metrics_path,
        match &settings.endpoint {
            Some((text, _)) => text,
            None => DEFAULT_TARGET,
        },
        settings.endpoint.is_none(),
    )?;
    tracing::info!("the program tells of itself on {}", PbsExporter::OWN_PATH);
    let mut server = server(&settings.listen_address, None, None)?;
    server.metrics = Exposed::PbsExporter(exporter);
    Ok(Config {
        server,
        state_directory: arguments.additions.state_directory.clone(),
        max_in_flight_total: 64,
        remotes: Vec::new(),
        modules: vec![Arc::new(module)],
        drop_in: DropIn::default(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn read(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, String> {
        let flags = flags.iter().map(OsString::from);
        let program = std::iter::once(OsString::from("pbs-exporter")).chain(flags);
        let program =
            Program::try_parse_from(with_two_dashes(program)).map_err(|e| e.to_string())?;
        Settings::read(&program.arguments, |name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flags_have_one_dash_or_two_and_the_environment_wins() {
        let settings = read(
            &[
                "-pbs.endpoint=https://pbs1:8007",
                "--pbs.api.token",
                "a",
                "-pbs.insecure",
                "-pbs.timeout",
                "20s",
            ],
            &[("PBS_API_TOKEN", "b"), ("PBS_USERNAME", "u@pbs")],
        )
        .unwrap();
        let (_, endpoint) = settings.endpoint.unwrap();
        assert_eq!(endpoint.address(), "pbs1:8007");
        assert_eq!(settings.token.id, "u@pbs!pbs-exporter");
        assert_eq!(settings.token.secret.expose_secret(), "b");
        assert!(settings.insecure);
        assert_eq!(settings.timeout, Duration::from_secs(20));
        assert_eq!(settings.listen_address, ":10019");

        let off = read(&["-pbs.insecure=false"], &[("PBS_API_TOKEN", "b")]).unwrap();
        assert!(!off.insecure && off.endpoint.is_none());
        assert_eq!(off.timeout, SHORTEST_TIME_OUT);
    }

    #[test]
    fn secrets_come_from_the_first_line_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "secret\nrest\n").unwrap();
        let path = path.display().to_string();
        let settings = read(&[], &[("PBS_API_TOKEN_FILE", &path)]).unwrap();
        assert_eq!(settings.token.secret.expose_secret(), "secret");
        let missing = read(&[], &[("PBS_API_TOKEN_FILE", "/nosuch")]).unwrap_err();
        assert!(
            missing.starts_with("PBS_API_TOKEN_FILE: cannot read /nosuch"),
            "{missing}"
        );
    }

    #[test]
    fn what_cannot_be_right_is_told() {
        let token = [("PBS_API_TOKEN", "s3cret")];
        let told = |flags: &[&str]| read(flags, &token).unwrap_err();
        assert!(told(&["-pbs.endpoint=http://pbs1:8007"]).contains("in clear over http"));
        assert!(told(&["-pbs.timeout=soon"]).contains("no time such as 5s"));
        assert!(told(&["-pbs.insecure=maybe"]).contains("neither true nor false"));
        assert!(read(&[], &[]).unwrap_err().contains("there is no token"));
        let settings = read(&[], &token).unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
        for path in ["metrics", "", "/{x}", "/*x", "/self", "/pbs"] {
            assert!(PbsExporter::new(path, "h", true).is_err(), "{path}");
        }
    }
}
