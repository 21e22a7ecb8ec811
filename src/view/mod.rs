//! What is shown of the fleet: each view reads the same slots, none of them asks a remote.

#[macro_use]
pub mod answer;
pub mod catalogue;
pub mod native;
pub mod pbs_exporter;
pub mod pve_exporter;
pub mod samples;
