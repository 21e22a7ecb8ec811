//! What both products tell alike of the machine they run on: the forms of their answers are the
//! same but for the names of some fields.

pub mod disk;
pub mod service;
pub mod smart;
pub mod zfs;
