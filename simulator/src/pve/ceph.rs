//! The calls that tell of Ceph, on clusters that have none.

use super::{Call, error, route};
use crate::http::Answer;
use crate::route::{Access, Kind, Parameter, Route};

const AUDIT: Access = Access::Privilege {
    path: "/",
    name: "Sys.Audit|Datastore.Audit",
};

pub(super) const STATUS_ROUTE: Route = route("/cluster/ceph/status", AUDIT);
pub(super) const METADATA_ROUTE: Route = route("/cluster/ceph/metadata", AUDIT)
    .with(&[Parameter::new("scope", Kind::OneOf(&["all", "versions"]))]);
pub(super) const OSD_ROUTE: Route = route("/nodes/{node}/ceph/osd", AUDIT);
pub(super) const POOL_ROUTE: Route = route("/nodes/{node}/ceph/pool", AUDIT);

pub(super) fn not_installed(_: &Call<'_>) -> Answer {
    error(500, "binary not installed: /usr/bin/ceph-mon")
}
