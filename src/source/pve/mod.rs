//! The calls of Proxmox VE.

pub mod ceph;
pub mod disk;
pub mod export;
pub mod membership;
pub mod network;
pub mod nodes;
pub mod resources;
pub mod sdn;
pub mod service;
pub mod status;
pub mod version;
pub mod zfs;
