//! A Proxmox Backup Server's API.

mod collections;
mod content;
mod datastore;
mod disks;
mod job_lists;
mod jobs;
mod metrics;
mod namespace;
mod node_status;
mod packages;
mod permissions;
mod remotes;
mod schedule;
mod services;
mod snapshots;
mod subscription;
mod tape;
mod task;
mod tasks;
mod time;
mod traffic_control;
mod usage;
mod users;
mod version;
mod world;
mod zfs;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use content::GuestKinds;
pub(crate) use world::Server;

use crate::access::{Caller, Rights, Token};
use crate::fault::Faults;
use crate::http::{Answer, Body, Request};
use crate::login;
use crate::plan::PbsVersion;
use crate::random::{Random, hash};
use crate::remote::{Product, RemoteState};
use crate::route::{Access, Captures, Kind, Route};

/// A 403 of the whole call waits this long.
const DENIAL: Duration = Duration::from_millis(500);

/// A call on its way to its handler.
pub(crate) struct Call<'a> {
    remote: &'a RemoteState,
    server: &'a Server,
    endpoint: usize,
    request: &'a Request,
    rights: Rights,
    faults: Arc<Faults>,
    captures: Captures<'a>,
    /// The server's time, with the skew of its clock.
    now: i64,
}

type Handler = fn(&Call<'_>) -> Answer;

/// Every call of the simulated PBS, with who answers it.
const ROUTES: &[(Route, Handler)] = &[
    (version::PING_ROUTE, version::ping),
    (version::ROUTE, version::answer),
    (permissions::ROUTE, permissions::answer),
    (metrics::ROUTE, metrics::answer),
    (usage::ROUTE, usage::answer),
    (datastore::LIST_ROUTE, datastore::list),
    (datastore::STATUS_ROUTE, datastore::status),
    (node_status::ROUTE, node_status::answer),
    (time::ROUTE, time::answer),
    (namespace::ROUTE, namespace::answer),
    (snapshots::GROUPS_ROUTE, snapshots::groups),
    (snapshots::SNAPSHOTS_ROUTE, snapshots::snapshots),
    (collections::LIST_ROUTE, collections::list),
    (collections::STORE_ROUTE, collections::of_store),
    (job_lists::SYNC_ROUTE, job_lists::sync),
    (job_lists::VERIFY_ROUTE, job_lists::verify),
    (job_lists::PRUNE_ROUTE, job_lists::prune),
    (job_lists::SYNC_CONFIG_ROUTE, job_lists::sync_config),
    (remotes::ROUTE, remotes::answer),
    (tasks::LIST_ROUTE, tasks::list),
    (tasks::STATUS_ROUTE, tasks::status),
    (tasks::LOG_ROUTE, tasks::log),
    (packages::UPDATE_ROUTE, packages::update),
    (packages::VERSIONS_ROUTE, packages::versions),
    (packages::REPOSITORIES_ROUTE, packages::repositories),
    (subscription::ROUTE, subscription::answer),
    (services::ROUTE, services::answer),
    (disks::LIST_ROUTE, disks::list),
    (disks::SMART_ROUTE, disks::smart),
    (zfs::LIST_ROUTE, zfs::list),
    (zfs::ROUTE, zfs::pool),
    (users::ROUTE, users::answer),
    (traffic_control::ROUTE, traffic_control::answer),
    (traffic_control::CONFIG_ROUTE, traffic_control::config),
    (tape::DRIVE_ROUTE, tape::drives),
    (tape::CHANGER_ROUTE, tape::changers),
    (tape::MEDIA_ROUTE, tape::media),
    (tape::BACKUP_ROUTE, tape::backup),
];

pub(crate) fn routes() -> impl Iterator<Item = Route> {
    ROUTES.iter().map(|(route, _)| *route)
}

/// Plain text under a JSON content type, as PBS reports all errors but the 401.
pub(crate) fn error(status: u16, text: &str) -> Answer {
    Answer::text(status, phrase(status), text).with_json()
}

pub(crate) fn unauthorised(server: &Server) -> Answer {
    let mut answer = Answer::text(401, phrase(401), "authentication failed");
    answer.clears_cookie = server.version >= PbsVersion::V4_2;
    answer
}

fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

fn parameter_error(parameter: &str, text: &str) -> Answer {
    error(
        400,
        &format!("parameter verification failed - '{parameter}': {text}"),
    )
}

pub(crate) fn answer(
    remote: &RemoteState,
    server: &Server,
    endpoint: usize,
    request: &Request,
) -> Answer {
    let not_found = || {
        error(
            404,
            &format!("Path '/api2/json{}' not found.", request.path),
        )
    };
    match request.format.as_str() {
        "json" => {}
        "" => {
            return Answer::text(
                404,
                phrase(404),
                format!("invalid api path '{}'", request.target),
            );
        }
        other => {
            return Answer::text(
                400,
                phrase(400),
                format!("Unsupported output format '{other}'."),
            );
        }
    }
    let found = ROUTES
        .iter()
        .find_map(|(route, handler)| Some((route, handler, route.matches(&request.path)?)));
    let open = found
        .as_ref()
        .is_some_and(|(route, ..)| route.access == Access::World);
    if login::is_meant(request) {
        return login::answer(remote, endpoint, request);
    }
    let rights = match authenticate(remote, endpoint, request) {
        Some(caller) => caller.rights,
        None if open => Rights::Nothing,
        None => return remote.unauthorised(),
    };
    let Some((route, handler, captures)) = found.filter(|_| request.method == "GET") else {
        return not_found();
    };
    if let Access::Privilege { name, .. } = route.access
        && !permissions::holds(rights, name)
    {
        return error(403, "permission check failed").after(DENIAL);
    }
    if let Err(answer) = check_parameters(route, request, &captures) {
        return answer;
    }
    let now = remote.endpoint_time(endpoint);
    handler(&Call {
        remote,
        server,
        endpoint,
        request,
        rights,
        faults: remote.faults(),
        captures,
        now,
    })
}

/// A cookie wins over a token.
fn authenticate<'a>(
    remote: &'a RemoteState,
    endpoint: usize,
    request: &Request,
) -> Option<Caller<'a>> {
    if request.cookie("PBSAuthCookie").is_some() {
        return login::caller(remote, endpoint, request);
    }
    let given = request
        .authorization
        .as_deref()?
        .strip_prefix("PBSAPIToken")?;
    let (id, secret) = given.strip_prefix(['=', ' '])?.split_once(':')?;
    remote
        .tokens
        .iter()
        .find(|token| token.id == id && token.secret == secret)
        .map(Token::caller)
}

