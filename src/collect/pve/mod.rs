//! What is told of Proxmox VE.

pub mod guest;
pub mod guest_agent;
pub mod guest_config;
pub mod guest_hardware;
pub mod membership;
pub mod node;
pub mod resources;
pub mod snapshot;
pub mod usage;
pub mod version;
