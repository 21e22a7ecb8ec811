//! What is told of Proxmox Backup Server.

pub mod datastore;
pub mod disk;
pub mod forecast;
pub mod host;
pub mod service;
pub mod version;
pub mod zfs;
