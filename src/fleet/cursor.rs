//! What sources keep between runs, as small files in the state directory: where a list of tasks was
//! read up to, and what was counted. They may be lost without harm.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::source::Item;

/// The cursors of one remote. Without a state directory nothing is kept.
#[derive(Debug, Clone, Default)]
pub struct Cursors {
    folder: Option<PathBuf>,
}

impl Cursors {
    pub fn of_remote(state_directory: Option<&Path>, remote: &str) -> Self {
        Self {
            folder: state_directory.map(|folder| folder.join("cursors").join(plain(remote))),
        }
    }

    pub(super) fn load(&self, source: &str, item: &Item) -> Option<String> {
        std::fs::read_to_string(self.path(source, item)?).ok()
    }

    /// Writes off the threads that serve connections. A failure is logged.
    pub(super) fn save(&self, source: &str, item: &Item, text: String) {
        let Some(path) = self.path(source, item) else {
            return;
        };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = replace(&path, &text) {
                tracing::warn!("{}: the cursor is not kept: {error}", path.display());
            }
        });
    }

    fn path(&self, source: &str, item: &Item) -> Option<PathBuf> {
        let name = format!("{source}-{}.json", plain(&item.to_string()));
        Some(self.folder.as_ref()?.join(name))
    }
}

/// Whole or not at all.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("new");
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    std::fs::rename(&unfinished, path)
}

/// A name from outside as a name of a file.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_stay_in_the_folder() {
        let cursors = Cursors::of_remote(Some(Path::new("/state")), "../a");
        let item = Item::Node("../../etc/passwd".into());
        assert_eq!(
            cursors.path("task", &item).unwrap(),
            Path::new("/state/cursors/___a/task-node_______etc_passwd.json")
        );
        assert_eq!(Cursors::default().path("task", &item), None);
    }

    #[tokio::test]
    async fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cursors = Cursors::of_remote(Some(folder.path()), "a");
        let path = cursors.path("task", &Item::Remote).unwrap();
        replace(&path, "{\"since\":1}").unwrap();
        replace(&path, "{\"since\":2}").unwrap();
        assert_eq!(
            cursors.load("task", &Item::Remote).as_deref(),
            Some("{\"since\":2}")
        );
        assert_eq!(cursors.load("other", &Item::Remote), None);
    }
}
