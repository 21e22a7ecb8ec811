use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::parse;

const FILE: &str = r#"# fleet
[[remote]]
token_secret = "hidden-2f7c" # inline
name = "a" # first
type = "pve"
endpoints = [ # two
    "PVE1", # plain
    { host = "10.0.0.2:8006" },
    { host = "h", fingerprint = "old" }, # pinned
    "h:1",
]

[[remote]]
name = "b"
type = "pbs"
[[remote.endpoints]] # tables
host = "backup"
# the end
"#;

fn pin() -> Fingerprint {
    [0xAB; 32].into()
}

fn folder_with(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("proxfleet.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    (folder, path)
}

fn new_remote(path: &Path) -> NewRemote {
    let secret = path.with_file_name("token");
    fs::write(&secret, "hidden-2f7c").unwrap();
    NewRemote {
        name: "new".to_owned(),
        product: Product::Pbs,
        endpoints: vec![
            Endpoint {
                host: "::1".to_owned(),
                port: 8007,
                fingerprint: Some(pin()),
            },
            Endpoint {
                host: "h".to_owned(),
                port: 1,
                fingerprint: None,
            },
        ],
        token_id: "u@pbs!t".to_owned(),
        secret: SecretSource::File(secret),
        ca_file: None,
    }
}

/// The file after an edit of one end-point, as lines that changed.
fn changed(remote: &str, endpoint: &str, fingerprint: Option<Fingerprint>) -> Vec<String> {
    let (_folder, path) = folder_with(FILE);
    set_fingerprint(&path, remote, endpoint, fingerprint).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let new: Vec<String> = text
        .lines()
        .map(|line| line.replace(&pin().to_string(), "PIN"))
        .collect();
    new.into_iter()
        .filter(|line| !FILE.lines().any(|old| old == line))
        .collect()
}

#[test]
fn only_the_line_of_the_end_point_changes() {
    for (remote, endpoint, fingerprint, line) in [
        (
            "a",
            "pve1",
            Some(pin()),
            "    { host = \"PVE1\", fingerprint = \"PIN\" }, # plain",
        ),
        (
            "a",
            "PVE1:8006",
            Some(pin()),
            "    { host = \"PVE1\", fingerprint = \"PIN\" }, # plain",
        ),
        (
            "a",
            "10.0.0.2",
            Some(pin()),
            "    { host = \"10.0.0.2:8006\", fingerprint = \"PIN\" },",
        ),
        (
            "a",
            "h",
            Some(pin()),
            "    { host = \"h\", fingerprint = \"PIN\" }, # pinned",
        ),
        ("a", "h", None, "    { host = \"h\" }, # pinned"),
        (
            "a",
            "h:1",
            Some(pin()),
            "    { host = \"h:1\", fingerprint = \"PIN\" },",
        ),
        ("b", "backup:8007", Some(pin()), "fingerprint = \"PIN\""),
    ] {
        assert_eq!(
            changed(remote, endpoint, fingerprint),
            [line],
            "{remote} {endpoint}"
        );
    }
    assert_eq!(changed("a", "pve1", None), Vec::<String>::new());
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let (_folder, path) = folder_with(FILE);
    let error = |remote, endpoint| {
        set_fingerprint(&path, remote, endpoint, None)
            .unwrap_err()
            .to_string()
    };
    assert!(
        error("c", "h").ends_with("there are: a, b"),
        "{}",
        error("c", "h")
    );
    assert!(error("a", "pve1:1").ends_with("it has: PVE1, 10.0.0.2:8006, h, h:1"));
    assert!(error("a", "://").contains("has no end-point"));
    let text = FILE.replace("host = \"h\"", "host = \"h:2\"");
    fs::write(&path, text).unwrap();
    assert!(
        error("a", "h").contains("several end-points"),
        "{}",
        error("a", "h")
    );
    fs::write(&path, "a = 1\ntoken_secret = \"hidden-2f7c").unwrap();
    assert!(
        error("a", "h").contains("proxfleet.toml:2: this is not TOML"),
        "{}",
        error("a", "h")
    );
    assert!(!error("a", "h").contains("hidden"));
}

#[test]
fn the_file_is_renamed_into_place_with_its_mode_through_a_link() {
    let (folder, path) = folder_with(FILE);
    let link = folder.path().join("link.toml");
    symlink(&path, &link).unwrap();
    let before = fs::metadata(&path).unwrap();
    let change = set_fingerprint(&link, "a", "pve1", Some(pin())).unwrap();
    assert_eq!(
        change,
        Change {
            path: path.canonicalize().unwrap(),
            kind: ChangeKind::Atomic
        }
    );
    let after = fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
    assert!(link.is_symlink());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let again = set_fingerprint(&link, "a", "pve1", Some(pin())).unwrap();
    assert_eq!(again.kind, ChangeKind::None);
}

#[test]
fn a_file_with_another_name_is_written_over() {
    let (folder, path) = folder_with(FILE);
    let other = folder.path().join("other.toml");
    fs::hard_link(&path, &other).unwrap();
    let change = set_fingerprint(&path, "a", "h", Some(pin())).unwrap();
    assert_eq!(change.kind, ChangeKind::InPlace);
    assert!(
        fs::read_to_string(&other)
            .unwrap()
            .contains(&pin().to_string())
    );
    // Shorter than before: nothing of the old text may stay behind.
    set_fingerprint(&path, "a", "h", None).unwrap();
    assert!(fs::read_to_string(&other).unwrap().ends_with("# the end\n"));
}

#[test]
fn a_remote_is_appended_and_read() {
    let (_folder, path) = folder_with("# mine\n");
    let remote = new_remote(&path);
    assert_eq!(
        append_remote(&path, &remote).unwrap().kind,
        ChangeKind::Atomic
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# mine\n\n[[remote]]\nname = \"new\"\n"),
        "{text}"
    );
    let loaded = parse(&text, &path, &[]);
    let config = loaded
        .config
        .unwrap_or_else(|| panic!("{text}\n{:?}", loaded.findings));
    assert_eq!(config.remotes[0].endpoints, remote.endpoints);
    assert_eq!(config.remotes[0].credentials.identity(), "u@pbs!t");
    let error = append_remote(&path, &remote).unwrap_err();
    assert!(matches!(error, EditError::RemoteExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_file_that_is_not_there_is_made_for_its_owner_and_group() {
    let (folder, path) = folder_with("");
    let made = folder.path().join("made.toml");
    let change = append_remote(&made, &new_remote(&path)).unwrap();
    assert_eq!(change.kind, ChangeKind::Created);
    assert_eq!(fs::metadata(&made).unwrap().mode() & 0o777, 0o640);
    assert!(
        parse(&fs::read_to_string(&made).unwrap(), &made, &[])
            .config
            .is_some()
    );
}

#[test]
fn a_broken_file_is_never_written() {
    let (_folder, path) = folder_with("remote = 3\n");
    let remote = new_remote(&path);
    let error = append_remote(&path, &remote).unwrap_err();
    assert!(matches!(error, EditError::UnusualForm { .. }), "{error}");
    fs::write(&path, "remote = [{ name = \"x\" }]\n").unwrap();
    let error = append_remote(&path, &remote).unwrap_err();
    assert!(matches!(error, EditError::UnusualForm { .. }), "{error}");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "remote = [{ name = \"x\" }]\n"
    );
    let wrong = NewRemote {
        name: "a b".to_owned(),
        ..remote
    };
    let error = append_remote(&path, &wrong).unwrap_err().to_string();
    assert!(
        error.contains("this cannot be the name of a remote"),
        "{error}"
    );
}

#[test]
fn a_secret_in_the_file_is_not_shown() {
    let (_folder, path) = folder_with("");
    let remote = NewRemote {
        secret: SecretSource::Inline("hidden-2f7c".into()),
        ..new_remote(&path)
    };
    assert!(!format!("{remote:?}").contains("hidden"));
    append_remote(&path, &remote).unwrap();
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("token_secret = \"hidden-2f7c\"")
    );
}

proptest! {
    #[test]
    fn comments_and_order_survive(comment in "[ -~é]{0,40}", spaces in " {0,4}") {
        let text = format!("# {comment}\n[[remote]]\nname = \"a\"\nendpoints = [{spaces}\"h\"{spaces}] # {comment}\n# {comment}");
        let (_folder, path) = folder_with(&text);
        set_fingerprint(&path, "a", "h", Some(pin())).unwrap();
        let table = format!("{{ host = \"h\", fingerprint = \"{}\" }}", pin());
        prop_assert_eq!(fs::read_to_string(&path).unwrap(), text.replacen("\"h\"", &table, 1));
    }
}
