//! Ceph as PVE runs it: `/cluster/ceph/status`, `/cluster/ceph/flags`, and OSDs and pools by
//! `/nodes/{node}/ceph/osd` and `/nodes/{node}/ceph/pool` of any node that has Ceph.
//!
//! The status is what `ceph status` prints as JSON, with the maps of the monitors and managers as a
//! whole. Fields that are zero are left out of its `pgmap`. Forms are those of Ceph's sources
//! (`PGMap.cc`, `OSDMap.cc`) and of pve-manager's (`PVE/Ceph/Tools.pm`, `PVE/API2/Cluster/Ceph.pm`,
//! `PVE/API2/Ceph/OSD.pm`, `PVE/API2/Ceph/Pool.pm`): no recording has a cluster with Ceph.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::json::{self, List, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// `Datastore.Audit` on `/` does as well, but for the flags.
const AUDIT: &[Privilege] = &[Privilege::new("Sys.Audit", "/")];

pub static STATUS_CALL: ApiCall = ApiCall::get("/cluster/ceph/status").needs(AUDIT);
pub static FLAGS_CALL: ApiCall = ApiCall::get("/cluster/ceph/flags").needs(AUDIT);
pub static OSDS_CALL: ApiCall = ApiCall::get("/nodes/{node}/ceph/osd").needs(AUDIT);
pub static POOLS_CALL: ApiCall = ApiCall::get("/nodes/{node}/ceph/pool").needs(AUDIT);

