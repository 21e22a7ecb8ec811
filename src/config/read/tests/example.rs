//! The example that is shipped.

use super::{EXAMPLE, Folder};
use crate::config::read::shape;

#[test]
fn the_example_explains_every_key_and_is_right() {
    let folder = Folder::new();
    let text = EXAMPLE
        .replace("/etc/proxfleet/cluster-a.token", "token")
        .replace("/etc/proxfleet/backup.token", "token")
        .replace("/etc/proxfleet/lab.token", "token");
    assert_eq!(folder.rendered(&text), Vec::<String>::new());
    assert_eq!(folder.config(&text).remotes.len(), 2);
    for shape in shape::ALL {
        for key in shape.keys {
            let named = EXAMPLE.contains(&format!("{key} ="))
                || EXAMPLE.contains(&format!("[{key}]"))
                || EXAMPLE.contains(&format!("[{key}."))
                || EXAMPLE.contains(&format!(".{key}]"));
            assert!(named, "config.example.toml lacks {key} of {}", shape.name);
        }
    }
}

#[test]
fn what_the_example_comments_out_is_right_as_well() {
    let folder = Folder::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut section = "";
    let text: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| {
            section = if line.starts_with('[') || line.starts_with("# [") {
                line
            } else {
                section
            };
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let key = bare.split(" =").next().unwrap_or_default();
            let is_option = bare.starts_with('[')
                || (bare.contains(" = ")
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            // Of alternatives, and of sections that come twice, the first is taken.
            let alternative = key.starts_with("token_secret_env") || key == "token_secret";
            if !is_option
                || alternative
                || (line.starts_with('#') && key == "basic_auth" && seen.contains(&key))
            {
                return line;
            }
            seen.push(key);
            bare
        })
        .collect();
    let mut text = text.join("\n");
    for (name, file) in [
        ("tls.crt", "cert.pem"),
        ("tls.key", "key.pem"),
        ("password", "token"),
        ("cluster-a.pem", "cert.pem"),
        ("cluster-a.token", "token"),
        ("backup.token", "token"),
        ("lab.pem", "cert.pem"),
        ("lab.token", "token"),
    ] {
        text = text.replace(&format!("/etc/proxfleet/{name}\""), &format!("{file}\""));
    }
    assert_eq!(folder.rendered(&text), Vec::<String>::new(), "{text}");
    let config = folder.config(&text);
    assert!(config.server.tls.is_some() && config.server.basic_auth.is_some());
    assert!(config.state_directory.is_some() && config.remotes[0].ca.is_some());
}
