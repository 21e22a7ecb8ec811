//! The keys that each table knows.

pub(super) struct Shape {
    /// As an operator writes it.
    pub name: &'static str,
    pub keys: &'static [&'static str],
}

pub(super) static ROOT: Shape = Shape {
    name: "the top level",
    keys: &[
        "server", "state", "defaults", "remote", "modules", "drop_in",
    ],
};

pub(super) static SERVER: Shape = Shape {
    name: "[server]",
    keys: &[
        "listen",
        "tls_cert",
        "tls_key",
        "basic_auth",
        "external_address",
        "enable_reload",
        "metrics",
        "max_connections",
    ],
};

pub(super) static BASIC_AUTH: Shape = Shape {
    name: "basic_auth",
    keys: &["username", "password_file", "password", "password_env"],
};

pub(super) static STATE: Shape = Shape {
    name: "[state]",
    keys: &["directory"],
};

pub(super) static DEFAULTS: Shape = Shape {
    name: "[defaults]",
    keys: &[
        "timeout",
        "max_in_flight",
        "max_in_flight_total",
        "background_calls_per_second",
        "scrape_interval",
        "scrape_timeout",
        "collectors",
        "intervals",
    ],
};

pub(super) static REMOTE: Shape = Shape {
    name: "[[remote]]",
    keys: &[
        "name",
        "type",
        "endpoints",
        "token_id",
        "token_secret_file",
        "token_secret",
        "token_secret_env",
        "ca_file",
        "labels",
        "timeout",
        "max_in_flight",
        "background_calls_per_second",
        "scrape_interval",
        "scrape_timeout",
        "filter",
        "collectors",
    ],
};

pub(super) static MODULE: Shape = Shape {
    name: "[modules.NAME]",
    keys: &[
        "type",
        "targets",
        "port",
        "token_id",
        "token_secret_file",
        "token_secret",
        "token_secret_env",
        "ca_file",
        "pin_first_seen",
        "timeout",
        "max_in_flight",
    ],
};

pub(super) static DROP_IN: Shape = Shape {
    name: "[drop_in]",
    keys: &["strict", "without"],
};

pub(super) static ENDPOINT: Shape = Shape {
    name: "an end-point",
    keys: &["host", "fingerprint"],
};

pub(super) static FILTER: Shape = Shape {
    name: "[remote.filter]",
    keys: &["include", "exclude", "templates"],
};

pub(super) static SELECTION: Shape = Shape {
    name: "include and exclude",
    keys: &["tags", "pools", "names"],
};

pub(super) static ALL: [&Shape; 11] = [
    &ROOT,
    &SERVER,
    &BASIC_AUTH,
    &STATE,
    &DEFAULTS,
    &REMOTE,
    &MODULE,
    &DROP_IN,
    &ENDPOINT,
    &FILTER,
    &SELECTION,
];
