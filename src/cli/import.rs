//! `proxfleet import`: a configuration made from what the old exporters were run with.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use toml_edit::{Array, Table};

use super::exporter::pbs::Settings;
use super::exporter::prometheus_yml::Targets;
use super::exporter::pve::METRICS_PATH;
use super::exporter::pve_yml::PveYml;
use super::{Verdict, print, say};
use crate::collect;
use crate::config::edit::{NewRemote, SecretSource};
use crate::config::{self, Admission, Credentials, Endpoint, Module, Product};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("exporter").required(true).multiple(true))]
pub(super) struct Arguments {
    /// The modules of prometheus-pve-exporter, its pve.yml.
    #[arg(long, value_name = "FILE", group = "exporter")]
    pve_exporter: Option<PathBuf>,
    /// A Prometheus configuration whose jobs for /pve name the targets: each becomes a remote.
    #[arg(long, value_name = "FILE", requires = "pve_exporter")]
    prometheus: Option<PathBuf>,
    /// The environment of pbs-exporter, PBS_ENDPOINT and so on, which is that of this command.
    #[arg(long, group = "exporter")]
    pbs_exporter: bool,
    /// Write it here, and the tokens' secrets into files beside it. Nothing is overwritten.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn import(arguments: &Arguments) -> Verdict {
    match Import::of(arguments).and_then(|import| import.finish(arguments.output.as_deref())) {
        Ok(()) => Verdict::Good,
        Err(problem) => {
            say(&format!("error: {problem}"));
            Verdict::Failed
        }
    }
}

/// What will be written.
struct Import {
    text: String,
    /// What could not be carried over, or needs a hand.
    notes: Vec<String>,
    /// Names of remotes that are taken.
    names: BTreeSet<String>,
    /// Each secret with the name of its file.
    secrets: Vec<(String, SecretString)>,
    /// Whether secrets go into files.
    in_files: bool,
}

impl Import {
    fn of(arguments: &Arguments) -> Result<Self, String> {
        let mut import = Self {
            text: "# Made by `proxfleet import`. config.example.toml explains every option.\n"
                .to_owned(),
            notes: Vec::new(),
            names: BTreeSet::new(),
            secrets: Vec::new(),
            in_files: arguments.output.is_some(),
        };
        if let Some(path) = &arguments.pve_exporter {
            import.add_pve_exporter(path, arguments.prometheus.as_deref())?;
        }
        if arguments.pbs_exporter {
            import.add_pbs_exporter()?;
        }
        Ok(import)
    }

    fn add_pve_exporter(&mut self, yml: &Path, prometheus: Option<&Path>) -> Result<(), String> {
        let PveYml { modules, warnings } =
            PveYml::load(yml).map_err(|errors| errors.to_string())?;
        self.notes.extend(warnings);
        let mut targets = match prometheus {
            Some(path) => Targets::load(path, METRICS_PATH)?,
            None => Targets::default(),
        };
        self.notes.append(&mut targets.warnings);
        for mut module in modules {
            let named = targets.of_modules.remove(&module.name).unwrap_or_default();
            let mut endpoints = Vec::new();
            for text in named {
                let admission = Admission::parse(&text);
                match (Endpoint::parse_with_port(&text, module.port), admission) {
                    (Ok(endpoint), Ok(admission)) => {
                        endpoints.push(endpoint);
                        module.targets.push(admission);
                    }
                    (Err(problem), _) | (_, Err(problem)) => {
                        self.notes
                            .push(format!("target {text:?} is left out: {problem}"));
                    }
                }
            }
            self.add_module(&module, endpoints);
        }
        for (name, _) in targets.of_modules {
            self.notes.push(format!(
                "Prometheus asks with the module {name}, which is not in {}",
                yml.display()
            ));
        }
        Ok(())
    }

    fn add_pbs_exporter(&mut self) -> Result<(), String> {
        let settings = Settings::from_environment(|name| std::env::var(name).ok())?;
        let Some((_, endpoint)) = &settings.endpoint else {
            return Err("PBS_ENDPOINT is not set: there is no server to import".to_owned());
        };
        let source = self.keep("pbs-exporter", &settings.token.secret);
        if settings.insecure {
            self.note_unpinned(std::slice::from_ref(endpoint), "PBS_INSECURE is on");
        }
        self.add_remote(endpoint, Product::Pbs, &settings.token.id, source, None);
        Ok(())
    }

