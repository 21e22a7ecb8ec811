//! The calls of Proxmox VE.

pub mod backup_content;
pub mod backup_jobs;
pub mod backup_log;
pub mod certificates;
pub mod export;
pub mod guest_agent;
pub mod guest_config;
pub mod guest_snapshots;
pub mod guests;
pub mod ha;
pub mod membership;
pub mod node_averages;
pub mod node_status;
pub mod nodes;
pub mod not_backed_up;
pub mod options;
pub mod packages;
pub mod pressure;
pub mod qdevice;
pub mod replication;
pub mod resources;
pub mod status;
pub mod storage;
pub mod subscription;
pub mod tasks;
pub mod version;
