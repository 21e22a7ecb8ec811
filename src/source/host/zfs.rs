//! ZFS pools: `/nodes/{node}/disks/zfs` and `/nodes/{node}/disks/zfs/{name}` of both products, which
//! hand on what `zpool list` and `zpool status` print.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, List, Number, Object, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Item, Request};

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Pool {
    pub name: Box<str>,
    /// `online`, `degraded`, `faulted` …
    pub state: Box<str>,
    pub size: Option<f64>,
    pub allocated: Option<f64>,
    /// Fraction of the free space that is in fragments.
    pub fragmentation: Option<f64>,
    /// `None` where the pool's status was not to be had.
    pub status: Option<Status>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Status {
    /// Whether there is data that cannot be repaired.
    pub is_damaged: Option<bool>,
    pub scan: Scan,
    /// The pool itself, its groups (`mirror-0`) and its devices.
    pub devices: Vec<Device>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Scan {
    pub is_scrubbing: bool,
    pub is_resilvering: bool,
    /// The last scrub that came to its end.
    pub scrub: Option<Scrub>,
    /// Whether something else stands where ZFS tells of the last scrub.
    hides_scrub: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scrub {
    /// When it ended: as read, in the machine's own time; as fetched, in Unix seconds.
    pub ended: f64,
    pub errors: Option<f64>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Device {
    /// The last part of its path: the id of a disk, the name of a group.
    pub name: Box<str>,
    /// Whether it does its work; only of a device, not of a group.
    pub is_online: Option<bool>,
    pub read_errors: Option<f64>,
    pub write_errors: Option<f64>,
    pub checksum_errors: Option<f64>,
}

/// The calls of one product.
pub struct Calls {
    pub pools: &'static ApiCall,
    pub status: &'static ApiCall,
    pub time: &'static ApiCall,
}

/// Asks for the pools of the machine that the item is.
pub async fn ask(
    asked: Asked<'_, Vec<Pool>>,
    calls: &Calls,
) -> Result<Fetched<Vec<Pool>>, CallError> {
    let session = asked.session;
    let request = |call| match asked.item {
        Item::Node(_) => Request::of(call).node(asked.node()),
        _ => Request::of(call),
    };
    let answer = session.get(request(calls.pools)).await?;
    let mut pools = session.read(&answer, calls.pools, parse_pools).await?;
    let mut problems = Vec::new();
    for pool in &mut pools {
        let request = request(calls.status).fill("name", &pool.name);
        let status = match session.get(request).await {
            Ok(answer) => session.read(&answer, calls.status, parse_status).await,
            Err(error) => Err(error),
        };
        match status {
            Ok(status) => pool.status = Some(status),
            Err(error) => problems.push(error),
        }
    }
    if pools.iter().any(Pool::has_local_time) {
        let offset = match session.get(request(calls.time)).await {
            Ok(answer) => session.read(&answer, calls.time, parse_utc_offset).await,
            Err(error) => Err(error),
        };
        for pool in &mut pools {
            pool.count_from_epoch(offset.as_ref().ok().copied().flatten());
        }
        problems.extend(offset.err());
    }
    if let Some(previous) = &asked.previous {
        carry_over(&mut pools, previous);
    }
    Ok(Fetched::with_problems(pools, problems))
}

impl Pool {
    fn has_local_time(&self) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.scan.scrub.is_some())
    }

    /// Without the offset nobody knows when the scrub was.
    fn count_from_epoch(&mut self, utc_offset: Option<f64>) {
        if let Some(status) = &mut self.status {
            let scrub = status.scan.scrub.zip(utc_offset);
            status.scan.scrub = scrub.map(|(scrub, offset)| Scrub {
                ended: scrub.ended - offset,
                ..scrub
            });
        }
    }
}

/// ZFS tells of one scan only: while another runs, the last scrub is what was last seen.
fn carry_over(pools: &mut [Pool], previous: &Arc<Vec<Pool>>) {
    for pool in pools {
        let old = previous.iter().find(|old| old.name == pool.name);
        let old = old.and_then(|old| old.status.as_ref()?.scan.scrub);
        if let Some(status) = &mut pool.status
            && status.scan.hides_scrub
        {
            status.scan.scrub = old;
        }
    }
}

/// Reads `/nodes/{node}/disks/zfs`. A pool that is not available has size 0, which is not known.
pub fn parse_pools(text: &str) -> Result<Vec<Pool>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        health: Text<'a>,
        size: Number,
        alloc: Number,
        /// Percent.
        frag: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut pools: Vec<Pool> = rows
        .iter()
        .filter(|row| row.name.known().is_some())
        .map(|row| {
            let size = row.size.quantity().filter(|size| *size > 0.0);
            let frag = row.frag.quantity().map(|percent| percent / 100.0);
            Pool {
                name: row.name.to_boxed(),
                state: row.health.as_str().to_ascii_lowercase().into(),
                size,
                allocated: row.alloc.quantity().filter(|_| size.is_some()),
                fragmentation: frag.filter(|_| size.is_some()),
                status: None,
            }
        })
        .collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    pools.dedup_by(|a, b| a.name == b.name);
    Ok(pools)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vdev<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    state: Text<'a>,
    read: Number,
    write: Number,
    cksum: Number,
    #[serde(borrow)]
    children: Option<List<Object<Self>>>,
}

/// Reads `/nodes/{node}/disks/zfs/{name}`.
pub fn parse_status(text: &str) -> Result<Status, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow)]
        scan: Text<'a>,
        errors: Text<'a>,
        #[serde(borrow)]
        children: Option<List<Object<Vdev<'a>>>>,
    }

    let Object(answer) = json::envelope::<Object<Answer<'_>>>(text)?;
    let mut devices = Vec::new();
    for Object(vdev) in answer.children.iter().flat_map(|List(vdevs)| vdevs) {
        collect_devices(vdev, &mut devices);
    }
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    devices.dedup_by(|a, b| a.name == b.name);
    Ok(Status {
        is_damaged: is_damaged(answer.errors.as_str()),
        scan: parse_scan(answer.scan.as_str()),
        devices,
    })
}

