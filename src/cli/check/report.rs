//! What a check found, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::config::{self, Finding, Severity};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Of the configuration file.
    pub(super) findings: Vec<Finding>,
    pub(super) remotes: Vec<RemoteReport>,
}

#[derive(Debug, Serialize)]
pub(super) struct RemoteReport {
    pub(super) name: String,
    pub(super) product: &'static str,
    pub(super) problems: Vec<String>,
    pub(super) endpoints: Vec<EndpointReport>,
    pub(super) missing_privileges: Vec<MissingPrivilege>,
    /// Commands for the server that grant them.
    pub(super) grant: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct EndpointReport {
    pub(super) address: String,
    /// Product and version.
    pub(super) version: Option<String>,
    /// How the certificate was judged.
    pub(super) certificate: Option<&'static str>,
    pub(super) fingerprint: Option<String>,
    pub(super) expires_in_days: Option<i64>,
    pub(super) clock_difference_seconds: Option<f64>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct MissingPrivilege {
    pub(super) privilege: &'static str,
    pub(super) path: &'static str,
    /// Names of collectors.
    pub(super) needed_by: Vec<&'static str>,
    /// Beyond the role that monitoring should have: what needs it stays unknown, the rest works.
    pub(super) optional: bool,
}

impl Report {
    /// Whether everything works as configured. Warnings do not count.
    pub(super) fn is_good(&self) -> bool {
        let errors = self
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        !errors && self.remotes.iter().all(RemoteReport::is_good)
    }
}

impl RemoteReport {
    pub(super) fn new(config: &config::Remote) -> Self {
        Self {
            name: config.name.clone(),
            product: config.product.as_str(),
            problems: Vec::new(),
            endpoints: Vec::new(),
            missing_privileges: Vec::new(),
            grant: Vec::new(),
        }
    }

    pub(super) fn failed(config: &config::Remote, problem: &str) -> Self {
        Self {
            problems: vec![problem.to_owned()],
            ..Self::new(config)
        }
    }

    fn is_good(&self) -> bool {
        self.problems.is_empty()
            && self
                .missing_privileges
                .iter()
                .all(|missing| missing.optional)
            && self
                .endpoints
                .iter()
                .all(|endpoint| endpoint.problems.is_empty())
    }
}

impl EndpointReport {
    pub(super) fn new(address: String) -> Self {
        Self {
            address,
            version: None,
            certificate: None,
            fingerprint: None,
            expires_in_days: None,
            clock_difference_seconds: None,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}\n")?;
        }
        for remote in &self.remotes {
            writeln!(f, "{remote}")?;
        }
        let verdict = if self.is_good() {
            "Everything works as configured."
        } else {
            "Something is wrong, see above."
        };
        writeln!(f, "{verdict}")
    }
}

impl fmt::Display for RemoteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.product)?;
        for problem in &self.problems {
            writeln!(f, "  error: {problem}")?;
        }
        for endpoint in &self.endpoints {
            write!(f, "{endpoint}")?;
        }
        let (optional, needed): (Vec<_>, Vec<_>) = self
            .missing_privileges
            .iter()
            .partition(|missing| missing.optional);
        list(f, "error: the token lacks privileges:", &needed)?;
        list(
            f,
            "more could be told with privileges beyond the usual role:",
            &optional,
        )?;
        if !self.grant.is_empty() {
            writeln!(
                f,
                "  grant them on the server, to the user and to the token:"
            )?;
            for command in &self.grant {
                writeln!(f, "    {command}")?;
            }
        }
        if self.is_good() {
            writeln!(f, "  the token has every privilege that is needed")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, missing: &[&MissingPrivilege]) -> fmt::Result {
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(f, "  {title}")?;
    for missing in missing {
        let needed_by = missing.needed_by.join(", ");
        writeln!(
            f,
            "    {} on {}, needed by: {needed_by}",
            missing.privilege, missing.path
        )?;
    }
    Ok(())
}

impl fmt::Display for EndpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.address)?;
        if let Some(version) = &self.version {
            write!(f, ", {version}")?;
        }
        if let Some(certificate) = self.certificate {
            write!(f, ", certificate {certificate}")?;
        }
        if let Some(days) = self.expires_in_days {
            write!(f, ", expires in {days} days")?;
        }
        if let Some(difference) = self.clock_difference_seconds {
            write!(f, ", clock {difference:+.1} s")?;
        }
        writeln!(f)?;
        for problem in &self.problems {
            writeln!(f, "    error: {problem}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "    warning: {warning}")?;
        }
        Ok(())
    }
}
