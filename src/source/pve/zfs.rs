//! ZFS pools of a node: `/nodes/{node}/disks/zfs` and `/nodes/{node}/disks/zfs/{name}`.

use crate::source::host::zfs::{self, Calls, Pool};
use crate::source::{ApiCall, Privilege, Scope, Source};

pub static POOLS_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/disks/zfs").needs(&[Privilege::new("Sys.Audit", "/")]);

pub static POOL_STATUS_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/disks/zfs/{name}").needs(&[Privilege::new("Sys.Audit", "/")]);

/// Scrubs are told in the node's own time.
pub static TIME_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/time").needs(&[Privilege::new("Sys.Audit", "/nodes/{node}")]);

static CALLS: Calls = Calls {
    pools: &POOLS_CALL,
    status: &POOL_STATUS_CALL,
    time: &TIME_CALL,
};

pub static POOLS: Source<Vec<Pool>> = Source::new(
    "zfs_pools",
    Scope::EachNode,
    &[&POOLS_CALL, &POOL_STATUS_CALL, &TIME_CALL],
    |asked| Box::pin(zfs::ask(asked, &CALLS)),
);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Product;
    use crate::remote::table::AnswerTable;
    use crate::source::{AnySource, AnyValue, Item, Known, Session};

    struct Nothing;

    impl Known for Nothing {
        fn value(&self, _: &str, _: &Item) -> Option<AnyValue> {
            None
        }
    }

    async fn ended(scan: &str, previous: Option<AnyValue>) -> (Option<f64>, AnyValue) {
        let answers = AnswerTable::new(Product::Pve, 1_800_000_000)
            .with(
                "/nodes/a/disks/zfs",
                r#"{"data":[{"name":"tank","health":"ONLINE"}]}"#,
            )
            .with(
                "/nodes/a/disks/zfs/tank",
                format!(r#"{{"data":{{"scan":"{scan}"}}}}"#),
            )
            .with("/nodes/a/time", r#"{"data":{"time":0,"localtime":3600}}"#);
        let session = Session::new(answers, Product::Pve);
        session.learn(crate::source::topology::Topology {
            nodes: vec!["a".into()],
            ..Default::default()
        });
        let node = Item::Node("a".into());
        let fetched = POOLS.fetch(&session, &node, previous, &Nothing).await;
        let value = fetched.unwrap().value;
        let pools = Arc::clone(&value).downcast::<Vec<Pool>>().unwrap();
        let scrub = pools[0].status.as_ref().unwrap().scan.scrub;
        (scrub.map(|scrub| scrub.ended), value)
    }

    #[tokio::test]
    async fn the_last_scrub_is_still_known_while_another_scan_runs() {
        let scrub = "scrub repaired 0B in 00:00:05 with 0 errors on Thu Jan  1 02:00:00 1970";
        let resilver = "resilver in progress since Thu Jan  1 03:00:00 1970";
        let (first, value) = ended(scrub, None).await;
        assert_eq!(first, Some(3600.0));
        let (later, value) = ended(resilver, Some(value)).await;
        assert_eq!(later, Some(3600.0));
        assert_eq!(ended(resilver, Some(value)).await.0, Some(3600.0));
        assert_eq!(ended(resilver, None).await.0, None);
    }
}