fn collect_devices(vdev: &Vdev<'_>, devices: &mut Vec<Device>) {
    let children = vdev.children.as_ref().map_or(&[][..], |List(list)| list);
    let name = vdev.name.as_str().rsplit('/').next().unwrap_or_default();
    // A heading (`logs`, `cache`, `spares`) has neither state nor counts.
    if let (Some(state), false) = (vdev.state.known(), name.is_empty()) {
        devices.push(Device {
            name: Box::from(name),
            is_online: children.is_empty().then(|| is_online(state)),
            read_errors: vdev.read.quantity(),
            write_errors: vdev.write.quantity(),
            checksum_errors: vdev.cksum.quantity(),
        });
    }
    for Object(child) in children {
        collect_devices(child, devices);
    }
}

/// A spare is available, or in use for another device.
fn is_online(state: &str) -> bool {
    matches!(state, "ONLINE" | "AVAIL" | "INUSE")
}

/// `No known data errors`, `3 data errors, use '-v' for a list`, `Permanent errors have been detected
/// in the following files:`; anything else is about the asking.
fn is_damaged(errors: &str) -> Option<bool> {
    if errors.starts_with("No known data errors") {
        Some(false)
    } else if errors.contains("data errors") || errors.starts_with("Permanent errors") {
        Some(true)
    } else {
        None
    }
}

/// `scrub repaired 0B in 00:12:34 with 0 errors on Sun Nov  8 00:36:35 2026`, `scrub in progress
/// since …`, `resilvered 1.2G in 00:01:02 with 0 errors on …`, `scrub canceled on …`.
fn parse_scan(scan: &str) -> Scan {
    let scan = scan.trim();
    let is_scrub_result = scan.starts_with("scrub repaired ");
    Scan {
        is_scrubbing: scan.starts_with("scrub in progress"),
        is_resilvering: scan.starts_with("resilver in progress"),
        scrub: is_scrub_result.then(|| parse_scrub(scan)).flatten(),
        hides_scrub: !is_scrub_result && !scan.is_empty() && scan != "none requested",
    }
}

fn parse_scrub(scan: &str) -> Option<Scrub> {
    let line = scan.lines().next()?;
    let (before, date) = line.rsplit_once(" on ")?;
    let (_, errors) = before.rsplit_once(" with ")?;
    let errors = errors.split(' ').next()?;
    Some(Scrub {
        ended: parse_local_time(date)?,
        errors: errors.parse().ok(),
    })
}

