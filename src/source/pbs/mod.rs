//! The calls of Proxmox Backup Server.

pub mod access;
pub mod datastores;
pub mod metrics;
pub mod node_status;
pub mod packages;
pub mod subscription;
pub mod tasks;
pub mod usage;
pub mod version;