fn check_parameters(
    route: &Route,
    request: &Request,
    captures: &Captures<'_>,
) -> Result<(), Answer> {
    if captures.get("store").is_some_and(|store| store.len() < 3) {
        return Err(parameter_error(
            "store",
            "value must be at least 3 characters long",
        ));
    }
    for (name, value) in &request.query {
        let Some(known) = route.parameters.iter().find(|known| known.name == name) else {
            return Err(parameter_error(
                name,
                "schema does not allow additional properties.",
            ));
        };
        match known.kind {
            Kind::Boolean if boolean(value).is_none() => {
                return Err(parameter_error(name, "Unable to parse boolean option."));
            }
            Kind::Integer if value.parse::<i64>().is_err() => {
                return Err(parameter_error(name, "invalid digit found in string"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Some(true),
        "0" | "off" | "no" | "false" => Some(false),
        _ => None,
    }
}

impl Call<'_> {
    /// What stands in the path in the place of `{name}`.
    fn capture(&self, name: &str) -> &str {
        self.captures.get(name).unwrap_or_default()
    }

    /// A generator for the order of lists, which is another for each request.
    fn order(&self) -> Random {
        let next = crate::lock(&self.remote.random).next();
        Random::new(hash(&[next.cast_signed(), self.now]))
    }

    fn is_on(&self, parameter: &str) -> bool {
        self.request
            .parameter(parameter)
            .and_then(boolean)
            .unwrap_or(false)
    }

    /// Whether the token may see all of the server.
    fn sees_all(&self) -> bool {
        self.rights.are_wide()
    }

    /// Whether the token may see no more of this datastore than one namespace.
    fn sees_part(&self, store: &str) -> bool {
        let first = self.server.datastores.first();
        self.rights == Rights::Narrow && first.is_some_and(|first| first.name == store)
    }

    /// A list out of a configuration file, with the file's digest.
    fn listed(&self, json: &str) -> Answer {
        let mut random = Random::new(hash(&[json.len() as i64]));
        let digest: String = (0..4).map(|_| format!("{:016x}", random.next())).collect();
        Answer::ok(Body::new(format!(
            "{{\"data\":{json},\"digest\":\"{digest}\"}}"
        )))
    }
}

const fn route(path: &'static str, access: Access) -> Route {
    Route::new(Product::Pbs, path, access)
}
