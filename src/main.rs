//! The process: what is asked of it, and the exit code it ends with.

use std::process::ExitCode;

fn main() -> ExitCode {
    proxfleet::cli::run()
}
