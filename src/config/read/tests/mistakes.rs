//! Each mistake, as an operator is told of it.

use std::fs;

use super::{Folder, KNOWN, SECRET, UUID, remote_but, remote_with, server_with};
use crate::config::{Severity, load};

#[test]
fn each_mistake_has_its_message() {
    let folder = Folder::new();
    let sha1 = remote_but(&format!(
        "endpoints = [{{ host = \"h\", fingerprint = \"{}AA\" }}]",
        "AA:".repeat(19)
    ));
    for (text, message) in [
        // The document.
        ("".to_owned(), "1:1: warning: no remotes"),
        ("[server".to_owned(), "1:8: error: unclosed table"),
        (
            server_with("listen = [\"127.0.0.1:9221\""),
            "2:10: error: unclosed array",
        ),
        (
            "[[remotes]]\nname = \"a\"".to_owned(),
            "help: did you mean `remote`?",
        ),
        (
            "remote = 3".to_owned(),
            "1:10: error: expected a list of tables, found a number",
        ),
        (
            remote_with("").replace("[[remote]]", "[remote]"),
            "1:1: error: remotes are a list of tables",
        ),
        (
            remote_with("intervall = 3"),
            "7:1: error: unknown key \"intervall\" in [[remote]]",
        ),
        (
            remote_with("time-out = \"9s\""),
            "help: did you mean `timeout`?",
        ),
        (
            server_with("timeout = \"9s\""),
            "help: `timeout` belongs to [defaults] or [[remote]]",
        ),
        (
            remote_with("[remote.filter]\nlabels = {}"),
            "help: `labels` belongs to [[remote]]",
        ),
        (
            remote_with("max_in_flight = \"3\""),
            "7:17: error: expected a whole number, found a string",
        ),
        (
            remote_with("max_in_flight = 0"),
            "error: `max_in_flight` must be from 1 to 32",
        ),
        (
            remote_with("max_in_flight = 99999999999999999999"),
            "error: `max_in_flight` must be from 1 to 32",
        ),
        (
            format!("{}{}", remote_with(""), remote_with("")),
            "8:8: error: remote \"a\" is there twice, in line 2 and in line 8",
        ),
        // Times.
        (remote_with("timeout = 15"), "error: a time needs a unit"),
        (
            remote_with("timeout = 15"),
            "help: write \"15s\" for seconds",
        ),
        (
            remote_with("timeout = \"15\""),
            "help: a time needs a unit: \"15s\" for seconds",
        ),
        (
            remote_with("timeout = \"2d\""),
            "help: write \"30s\", \"5m\" or \"1h 30m\"; a day is \"24h\"",
        ),
        (
            remote_with("timeout = \"-9s\""),
            "error: a time must be more than zero",
        ),
        (
            remote_with("timeout = \"0s\""),
            "error: a time must be more than zero",
        ),
        (
            remote_with("timeout = \"9999h\""),
            "error: a time may be at most \"24h\"",
        ),
        (
            remote_with("timeout = \"4s\""),
            "7:11: error: a time-out below 5 s hides a wrong token",
        ),
        (
            format!("[defaults]\ntimeout = \"1s\"\n{}", remote_with("")),
            "2:11: error: a time-out below 5 s",
        ),
        // A remote.
        (
            remote_but("name = \"a b\""),
            "2:8: error: this cannot be the name of a remote",
        ),
        (remote_but("type = \"pvee\""), "help: did you mean \"pve\"?"),
        (
            remote_but("type = 1"),
            "error: expected \"pve\" or \"pbs\", found a number",
        ),
        (
            "[[remote]]".to_owned(),
            "1:1: error: [[remote]] lacks `name`",
        ),
        (
            "[[remote]]".to_owned(),
            "1:1: error: [[remote]] lacks `type`",
        ),
        (
            "[[remote]]".to_owned(),
            "1:1: error: [[remote]] lacks `endpoints`",
        ),
        (
            "[[remote]]".to_owned(),
            "1:1: error: [[remote]] lacks `token_id`",
        ),
        (
            "[[remote]]".to_owned(),
            "1:1: error: [[remote]] lacks the token's secret",
        ),
        (
            remote_with("labels = { site = 3 }"),
            "error: expected a string, found a number",
        ),
        (
            remote_with("labels = { \"a-b\" = \"x\" }"),
            "error: this cannot be the name of a label",
        ),
        (
            remote_with("labels = { job = \"x\" }"),
            "7:12: error: the label `job` is reserved",
        ),
        (
            remote_with("labels = { __x = \"x\" }"),
            "error: the label `__x` is reserved",
        ),
        (
            remote_with("ca_file = \"nowhere\""),
            "7:11: error: cannot read nowhere: No such file",
        ),
        (
            remote_with("ca_file = \"token\""),
            "error: token has no certificates in PEM form",
        ),
        (
            remote_with("filter = { include = { tag = [] } }"),
            "help: did you mean `tags`?",
        ),
        (
            remote_with("filter = { include = { tags = \"x\" } }"),
            "help: put it in brackets",
        ),
        // End-points.
        (
            remote_but("endpoints = []"),
            "4:1: error: there is no end-point in it",
        ),
        (
            remote_but("endpoints = \"h\""),
            "4:13: error: expected a list of end-points, found a string",
        ),
        (
            remote_but("endpoints = [3]"),
            "error: expected a string or { host, fingerprint }, found a number",
        ),
        (
            remote_but("endpoints = [{}]"),
            "error: an end-point lacks `host`",
        ),
        (
            remote_but("endpoints = [\"http://h\"]"),
            "4:14: error: the token would travel in clear over http",
        ),
        (
            remote_but("endpoints = [\"ftp://h\"]"),
            "error: an end-point is reached by https only",
        ),
        (
            remote_but("endpoints = [\"https://h/api2/json\"]"),
            "error: an end-point has no path and no query",
        ),
        (
            remote_but("endpoints = [\"h?a=b\"]"),
            "error: an end-point has no path and no query",
        ),
        (
            remote_but("endpoints = [\"h:0\"]"),
            "error: the port must be from 1 to 65535",
        ),
        (
            remote_but("endpoints = [\"h:65536\"]"),
            "error: the port must be from 1 to 65535",
        ),
        (
            remote_but("endpoints = [\"10.0.0.256\"]"),
            "error: this is not the name or the address of a host",
        ),
        (
            remote_but("endpoints = [\"2001:db8::1:8006:x\"]"),
            "help: with a port it stands in brackets",
        ),
        (
            remote_but("endpoints = [\"H\", \"h:8006\"]"),
            "4:19: error: h:8006 is there twice",
        ),
        (
            remote_but("endpoints = [{ host = \"h\", fingerprint = \"AB\" }]"),
            "this has 2 digits",
        ),
        (sha1, "help: this is a SHA-1"),
        // The token.
        (
            remote_but("token_id = \"u@pve\""),
            "5:12: error: this is a user, not a token of it",
        ),
        (
            remote_but("token_id = \"monitor\""),
            "error: this is not the id of a token",
        ),
        (
            remote_but("token_id = \"u!t\""),
            "error: the user of this token lacks its realm",
        ),
        (
            remote_but("token_id = \"u@pve!t=hidden-2f7c\""),
            "error: the secret stands behind the token's id",
        ),
        (
            remote_but("token_id = \"u@pbs!t:hidden-2f7c\""),
            "error: the secret stands behind the token's id",
        ),
        (
            remote_but("token_secret_file = \"nowhere\""),
            "6:21: error: cannot read nowhere: No such file",
        ),
        (
            remote_but("token_secret_file = \".\""),
            "error: cannot read .: it is not a regular file",
        ),
        (
            remote_but("token_secret_file = \"empty\""),
            "error: the secret in empty is empty",
        ),
        (
            remote_but("token_secret_file = \"two-lines\""),
            "error: the secret in two-lines has more than one line",
        ),
        (
            remote_but("token_secret_file = \"public\""),
            "6:21: warning: everyone may read the secret in public",
        ),
        (
            remote_but("token_secret_file = \"public\""),
            "help: chmod o-r public",
        ),
        (
            remote_but(&format!("token_secret_file = \"{UUID}\"")),
            "error: this looks like the secret itself",
        ),
        (
            remote_with("token_secret = \"hidden-2f7c\""),
            "7:1: error: the token's secret is given by `token_secret_file` and by `token_secret`",
        ),
        (
            remote_with("").replace(
                "token_secret_file = \"token\"",
                "token_secret_env = \"NOT_SET_ANYWHERE\"",
            ),
            "error: the environment variable NOT_SET_ANYWHERE is not set",
        ),
        // Collectors.
        (
            remote_with("collectors = { usag = true }"),
            "help: did you mean `usage`?",
        ),
        (
            remote_with("collectors = { nothing_like_it = true }"),
            "help: there are: resources, usage, version",
        ),
        (
            remote_with("collectors = { datastores = true }"),
            "7:16: error: collector \"datastores\" is for pbs remotes, and this is a pve remote",
        ),
        (
            remote_with("collectors = { usage = \"9s\" }"),
            "error: collector \"usage\" is asked every 10s at most",
        ),
        (
            remote_with("collectors = { usage = [] }"),
            "error: expected true, false or a time such as \"30s\", found a list",
        ),
        (
            format!(
                "[defaults]\nintervals = {{ usage = true }}\n{}",
                remote_with("")
            ),
            "error: expected a time such as \"30s\", found true or false",
        ),
        // The server.
        (
            server_with("listen = \"127.0.0.1:1\""),
            "error: expected a list of strings, found a string",
        ),
        (
            server_with("listen = []"),
            "error: there is no address to listen on",
        ),
        (
            server_with("listen = [\":9221\"]"),
            "2:11: error: this is not an address and a port",
        ),
        (
            server_with("listen = [\"[::1]:1\", \"[::1]:1\"]"),
            "2:22: error: [::1]:1 is there twice",
        ),
        (
            server_with("tls_cert = \"cert.pem\""),
            "2:1: error: `tls_cert` is there without `tls_key`",
        ),
        (
            server_with("tls_key = \"key.pem\""),
            "2:1: error: `tls_key` is there without `tls_cert`",
        ),
        (
            server_with("tls_cert = \"token\"\ntls_key = \"key.pem\""),
            "2:12: error: token has no certificate in PEM form",
        ),
        (
            server_with("tls_cert = \"cert.pem\"\ntls_key = \"token\""),
            "3:11: error: token has no private key in PEM form",
        ),
        (
            server_with("basic_auth = { username = \"p\" }"),
            "error: basic_auth lacks the password",
        ),
        (
            server_with("basic_auth = { password_file = \"token\" }"),
            "error: basic_auth lacks `username`",
        ),
        (
            server_with("basic_auth = { username = \"a:b\", password_file = \"token\" }"),
            "error: a user name cannot have a colon",
        ),
        (
            server_with("external_address = \"http://x\""),
            "error: this is not a host and a port",
        ),
        (
            server_with("max_connections = 0"),
            "error: `max_connections` must be from 1 to 65536",
        ),
    ] {
        let rendered = folder.rendered(&text).join("\n");
        assert!(
            rendered.contains(message),
            "{text}\nwanted: {message}\ngot:\n{rendered}"
        );
        assert!(
            !rendered.contains(SECRET) && !rendered.contains(UUID),
            "{text}\ntells a secret:\n{rendered}"
        );
        let fails = rendered.contains(" error: ");
        assert_eq!(folder.parse(&text).config.is_none(), fails, "{text}");
    }
}

