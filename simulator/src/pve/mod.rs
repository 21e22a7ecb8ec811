//! A PVE cluster's API.

mod agent;
mod backup_info;
mod backup_jobs;
mod backups;
mod calendar;
mod ceph;
mod certificates;
mod cluster_options;
mod cluster_status;
mod disks;
mod export;
mod guest;
mod guest_config;
mod ha_status;
mod hardware;
mod history;
mod hosted;
mod lxc_status;
mod netstat;
mod network;
mod node_status;
mod packages;
mod permissions;
mod pressure;
mod qemu_status;
mod replication;
mod resources;
mod sdn;
mod services;
mod snapshots;
mod storages;
mod subscription;
mod task;
mod task_log;
mod tasks;
mod time;
mod users;
mod version;
mod view;
mod world;
mod zfs;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use world::Cluster;

use crate::access::{Caller, Token};
use crate::fault::{Fault, Faults};
use crate::http::{Answer, Request};
use crate::json::Object;
use crate::login;
use crate::random::{Random, hash};
use crate::remote::{Product, RemoteState};
use crate::route::{Access, Captures, Kind, Route, reaches};
use view::View;
use world::Storage;

/// A call on its way to its handler.
pub(crate) struct Call<'a> {
    remote: &'a RemoteState,
    cluster: &'a Cluster,
    endpoint: usize,
    request: &'a Request,
    caller: Caller<'a>,
    faults: Arc<Faults>,
    captures: Captures<'a>,
    /// The `{node}` of the path, else the one that was asked.
    node: usize,
    view: View,
}

