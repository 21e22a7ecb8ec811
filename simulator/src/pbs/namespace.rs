//! `GET /admin/datastore/{store}/namespace`: the namespaces that the token may see.

use super::{Call, datastore, error, permissions, route};
use crate::access::Rights;
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const ROUTE: Route =
    route("/admin/datastore/{store}/namespace", Access::Everyone).with(&[
        Parameter::new("max-depth", Kind::Integer),
        Parameter::new("parent", Kind::Text),
    ]);

pub(super) fn answer(call: &Call<'_>) -> Answer {
    if !(call.sees_all() || call.sees_part(call.capture("store"))) {
        return error(403, "permission check failed");
    }
    let store = match datastore::readable(call) {
        Ok(store) => store,
        Err(answer) => return answer,
    };
    let parent = call.request.parameter("parent").unwrap_or_default();
    let depth = call
        .request
        .parameter("max-depth")
        .and_then(|value| value.parse().ok())
        .unwrap_or(usize::MAX);
    let levels = |name: &str| name.split('/').filter(|level| !level.is_empty()).count();
    let shown = store
        .namespaces
        .iter()
        .filter(|name| permissions::is_below(name, parent))
        .filter(|name| levels(name) <= levels(parent).saturating_add(depth))
        .filter(|name| {
            call.rights != Rights::Narrow || permissions::is_below(name, permissions::NAMESPACE)
        });
    Answer::data(&array(shown.map(|name| {
        let mut object = Object::new();
        object.text("ns", name);
        object.into_json(None)
    })))
}
