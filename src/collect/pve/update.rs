//! Pending updates, kernels and package repositories of every node.

use std::time::Duration;

use crate::collect::update::{UpdateFamilies, UpdateLines};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pve::packages;

pub static UPDATE: Collector = Collector {
    name: "update",
    about: "Pending updates, kernels that wait for a reboot, and the state of the package repositories.",
    product: Product::Pve,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(6 * 60 * 60),
    sources: &[
        &packages::UPDATES,
        &packages::KERNELS,
        &packages::REPOSITORIES,
    ],
    reads: &[],
    families: &[&PENDING, &REBOOT, &REPOSITORY, &PROBLEMS],
    collect,
};

static PENDING: Family = Family::gauge(
    "pve_node_updates_pending",
    "Packages of the node with a pending update, by the origin of the package, as of the last refresh of its package lists",
    &["id", "origin", "remote"],
);
static REBOOT: Family = Family::gauge(
    "pve_node_reboot_pending",
    "Whether a kernel is installed on the node that is newer than the running one",
    &["id", "remote"],
)
.unrecorded();
static REPOSITORY: Family = Family::gauge(
    "pve_node_repository_enabled",
    "Whether a configured standard repository of the node is enabled",
    &["id", "remote", "repository"],
)
.unrecorded();
static PROBLEMS: Family = Family::gauge(
    "pve_node_repository_problems",
    "Errors and warnings that the node has about its package repositories",
    &["id", "remote", "severity"],
);

static FAMILIES: UpdateFamilies = UpdateFamilies {
    pending: &PENDING,
    reboot: &REBOOT,
    // `node` tells both kernels.
    kernel: None,
    repository: &REPOSITORY,
    problems: &PROBLEMS,
};

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = UpdateLines::of(&FAMILIES, inputs.remote);
    for (node, updates) in inputs.each(&packages::UPDATES) {
        lines.add_updates(Some(&node.to_string()), updates);
    }
    for (node, kernels) in inputs.each(&packages::KERNELS) {
        lines.add_kernels(Some(&node.to_string()), kernels);
    }
    for (node, repositories) in inputs.each(&packages::REPOSITORIES) {
        lines.add_repositories(Some(&node.to_string()), repositories);
    }
    lines.into_lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    const VERSIONS: &str = r#"{"data":[{"Package":"proxmox-ve","CurrentState":"Installed","RunningKernel":"6.8.9-4-pve"},
        {"Package":"proxmox-kernel-6.8.12-4-pve-signed","CurrentState":"Installed"}]}"#;
    const REPOSITORIES: &str = r#"{"data":{"errors":[{"path":"/x","error":"invalid extension"}],
        "infos":[{"kind":"origin","message":"Debian"},{"kind":"warning","message":"old"}],
        "standard-repos":[{"handle":"enterprise","status":1},{"handle":"test","status":false},
            {"handle":"no-subscription","name":"No-Subscription"}]}}"#;

    fn answers() -> AnswerTable {
        AnswerTable::new(Product::Pve, 1)
            .with(
                "/cluster/status",
                r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
            )
            .with(
                "/cluster/resources",
                r#"{"data":[{"type":"node","node":"a","status":"online","uptime":7}]}"#,
            )
            .with("/nodes/a/apt/versions", VERSIONS)
            .with("/nodes/a/apt/repositories", REPOSITORIES)
    }

    const WITHOUT_UPDATES: [&str; 5] = [
        r#"pve_node_reboot_pending{id="node/a",remote="r"} 1"#,
        r#"pve_node_repository_enabled{id="node/a",remote="r",repository="enterprise"} 1"#,
        r#"pve_node_repository_enabled{id="node/a",remote="r",repository="test"} 0"#,
        r#"pve_node_repository_problems{id="node/a",remote="r",severity="error"} 1"#,
        r#"pve_node_repository_problems{id="node/a",remote="r",severity="warning"} 1"#,
    ];

    #[tokio::test]
    async fn updates_count_by_origin() {
        let updates = r#"{"data":[{"Package":"dpkg","Origin":"Debian"},{"Package":"apt","Origin":"Debian"},
            {"Package":"own"},{"Origin":"Debian"}]}"#;
        let lines = walk::exposed(&UPDATE, answers().with("/nodes/a/apt/update", updates)).await;
        let (pending, others) = lines.split_at(3);
        assert_eq!(
            pending,
            [
                r#"pve_node_updates_pending{id="node/a",origin="Debian",remote="r"} 2"#,
                r#"pve_node_updates_pending{id="node/a",origin="Proxmox",remote="r"} 0"#,
                r#"pve_node_updates_pending{id="node/a",origin="other",remote="r"} 1"#,
            ]
        );
        assert_eq!(others, WITHOUT_UPDATES);
    }

    #[tokio::test]
    async fn one_refused_call_costs_only_its_own_samples() {
        let answers = answers().with_status("/nodes/a/apt/update", 403, "Permission check failed");
        assert_eq!(walk::exposed(&UPDATE, answers).await, WITHOUT_UPDATES);
    }
}
