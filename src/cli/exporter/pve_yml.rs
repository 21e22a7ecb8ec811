//! `pve.yml` of prometheus-pve-exporter, and the environment that stands for it: what each module
//! logs in with and how it is talked to.
//!
//! What the exporter would have noticed at a scrape is told here, at the start, with its line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde_saphyr::Spanned;

use super::scalar::Scalar;
use crate::config::{
    CertificateAuthority, CollectorSettings, Credentials, GuestFilter, Module, Origin, Password,
    Product, Remote, Token,
};

/// What the exporter waits for one call, and the least that tells a wrong token from a slow server.
const TIME_OUT: Duration = Duration::from_secs(5);

/// Keys that proxmoxer takes and that have no counterpart here.
const NOT_CARRIED_OVER: &[&str] = &[
    "proxies",
    "cert",
    "otp",
    "otptype",
    "path_prefix",
    "mode",
    "service",
    "backend",
];

/// The modules of a file, and what is odd about them.
#[derive(Debug, Default)]
pub(super) struct PveYml {
    pub(super) modules: Vec<Module>,
    /// One line each; the modules are usable all the same.
    pub(super) warnings: Vec<String>,
}

/// What is wrong, all of it.
#[derive(Debug)]
pub(super) struct Errors(pub(super) Vec<String>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl PveYml {
    /// Reads a file.
    pub(super) fn load(path: &Path) -> Result<Self, Errors> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Errors(vec![format!("cannot read {}: {error}", path.display())]))?;
        Self::parse(&text, path)
    }

    /// Reads the text of the file at `path`, which certificates are relative to the process and not
    /// to, as with the exporter.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, Errors> {
        type Entries = BTreeMap<String, Spanned<Scalar>>;
        let place = |line: u64| format!("{}:{line}", path.display());
        // No snippet: the line that cannot be read may be that of a secret.
        let options = serde_saphyr::options! { with_snippet: false };
        let modules: BTreeMap<String, Option<Entries>> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let line = error.location().map_or(1, |location| location.line());
                Errors(vec![format!(
                    "{}: this is not a mapping of modules, each with its keys, in YAML",
                    place(line)
                )])
            })?;
        if modules.is_empty() {
            return Err(Errors(vec![format!(
                "{}: it has no modules",
                path.display()
            )]));
        }
        let mut read = Self::default();
        let mut errors = Vec::new();
        for (name, entries) in modules {
            let mut keys = Keys {
                module: &name,
                entries: entries.unwrap_or_default(),
                place: &place,
                errors: &mut errors,
                warnings: &mut read.warnings,
            };
            keys.report_unknown();
            if let Some(module) = keys.module() {
                read.modules.push(module);
            }
        }
        if errors.is_empty() {
            Ok(read)
        } else {
            Err(Errors(errors))
        }
    }

    /// What the environment says instead of a file, if it does: one module.
    pub(super) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<Result<Self, Errors>> {
        let user = variable("PVE_USER")?;
        let text = |value: Option<String>| {
            value.map(|text| Spanned::new(Scalar::Text(text), nowhere(), nowhere()))
        };
        let mut entries = BTreeMap::new();
        let keys = [
            ("user", Some(user)),
            ("password", variable("PVE_PASSWORD")),
            ("token_name", variable("PVE_TOKEN_NAME")),
            ("token_value", variable("PVE_TOKEN_VALUE")),
        ];
        for (key, value) in keys {
            if let Some(value) = text(value) {
                entries.insert(key.to_owned(), value);
            }
        }
        if let Some(verify) = variable("PVE_VERIFY_SSL") {
            let off = ["false", "0"].contains(&verify.to_ascii_lowercase().as_str());
            let verify = Spanned::new(Scalar::Truth(!off), nowhere(), nowhere());
            entries.insert("verify_ssl".to_owned(), verify);
        }
        let name = variable("PVE_MODULE").unwrap_or_else(|| "default".to_owned());
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let module = Keys {
            module: &name,
            entries,
            place: &|_| "the environment".to_owned(),
            errors: &mut errors,
            warnings: &mut warnings,
        }
        .module();
        Some(match module {
            Some(module) => Ok(Self {
                modules: vec![module],
                warnings,
            }),
            None => Err(Errors(errors)),
        })
    }
}

fn nowhere() -> serde_saphyr::Location {
    serde_saphyr::Location::UNKNOWN
}

/// The keys of one module.
struct Keys<'a> {
    module: &'a str,
    entries: BTreeMap<String, Spanned<Scalar>>,
    place: &'a dyn Fn(u64) -> String,
    errors: &'a mut Vec<String>,
    warnings: &'a mut Vec<String>,
}

