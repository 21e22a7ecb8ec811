//! HTTP/1.1 as pveproxy and proxmox-backup-proxy speak it. Written here, since a library would not let us
//! repeat a `Connection` header, put an error text into the status line, or stop in the middle of a body.

mod request;
mod response;
mod server;

pub(crate) use request::Request;
pub(crate) use response::{Answer, Body};
pub(crate) use server::serve;
