//! The calls of Proxmox VE.

pub mod backup_content;
pub mod export;
pub mod membership;
pub mod nodes;
pub mod resources;
pub mod status;
pub mod storage;
pub mod version;
