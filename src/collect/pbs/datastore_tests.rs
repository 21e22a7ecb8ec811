use std::sync::Arc;

use super::*;
use crate::config::GuestFilter;
use crate::metric::block::Block;
use crate::source::Item;

fn exposed(metrics: &str, datastores: &str, usage: Option<&str>) -> Vec<String> {
    let filter = GuestFilter::default();
    let mut inputs = Inputs::new("r", &filter);
    let metrics = metrics::parse(&format!(r#"{{"data":{{"data":[{metrics}]}}}}"#)).unwrap();
    let datastores = datastores::parse(&format!(r#"{{"data":[{datastores}]}}"#)).unwrap();
    inputs.add(metrics::METRICS.name, Item::Remote, Arc::new(metrics));
    inputs.add(
        datastores::DATASTORES.name,
        Item::Remote,
        Arc::new(datastores),
    );
    if let Some(usage) = usage {
        let usage = usage::parse(&format!(r#"{{"data":[{usage}]}}"#)).unwrap();
        inputs.add(usage::USAGE.name, Item::Remote, Arc::new(usage));
    }
    Block::from_lines(collect(&inputs))
        .parts()
        .flat_map(|(_, lines)| {
            std::str::from_utf8(lines)
                .unwrap()
                .lines()
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn usage_is_of_what_can_be_used() {
    let lines = exposed(
        r#"{"id":"datastore/a","metric":"disk_total","timestamp":1,"value":100.0},
           {"id":"datastore/a","metric":"disk_used","timestamp":1,"value":40.0},
           {"id":"datastore/a","metric":"disk_available","timestamp":1,"value":40.0}"#,
        r#"{"store":"a","mount-status":"nonremovable","backend-type":"filesystem"}"#,
        None,
    );
    assert!(
        lines.contains(&r#"pbs_datastore_usage_ratio{datastore="a",remote="r"} 0.5"#.to_owned())
    );
    assert!(lines.contains(&r#"pbs_datastore_up{datastore="a",remote="r"} 1"#.to_owned()));
    assert!(lines.contains(
        &r#"pbs_datastore_info{backend="filesystem",datastore="a",remote="r"} 1"#.to_owned()
    ));
}

#[test]
fn a_datastore_that_is_closed_has_a_state_and_no_size() {
    let lines = exposed(
        "",
        r#"{"store":"usb","mount-status":"notmounted"},{"store":"off","maintenance":"offline"},
           {"store":"ro","maintenance":"type=read-only,message=x"},{"store":"broken"}"#,
        Some(r#"{"store":"broken","error":"no such file"}"#),
    );
    let up: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("pbs_datastore_up"))
        .collect();
    assert_eq!(
        up,
        [
            r#"pbs_datastore_up{datastore="broken",remote="r"} 0"#,
            r#"pbs_datastore_up{datastore="off",remote="r"} 0"#,
            r#"pbs_datastore_up{datastore="ro",remote="r"} 1"#,
            r#"pbs_datastore_up{datastore="usb",remote="r"} 0"#,
        ]
    );
    assert!(!lines.iter().any(|line| line.contains("_bytes")));
    assert!(lines.contains(&r#"pbs_datastore_mounted{datastore="usb",remote="r"} 0"#.to_owned()));
    let modes: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("mode=") && line.ends_with(" 1"))
        .collect();
    assert_eq!(
        modes,
        [
            r#"pbs_datastore_maintenance{datastore="off",remote="r",mode="offline"} 1"#,
            r#"pbs_datastore_maintenance{datastore="ro",remote="r",mode="read-only"} 1"#,
        ]
    );
}
