//! proxfleet: every Proxmox VE cluster and Backup Server you run, behind one scrape.
//!
//! The rooms, from the outside in; imports run downwards only:
//!
//! - [`cli`]: one file a sub-command.
//! - [`web`]: listeners, `/metrics`, health, the landing page.
//! - [`view`]: the expositions that are made of the fleet.
//! - [`fleet`]: remotes, slots, schedule, deadlines.
//! - [`collect`]: slots in, samples out; one file a subject.
//! - [`source`]: the API calls and their typed answers; one file a call.
//! - [`remote`]: how to talk to one PVE or PBS: trust, token, fail-over, limits, outcome.
//! - [`metric`]: families, samples, the text encoders; knows nothing of Proxmox.
//! - [`config`]: what the operator wrote, validated.

pub mod cli;
pub mod collect;
pub mod config;
pub mod fleet;
pub mod metric;
pub mod remote;
pub mod source;
pub mod view;
pub mod web;
