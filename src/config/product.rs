//! The two products that a remote can be.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// Proxmox Virtual Environment.
    Pve,
    /// Proxmox Backup Server.
    Pbs,
}

impl Product {
    /// As it is written in the configuration and in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pve => "pve",
            Self::Pbs => "pbs",
        }
    }

    /// As the vendor calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pve => "Proxmox VE",
            Self::Pbs => "Proxmox Backup Server",
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Self::Pve => 8006,
            Self::Pbs => 8007,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
