//! ZFS pools of a backup server: `/nodes/localhost/disks/zfs` and
//! `/nodes/localhost/disks/zfs/{name}`.

use crate::source::host::zfs::{self, Calls, Pool};
use crate::source::{ApiCall, Privilege, Scope, Source};

pub static POOLS_CALL: ApiCall = ApiCall::get("/nodes/localhost/disks/zfs")
    .needs(&[Privilege::new("Sys.Audit", "/system/disks")]);

pub static POOL_STATUS_CALL: ApiCall = ApiCall::get("/nodes/localhost/disks/zfs/{name}")
    .needs(&[Privilege::new("Sys.Audit", "/system/disks")]);

/// Scrubs are told in the server's own time.
pub static TIME_CALL: ApiCall = ApiCall::get("/nodes/localhost/time");

static CALLS: Calls = Calls {
    pools: &POOLS_CALL,
    status: &POOL_STATUS_CALL,
    time: &TIME_CALL,
};

pub static POOLS: Source<Vec<Pool>> = Source::new(
    "pbs_zfs_pools",
    Scope::Remote,
    &[&POOLS_CALL, &POOL_STATUS_CALL, &TIME_CALL],
    |asked| Box::pin(zfs::ask(asked, &CALLS)),
);