/// Four calls, whatever the size of the cluster; one where there is no Ceph.
pub static CEPH: Source<Ceph> = Source::new(
    "ceph",
    Scope::Remote,
    &[&STATUS_CALL, &FLAGS_CALL, &OSDS_CALL, &POOLS_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Ceph {
    pub status: Status,
    /// Flags of the OSD map, and whether they are set.
    pub flags: Vec<(Box<str>, bool)>,
    pub osds: Vec<Osd>,
    pub pools: Vec<Pool>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Status {
    /// `HEALTH_OK`, `HEALTH_WARN`, `HEALTH_ERR`.
    pub health: Box<str>,
    pub checks: Vec<Check>,
    pub monitors: Option<f64>,
    pub monitors_in_quorum: Option<f64>,
    pub has_manager: Option<bool>,
    pub standby_managers: Option<f64>,
    pub osds: Option<f64>,
    pub osds_up: Option<f64>,
    pub osds_in: Option<f64>,
    pub placement_groups: PlacementGroups,
}

/// What is wrong, by the code of Ceph's health checks.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Check {
    pub code: Box<str>,
    /// `HEALTH_WARN`, `HEALTH_ERR`.
    pub severity: Box<str>,
    pub is_muted: bool,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct PlacementGroups {
    pub count: Option<f64>,
    /// How many are in each state; one may be in several, `active+clean+scrubbing`.
    pub states: BTreeMap<Box<str>, f64>,
    pub size: Option<f64>,
    pub used: Option<f64>,
    pub available: Option<f64>,
    pub data: Option<f64>,
    pub objects: Option<f64>,
    pub degraded: Option<f64>,
    pub misplaced: Option<f64>,
    pub unfound: Option<f64>,
    /// Bytes and operations a second.
    pub read_bytes: Option<f64>,
    pub written_bytes: Option<f64>,
    pub recovered_bytes: Option<f64>,
    pub reads: Option<f64>,
    pub writes: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Osd {
    pub id: u64,
    /// Where CRUSH has it, which is the node that it runs on.
    pub host: Box<str>,
    pub device_class: Box<str>,
    pub is_up: Option<bool>,
    pub is_in: Option<bool>,
    pub size: Option<f64>,
    pub used: Option<f64>,
    pub placement_groups: Option<f64>,
    /// Seconds.
    pub commit_latency: Option<f64>,
    pub apply_latency: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Pool {
    pub name: Box<str>,
    pub used: Option<f64>,
    /// Fraction 0..1 of what the pool can take.
    pub usage: Option<f64>,
    pub replicas: Option<f64>,
    pub minimum_replicas: Option<f64>,
    pub placement_groups: Option<f64>,
}

async fn fetch(asked: Asked<'_, Ceph>) -> Result<Fetched<Ceph>, CallError> {
    let session = asked.session;
    let answer = session.get(Request::of(&STATUS_CALL)).await?;
    let status = session.read(&answer, &STATUS_CALL, parse_status).await?;
    let flags = ask_flags(session).await;
    let osds = ask_a_node(session, &OSDS_CALL, parse_osds).await;
    let pools = ask_a_node(session, &POOLS_CALL, parse_pools).await;
    let mut problems = Vec::new();
    let ceph = Ceph {
        status,
        flags: or_none(flags, &mut problems),
        osds: or_none(osds, &mut problems),
        pools: or_none(pools, &mut problems),
    };
    Ok(Fetched::with_problems(ceph, problems))
}

fn or_none<T>(asked: Result<Vec<T>, CallError>, problems: &mut Vec<CallError>) -> Vec<T> {
    asked.unwrap_or_else(|error| {
        problems.push(error);
        Vec::new()
    })
}

async fn ask_flags(session: &Session) -> Result<Vec<(Box<str>, bool)>, CallError> {
    let answer = session.get(Request::of(&FLAGS_CALL)).await?;
    session.read(&answer, &FLAGS_CALL, parse_flags).await
}

/// Asks one node after the other until one answers: not every node of a cluster needs to have Ceph.
async fn ask_a_node<T: Send + 'static>(
    session: &Session,
    call: &'static ApiCall,
    parse: fn(&str) -> Result<Vec<T>, Unreadable>,
) -> Result<Vec<T>, CallError> {
    let mut last = None;
    for node in &session.topology().nodes {
        match session.get(Request::of(call).node(node)).await {
            Ok(answer) => return session.read(&answer, call, parse).await,
            Err(error) if is_about_the_node(&error) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    last.map_or_else(|| Ok(Vec::new()), Err)
}

fn is_about_the_node(error: &CallError) -> bool {
    matches!(
        error.outcome(),
        Outcome::NotApplicable | Outcome::OtherNodeDown
    )
}

/// Reads `/cluster/ceph/status`. Older Ceph has the OSD map in another one of the same name.
pub fn parse_status(text: &str) -> Result<Status, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow)]
        health: Object<Health<'a>>,
        quorum_names: Option<List<Text<'a>>>,
        monmap: Object<MonitorMap>,
        mgrmap: Object<ManagerMap<'a>>,
        osdmap: Object<OuterOsdMap>,
        pgmap: Object<PgMap<'a>>,
    }

    let Object(answer) = json::envelope::<Object<Answer<'_>>>(text)?;
    let osdmap = answer.osdmap.0;
    let osdmap = osdmap.osdmap.map_or(osdmap.flat, |Object(inner)| inner);
    let quorum = answer.quorum_names.map(|List(names)| names.len() as f64);
    let manager = answer.mgrmap.0;
    Ok(Status {
        health: answer.health.0.status.to_boxed(),
        checks: answer.health.0.checks(),
        monitors: answer.monmap.0.count(),
        monitors_in_quorum: quorum,
        has_manager: manager.is_there(),
        standby_managers: manager.standbys(),
        osds: osdmap.num_osds.quantity(),
        osds_up: osdmap.num_up_osds.quantity(),
        osds_in: osdmap.num_in_osds.quantity(),
        placement_groups: answer.pgmap.0.read(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Health<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    checks: Object<BTreeMap<String, Object<CheckRow<'a>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CheckRow<'a> {
    #[serde(borrow)]
    severity: Text<'a>,
    muted: Number,
}

impl Health<'_> {
    fn checks(&self) -> Vec<Check> {
        let Object(checks) = &self.checks;
        checks
            .iter()
            .map(|(code, Object(row))| Check {
                code: Box::from(&**code),
                severity: row.severity.to_boxed(),
                is_muted: row.muted.flag() == Some(true),
            })
            .collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MonitorMap {
    num_mons: Number,
    mons: Option<List<Object<Nothing>>>,
}

/// Something of which only the number counts.
#[derive(Default, Deserialize)]
struct Nothing {}

impl MonitorMap {
    fn count(&self) -> Option<f64> {
        let listed = self.mons.as_ref().map(|List(mons)| mons.len() as f64);
        listed.or(self.num_mons.quantity())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ManagerMap<'a> {
    available: Number,
    #[serde(borrow)]
    active_name: Text<'a>,
    num_standbys: Number,
    standbys: Option<List<Object<Nothing>>>,
}

impl ManagerMap<'_> {
    fn is_there(&self) -> Option<bool> {
        let named = self.active_name.known().map(|_| true);
        self.available.flag().or(named)
    }

    fn standbys(&self) -> Option<f64> {
        let listed = self.standbys.as_ref().map(|List(list)| list.len() as f64);
        listed.or(self.num_standbys.quantity())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OuterOsdMap {
    osdmap: Option<Object<OsdMap>>,
    #[serde(flatten)]
    flat: OsdMap,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OsdMap {
    num_osds: Number,
    num_up_osds: Number,
    num_in_osds: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PgMap<'a> {
    #[serde(borrow)]
    pgs_by_state: Option<List<Object<PgState<'a>>>>,
    num_pgs: Number,
    num_objects: Number,
    data_bytes: Number,
    bytes_used: Number,
    bytes_avail: Number,
    bytes_total: Number,
    degraded_objects: Number,
    misplaced_objects: Number,
    unfound_objects: Number,
    read_bytes_sec: Number,
    write_bytes_sec: Number,
    recovering_bytes_per_sec: Number,
    read_op_per_sec: Number,
    write_op_per_sec: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PgState<'a> {
    #[serde(borrow)]
    state_name: Text<'a>,
    count: Number,
}

impl PgMap<'_> {
    fn read(&self) -> PlacementGroups {
        let count = self.num_pgs.quantity();
        // Ceph leaves out what is zero.
        let or_zero = |number: Number| number.quantity().or(count.map(|_| 0.0));
        PlacementGroups {
            count,
            states: self.states(),
            size: self.bytes_total.quantity(),
            used: self.bytes_used.quantity(),
            available: self.bytes_avail.quantity(),
            data: self.data_bytes.quantity(),
            objects: self.num_objects.quantity(),
            degraded: or_zero(self.degraded_objects),
            misplaced: or_zero(self.misplaced_objects),
            unfound: or_zero(self.unfound_objects),
            read_bytes: or_zero(self.read_bytes_sec),
            written_bytes: or_zero(self.write_bytes_sec),
            recovered_bytes: or_zero(self.recovering_bytes_per_sec),
            reads: or_zero(self.read_op_per_sec),
            writes: or_zero(self.write_op_per_sec),
        }
    }

    fn states(&self) -> BTreeMap<Box<str>, f64> {
        let mut states = BTreeMap::new();
        for Object(row) in self.pgs_by_state.iter().flat_map(|List(rows)| rows) {
            let Some(count) = row.count.quantity() else {
                continue;
            };
            let names = row.state_name.as_str().split('+');
            for name in names.filter(|name| !name.is_empty()) {
                *states.entry(Box::from(name)).or_default() += count;
            }
        }
        states
    }
}

/// Reads `/cluster/ceph/flags`.
pub fn parse_flags(text: &str) -> Result<Vec<(Box<str>, bool)>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        value: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let flags: BTreeMap<Box<str>, bool> = rows
        .iter()
        .filter_map(|row| Some((Box::from(row.name.known()?), row.value.flag()?)))
        .collect();
    Ok(flags.into_iter().collect())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bucket<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "type")]
    kind: Text<'a>,
    id: Number,
    status: Text<'a>,
    #[serde(rename = "in")]
    is_in: Number,
    device_class: Text<'a>,
    total_space: Number,
    bytes_used: Number,
    pgs: Number,
    commit_latency_ms: Number,
    apply_latency_ms: Number,
    #[serde(borrow)]
    children: Option<List<Object<Self>>>,
}

/// Reads `/nodes/{node}/ceph/osd`, the CRUSH tree with the OSDs as its leaves.
pub fn parse_osds(text: &str) -> Result<Vec<Osd>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow)]
        root: Object<Bucket<'a>>,
    }

    let Object(answer) = json::envelope::<Object<Answer<'_>>>(text)?;
    let mut osds = Vec::new();
    collect_osds(&answer.root.0, "", &mut osds);
    osds.sort_by_key(|osd| osd.id);
    osds.dedup_by_key(|osd| osd.id);
    Ok(osds)
}

fn collect_osds(bucket: &Bucket<'_>, host: &str, osds: &mut Vec<Osd>) {
    let host = match bucket.kind.as_str() {
        "host" => bucket.name.as_str(),
        _ => host,
    };
    if bucket.kind.as_str() == "osd"
        && let Some(id) = bucket.id.quantity()
    {
        osds.push(osd(bucket, id as u64, host));
    }
    for Object(child) in bucket.children.iter().flat_map(|List(list)| list) {
        collect_osds(child, host, osds);
    }
}

fn osd(bucket: &Bucket<'_>, id: u64, host: &str) -> Osd {
    // PVE makes one kibibyte of an OSD that has not told its size.
    let size = bucket.total_space.quantity().filter(|size| *size > 1024.0);
    let seconds = |milliseconds: Number| milliseconds.quantity().map(|ms| ms / 1000.0);
    Osd {
        id,
        host: Box::from(host),
        device_class: bucket.device_class.to_boxed(),
        is_up: bucket.status.known().map(|status| status == "up"),
        is_in: bucket.is_in.flag(),
        size,
        used: bucket.bytes_used.quantity().filter(|_| size.is_some()),
        placement_groups: bucket.pgs.quantity(),
        commit_latency: seconds(bucket.commit_latency_ms),
        apply_latency: seconds(bucket.apply_latency_ms),
    }
}

/// Reads `/nodes/{node}/ceph/pool`. `percent_used` is a fraction, whatever its name says.
pub fn parse_pools(text: &str) -> Result<Vec<Pool>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        pool_name: Text<'a>,
        bytes_used: Number,
        percent_used: Number,
        size: Number,
        min_size: Number,
        pg_num: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut pools: Vec<Pool> = rows
        .iter()
        .filter(|row| row.pool_name.known().is_some())
        .map(|row| Pool {
            name: row.pool_name.to_boxed(),
            used: row.bytes_used.quantity(),
            usage: row.percent_used.quantity().filter(|usage| *usage <= 1.0),
            replicas: row.size.quantity(),
            minimum_replicas: row.min_size.quantity(),
            placement_groups: row.pg_num.quantity(),
        })
        .collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    pools.dedup_by(|a, b| a.name == b.name);
    Ok(pools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_osd_map_of_older_ceph_stands_in_another_one() {
        for map in [
            r#"{"num_osds":3,"num_up_osds":"2","num_in_osds":1}"#,
            r#"{"osdmap":{"num_osds":3,"num_up_osds":2,"num_in_osds":1}}"#,
        ] {
            let status = parse_status(&format!(r#"{{"data":{{"osdmap":{map}}}}}"#)).unwrap();
            let counts = (status.osds, status.osds_up, status.osds_in);
            assert_eq!(counts, (Some(3.0), Some(2.0), Some(1.0)), "{map}");
        }
    }

    #[test]
    fn a_state_of_several_words_counts_for_each() {
        let status = parse_status(
            r#"{"data":{"pgmap":{"num_pgs":5,"pgs_by_state":[{"state_name":"active+clean","count":3},
               {"state_name":"active+undersized","count":"2"},{"state_name":"+","count":1},{"count":1},7]}}}"#,
        )
        .unwrap();
        let states: Vec<_> = status.placement_groups.states.iter().collect();
        let names: Vec<_> = states
            .iter()
            .map(|(name, count)| (&***name, **count))
            .collect();
        assert_eq!(
            names,
            [("active", 5.0), ("clean", 3.0), ("undersized", 2.0)]
        );
        assert_eq!(status.placement_groups.degraded, Some(0.0));
    }

    #[test]
    fn what_is_not_told_is_not_known() {
        for text in [
            r#"{"data":{}}"#,
            r#"{"data":null}"#,
            r#"{"data":{"health":"x","pgmap":null,"osdmap":[],"monmap":7,"mgrmap":null,"quorum_names":null}}"#,
            r#"{"data":{"health":{"checks":[]}}}"#,
        ] {
            assert_eq!(parse_status(text).unwrap(), Status::default(), "{text}");
        }
        assert!(
            parse_osds(r#"{"data":{"root":{"leaf":0}}}"#)
                .unwrap()
                .is_empty()
        );
        assert!(parse_osds(r#"{"data":{"root":[]}}"#).unwrap().is_empty());
        assert!(parse_pools(r#"{"data":[{"pool":1}]}"#).unwrap().is_empty());
        assert!(
            parse_flags(r#"{"data":[{"name":"noout"}]}"#)
                .unwrap()
                .is_empty()
        );
    }
}
