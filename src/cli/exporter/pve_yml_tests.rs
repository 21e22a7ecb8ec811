//! Old files in, modules out.

use secrecy::ExposeSecret;

use super::*;

fn parse(text: &str) -> Result<PveYml, Errors> {
    PveYml::parse(text, Path::new("pve.yml"))
}

fn errors(text: &str) -> Vec<String> {
    parse(text).unwrap_err().0
}

#[test]
fn a_token_a_password_and_the_rest_are_read() {
    let text = "default:
    user: monitor@pve
    token_name: \"exporter\"
    token_value: 00000000-0000-0000-0000-000000000001
    verify_ssl: false
lab:
    user: root@pam
    password: 12345
    timeout: 20
    port: 443
";
    let read = parse(text).unwrap();
    let [default, lab] = &read.modules[..] else {
        panic!("{:?}", read.modules);
    };
    let Credentials::Token(token) = &default.access.credentials else {
        panic!("a token");
    };
    assert_eq!(token.id, "monitor@pve!exporter");
    assert_eq!(
        token.secret.expose_secret(),
        "00000000-0000-0000-0000-000000000001"
    );
    assert!(default.pin_first_seen && !lab.pin_first_seen);
    assert_eq!((default.port, lab.port), (8006, 443));
    assert_eq!(default.access.timeout, Duration::from_secs(5));
    assert_eq!(lab.access.timeout, Duration::from_secs(20));
    let Credentials::Password(password) = &lab.access.credentials else {
        panic!("a password");
    };
    assert_eq!(password.user, "root@pam");
    assert_eq!(password.password.expose_secret(), "12345");
    let warnings = read.warnings.join("\n");
    assert!(
        warnings.contains("module default: verify_ssl is off"),
        "{warnings}"
    );
    assert!(
        warnings.contains("pveum user token add root@pam proxfleet --privsep 1"),
        "{warnings}"
    );
    assert!(default.targets.is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_line_all_at_once() {
    let text = "default:
    user: a@pve
    token_name: t
    token_value: s3cret
    host: pve1
    proxies: {}
    verify_ssl: /nosuch.pem
lab:
    user: b@pve
    port: 99999
    timeout: soon
none:
";
    assert_eq!(
        errors(text),
        [
            "pve.yml:5: `host` of module default: the host is named by the scrape, as ?target=, and allowed by --allow-target",
            "pve.yml:6: `proxies` of module default: there is no such thing here",
            "pve.yml:7: `verify_ssl`: cannot read /nosuch.pem: No such file or directory (os error 2)",
            "pve.yml:9: module lab lacks token_name and token_value, or password",
            "pve.yml:11: `timeout` must be a number of seconds",
            "pve.yml:10: `port` must be from 1 to 65535",
            "pve.yml:1: module none lacks user",
        ]
    );
}

#[test]
fn no_error_quotes_a_secret() {
    for text in [
        "default: s3cret",
        "- s3cret",
        "default:\n  password: [s3cret]\n  user: u@pve\n",
        "default:\n  token_value: \"s3cret\n",
        "default: {user: u@pve, token_value: s3cret",
        "default:\n  user: u@pve\n  password: s3cret\n  extra: *s3cret\n",
    ] {
        let told = errors(text).join("\n");
        assert!(told.starts_with("pve.yml:"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    assert!(errors("")[0].starts_with("pve.yml"));
    assert!(
        !format!("{:?}", parse("a: {user: u@p, password: s3cret}").unwrap()).contains("s3cret")
    );
}

#[test]
fn the_environment_stands_for_a_file() {
    let from = |variables: &[(&str, &str)]| {
        PveYml::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    assert!(from(&[("PVE_PASSWORD", "x")]).is_none());
    let token = [
        ("PVE_USER", "a@pve"),
        ("PVE_TOKEN_NAME", "t"),
        ("PVE_TOKEN_VALUE", "v"),
    ];
    let read = from(&token).unwrap().unwrap();
    assert_eq!(read.modules[0].name, "default");
    assert!(!read.modules[0].pin_first_seen);
    for (verify, pins) in [("false", true), ("0", true), ("False", true), ("no", false)] {
        let mut variables = token.to_vec();
        variables.extend([("PVE_VERIFY_SSL", verify), ("PVE_MODULE", "x")]);
        let read = from(&variables).unwrap().unwrap();
        assert_eq!(read.modules[0].name, "x");
        assert_eq!(read.modules[0].pin_first_seen, pins, "{verify}");
    }
    let lacking = from(&[("PVE_USER", "a@pve"), ("PVE_TOKEN_NAME", "t")]);
    assert_eq!(
        lacking.unwrap().unwrap_err().0,
        ["the environment: module default lacks token_value"]
    );
}
