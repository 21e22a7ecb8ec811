//! What is told of Proxmox Backup Server.

pub mod access;
pub mod datastore;
pub mod forecast;
pub mod host;
pub mod subscription;
pub mod task;
pub mod update;
pub mod version;
