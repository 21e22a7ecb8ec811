//! What is told of Proxmox Backup Server.

pub mod datastore;
pub mod forecast;
pub mod gc;
pub mod group;
pub mod host;
pub mod job;
pub mod s3;
pub mod snapshot;
pub mod subscription;
pub mod tape;
pub mod task;
pub mod traffic;
pub mod update;
pub mod version;
