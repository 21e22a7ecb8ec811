//! `GET /storage` and `GET /nodes/{node}/storage`: how storages are configured, and how full they are on a node.

use super::world::{Storage, StorageOption};
use super::{Call, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::random::{Random, hash};
use crate::route::{Access, Kind, Parameter, Route};

/// The plugins that the installed version may know.
const PLUGINS: &[&str] = &[
    "btrfs",
    "cephfs",
    "cifs",
    "dir",
    "esxi",
    "iscsi",
    "iscsidirect",
    "lvm",
    "lvmthin",
    "nfs",
    "pbs",
    "rbd",
    "zfs",
    "zfspool",
];

pub(super) const ROUTE: Route =
    route("/storage", Access::Everyone).with(&[Parameter::new("type", Kind::OneOf(PLUGINS))]);
pub(super) const NODE_ROUTE: Route = route("/nodes/{node}/storage", Access::Everyone)
    .with(&[
        Parameter::new("content", Kind::Text),
        Parameter::new("enabled", Kind::Boolean),
        Parameter::new("format", Kind::Boolean),
        Parameter::new("storage", Kind::Text),
        Parameter::new("target", Kind::Text),
    ])
    .by_daemon();

pub(super) fn configured(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let plugin = call.request.parameter("type");
    let digest = format!(
        "{:016x}{:016x}00000000",
        call.cluster.seed,
        hash(&[call.cluster.started])
    );
    let mut entries = Vec::new();
    for storage in visible(call).filter(|storage| plugin.is_none_or(|only| only == storage.plugin))
    {
        let mut object = Object::new();
        object
            .text("storage", &storage.name)
            .text("type", storage.plugin)
            .text("content", &content(storage, &mut random))
            .text("digest", &digest);
        for (key, value) in &storage.options {
            match value {
                StorageOption::Text(text) => object.text(key, text),
                StorageOption::Number(number) => object.int(key, *number),
            };
        }
        entries.push(object.into_json(Some(&mut random)));
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

/// Measured when asked, so it goes on while the status daemon is dead.
pub(super) fn on_node(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let wanted: Option<Vec<&str>> = call
        .request
        .parameter("content")
        .map(|kinds| kinds.split(',').collect());
    let only = call.request.parameter("storage");
    let enabled = call.parameter_is_on("enabled");
    let mut entries = Vec::new();
    for storage in visible(call) {
        let holds = |kind: &str| storage.content.split(',').any(|known| known == kind);
        let chosen = wanted
            .as_ref()
            .is_none_or(|kinds| kinds.iter().any(|kind| holds(kind)))
            && only.is_none_or(|only| only == storage.name);
        // A disabled storage never gets past a filter by content.
        if chosen && !(storage.disabled && (enabled || wanted.is_some())) {
            entries.push(measured(call, storage, &mut random));
        }
    }
    random.shuffle(&mut entries);
    Answer::data(&array(entries))
}

fn visible<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a Storage> {
    let storages = call.cluster.storages.iter();
    storages.filter(|storage| call.sees(storage))
}

/// The kinds of content, in another order each time.
fn content(storage: &Storage, random: &mut Random) -> String {
    let mut kinds: Vec<&str> = storage.content.split(',').collect();
    random.shuffle(&mut kinds);
    kinds.join(",")
}

fn measured(call: &Call<'_>, storage: &Storage, random: &mut Random) -> String {
    let (size, used) = match storage.active {
        true => storage.numbers(call.node, call.view.now),
        false => (0, 0),
    };
    let mut object = Object::new();
    object
        .text("storage", &storage.name)
        .text("type", storage.plugin)
        .text("content", &content(storage, random))
        .int("enabled", i64::from(!storage.disabled))
        .int("active", i64::from(storage.active))
        .int("shared", i64::from(storage.shared))
        .int("total", size)
        .int("used", used)
        .int("avail", size - used);
    if size > 0 {
        object.number("used_fraction", used as f64 / size as f64);
    }
    object.into_json(Some(random))
}
