//! The JSON API over the fleet. Like the expositions it asks no remote: it tells what is known.

pub(super) mod protection;
