//! Holds the simulator against recordings of real servers and the official API schemas, where
//! `PROXFLEET_REFERENCE` names the folder with `recordings/` and `schema/`. Without it, it says so and passes.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod client;
#[path = "reference/errors.rs"]
mod errors;
#[path = "reference/routes.rs"]
mod routes;
#[path = "reference/shape.rs"]
mod shape;
#[path = "reference/shapes.rs"]
mod shapes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use simulator::{Clock, Fleet, FleetPlan, PbsPlan, PvePlan, RemotePlan};

fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("PROXFLEET_REFERENCE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("PROXFLEET_REFERENCE is not set: not compared with recordings");
    }
    folder
}

async fn fleet() -> Fleet {
    let pve = PvePlan {
        name: "lab".into(),
        auth_delay: Duration::ZERO,
        guests: 120,
        ..PvePlan::default()
    };
    let pbs = PbsPlan {
        name: "pbs1".into(),
        auth_delay: Duration::ZERO,
        ..PbsPlan::default()
    };
    let remotes = vec![RemotePlan::Pve(pve), RemotePlan::Pbs(pbs)];
    Fleet::start(FleetPlan {
        seed: 5,
        clock: Clock::frozen_at(1_800_000_000.0),
        remotes,
    })
    .await
    .unwrap()
}

fn recording(folder: &Path, file: &str) -> Value {
    let path = folder.join("recordings").join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}
