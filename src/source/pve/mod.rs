//! The calls of Proxmox VE.

pub mod access;
pub mod backup_log;
pub mod certificates;
pub mod export;
pub mod membership;
pub mod nodes;
pub mod packages;
pub mod resources;
pub mod status;
pub mod subscription;
pub mod tasks;
pub mod version;
