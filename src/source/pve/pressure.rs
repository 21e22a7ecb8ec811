//! Pressure stall information, as it stands in the rows of nodes, virtual machines and containers
//! since PVE 9.

use serde::Deserialize;

use crate::source::json::Number;

/// Fractions of the time in which some, or all, tasks waited for a resource.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Pressure {
    pub cpu_some: Option<f64>,
    pub cpu_full: Option<f64>,
    pub io_some: Option<f64>,
    pub io_full: Option<f64>,
    pub memory_some: Option<f64>,
    pub memory_full: Option<f64>,
}

/// The fields of a row: percentages, of containers as strings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PressureRow {
    pressurecpusome: Number,
    pressurecpufull: Number,
    pressureiosome: Number,
    pressureiofull: Number,
    pressurememorysome: Number,
    pressurememoryfull: Number,
}

impl PressureRow {
    pub(super) fn pressure(&self) -> Pressure {
        let ratio = |percent: Number| percent.quantity().map(|percent| percent / 100.0);
        Pressure {
            cpu_some: ratio(self.pressurecpusome),
            cpu_full: ratio(self.pressurecpufull),
            io_some: ratio(self.pressureiosome),
            io_full: ratio(self.pressureiofull),
            memory_some: ratio(self.pressurememorysome),
            memory_full: ratio(self.pressurememoryfull),
        }
    }
}
