//! `GET /cluster/ceph/status`: what `ceph status` prints as JSON, with the whole maps of the monitors and managers,
//! and the details of `ceph health`.

use super::{AUDIT, Ceph, OSD_SIZE, POOLS, REPLICAS, groups};
use crate::http::Answer;
use crate::json::{Object, array, text};
use crate::plan::CephSeverity;
use crate::pve::{Call, route};
use crate::random::noise;
use crate::route::Route;

pub(in crate::pve) const ROUTE: Route = route("/cluster/ceph/status", AUDIT).by_daemon();

const FSID: &str = "5a1c2f0e-7c1b-4a55-9f6e-2d3b8a40c7d1";

pub(in crate::pve) fn answer(call: &Call<'_>) -> Answer {
    Ceph::tell(call, status)
}

fn status(ceph: &Ceph<'_>) -> String {
    let call = ceph.call;
    let quorum = || ceph.monitors_in_quorum();
    let mut object = Object::new();
    object
        .text("fsid", FSID)
        .raw("health", &health(ceph))
        .int("election_epoch", 42)
        .raw("quorum", &array(quorum().map(|rank| rank.to_string())))
        .raw(
            "quorum_names",
            &array(quorum().map(|rank| text(ceph.node_name(rank)))),
        )
        .int("quorum_age", 86_400)
        .raw("monmap", &monitors(ceph))
        .raw("mgrmap", &managers(ceph))
        .raw("osdmap", &osds(ceph))
        .raw("pgmap", &placement_groups(ceph))
        .raw("fsmap", r#"{"epoch":1,"by_rank":[],"up:standby":0}"#)
        .raw("servicemap", r#"{"epoch":1,"services":{}}"#)
        .raw("progress_events", "{}");
    object.into_json(Some(&mut call.order()))
}

/// A health check, with how many things it is about.
struct Check {
    code: String,
    severity: CephSeverity,
    message: String,
    count: i64,
    is_muted: bool,
}

impl CephSeverity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "HEALTH_WARN",
            Self::Error => "HEALTH_ERR",
        }
    }
}

fn health(ceph: &Ceph<'_>) -> String {
    let found = checks(ceph);
    let worst = found.iter().filter(|check| !check.is_muted);
    let worst = worst.map(|check| check.severity).max();
    let mut checks = Object::new();
    let mut mutes = Vec::new();
    for check in &found {
        let mut summary = Object::new();
        summary
            .text("message", &check.message)
            .int("count", check.count);
        let mut object = Object::new();
        object
            .text("severity", check.severity.as_str())
            .raw("summary", &summary.into_json(None))
            .raw("detail", "[]")
            .boolean("muted", check.is_muted);
        checks.raw(&check.code, &object.into_json(None));
        if check.is_muted {
            let mut mute = Object::new();
            mute.text("code", &check.code)
                .boolean("sticky", false)
                .text("summary", &check.message)
                .int("count", check.count);
            mutes.push(mute.into_json(None));
        }
    }
    let mut object = Object::new();
    object
        .text("status", worst.map_or("HEALTH_OK", CephSeverity::as_str))
        .raw("checks", &checks.into_json(None))
        .raw("mutes", &array(mutes));
    object.into_json(Some(&mut ceph.call.order()))
}

/// What follows from the state of Ceph, and what was planned beside it.
fn checks(ceph: &Ceph<'_>) -> Vec<Check> {
    let monitors = ceph.monitors().len() - ceph.monitors_in_quorum().count();
    let down = ceph.down().filter(|osd| osd.is_in).count();
    let flags: Vec<&str> = ceph.set_flags().collect();
    let found = [
        (
            "MON_DOWN",
            monitors as i64,
            format!("{monitors} monitors down"),
        ),
        ("OSD_DOWN", down as i64, format!("{down} osds down")),
        (
            "PG_DEGRADED",
            ceph.degraded(),
            format!("Degraded data redundancy: {} pgs degraded", ceph.degraded()),
        ),
        (
            "OSDMAP_FLAGS",
            flags.len() as i64,
            format!("{} flag(s) set", flags.join(",")),
        ),
    ];
    let found = found.into_iter().filter(|(_, count, _)| *count > 0);
    let found = found.map(|(code, count, message)| Check {
        code: code.to_owned(),
        severity: CephSeverity::Warning,
        message,
        count,
        is_muted: false,
    });
    let planned = ceph.plan.checks.iter().map(|planned| Check {
        code: planned.code.clone(),
        severity: planned.severity,
        message: planned.message.clone(),
        count: 1,
        is_muted: planned.is_muted,
    });
    found.chain(planned).collect()
}

