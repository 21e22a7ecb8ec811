//! What is told of Proxmox VE.

pub mod membership;
pub mod resources;
pub mod storage;
pub mod usage;
pub mod version;
