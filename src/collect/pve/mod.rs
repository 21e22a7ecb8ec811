//! What is told of Proxmox VE.

pub mod backup_content;
pub mod backup_job;
pub mod ha;
pub mod membership;
pub mod options;
pub mod qdevice;
pub mod replication;
pub mod resources;
pub mod shown;
pub mod storage;
pub mod usage;
pub mod version;
