//! A fleet of Proxmox VE clusters and Proxmox Backup Servers that speaks the real API, for tests, benchmarks and
//! `proxfleet demo`.
//!
//! Every endpoint is a listener of its own on 127.0.0.1 with TLS and API tokens. What moves is a function of the
//! plan's seed and of the fleet's [`Clock`], so that a fleet is the same each time and its past can be asked for.
//!
//! ```no_run
//! # async fn example() -> Result<(), simulator::Error> {
//! use simulator::{Fault, Fleet, FleetPlan, PbsPlan, PvePlan, RemotePlan};
//!
//! let fleet = Fleet::start(FleetPlan {
//!     seed: 1,
//!     remotes: vec![
//!         RemotePlan::Pve(PvePlan { name: "cluster-a".into(), nodes: 3, guests: 60, ..PvePlan::default() }),
//!         RemotePlan::Pbs(PbsPlan { name: "pbs-a".into(), ..PbsPlan::default() }),
//!     ],
//!     ..FleetPlan::default()
//! })
//! .await?;
//! let cluster = fleet.remote("cluster-a");
//! cluster.set_fault(Fault::NodeOffline { node: "pve2".into() });
//! fleet.clock().advance(std::time::Duration::from_secs(301));
//! println!("{}", fleet.config_toml());
//! # Ok(())
//! # }
//! ```

mod access;
mod certificate;
mod clock;
mod control;
mod counts;
mod error;
mod fault;
mod fleet;
mod http;
mod json;
mod login;
mod pbs;
mod plan;
mod pve;
mod random;
mod remote;
mod route;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use access::{Rights, Token, User};
pub use clock::Clock;
pub use control::Control;
pub use counts::{EndpointCounts, FleetCounts, RemoteCounts};
pub use error::Error;
pub use fault::{ActiveFault, Fault};
pub use fleet::Fleet;
pub use plan::{
    ArchivePlan, BackupClient, BackupJobPlan, BackupKind, BackupPlan, BackupStorage,
    BackupTaskPlan, CephCheck, CephPlan, CephSeverity, ClusterBackups, DatastoreKind,
    DatastorePlan, FleetPlan, GroupPlan, JobKind, JobPlan, JobSelection, JobState, Latency,
    PbsPlan, PbsVersion, PvePlan, PveVersion, RemotePlan,
};
pub use remote::{Endpoint, Product, SimulatedRemote};
pub use route::{Access, Kind, Parameter, Route};

/// Every call that the simulator answers, of both products.
pub fn routes() -> Vec<Route> {
    pve::routes().chain(pbs::routes()).collect()
}

/// A panic elsewhere must not take the fleet down: the data behind a poisoned lock is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
