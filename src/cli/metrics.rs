//! `proxfleet metrics`: everything that is exposed, and what it takes.

use clap::{Args, ValueEnum};

use super::{Verdict, print};
use crate::view::catalogue;

#[derive(Args)]
pub(super) struct Arguments {
    /// Form of the catalogue.
    #[arg(long, value_name = "FORM", default_value = "markdown")]
    format: Form,
    /// What the token needs for it instead.
    #[arg(long, conflicts_with = "format")]
    privileges: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Markdown,
    Json,
}

pub(super) fn metrics(arguments: &Arguments) -> Verdict {
    let text = match (arguments.privileges, arguments.format) {
        (true, _) => catalogue::privileges_document(),
        (false, Form::Markdown) => catalogue::metrics_document(),
        (false, Form::Json) => serde_json::to_string_pretty(&catalogue::json()).unwrap_or_default(),
    };
    print(text.trim_end());
    Verdict::Good
}
