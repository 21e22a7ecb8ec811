//! What is wrong with a configuration, where, and how to mend it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration does not come into force.
    Error,
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub path: PathBuf,
    /// From 1; 0 where it is the file as a whole.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    pub help: Option<String>,
    /// The line, and how many characters of it are meant.
    #[serde(skip)]
    excerpt: Option<(String, usize)>,
}

impl Finding {
    /// About the file as a whole.
    pub(super) fn of_file(severity: Severity, path: &Path, message: String) -> Self {
        Self {
            severity,
            path: path.to_owned(),
            line: 0,
            column: 0,
            message,
            help: None,
            excerpt: None,
        }
    }

    /// About a part of the text. The source line is shown unless it holds a secret.
    pub(super) fn at(
        severity: Severity,
        path: &Path,
        text: &str,
        span: Range<usize>,
        message: String,
        shows_line: bool,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_text = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = text.get(line_start..span.start).map_or(0, |part| part.chars().count()) + 1;
        let meant = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        Self {
            severity,
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            message,
            help: None,
            excerpt: shows_line.then(|| (line_text.to_owned(), meant.chars().count().max(1))),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: {}", self.message)?;
        if let Some((line, meant)) = &self.excerpt {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            // A tab moves the carets as it moves the text.
            let indent: String = line
                .chars()
                .take(self.column - 1)
                .map(|character| if character == '\t' { '\t' } else { ' ' })
                .collect();
            let room = line.chars().count().saturating_sub(self.column - 1).max(1);
            let carets = "^".repeat((*meant).min(room));
            write!(f, "\n{number} | {line}\n{margin} | {indent}{carets}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}
