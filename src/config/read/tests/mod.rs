//! A folder to read configurations in, and configurations to make mistakes in.

mod example;
mod hostile;
mod mistakes;
mod secrets;
mod values;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::{CollectorKey, Config, Loaded, Product, parse};

const EXAMPLE: &str = include_str!("../../../../config.example.toml");
const SECRET: &str = "hidden-2f7c";
const UUID: &str = "0a1b2c3d-1111-2222-3333-444455556666";

const KNOWN: [CollectorKey; 4] = [
    key("resources", Product::Pve, 1),
    key("usage", Product::Pve, 10),
    key("version", Product::Pve, 60),
    key("datastores", Product::Pbs, 5),
];

const fn key(name: &'static str, product: Product, minimum: u64) -> CollectorKey {
    CollectorKey {
        name,
        product,
        minimum_interval: Duration::from_secs(minimum),
    }
}

/// A folder with a file of each kind that a configuration can name.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("token", &format!("{SECRET}\n"), 0o600);
        folder.write("public", &format!("{SECRET}\n"), 0o644);
        folder.write("empty", "\n", 0o600);
        folder.write("two-lines", "a\nb\n", 0o600);
        folder.write("config.toml", "", 0o600);
        let made = rcgen::generate_simple_self_signed(vec!["proxfleet".to_owned()]).unwrap();
        folder.write("cert.pem", &made.cert.pem(), 0o644);
        folder.write("key.pem", &made.signing_key.serialize_pem(), 0o600);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn parse(&self, text: &str) -> Loaded {
        parse(text, &self.path("config.toml"), &KNOWN)
    }

    fn config(&self, text: &str) -> Config {
        let loaded = self.parse(text);
        loaded
            .config
            .unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.findings))
    }

    /// The findings as an operator sees them, in `config.toml` of this folder.
    fn rendered(&self, text: &str) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let loaded = self.parse(text);
        loaded
            .findings
            .iter()
            .map(|finding| finding.to_string().replace(&folder, ""))
            .collect()
    }
}

/// A remote without mistakes, and one more line.
fn remote_with(line: &str) -> String {
    format!(
        "[[remote]]\nname = \"a\"\ntype = \"pve\"\nendpoints = [\"h\"]\ntoken_id = \"u@pve!t\"\ntoken_secret_file = \"token\"\n{line}"
    )
}

/// That remote with the line of one key replaced.
fn remote_but(line: &str) -> String {
    let key = line.split(' ').next().unwrap();
    let kept: Vec<String> = remote_with("")
        .lines()
        .map(|old| {
            if old.starts_with(&format!("{key} =")) {
                line.to_owned()
            } else {
                old.to_owned()
            }
        })
        .collect();
    kept.join("\n") + "\n"
}

fn server_with(lines: &str) -> String {
    format!("[server]\n{lines}\n{}", remote_with(""))
}
