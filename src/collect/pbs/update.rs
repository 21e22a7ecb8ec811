//! Pending updates, kernels and package repositories of a backup server.

use std::time::Duration;

use crate::collect::update::{UpdateFamilies, UpdateLines};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pbs::packages;

pub static UPDATE: Collector = Collector {
    name: "update",
    about: "Pending updates, kernels that wait for a reboot, and the state of the package repositories.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[
        &packages::UPDATES,
        &packages::KERNELS,
        &packages::REPOSITORIES,
    ],
    reads: &[],
    families: &[&PENDING, &REBOOT, &KERNEL, &REPOSITORY, &PROBLEMS],
    collect,
};

static PENDING: Family = Family::gauge(
    "pbs_host_updates_pending",
    "Packages of the backup server with a pending update, by the origin of the package, as of the last refresh of its package lists",
    &["origin", "remote"],
);
static REBOOT: Family = Family::gauge(
    "pbs_host_reboot_pending",
    "Whether a kernel is installed on the backup server that is newer than the running one",
    &["remote"],
)
.unrecorded();
static KERNEL: Family = Family::gauge(
    "pbs_host_kernel_release_info",
    "Releases of the running and the newest installed kernel of the backup server, empty where it is none of Proxmox",
    &["newest_installed", "remote", "running"],
)
.unrecorded();
static REPOSITORY: Family = Family::gauge(
    "pbs_host_repository_enabled",
    "Whether a configured standard repository of the backup server is enabled",
    &["remote", "repository"],
)
.unrecorded();
static PROBLEMS: Family = Family::gauge(
    "pbs_host_repository_problems",
    "Errors and warnings that the backup server has about its package repositories",
    &["remote", "severity"],
);

static FAMILIES: UpdateFamilies = UpdateFamilies {
    pending: &PENDING,
    reboot: &REBOOT,
    kernel: Some(&KERNEL),
    repository: &REPOSITORY,
    problems: &PROBLEMS,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = UpdateLines::of(&FAMILIES, inputs.remote);
    if let Some(updates) = inputs.get(&packages::UPDATES) {
        lines.add_updates(None, &updates);
    }
    if let Some(kernels) = inputs.get(&packages::KERNELS) {
        lines.add_kernels(None, &kernels);
    }
    if let Some(repositories) = inputs.get(&packages::REPOSITORIES) {
        lines.add_repositories(None, &repositories);
    }
    lines.into_lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const VERSIONS: &str = r#"{"data":[{"Package":"proxmox-backup","OldVersion":"4.0.0","ExtraInfo":"running kernel: 6.8.12-4-pve"},
        {"Package":"proxmox-kernel-6.8.12-4-pve-signed","OldVersion":"6.8.12-4"}]}"#;
    const REPOSITORIES: &str = r#"{"data":{"errors":[{"path":"/x","error":"invalid extension"}],
        "infos":[{"kind":"origin","message":"Debian"},{"kind":"warning","message":"old"}],
        "standard-repos":[{"handle":"enterprise","status":1},{"handle":"test","status":false},
            {"handle":"no-subscription","name":"No-Subscription"}]}}"#;

    fn answers() -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1)
            .with("/admin/datastore", r#"{"data":[]}"#)
            .with("/nodes/localhost/apt/versions", VERSIONS)
            .with("/nodes/localhost/apt/repositories", REPOSITORIES)
    }

    const WITHOUT_UPDATES: [&str; 6] = [
        r#"pbs_host_reboot_pending{remote="r"} 0"#,
        r#"pbs_host_kernel_release_info{newest_installed="6.8.12-4-pve",remote="r",running="6.8.12-4-pve"} 1"#,
        r#"pbs_host_repository_enabled{remote="r",repository="enterprise"} 1"#,
        r#"pbs_host_repository_enabled{remote="r",repository="test"} 0"#,
        r#"pbs_host_repository_problems{remote="r",severity="error"} 1"#,
        r#"pbs_host_repository_problems{remote="r",severity="warning"} 1"#,
    ];

    #[tokio::test]
    async fn updates_count_by_origin() {
        let updates = r#"{"data":[{"Package":"dpkg","Origin":"Debian"},{"Package":"apt","Origin":"Debian"},
            {"Package":"own"},{"Origin":"Debian"}]}"#;
        let lines = walk::exposed(
            &UPDATE,
            answers().with("/nodes/localhost/apt/update", updates),
        )
        .await;
        let (pending, others) = lines.split_at(3);
        assert_eq!(
            pending,
            [
                r#"pbs_host_updates_pending{origin="Debian",remote="r"} 2"#,
                r#"pbs_host_updates_pending{origin="Proxmox",remote="r"} 0"#,
                r#"pbs_host_updates_pending{origin="other",remote="r"} 1"#,
            ]
        );
        assert_eq!(others, WITHOUT_UPDATES);
    }

    #[tokio::test]
    async fn one_refused_call_costs_only_its_own_samples() {
        let answers = answers().with_status(
            "/nodes/localhost/apt/update",
            403,
            "Permission check failed",
        );
        assert_eq!(walk::exposed(&UPDATE, answers).await, WITHOUT_UPDATES);
    }
}
