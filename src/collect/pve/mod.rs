//! What is told of Proxmox VE.

pub mod ceph;
pub mod disk;
pub mod membership;
pub mod network;
pub mod resources;
pub mod sdn;
pub mod service;
pub mod usage;
pub mod version;
pub mod zfs;