#[test]
fn a_finding_points_at_the_text_and_says_what_to_do() {
    let folder = Folder::new();
    let text = remote_with("\tintervall = \"15s\"").replace("intervall", "timeou");
    assert_eq!(
        folder.rendered(&text),
        [
            "config.toml:7:2: error: unknown key \"timeou\" in [[remote]]\n 7 | \ttimeou = \"15s\"\n   | \t^^^^^^\n   help: did you mean `timeout`?"
        ]
    );
    let finding = &folder.parse(&text).findings[0];
    let json = serde_json::to_value(finding).unwrap();
    assert_eq!(
        (&json["severity"], &json["line"], &json["text"]),
        (&"error".into(), &7.into(), &"timeou".into())
    );
    assert_eq!(json["help"], "did you mean `timeout`?");
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let folder = Folder::new();
    let text = r#"
[server]
listen = ["localhost"]
max_conections = 5
[defaults]
timeout = "2s"
[[remote]]
name = "a b"
type = "pvx"
endpoints = ["http://h", "h:x"]
token_id = "u@pve"
token_secret_file = "nowhere"
max_in_flight = 64
"#;
    let loaded = folder.parse(text);
    assert!(loaded.config.is_none());
    let lines: Vec<usize> = loaded.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [3, 4, 6, 8, 9, 10, 10, 11, 12, 13]);
}

