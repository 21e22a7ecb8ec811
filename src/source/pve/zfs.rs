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
