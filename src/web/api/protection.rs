//! `GET /api/v1/protection`: whether each guest is protected, and which backup groups have lost theirs.
//!
//! - `?remote=NAME` (repeatable): only the guests of these clusters and the groups of these servers.
//! - `?state=NAME` (repeatable): only guests in these states.
//!
//! 400 for a name that does not exist, with those that do.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::collect::protection::judge::{self, LinkedGroup, Protection};
use crate::collect::protection::{self};
use crate::source::Item;
use crate::web::App;

pub(in crate::web) async fn list(
    State(app): State<Arc<App>>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let named = |wanted: &str| -> Vec<&str> {
        parameters
            .iter()
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    let (remotes, states) = (named("remote"), named("state"));
    let roster = app.fleet.roster();
    let known: Vec<&str> = roster
        .remotes
        .iter()
        .map(|remote| remote.config.name.as_str())
        .collect();
    check("remote", &remotes, &known)?;
    check(
        "state",
        &states,
        &judge::State::ALL.map(judge::State::as_str),
    )?;

    let judgement = app.fleet.join(protection::READS, protection::judge);
    let of_remote = |remote: &str| remotes.is_empty() || remotes.contains(&remote);
    let guests = judgement.guests.iter().filter(|guest| {
        of_remote(&guest.remote) && (states.is_empty() || states.contains(&guest.state.as_str()))
    });
    let orphans = judgement
        .groups
        .iter()
        .filter(|group| group.orphaned && of_remote(&group.remote));
    Ok(Json(json!({
        "guests": guests.map(guest_json).collect::<Vec<_>>(),
        "orphans": orphans.map(orphan_json).collect::<Vec<_>>(),
    })))
}

fn check(kind: &str, given: &[&str], known: &[&str]) -> Result<(), (StatusCode, String)> {
    match given.iter().find(|given| !known.contains(given)) {
        None => Ok(()),
        Some(unknown) => {
            let text = format!("unknown {kind} {unknown:?}; known: {}\n", known.join(", "));
            Err((StatusCode::BAD_REQUEST, text))
        }
    }
}

fn guest_json(guest: &Protection) -> Value {
    let id = Item::Guest {
        vmid: guest.vmid,
        kind: guest.kind,
    };
    let place = guest.newest_place.as_ref().map(|place| {
        json!({
            "remote": place.backup_remote,
            "datastore": place.datastore,
            "namespace": place.backup_namespace,
            "storage": place.storage,
        })
    });
    json!({
        "remote": guest.remote,
        "id": id.to_string(),
        "name": guest.name,
        "state": guest.state.as_str(),
        "reason": guest.reason,
        "newest": guest.newest,
        "place": place,
        "verified": guest.verified,
        "places": guest.places,
        "jobs": guest.jobs,
    })
}

fn orphan_json(group: &LinkedGroup) -> Value {
    json!({
        "remote": group.remote,
        "datastore": group.datastore,
        "namespace": group.namespace,
        "type": protection::backup_type(group.kind),
        "id": group.vmid,
    })
}
