//! The targets that a Prometheus configuration scrapes through an exporter: `pve.yml` has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::scalar::Scalar;

/// Targets by the module that they are asked with.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Targets {
    pub(super) of_modules: BTreeMap<String, BTreeSet<String>>,
    /// What was passed over, a line each.
    pub(super) warnings: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    scrape_configs: Vec<Job>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Job {
    job_name: String,
    metrics_path: String,
    params: BTreeMap<String, Vec<Scalar>>,
    static_configs: Vec<Group>,
    file_sd_configs: Vec<Files>,
    relabel_configs: Vec<Relabelling>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    targets: Vec<Scalar>,
    labels: BTreeMap<String, Scalar>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Files {
    files: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relabelling {
    target_label: String,
}

/// The module, and the target, of a scrape that names none.
const DEFAULT_MODULE: &str = "default";
const DEFAULT_TARGET: &str = "localhost";
/// The label that becomes the parameter `target`.
const TARGET_LABEL: &str = "__param_target";

impl Targets {
    /// Reads the jobs that scrape `metrics_path`.
    pub(super) fn load(path: &Path, metrics_path: &str) -> Result<Self, String> {
        let unreadable =
            |problem: &dyn std::fmt::Display| format!("cannot read {}: {problem}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
        let configuration: Configuration = read(&text).map_err(|line| {
            unreadable(&format!(
                "line {line} is not that of a Prometheus configuration"
            ))
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut targets = Self::default();
        for job in &configuration.scrape_configs {
            if job.metrics_path == metrics_path {
                targets.add(job, folder);
            }
        }
        if targets.of_modules.is_empty() {
            targets.warnings.push(format!(
                "{} has no targets: no job with metrics_path: {metrics_path} names any",
                path.display()
            ));
        }
        Ok(targets)
    }

    fn add(&mut self, job: &Job, folder: &Path) {
        let module = job.params.get("module").and_then(|values| values.first());
        let module = module
            .and_then(Scalar::text)
            .unwrap_or_else(|| DEFAULT_MODULE.to_owned());
        let mut found: BTreeSet<String> = BTreeSet::new();
        let parameters = job.params.get("target").into_iter().flatten();
        found.extend(parameters.filter_map(Scalar::text));

        let relabelled = job.relabel_configs.iter();
        let by_address = relabelled
            .clone()
            .any(|relabelling| relabelling.target_label == TARGET_LABEL);
        let mut groups: Vec<Group> = Vec::new();
        for pattern in job.file_sd_configs.iter().flat_map(|files| &files.files) {
            match files_of(&folder.join(pattern)) {
                Ok(mut found) => groups.append(&mut found),
                Err(problem) => self
                    .warnings
                    .push(format!("job {}: {problem}", job.job_name)),
            }
        }
        for group in job.static_configs.iter().chain(&groups) {
            found.extend(group.labels.get(TARGET_LABEL).and_then(Scalar::text));
            // Else they are the exporter itself.
            if by_address {
                found.extend(group.targets.iter().filter_map(Scalar::text));
            }
        }
        if found.is_empty() && !by_address && !job.static_configs.is_empty() {
            found.insert(DEFAULT_TARGET.to_owned());
        }
        if found.is_empty() {
            self.warnings.push(format!(
                "job {}: its targets are discovered elsewhere; name them with --allow-target",
                job.job_name
            ));
            return;
        }
        self.of_modules
            .entry(module)
            .or_default()
            .append(&mut found);
    }
}

/// What the files of a discovery name; the last part of the path may have a `*`.
fn files_of(pattern: &Path) -> Result<Vec<Group>, String> {
    let unreadable = |path: &Path, problem: &dyn std::fmt::Display| {
        format!("cannot read {}: {problem}", path.display())
    };
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    let mut paths = Vec::new();
    match name.split_once('*') {
        None => paths.push(pattern.to_owned()),
        Some((head, tail)) => {
            let folder = pattern.parent().unwrap_or_else(|| Path::new("."));
            let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.len() >= head.len() + tail.len()
                    && name.starts_with(head)
                    && name.ends_with(tail)
                {
                    paths.push(entry.path());
                }
            }
            paths.sort();
        }
    }
    let mut groups = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let mut found: Vec<Group> = read(&text).map_err(|line| {
            unreadable(
                &path,
                &format!("line {line} is not that of a list of targets"),
            )
        })?;
        groups.append(&mut found);
    }
    Ok(groups)
}

/// Reads YAML, which JSON is, too. The error is the line alone: others may hold a password.
fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, u64> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| error.location().map_or(1, |location| location.line()))
}
