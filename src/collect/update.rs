//! What is told of packages, the same for both products.

use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::apt::{Kernel, Kernels, PendingUpdates, Repositories};

/// The families of one product.
pub(super) struct UpdateFamilies {
    /// With the label `origin`.
    pub pending: &'static Family,
    pub reboot: &'static Family,
    /// With the labels `newest_installed` and `running`; `None` where another collector tells them.
    pub kernel: Option<&'static Family>,
    /// With the label `repository`.
    pub repository: &'static Family,
    /// With the label `severity`.
    pub problems: &'static Family,
}

pub(super) struct UpdateLines<'a> {
    remote: &'a str,
    pending: Lines,
    reboot: Lines,
    kernel: Option<Lines>,
    repository: Lines,
    problems: Lines,
}

/// `id` is the node's; a backup server has none.
impl<'a> UpdateLines<'a> {
    pub(super) fn of(families: &UpdateFamilies, remote: &'a str) -> Self {
        Self {
            remote,
            pending: Lines::of(families.pending),
            reboot: Lines::of(families.reboot),
            kernel: families.kernel.map(Lines::of),
            repository: Lines::of(families.repository),
            problems: Lines::of(families.problems),
        }
    }

    fn identity(id: Option<&str>) -> LabelBlock {
        let mut labels = LabelBlock::new();
        if let Some(id) = id {
            labels.push("id", id);
        }
        labels
    }

    pub(super) fn add_updates(&mut self, id: Option<&str>, updates: &PendingUpdates) {
        for (origin, number) in &updates.0 {
            let mut labels = Self::identity(id);
            labels.push("origin", origin).push("remote", self.remote);
            self.pending.push(&labels, *number);
        }
    }

    pub(super) fn add_kernels(&mut self, id: Option<&str>, kernels: &Kernels) {
        let mut labels = Self::identity(id);
        labels.push("remote", self.remote);
        self.reboot.push_known(&labels, kernels.is_reboot_pending());

        if let Some(lines) = &mut self.kernel {
            let release = |kernel: &Option<Kernel>| {
                let kernel = kernel.as_ref();
                kernel.map_or_else(Box::default, |kernel| kernel.release.clone())
            };
            let newest = release(&kernels.newest_installed);
            let running = release(&kernels.running);
            if !(newest.is_empty() && running.is_empty()) {
                let mut labels = Self::identity(id);
                labels
                    .push("newest_installed", &newest)
                    .push("remote", self.remote)
                    .push("running", &running);
                lines.push(&labels, true);
            }
        }
    }

    pub(super) fn add_repositories(&mut self, id: Option<&str>, repositories: &Repositories) {
        let mut labels = Self::identity(id);
        labels.push("remote", self.remote);
        for (handle, enabled) in &repositories.standard {
            self.repository
                .push_with(&labels, "repository", handle, *enabled);
        }
        let problems = [
            ("error", repositories.errors),
            ("warning", repositories.warnings),
        ];
        for (severity, number) in problems {
            self.problems
                .push_with(&labels, "severity", severity, number);
        }
    }

    pub(super) fn into_lines(self) -> Vec<Lines> {
        let mut lines = vec![self.pending, self.reboot];
        lines.extend(self.kernel);
        lines.extend([self.repository, self.problems]);
        lines
    }
}
