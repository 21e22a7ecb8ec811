//! What is shown of the fleet: each view reads the same slots, none of them asks a remote.

pub mod catalogue;
pub mod native;
pub mod pve_exporter;
pub mod samples;
