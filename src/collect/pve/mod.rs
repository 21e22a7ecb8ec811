//! What is told of Proxmox VE.

pub mod backup_content;
pub mod backup_job;
pub mod certificate;
pub mod guest;
pub mod guest_agent;
pub mod guest_config;
pub mod guest_hardware;
pub mod ha;
pub mod membership;
pub mod node;
pub mod options;
pub mod qdevice;
pub mod replication;
pub mod resources;
pub mod shown;
pub mod snapshot;
pub mod storage;
pub mod subscription;
pub mod task;
pub mod update;
pub mod usage;
pub mod version;
