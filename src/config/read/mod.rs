//! From text to a [`Config`], finding all problems on the way.
//!
//! The parsed document is walked with the places of its parts, one file a subject. A reader reports
//! what is wrong and gives `None` for it, so that the walk goes on.

mod collectors;
mod drop_in;
mod endpoint;
mod file;
mod filter;
mod mask;
mod module;
mod remote;
mod report;
mod scrape_times;
mod secret;
mod section;
mod server;
mod shape;
mod syntax;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

pub(super) use self::endpoint::place;
use self::remote::Defaults;
use self::report::Report;
use self::section::{Item, Section};
use super::{CollectorKey, Config, DropIn, Loaded, Server, Severity};

pub(super) fn parse(text: &str, path: &Path, known: &[CollectorKey]) -> Loaded {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut report = Report::new(text, path);
    mask::add(text, document.get_ref(), !errors.is_empty(), &mut report);
    syntax::report(&errors, document.get_ref(), &mut report);
    let config = root(document.get_ref(), known, &mut report);
    let findings = report.finish();
    let failed = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    Loaded {
        config: config.filter(|_| !failed),
        findings,
    }
}

fn root(document: &DeTable<'_>, known: &[CollectorKey], report: &mut Report<'_>) -> Option<Config> {
    let root = Section::root(document, report);
    let server = match root.table("server", &shape::SERVER, report) {
        Some(section) => server::read(&section, report),
        None => Some(Server::default()),
    };
    let state_directory = root
        .table("state", &shape::STATE, report)
        .and_then(|section| section.string("directory", report))
        .and_then(|directory| directory.not_empty(report))
        .map(|directory| report.relative(directory.value));
    let defaults = match root.table("defaults", &shape::DEFAULTS, report) {
        Some(section) => Defaults::read(&section, known, report),
        None => Defaults::default(),
    };
    let modules = module::list(&root, &defaults, report);
    let remotes = remotes(&root, &defaults, !modules.is_empty(), known, report);
    let drop_in = match root.table("drop_in", &shape::DROP_IN, report) {
        Some(section) => drop_in::read(&section, report),
        None => DropIn::default(),
    };
    Some(Config {
        server: server?,
        state_directory,
        max_in_flight_total: defaults.max_in_flight_total,
        remotes,
        modules,
        drop_in,
    })
}

fn remotes(
    root: &Section<'_>,
    defaults: &Defaults,
    has_modules: bool,
    known: &[CollectorKey],
    report: &mut Report<'_>,
) -> Vec<Arc<super::Remote>> {
    let items: Vec<Item<'_>> = match root.get("remote") {
        None => Vec::new(),
        Some(item) => match item.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            DeValue::Table(_) => {
                report
                    .error(item.span(), "remotes are a list of tables")
                    .help("write [[remote]], in two brackets; sub-tables such as [remote.filter] have one");
                vec![item]
            }
            _ => {
                section::wrong_type::<()>(item, "a list of tables", report);
                return Vec::new();
            }
        },
    };
    if items.is_empty() && !has_modules {
        report
            .warning(0..0, "no remotes: there is nothing to scrape")
            .help("add a [[remote]] with name, type, endpoints and a token")
            .is_absence();
    }
    let mut first_of: HashMap<String, usize> = HashMap::new();
    let mut remotes = Vec::with_capacity(items.len());
    for item in items {
        let Some(section) = Section::open(&shape::REMOTE, item, report) else {
            continue;
        };
        if let Some(name) = section.get("name").filter(|name| name.get_ref().is_str()) {
            let text = name.get_ref().as_str().unwrap_or_default().to_owned();
            let line = report.line_of(name.span().start);
            if let Some(first) = first_of.get(&text) {
                report
                    .error(
                        name.span(),
                        format!("remote \"{text}\" is there twice, in line {first} and in line {line}"),
                    )
                    .help("give each remote a name of its own: it is the label `remote` of all its series");
            } else {
                first_of.insert(text, line);
            }
        }
        remotes.extend(remote::read(&section, defaults, known, report).map(Arc::new));
    }
    remotes
}

impl Report<'_> {
    /// A path of the configuration: relative ones start at its folder.
    fn relative(&self, path: &str) -> PathBuf {
        self.path()
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .join(path)
    }
}
