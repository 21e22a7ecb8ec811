//! The calls of Proxmox VE.

pub mod export;
pub mod guest_agent;
pub mod guest_config;
pub mod guest_snapshots;
pub mod guests;
pub mod membership;
pub mod node_averages;
pub mod node_status;
pub mod nodes;
pub mod pressure;
pub mod resources;
pub mod status;
pub mod version;