type Handler = fn(&Call<'_>) -> Answer;

/// Every call of the simulated PVE, with who answers it.
const ROUTES: &[(Route, Handler)] = &[
    (version::ROUTE, version::answer),
    (version::NODE_ROUTE, version::answer),
    (resources::ROUTE, resources::answer),
    (cluster_status::ROUTE, cluster_status::answer),
    (cluster_status::MEMBERS_ROUTE, cluster_status::members),
    (cluster_status::QDEVICE_ROUTE, cluster_status::qdevice),
    (export::ROUTE, export::answer),
    (permissions::ROUTE, permissions::answer),
    (node_status::LIST_ROUTE, node_status::list),
    (node_status::ROUTE, node_status::answer),
    (time::ROUTE, time::answer),
    (certificates::ROUTE, certificates::answer),
    (backup_info::ROUTE, backup_info::answer),
    (qemu_status::LIST_ROUTE, qemu_status::list),
    (qemu_status::ROUTE, qemu_status::current),
    (lxc_status::LIST_ROUTE, lxc_status::list),
    (lxc_status::ROUTE, lxc_status::current),
    (netstat::ROUTE, netstat::answer),
    (guest_config::QEMU_PENDING_ROUTE, guest_config::qemu_pending),
    (guest_config::LXC_PENDING_ROUTE, guest_config::lxc_pending),
    (guest_config::QEMU_ROUTE, guest_config::qemu),
    (guest_config::LXC_ROUTE, guest_config::lxc),
    (storages::ROUTE, storages::configured),
    (storages::NODE_ROUTE, storages::on_node),
    (snapshots::QEMU_ROUTE, snapshots::qemu),
    (snapshots::LXC_ROUTE, snapshots::lxc),
    (backups::ROUTE, backups::content),
    (backups::PRUNE_ROUTE, backups::prune),
    (history::ROUTE, history::answer),
    (agent::FILE_SYSTEMS_ROUTE, agent::file_systems),
    (agent::SYSTEM_ROUTE, agent::system),
    (tasks::NODE_ROUTE, tasks::of_node),
    (tasks::STATUS_ROUTE, tasks::status),
    (task_log::ROUTE, task_log::answer),
    (tasks::CLUSTER_ROUTE, tasks::of_cluster),
    (ha_status::CURRENT_ROUTE, ha_status::current),
    (ha_status::MANAGER_ROUTE, ha_status::manager),
    (replication::CONFIGURED_ROUTE, replication::configured),
    (replication::NODE_ROUTE, replication::on_node),
    (replication::STATUS_ROUTE, replication::status),
    (backup_jobs::ROUTE, backup_jobs::answer),
    (calendar::ROUTE, calendar::answer),
    (packages::UPDATE_ROUTE, packages::update),
    (packages::VERSIONS_ROUTE, packages::versions),
    (packages::REPOSITORIES_ROUTE, packages::repositories),
    (subscription::ROUTE, subscription::answer),
    (services::ROUTE, services::answer),
    (users::ROUTE, users::answer),
    (cluster_options::ROUTE, cluster_options::answer),
    (disks::LIST_ROUTE, disks::list),
    (disks::SMART_ROUTE, disks::smart),
    (zfs::LIST_ROUTE, zfs::list),
    (zfs::ROUTE, zfs::pool),
    (network::ROUTE, network::answer),
    (sdn::ZONES_ROUTE, sdn::zones),
    (sdn::VNETS_ROUTE, sdn::vnets),
    (sdn::CONTROLLERS_ROUTE, sdn::controllers),
    (sdn::NODE_ROUTE, sdn::on_node),
    (ceph::status::ROUTE, ceph::status::answer),
    (ceph::flags::ROUTE, ceph::flags::answer),
    (ceph::metadata::ROUTE, ceph::metadata::answer),
    (ceph::osds::ROUTE, ceph::osds::answer),
    (ceph::pools::ROUTE, ceph::pools::answer),
];

pub(crate) fn routes() -> impl Iterator<Item = Route> {
    ROUTES.iter().map(|(route, _)| *route)
}

/// `{"message": "…\n", "data": null}` with the text in the status line, as pveproxy reports errors.
pub(crate) fn error(status: u16, text: &str) -> Answer {
    let mut body = Object::new();
    body.text("message", &format!("{text}\n")).null("data");
    Answer::text(status, text, body.into_json(None)).with_json()
}

fn parameter_error(parameter: &str, text: &str) -> Answer {
    let mut errors = Object::new();
    errors.text(parameter, text);
    let mut body = Object::new();
    body.text("message", "Parameter verification failed.\n")
        .raw("errors", &errors.into_json(None))
        .null("data");
    Answer::text(400, "Parameter verification failed.", body.into_json(None)).with_json()
}

pub(crate) fn answer(
    remote: &RemoteState,
    cluster: &Cluster,
    endpoint: usize,
    request: &Request,
) -> Answer {
    if !matches!(request.method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
        return Answer::empty(501, format!("method '{}' not available", request.method));
    }
    if request.format != "json" {
        let shown = if request.format.is_empty() {
            ""
        } else {
            &request.format
        };
        let text = match request.path.is_empty() {
            true => format!("no formatter for uri /, {shown}"),
            false => format!("no formatter for uri {}, {shown}", request.path),
        };
        return Answer::text(501, text.clone(), text);
    }
    if login::is_meant(request) {
        return login::answer(remote, endpoint, request);
    }
    let caller = match authenticate(remote, endpoint, request) {
        Ok(caller) => caller,
        Err(reason) => return Answer::empty(401, reason).after(remote.auth_delay),
    };
    let found = ROUTES
        .iter()
        .find_map(|(route, handler)| Some((route, handler, route.matches(&request.path)?)));
    let (route, handler, captures) = match found {
        Some(found) if request.method == "GET" => found,
        _ => {
            let text = format!(
                "Method '{} {}' not implemented",
                request.method, request.path
            );
            let mut body = Object::new();
            body.text("message", &text).null("data");
            return Answer::text(501, text.clone(), body.into_json(None)).with_json();
        }
    };
    let node = captures.get("node");
    if let Access::Privilege { path, name } = route.access {
        let path = captures.fill(path);
        let name = permissions::named(cluster.version, name);
        if !permissions::allows(cluster, caller.rights, &path, name) {
            return error(403, &format!("Permission check failed ({path}, {name})"));
        }
    }
    if let Access::Either { paths, name } = route.access {
        let allowed =
            |path: &str| permissions::allows(cluster, caller.rights, &captures.fill(path), name);
        if !paths.into_iter().any(allowed) {
            return error(403, "Permission check failed");
        }
    }
    let faults = remote.faults();
    let view = cluster.view(endpoint, remote.clock.now(), &faults);
    let mut call = Call {
        remote,
        cluster,
        endpoint,
        request,
        caller,
        faults,
        captures,
        node: endpoint,
        view,
    };
    if let Some(node) = node {
        match call.reach(node, route.local) {
            Ok(index) => call.node = index,
            Err(answer) => return answer,
        }
    }
    if let Err(answer) = call.check_parameters(route) {
        return answer;
    }
    let mut answer = handler(&call);
    answer.forwarded = answer.status == 200 && route.daemon;
    answer
}

/// Who asks, by a token or a ticket, or the reason of the 401.
fn authenticate<'a>(
    remote: &'a RemoteState,
    endpoint: usize,
    request: &Request,
) -> Result<Caller<'a>, &'static str> {
    if request.authorization.is_none() && request.cookie("PVEAuthCookie").is_some() {
        return login::caller(remote, endpoint, request)
            .ok_or("permission denied - invalid ticket");
    }
    let value = request.authorization.as_deref().unwrap_or_default();
    let given = value
        .strip_prefix("PVEAPIToken=")
        .or_else(|| value.strip_prefix("PVEAPIToken "))
        .ok_or("No ticket")?;
    let (id, secret) = given.split_once('=').ok_or("Authentication failed!")?;
    let known = remote
        .tokens
        .iter()
        .find(|token| token.id == id && token.secret == secret);
    known.map(Token::caller).ok_or("Authentication failed!")
}

