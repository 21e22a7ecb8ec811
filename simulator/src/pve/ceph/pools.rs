//! `GET /nodes/{node}/ceph/pool`.

use super::{AUDIT, Ceph, OSD_SIZE, POOLS, REPLICAS};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::pve::{Call, route};
use crate::route::Route;

pub(in crate::pve) const ROUTE: Route = route("/nodes/{node}/ceph/pool", AUDIT).by_daemon();

pub(in crate::pve) fn answer(call: &Call<'_>) -> Answer {
    Ceph::tell(call, list)
}

fn list(ceph: &Ceph<'_>) -> String {
    let call = ceph.call;
    let size = ceph.osds.len() as i64 * OSD_SIZE;
    let free = size - ceph.data() * REPLICAS;
    let mut random = call.order();
    let pools = POOLS.map(|pool| {
        let used = (ceph.data() as f64 * pool.share) as i64 * REPLICAS;
        let mut applications = Object::new();
        applications.raw(pool.application, "{}");
        let mut object = Object::new();
        object
            .int("pool", pool.id)
            .text("pool_name", pool.name)
            .text("type", "replicated")
            .int("size", REPLICAS)
            .int("min_size", 2)
            .int("pg_num", pool.groups)
            .int("pg_num_final", pool.groups)
            .text("pg_autoscale_mode", "on")
            .int("crush_rule", 0)
            .text("crush_rule_name", "replicated_rule")
            .int("bytes_used", used)
            // A fraction, for all that it is called.
            .number("percent_used", used as f64 / (used + free).max(1) as f64)
            .raw("application_metadata", &applications.into_json(None));
        object.into_json(Some(&mut random))
    });
    array(pools)
}