    /// A module, and the remotes that its targets are.
    fn add_module(&mut self, module: &Module, endpoints: Vec<Endpoint>) {
        let Credentials::Token(token) = &module.access.credentials else {
            let user = module.access.credentials.identity();
            let name = &module.name;
            self.text.push_str(&format!(
                "\n# Module {name} logged in with the password of {user}. Here are tokens alone: make one on a node, and put its id\n\
                 # and its secret in.\n\
                 #   pveum user token add {user} proxfleet --privsep 1\n\
                 #   pveum acl modify / --roles PVEAuditor --tokens '{user}!proxfleet'\n\
                 # [modules.{name}]\n# targets = []\n# token_id = \"{user}!proxfleet\"\n# token_secret_file = \"{name}.token\"\n"
            ));
            for endpoint in endpoints {
                self.notes.push(format!(
                    "{endpoint} is left out until module {name} has a token"
                ));
            }
            return;
        };
        let ca_file = module.access.ca.as_ref().map(|ca| absolute(&ca.path));
        let source = self.keep(&module.name, &token.secret);
        if !endpoints.is_empty() {
            self.text.push_str(
                "\n# Each target that Prometheus names. Which of them are nodes of one cluster cannot be seen from here: keep one\n\
                 # table for a cluster, with all its nodes in `endpoints`, or it is asked and told once for each.\n",
            );
            if module.pin_first_seen && ca_file.is_none() {
                self.note_unpinned(&endpoints, "verify_ssl was off");
            }
        }
        for endpoint in &endpoints {
            self.add_remote(
                endpoint,
                Product::Pve,
                &token.id,
                source.clone(),
                ca_file.clone(),
            );
        }

        let mut table = Table::new();
        let targets: Array = module.targets.iter().map(ToString::to_string).collect();
        table.insert("targets", targets.into());
        if module.port != Product::Pve.default_port() {
            table.insert("port", i64::from(module.port).into());
        }
        table.insert("token_id", token.id.as_str().into());
        let (key, value) = source.entry();
        table.insert(key, value.into());
        if let Some(path) = ca_file {
            table.insert("ca_file", path.to_string_lossy().into_owned().into());
        }
        if module.pin_first_seen {
            table.insert("pin_first_seen", true.into());
            self.notes.push(format!(
                "module {}: certificates that are seen first are remembered only with [state] directory",
                module.name
            ));
        }
        let name = toml_edit::Key::new(&module.name);
        self.text.push_str(&format!(
            "\n# For ?module={}, and targets that are no remotes.\n[modules.{name}]\n{table}",
            module.name
        ));
    }

    fn add_remote(
        &mut self,
        endpoint: &Endpoint,
        product: Product,
        token_id: &str,
        secret: SecretSource,
        ca_file: Option<PathBuf>,
    ) {
        let remote = NewRemote {
            name: self.free_name(&endpoint.host),
            product,
            endpoints: vec![endpoint.clone()],
            token_id: token_id.to_owned(),
            secret,
            ca_file,
        };
        self.text.push_str(&format!("\n{}", remote.to_toml()));
    }

    /// A name for a remote that none has yet: the host's.
    fn free_name(&mut self, host: &str) -> String {
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() || "_.-".contains(character) {
                character
            } else {
                '-'
            }
        };
        let base: String = host.chars().map(plain).collect();
        let mut name = base.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        name
    }

    /// Where a secret will be found.
    fn keep(&mut self, name: &str, secret: &SecretString) -> SecretSource {
        if !self.in_files {
            return SecretSource::Inline(secret.clone());
        }
        let plain: String = name
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() {
                    character
                } else {
                    '-'
                }
            })
            .collect();
        let mut file = format!("{plain}.token");
        while self.secrets.iter().any(|(known, _)| *known == file) {
            file = format!("x-{file}");
        }
        self.secrets.push((file.clone(), secret.clone()));
        SecretSource::File(PathBuf::from(file))
    }

    fn note_unpinned(&mut self, endpoints: &[Endpoint], why: &str) {
        for endpoint in endpoints {
            self.notes.push(format!(
                "{endpoint}: {why}, and there is no switch for that here: give ca_file, or let \
                 `proxfleet remote probe-certificate` show the fingerprint and the command that sets it"
            ));
        }
    }

    /// Writes it, after a look at whether it can be read.
    fn finish(mut self, output: Option<&Path>) -> Result<(), String> {
        for note in &self.notes {
            say(&format!("note: {note}"));
        }
        if !self.notes.is_empty() {
            self.text.push_str("\n# What needs a hand:\n");
            for note in &self.notes {
                self.text
                    .push_str(&format!("#   {}\n", note.replace('\n', " ")));
            }
        }
        let Some(path) = output else {
            print(self.text.trim_end());
            return Ok(());
        };
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for (name, secret) in &self.secrets {
            write_new(&folder.join(name), &format!("{}\n", secret.expose_secret()))?;
        }
        write_new(path, &self.text)?;
        let loaded = config::load(path, &collect::configuration_keys());
        let mut report = String::new();
        for finding in loaded.findings {
            report.push_str(&format!("{finding}\n"));
        }
        if loaded.config.is_none() {
            return Err(format!("what was written is not right yet:\n{report}"));
        }
        print(&format!(
            "Written to {}. See what is right: proxfleet check --config {}",
            path.display(),
            path.display()
        ));
        Ok(())
    }
}

/// For the owner alone, and never over what is there.
fn write_new(path: &Path, text: &str) -> Result<(), String> {
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The old programs' paths were relative to where they ran; the configuration's are to its folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