/// `Sun Nov  8 00:36:35 2026`, in seconds as if it were UTC.
fn parse_local_time(date: &str) -> Option<f64> {
    let parts: Vec<&str> = date.split_whitespace().skip(1).collect();
    let date = DateTime::strptime("%b %d %H:%M:%S %Y", parts.join(" ")).ok()?;
    let date = date.to_zoned(TimeZone::UTC).ok()?;
    Some(date.timestamp().as_second() as f64)
}

/// Reads `/nodes/{node}/time`: how far the machine's own time is from UTC now, in seconds. Across
/// a change to summer time a date is an hour off.
pub fn parse_utc_offset(text: &str) -> Result<Option<f64>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        time: Number,
        localtime: Number,
    }

    let Object(answer) = json::envelope::<Object<Answer>>(text)?;
    let times = answer.localtime.quantity().zip(answer.time.quantity());
    Ok(times.map(|(local, utc)| local - utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_without_a_size_have_no_numbers() {
        let pools = parse_pools(
            r#"{"data":[{"name":"tank","health":"DEGRADED","size":"100","alloc":40,"frag":"7"},
            {"name":"old","health":"UNAVAIL","size":0,"alloc":0,"frag":0,"dedup":0},
            {"name":"tank"},{"health":"ONLINE"}]}"#,
        )
        .unwrap();
        assert_eq!(pools.len(), 2);
        assert_eq!((&*pools[0].state, pools[0].size), ("unavail", None));
        assert_eq!((pools[0].allocated, pools[0].fragmentation), (None, None));
        assert_eq!(
            (pools[1].size, pools[1].allocated),
            (Some(100.0), Some(40.0))
        );
        assert_eq!(pools[1].fragmentation, Some(0.07));
    }

    #[test]
    fn each_form_of_a_scan_is_known() {
        let scan =
            parse_scan("scrub repaired 0B in 00:12:34 with 2 errors on Sun Nov  8 00:36:35 2026");
        let scrub = scan.scrub.unwrap();
        assert_eq!((scrub.ended, scrub.errors), (1_794_098_195.0, Some(2.0)));
        assert!(!scan.hides_scrub);
        let scan = parse_scan("scrub in progress since Sun Nov  8 00:24:01 2026\n\t1G scanned");
        assert!(scan.is_scrubbing && scan.hides_scrub && scan.scrub.is_none());
        let scan = parse_scan("resilver in progress since Sun Nov  8 00:24:01 2026");
        assert!(scan.is_resilvering && scan.hides_scrub);
        let scan =
            parse_scan("resilvered 1G in 00:01:02 with 0 errors on Sun Nov  8 00:36:35 2026");
        assert!(scan.hides_scrub && scan.scrub.is_none());
        assert_eq!(parse_scan("none requested"), Scan::default());
        assert_eq!(parse_scan(""), Scan::default());
        assert_eq!(parse_scan("scrub repaired 1 with on on").scrub, None);
        assert_eq!(
            parse_scan("scrub repaired 0B with 0 errors on Son 8. Nov").scrub,
            None
        );
    }

    #[test]
    fn the_last_scrub_is_kept_while_another_scan_hides_it() {
        let scrub = Some(Scrub {
            ended: 7.0,
            errors: Some(0.0),
        });
        let pool = |scan| Pool {
            name: "tank".into(),
            status: Some(Status {
                scan,
                ..Status::default()
            }),
            ..Pool::default()
        };
        let seen = Scan {
            scrub,
            ..Scan::default()
        };
        let previous = Arc::new(vec![pool(seen)]);
        for (scan, kept) in [
            ("resilver in progress since x", scrub),
            ("scrub canceled on x", scrub),
            ("none requested", None),
        ] {
            let mut pools = vec![pool(parse_scan(scan))];
            carry_over(&mut pools, &previous);
            assert_eq!(pools[0].status.as_ref().unwrap().scan.scrub, kept, "{scan}");
        }
    }

    #[test]
    fn a_status_of_any_form_is_read() {
        for text in [
            r#"{"data":null}"#,
            r#"{"data":{"children":"x","scan":null,"errors":7}}"#,
            r#"{"data":{"children":[null,{"children":[{"name":null,"state":"ONLINE"}]}]}}"#,
        ] {
            assert_eq!(parse_status(text).unwrap(), Status::default(), "{text}");
        }
    }
}
