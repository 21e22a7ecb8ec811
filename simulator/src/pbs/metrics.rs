//! `/status/metrics`: the last sample, and half an hour of them.

use super::{Pbs, Store};
use crate::answer::{self, Answer, Object};
use crate::plan::DatastoreKind;
use crate::route::{Asked, Route};

pub(super) const METRICS: Route<Pbs> = Route {
    path: "/status/metrics",
    parameters: &["history", "start-time"],
    needs: None,
    by_daemon: false,
    answer: metrics,
};

fn metrics(pbs: &Pbs, asked: &Asked<'_>) -> Answer {
    if pbs.version < (3, 2, 8) {
        return Answer::Error(404, "Path '/api2/json/status/metrics' not found.".to_owned());
    }
    let newest = Pbs::last_sample(asked.now);
    let history = asked.flag("history");
    let start = asked.query.get("start-time").and_then(|start| start.parse::<f64>().ok()).unwrap_or(0.0);
    let mut points = Vec::new();
    if asked.role.sees_all() {
        let count = if history { 180 } else { 0 };
        for back in (0..=count).rev() {
            let time = newest - 10.0 * f64::from(back);
            if !history || time > start {
                sample(pbs, time, &mut points);
            }
        }
    }
    Answer::Good(answer::points(points, &mut pbs.order("metrics", asked.now as u64)))
}

fn sample(pbs: &Pbs, time: f64, points: &mut Vec<Object>) {
    let wave = pbs.wave(time);
    let uptime = (time - pbs.booted).max(0.0);
    for (metric, value) in [
        ("cpu_current", pbs.load * (1.0 + 0.2 * wave)),
        ("cpu_iowait", 0.02 * (1.0 + wave)),
        ("cpu_avg1", pbs.load * 8.0),
        ("cpu_avg5", pbs.load * 7.0),
        ("cpu_avg15", pbs.load * 6.0),
        ("mem_total", 34_359_738_368.0),
        ("mem_used", (34_359_738_368.0 * (0.4 + 0.1 * wave)).floor()),
        ("swap_total", 0.0),
        ("swap_used", 0.0),
        ("disk_total", 107_374_182_400.0),
        ("disk_used", 32_212_254_720.0),
        ("disk_available", 69_793_218_560.0),
    ] {
        points.push(point("host", metric, time, "gauge", value));
    }
    points.push(point("host", "net_in", time, "derive", (5.0e6 * uptime).floor()));
    points.push(point("host", "net_out", time, "derive", (1.0e6 * uptime).floor()));
    for store in pbs.stores.iter().filter(|store| store.is_open()) {
        store_sample(store, time, points);
    }
}

fn store_sample(store: &Store, time: f64, points: &mut Vec<Object>) {
    let id = format!("datastore/{}", store.name);
    let (size, used, available) = store.at(time);
    for (metric, value) in [("disk_total", size), ("disk_used", used), ("disk_available", available)] {
        points.push(point(&id, metric, time, "gauge", value as f64));
    }
    if store.kind == DatastoreKind::S3 {
        let id = format!("{id}/s3");
        points.push(point(&id, "uploaded", time, "gauge", 1e9));
        points.push(point(&id, "downloaded", time, "gauge", 2e6));
    }
}

/// Whole numbers come as `1.0`.
fn point(id: &str, metric: &'static str, time: f64, kind: &'static str, value: f64) -> Object {
    Object::new()
        .with("id", id)
        .with("metric", metric)
        .with("timestamp", time as i64)
        .with("type", kind)
        .with("value", value)
}
