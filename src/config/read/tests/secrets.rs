//! What findings and debug output never tell.

use super::{Folder, SECRET, UUID, remote_but, remote_with, server_with};

#[test]
fn no_finding_tells_a_secret() {
    let folder = Folder::new();
    for text in [
        remote_with(&format!("token_secret = \"{SECRET}")),
        remote_with(&format!("token_secert = \"{SECRET}\"")),
        remote_with(&format!("token-secret = '{SECRET}'")),
        remote_with(&format!("secret = \"{SECRET}\"")),
        remote_with(&format!("token_secret = [\"{SECRET}\"]")),
        remote_with(&format!("token_secret = \"\"\"\n{SECRET}\nx\"\"\"")),
        remote_with(&format!("token_secret = \"\"\"\n{SECRET}")),
        remote_with(&format!("labels = [\ntoken_secret = \"{SECRET}\"\n")),
        remote_but(&format!("endpoints = [\"https://u:{SECRET}@h\"]")),
        remote_but(&format!("token_id = \"u@pve!t={SECRET}\"")),
        remote_but(&format!("token_id = \"{UUID}\"")),
        remote_with(&format!("token_secret_env = \"{UUID}\"")),
        server_with(&format!(
            "basic_auth = {{ password = \"{SECRET}\", usrname = \"p\" }}"
        )),
        server_with(&format!(
            "basic_auth = {{ pasword = \"{SECRET}\", username = 3 }}"
        )),
        format!("remote = [{{ token_secret = \"{SECRET}\", name = 3 }}]"),
    ] {
        let loaded = folder.parse(&text);
        assert!(!loaded.findings.is_empty(), "{text}");
        let shown = folder.rendered(&text).join("\n") + &format!("{loaded:?}");
        let json = serde_json::to_string(&loaded.findings).unwrap();
        for output in [shown, json] {
            assert!(
                !output.contains(SECRET) && !output.contains(UUID),
                "{text}\n{output}"
            );
        }
    }
}

#[test]
fn carets_stand_below_what_is_shown_where_a_secret_is_masked() {
    let folder = Folder::new();
    let text = server_with(&format!(
        "basic_auth = {{ password = \"{SECRET}\", usrname = \"p\" }}"
    ));
    let finding = folder
        .rendered(&text)
        .into_iter()
        .find(|finding| finding.contains("unknown key"))
        .unwrap();
    let lines: Vec<&str> = finding.lines().collect();
    let at = lines[1].find("usrname").unwrap();
    assert_eq!(lines[2].find('^'), Some(at), "{finding}");
    assert!(lines[1].contains("password = ***, usrname"), "{finding}");
}

#[test]
fn a_secret_in_a_configuration_that_everyone_may_read_is_a_warning() {
    let folder = Folder::new();
    let text = remote_with("").replace(
        "token_secret_file = \"token\"",
        &format!("token_secret = \"{SECRET}\""),
    );
    assert!(folder.rendered(&text).is_empty());
    folder.write("config.toml", "", 0o644);
    let rendered = folder.rendered(&text);
    assert_eq!(rendered.len(), 1);
    assert!(
        rendered[0].starts_with("config.toml:6:1: warning: everyone may read the token's secret"),
        "{rendered:?}"
    );
    assert!(folder.parse(&text).config.is_some());
}
