//! What is told of Proxmox VE.

pub mod access;
pub mod certificate;
pub mod membership;
pub mod resources;
pub mod subscription;
pub mod task;
pub mod update;
pub mod usage;
pub mod version;
