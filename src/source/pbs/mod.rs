//! The calls of Proxmox Backup Server.

pub mod datastores;
pub mod disk;
pub mod metrics;
pub mod node_status;
pub mod service;
pub mod usage;
pub mod version;
pub mod zfs;
