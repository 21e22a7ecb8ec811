use super::*;

fn export(points: &str, now: i64) -> Export {
    let points = parse(&format!(r#"{{"data":{{"data":[{points}]}}}}"#)).unwrap();
    let mut export = Export::default();
    export.judge(points, Some(now));
    export
}

fn point(id: &str, metric: &str, timestamp: i64, value: f64) -> String {
    format!(
        r#"{{"id":"{id}","metric":"{metric}","timestamp":{timestamp},"type":"gauge","value":{value}}}"#
    )
}

#[test]
fn the_newest_points_of_each_node_are_kept() {
    let export = export(
        &[
            point("node/a", "cpu_avg1", 990, 1.0),
            point("node/a", "cpu_avg1", 1000, 2.0),
            point("node/a", "net_in", 1000, 7.0),
            point("node/b", "swap_total", 1001, 5.0),
            point("qemu/100", "cpu_current", 1000, 0.5),
        ]
        .join(","),
        1005,
    );
    assert_eq!(export.nodes["a"].load1, Some(2.0));
    assert_eq!(export.nodes["a"].network_in, Some(7.0));
    assert_eq!(export.nodes["b"].swap_size, Some(5.0));
    assert_eq!(export.nodes["b"].load1, None);
    assert_eq!(export.dropped, Dropped::default());
}

#[test]
fn a_node_whose_points_are_old_is_stale_and_has_no_values() {
    let export = export(
        &[
            point("node/a", "cpu_avg1", 900, 1.0),
            point("qemu/100", "cpu_current", 900, 0.5),
            point("node/b", "cpu_avg1", 1000, 2.0),
        ]
        .join(","),
        1005,
    );
    assert_eq!(
        export.nodes["a"],
        NodePoints {
            stale: true,
            ..NodePoints::default()
        }
    );
    assert!(!export.nodes["b"].stale);
    assert_eq!(
        export.dropped,
        Dropped {
            without_timestamp: 0,
            too_old: 2
        }
    );
}

#[test]
fn points_without_a_time_are_left_out_and_counted() {
    let export = export(
        &[
            point("node/a", "cpu_avg1", 0, 0.0),
            point("node/a", "cpu_avg5", 1000, 2.0),
        ]
        .join(","),
        1005,
    );
    assert_eq!(export.nodes["a"].load1, None);
    assert_eq!(export.nodes["a"].load5, Some(2.0));
    assert_eq!(export.dropped.without_timestamp, 1);
}

#[test]
fn hostile_points_are_no_values() {
    let export = export(
        r#"{"id":"node/","metric":"cpu_avg1","timestamp":1000,"value":1},
           {"id":"node/a","metric":"cpu_avg1","timestamp":1000,"value":-1},
           {"id":"node/a","metric":"cpu_avg5","timestamp":1e300,"value":1},
           {"id":null,"metric":7,"timestamp":{},"value":[]}, 5, "x""#,
        1005,
    );
    assert_eq!(export.nodes.len(), 1);
    assert_eq!(export.nodes["a"].load1, None);
}
