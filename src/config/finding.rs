//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is not used.
    Error,
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem. Never holds a secret: where the source line does, it is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub path: PathBuf,
    /// From 1; 0 where the problem is the file itself.
    pub line: usize,
    /// From 1, in characters; 0 where the problem is the file itself.
    pub column: usize,
    /// The offending text, one line at most.
    pub text: String,
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The whole line that the text stands in.
    pub source: String,
    /// What stands before the carets, as white space. Where a secret before them is masked this is
    /// not as wide as `column` says.
    #[serde(skip)]
    pub(super) indent: String,
}

impl Finding {
    /// The file itself cannot be read.
    pub(super) fn of_file(path: &Path, error: &std::io::Error) -> Self {
        Self {
            severity: Severity::Error,
            path: path.to_owned(),
            line: 0,
            column: 0,
            text: String::new(),
            message: format!("cannot read the configuration: {error}"),
            help: None,
            source: String::new(),
            indent: String::new(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(formatter, "{}:{}:", self.line, self.column)?;
        }
        write!(formatter, " {}: {}", self.severity, self.message)?;
        if self.line > 0 {
            let number = self.line.to_string();
            let gutter = " ".repeat(number.len());
            let carets = "^".repeat(self.text.chars().count().max(1));
            write!(
                formatter,
                "\n {number} | {}\n {gutter} | {}{carets}",
                self.source, self.indent
            )?;
        }
        if let Some(help) = &self.help {
            write!(formatter, "\n   help: {help}")?;
        }
        Ok(())
    }
}
