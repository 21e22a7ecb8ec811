//! Findings as they are collected, and how they become text without telling a secret.

use std::ops::Range;
use std::path::Path;

use super::mask;
use crate::config::{Finding, Severity};

const MASKED: &str = "***";

pub(super) struct Report<'t> {
    text: &'t str,
    path: &'t Path,
    line_starts: Vec<usize>,
    drafts: Vec<Draft>,
    /// Bytes of the text that no finding shows.
    masks: Vec<Range<usize>>,
    /// Where the first syntax error is: what stands behind it may have been misread.
    broken_at: Option<usize>,
}

pub(super) struct Draft {
    severity: Severity,
    span: Range<usize>,
    message: String,
    help: Option<String>,
    absence: bool,
    syntax: bool,
}

impl Draft {
    pub(super) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Something is not there: nobody knows in a document that could not be read to its end.
    pub(super) fn is_absence(&mut self) {
        self.absence = true;
    }
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str, path: &'t Path) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            path,
            line_starts,
            drafts: Vec::new(),
            masks: Vec::new(),
            broken_at: None,
        }
    }

    pub(super) fn path(&self) -> &'t Path {
        self.path
    }

    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Draft {
        self.draft(Severity::Error, span, message.into())
    }

    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Draft {
        self.draft(Severity::Warning, span, message.into())
    }

    pub(super) fn syntax_error(&mut self, span: Range<usize>, message: &str) {
        let at = self
            .broken_at
            .map_or(span.start, |earlier| earlier.min(span.start));
        self.broken_at = Some(at);
        self.draft(Severity::Error, span, message.to_owned()).syntax = true;
    }

    pub(super) fn mask(&mut self, span: Range<usize>) {
        self.masks.push(span);
    }

    /// From 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    /// The text of a span, as it stands in the file.
    pub(super) fn raw(&self, span: &Range<usize>) -> &'t str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.masks.sort_by_key(|mask| mask.start);
        let mut drafts = std::mem::take(&mut self.drafts);
        if let Some(broken_at) = self.broken_at {
            let line = self.line_of(broken_at);
            drafts.retain(|draft| {
                draft.syntax || (!draft.absence && self.line_of(draft.span.start) < line)
            });
        }
        drafts.sort_by_key(|draft| draft.span.start);
        drafts.into_iter().map(|draft| self.render(draft)).collect()
    }

    fn draft(&mut self, severity: Severity, span: Range<usize>, message: String) -> &mut Draft {
        let draft = Draft {
            severity,
            span,
            message,
            help: None,
            absence: false,
            syntax: false,
        };
        self.drafts.push(draft);
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }

    fn render(&self, draft: Draft) -> Finding {
        let line = self.line_of(draft.span.start);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let rest = self.raw(&(line_start..self.text.len()));
        let line_end = line_start + rest.find('\n').unwrap_or(rest.len());
        let start = draft.span.start.min(line_end);
        let end = draft.span.end.clamp(start, line_end);
        let column = self.raw(&(line_start..start)).chars().count() + 1;
        let before = self.masked(line_start..start);
        // A mask that holds the place shows as one, and the carets stand below it.
        let text = self.masked(start..end);
        let caret = match before.strip_suffix(MASKED) {
            Some(shown)
                if self
                    .masks
                    .iter()
                    .any(|mask| mask.start < start && start < mask.end) =>
            {
                shown
            }
            _ => &before,
        };
        Finding {
            severity: draft.severity,
            path: self.path.to_owned(),
            line,
            column,
            indent: caret
                .chars()
                .map(|character| if character == '\t' { '\t' } else { ' ' })
                .collect(),
            text,
            message: mask::identifiers(&draft.message),
            help: draft.help.map(|help| mask::identifiers(&help)),
            source: self.masked(line_start..line_end),
        }
    }

    /// The text of a span without what is masked, and without characters that a terminal would obey.
    fn masked(&self, span: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = span.start;
        for mask in &self.masks {
            if mask.end <= at || mask.start >= span.end {
                continue;
            }
            shown.push_str(self.raw(&(at..mask.start.max(at))));
            shown.push_str(MASKED);
            at = mask.end.min(span.end);
        }
        shown.push_str(self.raw(&(at..span.end)));
        let shown = shown.trim_end_matches('\r');
        shown
            .chars()
            .map(|character| match character {
                '\t' => '\t',
                character if character.is_control() => char::REPLACEMENT_CHARACTER,
                character => character,
            })
            .collect()
    }
}
