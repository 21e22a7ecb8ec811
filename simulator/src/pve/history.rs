//! `GET /nodes/{node}/rrddata`: a node's history, from the asked node's own files.

use super::world::Node;
use super::{Call, NODE_AUDIT, parameter_error, pressure, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::plan::PveVersion;
use crate::route::{Kind, Parameter, Route};

const TIMEFRAMES: &[&str] = &["hour", "day", "week", "month", "year", "decade"];

pub(super) const ROUTE: Route = route("/nodes/{node}/rrddata", NODE_AUDIT)
    .with(&[
        Parameter::new("cf", Kind::OneOf(&["AVERAGE", "MAX"])),
        Parameter::new("timeframe", Kind::OneOf(TIMEFRAMES)),
    ])
    .by_daemon()
    .answered_here();

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let Some(timeframe) = call.request.parameter("timeframe") else {
        return parameter_error("timeframe", "property is missing and it is not optional");
    };
    if timeframe == "decade" && call.cluster.version == PveVersion::V8_4 {
        return parameter_error(
            "timeframe",
            "value 'decade' does not have a value in the enumeration 'hour, day, week, month, year'",
        );
    }
    let (Some(node), Some(seen)) = (
        call.cluster.nodes.get(call.node),
        call.view.nodes.get(call.node),
    ) else {
        return super::error(500, "no such cluster node");
    };
    let (step, rows) = resolution(timeframe, call.cluster.version);
    let last = call.view.now - call.view.now.rem_euclid(step);
    let mut random = call.order();
    let entries = (0..rows).rev().map(|back| {
        let time = last - back * step;
        let mut object = Object::new();
        object.int("time", time);
        // A row is filled once its node has reported after it, and stays empty where it did not report.
        if time > node.booted && time <= seen.cycle && !was_silent(call, node, time) {
            row(call, node, time, &mut object);
        }
        object.into_json(Some(&mut random))
    });
    Answer::data(&array(entries))
}

/// Seconds per row, and rows.
fn resolution(timeframe: &str, version: PveVersion) -> (i64, i64) {
    let old = version == PveVersion::V8_4;
    match timeframe {
        "hour" if old => (60, 70),
        "day" if old => (30 * 60, 70),
        "week" if old => (3 * 3_600, 70),
        "month" if old => (12 * 3_600, 70),
        "year" if old => (7 * 86_400, 70),
        "hour" => (60, 60),
        "day" => (60, 1_440),
        "week" => (30 * 60, 336),
        "month" => (30 * 60, 1_440),
        "year" => (6 * 3_600, 1_440),
        _ => (7 * 86_400, 570),
    }
}

fn was_silent(call: &Call<'_>, node: &Node, time: i64) -> bool {
    call.faults.outages.iter().any(|outage| {
        outage.node == node.name && (outage.from as i64..outage.to as i64).contains(&time)
    })
}

fn row(call: &Call<'_>, node: &Node, time: i64, object: &mut Object) {
    let numbers = node.numbers(time);
    let minute_before = node.numbers(time - 60);
    let rate = |now: i64, before: i64| (now - before).max(0) as f64 / 60.0;
    let [load, ..] = numbers.load;
    object
        .int("maxcpu", node.cpus)
        .number("cpu", numbers.cpu)
        .number("iowait", numbers.iowait)
        .number("loadavg", load)
        .int("memtotal", node.memory)
        .int("memused", numbers.memory_used)
        .int("swaptotal", node.swap_size)
        .int("swapused", numbers.swap_used)
        .int("roottotal", node.root_size)
        .int("rootused", numbers.root_used)
        .number("netin", rate(numbers.received, minute_before.received))
        .number(
            "netout",
            rate(numbers.transmitted, minute_before.transmitted),
        );
    if call.cluster.version >= PveVersion::V9_1 {
        object
            .int("memavailable", node.memory - numbers.memory_used)
            .int("arcsize", 0);
        for (kind, value) in pressure::of_node(node, time) {
            object.number(kind, value);
        }
    }
}
