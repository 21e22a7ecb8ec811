//! What both products tell of their packages: pending updates, kernels, repositories.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::{self, List, Number, Object, Rows, Text, Unreadable};

/// Whoever adds repositories of his own has no more origins than these.
const MOST_ORIGINS: usize = 8;
/// The origin of packages that have none, or one too many.
pub const OTHER_ORIGIN: &str = "other";
/// There is always an answer for these, zero where nothing is pending.
const USUAL_ORIGINS: [&str; 2] = ["Debian", "Proxmox"];

/// Neither product has more standard repositories than these.
const MOST_REPOSITORIES: usize = 24;

/// Number of packages with a pending update, by the origin of the package.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PendingUpdates(pub BTreeMap<Box<str>, u64>);

/// Kernels by their release, `6.8.12-4-pve`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Kernels {
    pub running: Option<Kernel>,
    pub newest_installed: Option<Kernel>,
}

impl Kernels {
    /// Whether a newer kernel waits for a reboot.
    pub fn is_reboot_pending(&self) -> Option<bool> {
        Some(self.newest_installed.as_ref()? > self.running.as_ref()?)
    }
}

/// In the order of the versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    numbers: Vec<u64>,
    pub release: Box<str>,
}

impl Kernel {
    /// Reads a release of Proxmox' own kernels. One that was built elsewhere has no order with them.
    fn parse(release: &str) -> Option<Self> {
        let numbers = release.strip_suffix("-pve")?;
        let numbers = numbers.split(['.', '-']).map(|number| number.parse().ok());
        Some(Self {
            numbers: numbers.collect::<Option<_>>()?,
            release: Box::from(release),
        })
    }

    /// `proxmox-kernel-6.8.12-4-pve-signed`, `pve-kernel-5.15.108-1-pve`; a package without the
    /// whole release only depends on the latest of these.
    fn of_package(package: &str) -> Option<Self> {
        let rest = package
            .strip_prefix("proxmox-kernel-")
            .or_else(|| package.strip_prefix("pve-kernel-"))?;
        Self::parse(rest.strip_suffix("-signed").unwrap_or(rest))
    }
}

/// The repositories that packages come from.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Repositories {
    /// Whether each configured standard repository (`enterprise`, `no-subscription` …) is enabled.
    pub standard: BTreeMap<Box<str>, bool>,
    /// Files that could not be read.
    pub errors: u64,
    pub warnings: u64,
}

/// Reads `apt/update`.
pub fn parse_updates(text: &str) -> Result<PendingUpdates, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Row<'a> {
        #[serde(borrow)]
        package: Text<'a>,
        origin: Text<'a>,
    }

    let mut updates: BTreeMap<Box<str>, u64> =
        USUAL_ORIGINS.map(|origin| (Box::from(origin), 0)).into();
    let mut rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    rows.retain(|row| row.package.known().is_some());
    rows.sort_by(|a, b| a.package.0.cmp(&b.package.0));
    rows.dedup_by(|a, b| a.package == b.package);
    for row in &rows {
        let origin = row.origin.known().unwrap_or(OTHER_ORIGIN);
        let has_room = updates.contains_key(origin) || updates.len() < MOST_ORIGINS;
        let origin = if has_room { origin } else { OTHER_ORIGIN };
        *updates.entry(Box::from(origin)).or_default() += 1;
    }
    Ok(PendingUpdates(updates))
}

/// Reads `apt/versions`, which lists the installed kernels among the packages of the product. PVE
/// tells the running one as `RunningKernel` of `proxmox-ve`, PBS as `running kernel: …` in the
/// `ExtraInfo` of `proxmox-backup`.
pub fn parse_kernels(text: &str) -> Result<Kernels, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Row<'a> {
        #[serde(borrow)]
        package: Text<'a>,
        current_state: Text<'a>,
        old_version: Text<'a>,
        running_kernel: Text<'a>,
        extra_info: Text<'a>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let is_installed = |row: &&Row<'_>| match row.current_state.known() {
        Some(state) => state == "Installed",
        None => row.old_version.known().is_some(),
    };
    let running = rows.iter().find_map(|row| {
        let extra = row.extra_info.as_str().strip_prefix("running kernel: ");
        row.running_kernel.known().or(extra)
    });
    let installed = rows.iter().filter(is_installed);
    Ok(Kernels {
        running: running.and_then(|release| Kernel::parse(release.trim())),
        newest_installed: installed
            .filter_map(|row| Kernel::of_package(row.package.as_str()))
            .max(),
    })
}

