//! What the status daemons of a cluster measure every 10 seconds: `/cluster/metrics/export`.
//!
//! The asked node collects from all others, one after the other: 20 s for one that hangs, silence
//! for one that cannot be reached, and three times the cost of an ordinary call. So it is asked by
//! the clock, never for a scrape, and node by node once a whole answer has been slow.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::remote::version::Version;
use crate::source::json::Unreadable;
use crate::source::points;
use crate::source::{
    ApiCall, Asked, Coverage, Fetched, Parameter, Privilege, Request, Scope, Session, Source,
};

pub static EXPORT_CALL: ApiCall = ApiCall::get("/cluster/metrics/export")
    .since(Version::new(8, 2, 5))
    .parameters(&[Parameter {
        name: "node-list",
        since: Version::new(9, 0, 8),
    }])
    .needs(&[Privilege::new("Sys.Audit", "/")]);

pub static EXPORT: Source<Export> =
    Source::new("export", Scope::Remote, &[&EXPORT_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// The fan-out gives each node 20 s. The remote's own time-out would take a healthy end-point for
/// dead because of another node behind it.
const WHOLE_TIME_OUT: Duration = Duration::from_secs(45);
/// A whole answer that took longer has a sick node in it.
const SLOW: Duration = Duration::from_secs(5);
const ONE_NODE_TIME_OUT: Duration = Duration::from_secs(6);
/// How long a node that was slow or did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(300);
/// How long the nodes are asked one by one after the last of them was slow.
const WATCHFUL: Duration = Duration::from_secs(900);
/// A point older than this, against the answer's `Date`, is of a status daemon that is dead.
const FRESH: i64 = 60;

/// The newest points of the nodes, by node name.
#[derive(Debug, Default, Clone)]
pub struct Export {
    pub nodes: BTreeMap<Box<str>, NodePoints>,
    /// Points left out since start.
    pub dropped: Dropped,
    one_by_one: Option<OneByOne>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct NodePoints {
    /// The node's newest point is older than a minute: what is known of it and its guests is
    /// frozen, though the node is online.
    pub stale: bool,
    pub load1: Option<f64>,
    pub load5: Option<f64>,
    pub load15: Option<f64>,
    /// Fraction 0..1. Right since 8.3.4 only; left out before.
    pub iowait: Option<f64>,
    pub swap_size: Option<f64>,
    pub swap_used: Option<f64>,
    /// Bytes since boot over all physical interfaces.
    pub network_in: Option<f64>,
    pub network_out: Option<f64>,
}

/// Counts of points by the reason they were left out for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    pub without_timestamp: u64,
    pub too_old: u64,
}

/// Nodes that are asked one by one, and those among them that are left alone for a while.
#[derive(Debug, Clone)]
struct OneByOne {
    last_trouble: Instant,
    paused: HashMap<Box<str>, Instant>,
}

/// `cpu_iowait` was in jiffies before.
const IOWAIT_IS_A_FRACTION: Version = Version::new(8, 3, 4);

async fn fetch(asked: Asked<'_, Export>) -> Result<Fetched<Export>, CallError> {
    let previous = asked.previous.as_deref();
    let mut export = Export {
        dropped: previous
            .map(|previous| previous.dropped)
            .unwrap_or_default(),
        one_by_one: previous.and_then(|previous| previous.one_by_one.clone()),
        ..Export::default()
    };
    let topology = asked.session.topology();
    let nodes = &topology.nodes;
    let now = Instant::now();
    export
        .one_by_one
        .take_if(|state| now.duration_since(state.last_trouble) > WATCHFUL);

    let mut problems = Vec::new();
    if export.one_by_one.is_some() {
        export
            .ask_one_by_one(asked.session, nodes, &mut problems)
            .await;
    } else {
        export.ask_whole(asked.session).await?;
    }
    let is_older = asked
        .session
        .version()
        .is_some_and(|version| version < IOWAIT_IS_A_FRACTION);
    for node in export.nodes.values_mut() {
        // While the version is not known yet, what is no fraction tells that it is older.
        node.iowait = node.iowait.filter(|iowait| !is_older && *iowait <= 1.0);
    }

    let answered = nodes
        .iter()
        .filter(|node| export.nodes.contains_key(&***node))
        .count();
    Ok(Fetched {
        coverage: (!nodes.is_empty()).then_some(Coverage {
            answered,
            expected: nodes.len(),
        }),
        value: export,
        problems,
    })
}

impl Export {
    async fn ask_whole(&mut self, session: &Session) -> Result<(), CallError> {
        let request = Request::of(&EXPORT_CALL).time_out(WHOLE_TIME_OUT);
        let answer = session.get(request).await?;
        let points = session.read(&answer, &EXPORT_CALL, parse).await?;
        self.judge(points, answer.date);
        if answer.elapsed > SLOW && session.topology().nodes.len() > 1 {
            // Who was slow is not known yet: each is asked alone next time.
            self.one_by_one = Some(OneByOne {
                last_trouble: Instant::now(),
                paused: HashMap::new(),
            });
        }
        Ok(())
    }

    async fn ask_one_by_one(
        &mut self,
        session: &Session,
        nodes: &[Arc<str>],
        problems: &mut Vec<CallError>,
    ) {
        let by_name = session.is_at_least(Version::new(9, 0, 8));
        let targets = if by_name {
            nodes.len()
        } else {
            session.endpoints()
        };
        for target in 0..targets {
            let name: Box<str> = match nodes.get(target) {
                Some(node) if by_name => Box::from(&**node),
                _ => format!("end-point {target}").into_boxed_str(),
            };
            if self.is_paused(&name) {
                continue;
            }
            let request = Request::of(&EXPORT_CALL).time_out(ONE_NODE_TIME_OUT);
            let request = if by_name {
                request.with("node-list", &*name)
            } else {
                request.with("local-only", "1").at(Some(target))
            };
            let asked_at = Instant::now();
            let result = match session.get(request).await {
                Ok(answer) => session
                    .read(&answer, &EXPORT_CALL, parse)
                    .await
                    .map(|points| self.judge(points, answer.date)),
                Err(error) => Err(error),
            };
            let trouble = asked_at.elapsed() > SLOW
                || result
                    .as_ref()
                    .is_err_and(|error| error.outcome() == Outcome::Unavailable)
                || (by_name && result.is_ok() && !self.nodes.contains_key(&name));
            if trouble && let Some(state) = &mut self.one_by_one {
                state.last_trouble = Instant::now();
                state.paused.insert(name, Instant::now() + PAUSE);
            }
            if let Err(error) = result {
                problems.push(error);
            }
        }
    }

    fn is_paused(&self, name: &str) -> bool {
        self.one_by_one
            .as_ref()
            .and_then(|state| state.paused.get(name))
            .is_some_and(|until| Instant::now() < *until)
    }

    /// Takes what an answer has, judged against the clock of the server, in Unix seconds.
    fn judge(&mut self, points: Points, now: Option<i64>) {
        let is_old = |timestamp: i64| now.is_some_and(|now| timestamp < now - FRESH);
        self.dropped.without_timestamp += points.without_timestamp;
        self.dropped.too_old += points
            .timestamps
            .iter()
            .filter(|(timestamp, _)| is_old(**timestamp))
            .map(|(_, count)| count)
            .sum::<u64>();
        for (name, (newest, mut node)) in points.nodes {
            if is_old(newest) {
                node = NodePoints {
                    stale: true,
                    ..NodePoints::default()
                };
            }
            self.nodes.insert(name, node);
        }
    }
}

/// What an answer holds, before it is judged by age.
#[derive(Debug, Default)]
pub struct Points {
    nodes: BTreeMap<Box<str>, (i64, NodePoints)>,
    timestamps: HashMap<i64, u64>,
    without_timestamp: u64,
}

/// Reads `/cluster/metrics/export`. Of guests and storages only the timestamps are counted: their
/// values come with `/cluster/resources`.
pub fn parse(text: &str) -> Result<Points, Unreadable> {
    let mut points = Points::default();
    points::each_point(text, |point| {
        if point.timestamp <= 0 {
            points.without_timestamp += 1;
            return;
        }
        *points.timestamps.entry(point.timestamp).or_default() += 1;
        let Some(name) = point
            .id
            .strip_prefix("node/")
            .filter(|name| !name.is_empty())
        else {
            return;
        };
        if !points.nodes.contains_key(name) {
            points
                .nodes
                .insert(Box::from(name), (point.timestamp, NodePoints::default()));
        }
        let Some((newest, node)) = points.nodes.get_mut(name) else {
            return;
        };
        if point.timestamp < *newest {
            return;
        }
        *newest = point.timestamp;
        let value = Some(point.value).filter(|value| *value >= 0.0);
        match point.metric {
            "cpu_avg1" => node.load1 = value,
            "cpu_avg5" => node.load5 = value,
            "cpu_avg15" => node.load15 = value,
            "cpu_iowait" => node.iowait = value,
            "swap_total" => node.swap_size = value,
            "swap_used" => node.swap_used = value,
            "net_in" => node.network_in = value,
            "net_out" => node.network_out = value,
            _ => {}
        }
    })?;
    Ok(points)
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
