//! A fleet of Proxmox VE clusters and Proxmox Backup Servers that speaks the real API over TLS on
//! loopback, for tests, benchmarks and `proxfleet demo`.
//!
//! ```no_run
//! # async fn example() -> Result<(), simulator::StartError> {
//! use simulator::{Fault, Fleet, FleetPlan};
//!
//! let fleet = Fleet::start(FleetPlan::demo(&[3, 5, 1], 200, 2, 1)).await?;
//! println!("{}", fleet.config_toml());
//! if let Some(cluster) = fleet.remote("cluster-a") {
//!     cluster.set_fault(Fault::NodeOffline { node: cluster.nodes()[1].clone() });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Its answers have the shapes, types, quirks, errors and delays of real servers. Every value is a
//! function of the seed and the fleet's [`Clock`], which a test can stop and move; [`Fault`]s are
//! set and cleared while it runs; [`Counts`] tell what clients have done.

mod access;
mod answer;
mod certificate;
mod clock;
pub mod control;
mod counts;
mod fault;
mod fleet;
mod http;
mod pbs;
mod plan;
mod pve;
mod random;
mod route;
mod server;

pub use access::{Role, Token};
pub use clock::Clock;
pub use counts::{Counts, EndpointCounts};
pub use fault::Fault;
pub use fleet::{Fleet, SimulatedEndpoint, SimulatedRemote, StartError};
pub use plan::{
    Behaviour, DatastoreKind, DatastorePlan, FleetPlan, Latency, PbsPlan, PvePlan, RemotePlan,
};