/// Reads `apt/repositories`. A standard repository without a status is not configured.
pub fn parse_repositories(text: &str) -> Result<Repositories, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Answer<'a> {
        #[serde(borrow)]
        standard_repos: List<Object<Standard<'a>>>,
        errors: List<Object<Problem<'a>>>,
        infos: List<Object<Problem<'a>>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Standard<'a> {
        #[serde(borrow)]
        handle: Text<'a>,
        status: Number,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem<'a> {
        #[serde(borrow)]
        kind: Text<'a>,
    }

    let Object(answer): Object<Answer<'_>> = json::envelope(text)?;
    let standard = answer
        .standard_repos
        .0
        .iter()
        .filter_map(|Object(row)| Some((Box::from(row.handle.known()?), row.status.flag()?)));
    let infos = answer.infos.0.iter();
    Ok(Repositories {
        standard: standard.take(MOST_REPOSITORIES).collect(),
        errors: answer.errors.0.len() as u64,
        warnings: infos
            .filter(|Object(info)| info.kind.as_str() == "warning")
            .count() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_ordered_by_number_and_only_whole_releases_count() {
        let text = r#"{"data":[
            {"Package":"proxmox-ve","CurrentState":"Installed","RunningKernel":"6.8.9-4-pve"},
            {"Package":"proxmox-kernel-6.14","CurrentState":"Installed"},
            {"Package":"proxmox-kernel-6.8.12-4-pve-signed","CurrentState":"Installed"},
            {"Package":"pve-kernel-6.2.16-20-pve","CurrentState":"Installed"},
            {"Package":"proxmox-kernel-7.0.1-1-pve","CurrentState":"NotInstalled"},5,null]}"#;
        let kernels = parse_kernels(text).unwrap();
        assert_eq!(&*kernels.running.clone().unwrap().release, "6.8.9-4-pve");
        let newest = kernels.newest_installed.clone().unwrap();
        assert_eq!(&*newest.release, "6.8.12-4-pve");
        assert_eq!(kernels.is_reboot_pending(), Some(true));
    }

    #[test]
    fn a_backup_server_tells_its_kernel_in_words_and_a_foreign_one_has_no_order() {
        let kernels = |running: &str| {
            parse_kernels(&format!(
                r#"{{"data":[{{"Package":"proxmox-backup","ExtraInfo":"running kernel: {running}"}},
                {{"Package":"proxmox-kernel-6.8.12-4-pve-signed","OldVersion":"6.8.12-4"}},
                {{"Package":"proxmox-kernel-6.9.1-1-pve-signed","Version":"unknown"}}]}}"#
            ))
            .unwrap()
        };
        assert_eq!(kernels("6.8.12-4-pve").is_reboot_pending(), Some(false));
        assert_eq!(kernels("6.18.44-custom").is_reboot_pending(), None);
        assert_eq!(parse_kernels(r#"{"data":[]}"#).unwrap(), Kernels::default());
    }

    #[test]
    fn origins_are_bounded_and_each_package_counts_once() {
        let rows: Vec<_> = (0..50)
            .map(|n| format!(r#"{{"Package":"p{n}","Origin":"o{n:02}"}}"#))
            .collect();
        let text = format!(
            r#"{{"data":[{},{{"Package":"p0","Origin":"o00"}},{{"Origin":"x"}}]}}"#,
            rows.join(",")
        );
        let PendingUpdates(updates) = parse_updates(&text).unwrap();
        assert_eq!(updates.len(), MOST_ORIGINS + 1);
        assert_eq!(updates.values().sum::<u64>(), 50);
    }

    #[test]
    fn anything_may_stand_in_the_place_of_repositories() {
        let text =
            r#"{"data":{"standard-repos":"x","errors":null,"infos":[7,{"kind":"warning"}]}}"#;
        let repositories = parse_repositories(text).unwrap();
        assert_eq!((repositories.errors, repositories.warnings), (0, 1));
        assert!(repositories.standard.is_empty());
    }
}