/// What `ceph mon dump` prints.
fn monitors(ceph: &Ceph<'_>) -> String {
    let monitors = ceph.monitors().map(|rank| {
        let mut object = Object::new();
        object
            .int("rank", rank as i64)
            .text("name", ceph.node_name(rank))
            .text("addr", "127.0.0.1:6789/0")
            .text("public_addr", "127.0.0.1:6789/0")
            .int("priority", 0)
            .int("weight", 0);
        object.into_json(None)
    });
    let mut object = Object::new();
    object
        .int("epoch", 3)
        .text("fsid", FSID)
        .raw("mons", &array(monitors));
    object.into_json(None)
}

/// What `ceph mgr dump` prints: the first one that runs is active, the others wait.
fn managers(ceph: &Ceph<'_>) -> String {
    let mut running = ceph.monitors_in_quorum().map(|node| ceph.node_name(node));
    let active = running.next().unwrap_or_default();
    let standbys = running.enumerate().map(|(index, name)| {
        let mut object = Object::new();
        object.int("gid", 5_000 + index as i64).text("name", name);
        object.into_json(None)
    });
    let mut object = Object::new();
    object
        .int("epoch", 17)
        .int("active_gid", 4_100)
        .text("active_name", active)
        .boolean("available", !active.is_empty())
        .raw("standbys", &array(standbys));
    object.into_json(None)
}

fn osds(ceph: &Ceph<'_>) -> String {
    let count = |is: fn(&super::Osd) -> bool| ceph.osds.iter().filter(|osd| is(osd)).count() as i64;
    let mut object = Object::new();
    object
        .int("epoch", 310)
        .int("num_osds", ceph.osds.len() as i64)
        .int("num_up_osds", count(|osd| osd.is_up))
        .int("num_in_osds", count(|osd| osd.is_in))
        .int("num_remapped_pgs", ceph.moving());
    object.into_json(None)
}

/// What is zero is left out, but for the sizes.
fn placement_groups(ceph: &Ceph<'_>) -> String {
    let (degraded, moving) = (ceph.degraded(), ceph.moving());
    let states = [
        ("active+clean", groups() - degraded - moving),
        ("active+undersized+degraded", degraded),
        ("active+remapped+backfilling", moving),
    ];
    let states = states.into_iter().filter(|(_, count)| *count > 0);
    let states = states.map(|(name, count)| {
        let mut object = Object::new();
        object.text("state_name", name).int("count", count);
        object.into_json(None)
    });
    let size = ceph.osds.len() as i64 * OSD_SIZE;
    let used = ceph.data() * REPLICAS;
    let copies = ceph.objects() * REPLICAS;
    let of_groups = |count: i64| ceph.objects() * count / groups();
    let mut object = Object::new();
    object
        .raw("pgs_by_state", &array(states))
        .int("num_pgs", groups())
        .int("num_pools", POOLS.len() as i64)
        .int("num_objects", ceph.objects())
        .int("data_bytes", ceph.data())
        .int("bytes_used", used)
        .int("bytes_avail", size - used)
        .int("bytes_total", size);
    if ceph.lacking() > 0 {
        let lacking = of_groups(ceph.lacking());
        object
            .int("degraded_objects", lacking)
            .int("degraded_total", copies)
            .number("degraded_ratio", lacking as f64 / copies.max(1) as f64);
    }
    if moving > 0 {
        let misplaced = of_groups(moving);
        object
            .int("misplaced_objects", misplaced)
            .int("misplaced_total", copies)
            .number("misplaced_ratio", misplaced as f64 / copies.max(1) as f64)
            .int("recovering_bytes_per_sec", 314_572_800)
            .int("recovering_objects_per_sec", 75)
            .int("num_objects_recovered", 750)
            .int("num_bytes_recovered", 3_145_728_000);
    }
    let is_paused = ceph.set_flags().any(|flag| flag == "pauserd");
    if !is_paused {
        let busy = |what, most: f64| {
            let ten_seconds = ceph.call.view.now.div_euclid(10);
            (most * (0.2 + noise(&[ceph.seed(), 2, what, ten_seconds]))) as i64
        };
        object
            .int("read_bytes_sec", busy(0, 80e6))
            .int("write_bytes_sec", busy(1, 40e6))
            .int("read_op_per_sec", busy(2, 2_000.0))
            .int("write_op_per_sec", busy(3, 1_500.0));
    }
    object.into_json(None)
}
