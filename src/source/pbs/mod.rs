//! The calls of Proxmox Backup Server.

pub mod datastores;
pub mod gc;
pub mod group;
pub mod job;
pub mod metrics;
pub mod node_status;
pub mod packages;
pub mod run;
pub mod s3;
pub mod snapshot;
pub mod subscription;
pub mod tape;
pub mod tasks;
pub mod traffic;
pub mod usage;
pub mod version;
