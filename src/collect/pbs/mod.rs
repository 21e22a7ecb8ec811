//! What is told of Proxmox Backup Server.

pub mod access;
pub mod datastore;
pub mod disk;
pub mod forecast;
pub mod gc;
pub mod group;
pub mod host;
pub mod job;
pub mod s3;
pub mod service;
pub mod snapshot;
pub mod subscription;
pub mod tape;
pub mod task;
pub mod traffic;
pub mod update;
pub mod version;
pub mod zfs;
