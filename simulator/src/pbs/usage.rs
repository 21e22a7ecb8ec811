//! `/status/datastore-usage`: sizes, a month of history, and when each datastore will be full.

use serde_json::{Value, json};

use super::Pbs;
use crate::access::Role;
use crate::answer::{self, Answer, Object};
use crate::plan::DatastoreKind;
use crate::route::{Asked, Route};

pub(super) const USAGE: Route<Pbs> = Route {
    path: "/status/datastore-usage",
    parameters: &[],
    needs: None,
    by_daemon: false,
    answer: usage,
};

const STEP: u32 = 1800;
const STEPS: u32 = 1440;

fn usage(pbs: &Pbs, asked: &Asked<'_>) -> Answer {
    // One whose path vanished while it was open takes all the others with it.
    if pbs.faults().breaks_any_store() && asked.role.sees_all() {
        return Answer::Error(400, "ENOENT: No such file or directory".to_owned());
    }
    let mut rows = Vec::new();
    for (index, store) in pbs.stores.iter().enumerate() {
        let row = Object::new().with("store", store.name.as_str()).with("mount-status", store.mount_status());
        let row = if pbs.version >= (4, 1, 6) { row.with("backend-type", store.backend()) } else { row };
        match (asked.role, store.kind) {
            // Whoever may see nothing sees an unmounted removable one all the same.
            (_, DatastoreKind::Unmounted) => rows.push(row),
            (Role::Nothing | Role::PrivilegeSeparated, _) => {}
            (Role::OneObject, _) if index == 0 => rows.push(row),
            (Role::OneObject, _) => {}
            (_, DatastoreKind::Offline) => {
                let error = format!("datastore '{}' is unavailable: offline maintenance mode: ", store.name);
                rows.push(row.with("error", error));
            }
            _ => {
                let (total, used, avail) = store.at(asked.now);
                let history: Vec<Value> =
                    (0..STEPS).map(|step| if step < 100 { Value::Null } else { json!(used as f64 / total as f64) }).collect();
                let full = match index % 3 {
                    0 => Some(asked.now as i64 + 86_400 * 120),
                    1 => Some(0),
                    _ => None,
                };
                rows.push(
                    row.with("total", total)
                        .with("used", used)
                        .with("avail", avail)
                        .with("history", history)
                        .with("history-start", asked.now as i64 - i64::from(STEP * STEPS))
                        .with("history-delta", STEP)
                        .with_some("estimated-full-date", full)
                        .with("gc-status", json!({
                            "upid": null, "index-file-count": 0, "index-data-bytes": 0, "disk-bytes": 0, "disk-chunks": 0,
                            "removed-bytes": 0, "removed-chunks": 0, "pending-bytes": 0, "pending-chunks": 0,
                            "removed-bad": 0, "still-bad": 0,
                        })),
                );
            }
        }
    }
    Answer::Good(answer::list(rows, &mut pbs.order("usage", asked.now as u64)))
}
