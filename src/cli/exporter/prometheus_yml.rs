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

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, files: &[(&str, &str)]) -> Targets {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().join("prometheus.yml");
        std::fs::write(&path, text).unwrap();
        let mut targets = Targets::load(&path, "/pve").unwrap();
        let folder = format!("{}/", folder.path().display());
        for warning in &mut targets.warnings {
            *warning = warning.replace(&folder, "");
        }
        targets
    }

    #[test]
    fn targets_come_from_addresses_parameters_and_files() {
        let text = r#"
global: { scrape_interval: 15s }
scrape_configs:
  - job_name: pve
    metrics_path: /pve
    params: { module: [default], cluster: ['1'] }
    static_configs:
      - targets: [192.168.1.2, "pve2:443"]
        labels: { site: a }
    file_sd_configs: [ { files: ["targets-*.json", missing.yml] } ]
    relabel_configs:
      - { source_labels: [__address__], target_label: __param_target }
      - { source_labels: [__param_target], target_label: instance }
      - { target_label: __address__, replacement: 127.0.0.1:9221 }
  - job_name: named
    metrics_path: /pve
    params: { target: [pve3.example.org], module: [lab] }
    static_configs: [ { targets: ["127.0.0.1:9221"] } ]
  - job_name: itself
    static_configs: [ { targets: ["127.0.0.1:9221"] } ]
  - job_name: discovered
    metrics_path: /pve
    consul_sd_configs: [ { server: x } ]
    relabel_configs: [ { source_labels: [__address__], target_label: __param_target } ]
"#;
        let found = load(
            text,
            &[("targets-a.json", r#"[{"targets":["pve4"],"labels":{}}]"#)],
        );
        let of = |module: &str| Vec::from_iter(found.of_modules[module].iter().map(String::as_str));
        assert_eq!(of("default"), ["192.168.1.2", "pve2:443", "pve4"]);
        assert_eq!(of("lab"), ["pve3.example.org"]);
        assert_eq!(
            found.warnings,
            [
                "job pve: cannot read missing.yml: No such file or directory (os error 2)",
                "job discovered: its targets are discovered elsewhere; name them with --allow-target",
            ]
        );
    }

    #[test]
    fn without_a_target_the_exporter_asked_its_own_host() {
        let text = "scrape_configs: [ { job_name: a, metrics_path: /pve, static_configs: [ { targets: [x] } ] } ]";
        let found = load(text, &[]);
        assert_eq!(Vec::from_iter(&found.of_modules["default"]), ["localhost"]);
        let none = load("scrape_configs: []", &[]);
        assert_eq!(
            none.warnings,
            ["prometheus.yml has no targets: no job with metrics_path: /pve names any"]
        );
    }

    #[test]
    fn what_is_no_configuration_is_told_without_a_quote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prometheus.yml");
        std::fs::write(
            &path,
            "scrape_configs:\n  - basic_auth: { password: s3cret\n",
        )
        .unwrap();
        let told = Targets::load(&path, "/pve").unwrap_err();
        assert!(
            told.contains("cannot read") && !told.contains("s3cret"),
            "{told}"
        );
    }
}
