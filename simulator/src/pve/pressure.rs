//! Pressure stall information: how much of the time something had to wait, in per cent. New in 9.0.

use super::guest::Guest;
use super::world::{CYCLE, Node};
use crate::random::noise;

/// The keys, with the highest value of a usual day.
const KINDS: [(&str, &str, f64); 3] = [
    ("pressurecpusome", "pressurecpufull", 12.0),
    ("pressureiosome", "pressureiofull", 4.0),
    ("pressurememorysome", "pressurememoryfull", 0.2),
];

pub(super) fn of_guest(guest: &Guest, time: i64) -> Vec<(&'static str, f64)> {
    let mut values = Vec::with_capacity(6);
    for (index, (some, full, highest)) in KINDS.into_iter().enumerate() {
        let value = level(guest.seed, index, highest, time);
        // Whoever waits for all waits for some.
        values.push((some, value));
        values.push((full, rounded(value * 0.8)));
    }
    values
}

/// A node has no `pressurecpufull`.
pub(super) fn of_node(node: &Node, time: i64) -> Vec<(&'static str, f64)> {
    let mut values = Vec::with_capacity(5);
    for (index, (some, full, highest)) in KINDS.into_iter().enumerate() {
        let value = level(node.seed, index, highest, time);
        values.push((some, value));
        if full != "pressurecpufull" {
            values.push((full, rounded(value * 0.8)));
        }
    }
    values
}

fn level(seed: i64, index: usize, highest: f64, time: i64) -> f64 {
    let what = 200 + index as i64;
    let usual = noise(&[seed, what]);
    rounded(highest * usual * noise(&[seed, what, time.div_euclid(CYCLE)]))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
