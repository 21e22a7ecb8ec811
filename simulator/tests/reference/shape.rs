//! The shape of JSON: which keys the objects of a place have, how often, and of which types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the objects of each place look like.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) objects: BTreeMap<String, Objects>,
}

/// How many objects there are in a place, and for each key how many have it, and with which types.
#[derive(Debug, Default)]
pub(super) struct Objects {
    count: usize,
    keys: BTreeMap<String, (usize, BTreeSet<&'static str>)>,
}

impl Shape {
    pub(super) fn add(&mut self, place: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.add(&format!("{place}[{}]", group(item)), item);
                }
            }
            Value::Object(fields) => {
                let entry = self.objects.entry(place.to_owned()).or_default();
                entry.count += 1;
                for (key, value) in fields {
                    let seen = entry.keys.entry(general(key)).or_default();
                    seen.0 += 1;
                    seen.1.insert(kind(value));
                }
                for (key, value) in fields {
                    self.add(&format!("{place}.{}", general(key)), value);
                }
            }
            _ => {}
        }
    }

    /// How `self`, simulated, cannot be told from `real`.
    pub(super) fn differences(&self, real: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (place, Objects { count, keys }) in &self.objects {
            let Some(Objects {
                count: real_count,
                keys: real_keys,
            }) = real.objects.get(place)
            else {
                found.push(format!("{place}: never recorded"));
                continue;
            };
            for (key, (_, types)) in keys {
                match real_keys.get(key) {
                    None => found.push(format!("{place}.{key}: never recorded")),
                    Some((_, real_types)) if !types.is_subset(real_types) => {
                        found.push(format!(
                            "{place}.{key}: {types:?}, recorded as {real_types:?}"
                        ));
                    }
                    Some(_) => {}
                }
            }
            for (key, (present, _)) in real_keys {
                let always = present >= real_count && !key.contains('*');
                let here = keys.get(key).map_or(0, |(present, _)| *present);
                if always && here < *count {
                    found.push(format!(
                        "{place}.{key}: always there in recordings, {here} times of {count} here"
                    ));
                }
            }
        }
        found
    }
}

/// Entries of a list are compared with those of their kind.
fn group(item: &Value) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    if let (Some(active), Some(_)) = (item.get("active"), item.get("used")) {
        return format!("storage, active: {active}");
    }
    if item.get("snaptime").is_some() {
        return "snapshot".to_owned();
    }
    if let (Some(_), Some(_)) = (text("upid"), text("type")) {
        let ended = item.get("endtime").is_some();
        return if ended { "task" } else { "running task" }.to_owned();
    }
    if let (Some(_), Some(_)) = (text("devpath"), text("type")) {
        return "disk".to_owned();
    }
    if let Some(part @ ("quorum" | "master" | "fencing" | "lrm" | "service")) = text("type") {
        return part.to_owned();
    }
    let id = text("id").and_then(|id| id.split('/').next());
    match (text("metric"), text("type"), text("status"), text("store")) {
        (Some(metric), ..) => format!("{}:{metric}", id.unwrap_or_default()),
        (_, Some(kind), Some(status), _) => format!("{kind}:{status}"),
        (_, Some(kind), None, _) => kind.to_owned(),
        (_, None, Some(status), _) if item.get("vmid").is_some() => status.to_owned(),
        (.., Some(_)) if item.get("total").is_some() => "full store".to_owned(),
        (.., Some(_)) => "store".to_owned(),
        _ => String::new(),
    }
}

/// Paths, privileges and devices are keys of their own kind.
fn general(key: &str) -> String {
    if key.starts_with('/') {
        "/*".into()
    } else if key.contains('.') {
        "*.*".into()
    } else if key.starts_with("tap") {
        "tap*".into()
    } else if key.starts_with("vm:") || key.starts_with("ct:") {
        "service*".into()
    } else if key
        .strip_prefix("pve")
        .is_some_and(|number| number.parse::<u32>().is_ok())
    {
        "node*".into()
    } else if key.len() == 22 && !key.contains('-') {
        "uid*".into()
    } else if let Some(device @ ("net" | "scsi" | "virtio" | "mp")) =
        key.strip_suffix(|last: char| last.is_ascii_digit())
    {
        format!("{device}*")
    } else {
        key.into()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