impl Keys<'_> {
    fn module(&mut self) -> Option<Module> {
        let credentials = self.credentials();
        let (ca, pin_first_seen) = self.trust()?;
        let timeout = self.time_out();
        let port = self.port()?;
        Some(Module {
            name: self.module.to_owned(),
            targets: Vec::new(),
            port,
            pin_first_seen,
            access: Remote {
                name: self.module.to_owned(),
                product: Product::Pve,
                endpoints: Vec::new(),
                credentials: credentials?,
                ca,
                labels: BTreeMap::new(),
                filter: GuestFilter::default(),
                timeout,
                max_in_flight: 3,
                background_calls_per_second: 5,
                collectors: CollectorSettings::default(),
                origin: Origin::Module {
                    name: self.module.to_owned(),
                    first_seen: None,
                },
            },
        })
    }

    fn report_unknown(&mut self) {
        const KNOWN: &[&str] = &[
            "user",
            "password",
            "token_name",
            "token_value",
            "verify_ssl",
            "timeout",
            "port",
        ];
        let mut found = Vec::new();
        for (key, value) in &self.entries {
            if KNOWN.contains(&key.as_str()) {
                continue;
            }
            let why = match key.as_str() {
                "host" | "target" => {
                    "the host is named by the scrape, as ?target=, and allowed by --allow-target"
                }
                "insecure" => "write verify_ssl: false",
                key if NOT_CARRIED_OVER.contains(&key) => "there is no such thing here",
                _ => "no such key is known",
            };
            let place = (self.place)(value.referenced.line());
            found.push(format!("{place}: `{key}` of module {}: {why}", self.module));
        }
        self.errors.append(&mut found);
    }

    fn credentials(&mut self) -> Option<Credentials> {
        let user = self.text("user");
        let (name, value) = (self.text("token_name"), self.text("token_value"));
        let password = self.text("password");
        let Some(user) = user else {
            self.lacks("user");
            return None;
        };
        match (name, value, password) {
            (Some(name), Some(value), _) => Some(Credentials::Token(Token {
                id: format!("{user}!{name}"),
                secret: SecretString::from(value),
            })),
            (Some(_), None, None) => {
                self.lacks("token_value");
                None
            }
            (None, Some(_), None) => {
                self.lacks("token_name");
                None
            }
            (_, _, Some(password)) => {
                self.warnings.push(format!(
                    "module {} logs in with a password, which may do all that its user may; a token that only reads is made on a node by: \
                     pveum user token add {user} proxfleet --privsep 1 && pveum acl modify / --roles PVEAuditor --tokens '{user}!proxfleet'",
                    self.module
                ));
                Some(Credentials::Password(Password {
                    user,
                    password: SecretString::from(password),
                }))
            }
            (None, None, None) => {
                self.lacks("token_name and token_value, or password");
                None
            }
        }
    }

    /// The authority that is trusted besides the system's, and whether what is seen first is.
    fn trust(&mut self) -> Option<(Option<CertificateAuthority>, bool)> {
        let Some(value) = self.entries.get("verify_ssl") else {
            return Some((None, false));
        };
        let place = (self.place)(value.referenced.line());
        match &value.value {
            Scalar::Truth(true) | Scalar::Nothing => Some((None, false)),
            Scalar::Truth(false) => {
                self.warnings.push(format!(
                    "module {}: verify_ssl is off: the certificate that a target shows first is believed, and only that one from then on",
                    self.module
                ));
                Some((None, true))
            }
            Scalar::Text(path) => {
                let path = PathBuf::from(path);
                let read = std::fs::read(&path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))
                    .and_then(|pem| CertificateAuthority::from_pem(path, &pem));
                match read {
                    Ok(authority) => Some((Some(authority), false)),
                    Err(problem) => {
                        self.errors
                            .push(format!("{place}: `verify_ssl`: {problem}"));
                        None
                    }
                }
            }
            Scalar::Number(_) | Scalar::Other => {
                self.errors.push(format!(
                    "{place}: `verify_ssl` must be true, false, or the path of certificates in PEM form"
                ));
                None
            }
        }
    }

    fn time_out(&mut self) -> Duration {
        let Some(value) = self.entries.get("timeout") else {
            return TIME_OUT;
        };
        let place = (self.place)(value.referenced.line());
        let seconds = value.value.text().and_then(|text| text.parse::<f64>().ok());
        match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(time_out) if time_out >= TIME_OUT => time_out.min(Duration::from_secs(120)),
            Some(_) => {
                self.warnings.push(format!(
                    "{place}: `timeout` is 5 s at least: a wrong token is answered after 3 s"
                ));
                TIME_OUT
            }
            None => {
                self.errors
                    .push(format!("{place}: `timeout` must be a number of seconds"));
                TIME_OUT
            }
        }
    }

    fn port(&mut self) -> Option<u16> {
        let Some(value) = self.entries.get("port") else {
            return Some(Product::Pve.default_port());
        };
        let port = value.value.text().and_then(|text| text.parse::<u16>().ok());
        let port = port.filter(|port| *port > 0);
        if port.is_none() {
            let place = (self.place)(value.referenced.line());
            self.errors
                .push(format!("{place}: `port` must be from 1 to 65535"));
        }
        port
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.entries.get(key)?;
        let text = value.value.text().filter(|text| !text.is_empty());
        if text.is_none() {
            let place = (self.place)(value.referenced.line());
            self.errors.push(format!(
                "{place}: `{key}` must be a text, not {:?}",
                value.value
            ));
        }
        text
    }

    fn lacks(&mut self, what: &str) {
        let first = self.entries.values().map(|value| value.referenced.line());
        let place = (self.place)(first.min().unwrap_or(1));
        self.errors
            .push(format!("{place}: module {} lacks {what}", self.module));
    }
}

#[cfg(test)]
#[path = "pve_yml_tests.rs"]
mod tests;