impl Call<'_> {
    /// What stands in the path in the place of `{name}`.
    fn capture(&self, name: &str) -> &str {
        self.captures.get(name).unwrap_or_default()
    }

    /// Whether the token holds a privilege on the whole tree.
    fn holds(&self, privilege: &str) -> bool {
        permissions::holds(self.cluster.version, self.caller.rights, privilege)
    }

    fn sees(&self, storage: &Storage) -> bool {
        let path = format!("/storage/{}", storage.name);
        permissions::allows(self.cluster, self.caller.rights, &path, "Datastore.Audit")
    }

    /// A generator for the order of lists and keys, which is another for each state of the cluster.
    fn order(&self) -> Random {
        Random::new(hash(&[
            self.cluster.seed.cast_signed(),
            self.view.state.cast_signed(),
            self.endpoint as i64,
        ]))
    }

    fn parameter_is_on(&self, name: &str) -> bool {
        self.request
            .parameter(name)
            .is_some_and(|value| matches!(value, "1" | "on" | "yes" | "true"))
    }

    fn check_parameters(&self, route: &Route) -> Result<(), Answer> {
        let version = self.cluster.version.version();
        self.check_vmid()?;
        for (name, value) in &self.request.query {
            let known = route
                .parameters
                .iter()
                .find(|known| known.name == name && reaches(version, known.since));
            let Some(known) = known else {
                let text = "property is not defined in schema and the schema does not allow additional properties";
                return Err(parameter_error(name, text));
            };
            match known.kind {
                Kind::OneOf(allowed) if !allowed.contains(&value.as_str()) => {
                    let allowed = allowed.join(", ");
                    return Err(parameter_error(
                        name,
                        &format!(
                            "value '{value}' does not have a value in the enumeration '{allowed}'"
                        ),
                    ));
                }
                Kind::Integer if value.parse::<i64>().is_err() => {
                    return Err(parameter_error(
                        name,
                        &format!("type check ('integer') failed - got '{value}'"),
                    ));
                }
                Kind::Boolean
                    if !matches!(
                        value.as_str(),
                        "0" | "1" | "on" | "off" | "yes" | "no" | "true" | "false"
                    ) =>
                {
                    return Err(parameter_error(
                        name,
                        &format!("type check ('boolean') failed - got '{value}'"),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_vmid(&self) -> Result<(), Answer> {
        let Some(vmid) = self.captures.get("vmid") else {
            return Ok(());
        };
        let text = match vmid.parse::<i64>() {
            Ok(100..) => return Ok(()),
            Ok(_) => "invalid format - value does not look like a valid VM ID\n".to_owned(),
            Err(_) => format!("type check ('integer') failed - got '{vmid}'"),
        };
        Err(parameter_error("vmid", &text))
    }

    /// The place of a node in the cluster, or the error that stands between this endpoint and it.
    fn reach(&self, name: &str, local: bool) -> Result<usize, Answer> {
        let Some(index) = self.cluster.nodes.iter().position(|node| node.name == name) else {
            return Err(error(
                500,
                &format!(
                    "hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
                ),
            ));
        };
        match self.obstacle(index).filter(|_| !local) {
            None => Ok(index),
            Some(Obstacle::Refused) => Err(Answer::empty(595, "Connection refused")),
            Some(Obstacle::Hangs) => {
                Err(Answer::empty(596, "Connection timed out").after(Duration::from_secs(30)))
            }
        }
    }

    /// Why this endpoint cannot reach the API of a node.
    fn obstacle(&self, node: usize) -> Option<Obstacle> {
        if node == self.endpoint {
            return None;
        }
        let name = self
            .cluster
            .nodes
            .get(node)
            .map(|node| node.name.as_str())
            .unwrap_or_default();
        // Nodes beyond the endpoints have no listener of their own, and only a fault on the whole remote means them.
        let dead = self
            .faults
            .active
            .iter()
            .any(|active| matches!(&active.fault, Fault::NodeOffline { node } if node == name));
        let only = |wanted: &Fault| {
            self.faults
                .active
                .iter()
                .any(|active| active.endpoint == Some(node) && active.fault == *wanted)
        };
        match () {
            () if dead || only(&Fault::Refusing) => Some(Obstacle::Refused),
            () if only(&Fault::Hanging) => Some(Obstacle::Hangs),
            () => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    Refused,
    Hangs,
}

const fn route(path: &'static str, access: Access) -> Route {
    Route::new(Product::Pve, path, access)
}

const SYSTEM_AUDIT: Access = Access::Privilege {
    path: "/",
    name: "Sys.Audit",
};

const NODE_AUDIT: Access = Access::Privilege {
    path: "/nodes/{node}",
    name: "Sys.Audit",
};

const VM_AUDIT: Access = Access::Privilege {
    path: "/vms/{vmid}",
    name: "VM.Audit",
};
