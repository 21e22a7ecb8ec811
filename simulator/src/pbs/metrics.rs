//! `GET /status/metrics`: the points of the last measurements.

use super::world::CYCLE;
use super::{Call, route};
use crate::http::{Answer, Body};
use crate::json::Object;
use crate::plan::{DatastoreKind, PbsVersion};
use crate::random::Random;
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route = route("/status/metrics", Access::Everyone).with(&[
    Parameter::new("history", Kind::Boolean),
    Parameter::new("start-time", Kind::Integer),
]);

/// Generations kept beside the newest one: half an hour.
const OLD_GENERATIONS: i64 = 180;

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let mut random = call.order();
    let mut points = Vec::new();
    let newest = call.server.cycle(call.now);
    if call.is_on("history") {
        let start = call
            .request
            .parameter("start-time")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        for back in (0..=OLD_GENERATIONS).rev() {
            let stamp = newest - back * CYCLE;
            if stamp > start {
                generation(call, stamp, &mut random, &mut points);
            }
        }
    } else {
        generation(call, newest, &mut random, &mut points);
    }
    // An envelope in an envelope.
    Answer::ok(Body::new(format!(
        "{{\"data\":{{\"data\":[{}]}}}}",
        points.join(",")
    )))
}

/// All points of one measurement carry one stamp; the objects come in any order.
fn generation(call: &Call<'_>, stamp: i64, random: &mut Random, points: &mut Vec<String>) {
    if !call.sees_all() {
        return;
    }
    let mut groups = vec![host(call, stamp)];
    for store in &call.server.datastores {
        if store.obstacle().is_some() || store.vanished(&call.faults) {
            continue;
        }
        let space = store.space(stamp);
        let id = format!("datastore/{}", store.name);
        let mut group = vec![
            point(stamp, &id, "disk_total", "gauge", space.total as f64),
            point(stamp, &id, "disk_used", "gauge", space.used as f64),
            point(
                stamp,
                &id,
                "disk_available",
                "gauge",
                space.available as f64,
            ),
        ];
        if store.kind == DatastoreKind::S3 && call.server.version >= PbsVersion::V4_2 {
            let id = format!("{id}/s3");
            group.push(point(stamp, &id, "uploaded", "gauge", 0.0));
            group.push(point(stamp, &id, "downloaded", "gauge", 0.0));
        }
        groups.push(group);
    }
    random.shuffle(&mut groups);
    points.extend(groups.into_iter().flatten());
}

fn host(call: &Call<'_>, stamp: i64) -> Vec<String> {
    let server = call.server;
    let numbers = server.numbers(stamp);
    let [load1, load5, load15] = numbers.load;
    [
        ("cpu_current", "gauge", numbers.cpu),
        ("cpu_iowait", "gauge", numbers.iowait),
        ("cpu_avg1", "gauge", load1),
        ("cpu_avg5", "gauge", load5),
        ("cpu_avg15", "gauge", load15),
        ("mem_total", "gauge", server.memory as f64),
        ("mem_used", "gauge", numbers.memory_used as f64),
        ("swap_total", "gauge", server.swap as f64),
        ("swap_used", "gauge", numbers.swap_used as f64),
        ("net_in", "derive", numbers.received as f64),
        ("net_out", "derive", numbers.transmitted as f64),
        ("disk_total", "gauge", numbers.root.total as f64),
        ("disk_used", "gauge", numbers.root.used as f64),
        ("disk_available", "gauge", numbers.root.available as f64),
    ]
    .map(|(metric, kind, value)| point(stamp, "host", metric, kind, value))
    .to_vec()
}

fn point(stamp: i64, id: &str, metric: &str, kind: &str, value: f64) -> String {
    let mut object = Object::new();
    object
        .text("id", id)
        .text("metric", metric)
        .int("timestamp", stamp)
        .text("type", kind)
        .float("value", value);
    object.into_json(None)
}
