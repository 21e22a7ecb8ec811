//! What the status daemon of a node records and no other call tells: pressure and the ZFS cache,
//! as averages of a minute, from `/nodes/{node}/rrddata`.

use serde::Deserialize;

use super::pressure::{Pressure, PressureRow};
use crate::remote::error::CallError;
use crate::remote::version::Version;
use crate::source::json::{self, Number, Rows, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// The call is older than 9.0, but has none of this before.
pub static NODE_RRD_CALL: ApiCall = ApiCall::get("/nodes/{node}/rrddata")
    .needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")])
    .since(Version::new(9, 0, 0));

/// Nothing is known of a node whose last row is too old.
pub static NODE_AVERAGES: Source<NodeAverages> = Source::new(
    "node_averages",
    Scope::EachNode,
    &[&NODE_RRD_CALL],
    |asked| Box::pin(fetch(asked)),
);

/// Seconds after which PVE itself no longer believes what a status daemon has reported.
const BELIEVED_FOR: f64 = 300.0;

#[derive(Debug, Default, Clone, PartialEq)]
pub struct NodeAverages {
    /// The node's pressure for CPU has no `full`: the kernel defines it for groups of tasks only.
    pub pressure: Pressure,
    /// Bytes; 0 on a node without ZFS.
    pub arc_size: Option<f64>,
}

async fn fetch(asked: Asked<'_, NodeAverages>) -> Result<Fetched<NodeAverages>, CallError> {
    let request = Request::of(&NODE_RRD_CALL)
        .node(asked.node())
        .with("timeframe", "hour");
    let answer = asked.session.get(request).await?;
    let last = asked.session.read(&answer, &NODE_RRD_CALL, parse).await?;
    let oldest = answer.unix_time() - BELIEVED_FOR;
    let believed = last.filter(|minute| minute.time >= oldest);
    Ok(Fetched::whole(
        believed.map(|minute| minute.averages).unwrap_or_default(),
    ))
}

/// A row of the archive.
#[derive(Debug, PartialEq)]
pub struct Minute {
    /// Unix seconds.
    pub time: f64,
    pub averages: NodeAverages,
}

/// Reads the last row that says anything out of `/nodes/{node}/rrddata`. Rows of minutes without
/// a report have only `time`, the last one or two of a fresh or dead node among them.
pub fn parse(text: &str) -> Result<Option<Minute>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row {
        time: Number,
        arcsize: Number,
        #[serde(flatten)]
        pressure: PressureRow,
    }

    let rows = json::envelope::<Rows<Row>>(text)?.0;
    let minutes = rows.iter().filter_map(|row| {
        let averages = NodeAverages {
            pressure: row.pressure.pressure(),
            arc_size: row.arcsize.quantity(),
        };
        let says_anything = averages != NodeAverages::default();
        says_anything.then_some(Minute {
            time: row.time.quantity()?,
            averages,
        })
    });
    Ok(minutes.max_by(|a, b| a.time.total_cmp(&b.time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_with_values_counts() {
        let text = r#"{"data":[{"time":120,"pressureiosome":50,"arcsize":7},
            {"time":60,"pressureiosome":1},{"time":180},null,{"pressureiosome":3},
            {"time":240,"cpu":0.5}]}"#;
        let last = parse(text).unwrap().unwrap();
        assert_eq!(last.time, 120.0);
        assert_eq!(last.averages.pressure.io_some, Some(0.5));
        assert_eq!(last.averages.arc_size, Some(7.0));
        assert_eq!(parse(r#"{"data":[{"time":60}]}"#).unwrap(), None);
        assert_eq!(parse(r#"{"data":null}"#).unwrap(), None);
    }
}