#[test]
fn behind_a_syntax_error_nothing_is_guessed() {
    let folder = Folder::new();
    let text =
        "[server]\nlisten = [\"x\"]\n[[remote]]\nname = \"a\ntype = \"pve\"\nname = 3\nb = = 1\n";
    let rendered = folder.rendered(text);
    assert_eq!(rendered.len(), 4, "{rendered:#?}");
    for (finding, start) in rendered.iter().zip([
        "config.toml:2:11: error: this is not an address",
        "config.toml:4:10: error: invalid basic string",
        "config.toml:6:1: error: duplicate key",
        "config.toml:7:5: error: ",
    ]) {
        assert!(finding.starts_with(start), "{finding}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let folder = Folder::new();
    let loaded = load(&folder.path("nowhere.toml"), &KNOWN);
    assert!(loaded.config.is_none());
    assert!(
        loaded.findings[0]
            .to_string()
            .contains("nowhere.toml: error: cannot read the configuration")
    );
    fs::write(folder.path("binary.toml"), [0xFF, 0xFE]).unwrap();
    assert_eq!(
        load(&folder.path("binary.toml"), &KNOWN).findings[0].severity,
        Severity::Error
    );
    folder.write("config.toml", &remote_with(""), 0o600);
    assert!(load(&folder.path("config.toml"), &KNOWN).config.is_some());
}
