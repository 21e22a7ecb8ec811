//! What an answer other than 2xx means.
//!
//! PVE puts the error into the reason of the status line, and a JSON body beside it; an unknown
//! guest is a 500, an unknown path a 501. PBS answers plain text, whatever its content type says,
//! and 400 for nearly everything.

use serde::Deserialize;

use super::error::Failure;
use crate::config::Product;

/// An answer that is an error, as it came.
pub(super) struct Refusal<'a> {
    pub product: Product,
    pub status: u16,
    /// Of the status line.
    pub reason: &'a str,
    pub body: &'a str,
    /// The `Server` header.
    pub server: &'a str,
    /// The node that the call was about, where another had to pass it on.
    pub node: Option<&'a str>,
    /// What was shown: a token, a ticket, or the password itself.
    pub shown: &'static str,
}

/// Bodies and reasons are quoted in errors up to this many characters.
const QUOTED: usize = 300;

pub(super) fn failure(refusal: &Refusal<'_>) -> Failure {
    let text = text(refusal);
    let other_node = || Failure::OtherNode {
        node: refusal.node.unwrap_or("unknown").to_owned(),
        text: text.clone(),
        timed_out: refusal.status == 596,
    };
    match (refusal.product, refusal.status) {
        (_, 401) => unauthorised(refusal, text),
        (_, 403) => Failure::Forbidden(text),
        (Product::Pve, 595 | 596) => other_node(),
        (Product::Pve, 501) => Failure::NotImplemented(text),
        (Product::Pbs, 404) => Failure::NotImplemented(text),
        _ if is_about_another_node(&text) => other_node(),
        _ if is_gone(&text) => Failure::ObjectGone(text),
        _ if is_not_here(&text) => Failure::NotApplicable(text),
        (Product::Pbs, 400) if is_lack_of_rights(&text) => Failure::Forbidden(text),
        (_, status @ 400..=499) => Failure::BadRequest { status, text },
        (_, status) => Failure::Server { status, text },
    }
}

fn unauthorised(refusal: &Refusal<'_>, text: String) -> Failure {
    let from_pve = refusal.server.starts_with("pve-api-daemon");
    let from_pbs = refusal.body.trim() == "authentication failed";
    let hint = match refusal.product {
        Product::Pve if from_pbs && !from_pve => {
            "; this looks like a Proxmox Backup Server: its type is \"pbs\""
        }
        Product::Pbs if from_pve => "; this looks like Proxmox VE: its type is \"pve\"",
        _ if refusal.shown == "token" => {
            "; its id or secret is wrong, or it is expired or disabled: the server does not say which"
        }
        _ => {
            "; the user or password is wrong, or the user is disabled: the server does not say which"
        }
    };
    Failure::Unauthorised {
        shown: refusal.shown,
        text,
        hint,
    }
}

/// The text that says what was wrong.
fn text(refusal: &Refusal<'_>) -> String {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        errors: Option<serde_json::Map<String, serde_json::Value>>,
    }

    let text = match refusal.product {
        Product::Pbs if !refusal.body.trim().is_empty() => refusal.body.trim().to_owned(),
        _ => {
            let mut text = refusal.reason.trim().to_owned();
            let errors = serde_json::from_str::<Body>(refusal.body)
                .ok()
                .and_then(|body| body.errors);
            for (parameter, error) in errors.into_iter().flatten() {
                let error = error.as_str().unwrap_or_default().trim().to_owned();
                text.push_str(&format!(" {parameter}: {error}"));
            }
            text
        }
    };
    let text = if text.is_empty() {
        format!("status {}", refusal.status)
    } else {
        text
    };
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(QUOTED).collect()
}

fn is_about_another_node(text: &str) -> bool {
    text.starts_with("address lookup for ")
        || text.starts_with("hostname lookup ")
        || text.starts_with("no such cluster node")
}

fn is_gone(text: &str) -> bool {
    text.contains("' does not exist")
        || text.contains("no such task")
        || text.contains("No such storage")
        || text.starts_with("no such datastore")
        || text.contains("datastore is being deleted")
}

fn is_not_here(text: &str) -> bool {
    text.contains("is unavailable: ")
        || text.contains("' is not mounted")
        || text.contains("is being unmounted")
        // Its state is told where the datastores are listed; every other call about it fails alike.
        || text.starts_with("unable to open chunk store")
        || text.contains("have been migrated to rules")
        || text.contains("binary not installed")
        || text.contains("zfsutils-linux not installed")
        || text.contains("The ZFS modules are not loaded")
        || is_without_tool(text)
        || is_without_ceph_configuration(text)
        || text.contains("ceph configuration")
        || text.contains("No QEMU guest agent configured")
        || is_without_archive(text)
        || is_not_for_backups(text)
}

/// Of a fresh node or guest nothing was recorded yet, of a storage that was never active nothing
/// ever.
fn is_without_archive(text: &str) -> bool {
    text.starts_with("RRD error: ") && text.contains("No such file or directory")
}

/// `storage 'a' is disabled`, `storage 'a' does not support backups`: it is set up so.
fn is_not_for_backups(text: &str) -> bool {
    text.starts_with("storage '")
        && (text.ends_with("' is disabled") || text.ends_with("' does not support backups"))
}

/// With a configuration, `rados_connect` fails where no monitor answers: that is an outage.
fn is_without_ceph_configuration(text: &str) -> bool {
    text.contains("rados_connect failed") && text.contains("No such file or directory")
}

/// A backup server runs tools that need not be installed, and asks SMART of disks that have none.
fn is_without_tool(text: &str) -> bool {
    (text.starts_with("failed to execute ") && text.contains("No such file or directory"))
        || text.starts_with("command \"smartctl\"")
}

fn is_lack_of_rights(text: &str) -> bool {
    text.starts_with("missing permissions")
        || text.starts_with("permission check failed")
        || text.contains("access not allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::error::{CallError, Context};
    use crate::remote::outcome::Outcome;

    fn refused(product: Product, status: u16, reason: &str, body: &str) -> CallError {
        let server = if product == Product::Pve {
            "pve-api-daemon/3.0"
        } else {
            ""
        };
        let failure = failure(&Refusal {
            product,
            status,
            reason,
            body,
            server,
            node: Some("pve2"),
            shown: "token",
        });
        let context = Context {
            remote: "r".into(),
            product,
            call: "/x",
            address: None,
        };
        CallError::new(context, failure)
    }

    #[test]
    fn each_form_of_error_has_its_outcome() {
        use Outcome::{
            Forbidden, Invalid, NotApplicable, ObjectGone, OtherNodeDown, Unauthorised, Unavailable,
        };
        use Product::{Pbs, Pve};
        for (product, status, reason, body, expected) in [
            (Pve, 401, "Authentication failed!", "", Unauthorised),
            (Pve, 401, "No ticket", "", Unauthorised),
            (
                Pbs,
                401,
                "Unauthorized",
                "authentication failed",
                Unauthorised,
            ),
            (
                Pve,
                403,
                "Permission check failed (/, Sys.Audit)",
                "{}",
                Forbidden,
            ),
            (Pbs, 403, "Forbidden", "permission check failed", Forbidden),
            (
                Pbs,
                400,
                "Bad Request",
                "missing permissions 'Sys.Modify' on '/system/tasks'",
                Forbidden,
            ),
            (Pve, 595, "Connection refused", "", OtherNodeDown),
            (Pve, 596, "Connection timed out", "", OtherNodeDown),
            (
                Pve,
                500,
                "address lookup for 'pve3' did not find any IP address",
                "",
                OtherNodeDown,
            ),
            (
                Pve,
                500,
                "hostname lookup 'x' failed - failed to get address info",
                "",
                OtherNodeDown,
            ),
            (
                Pve,
                501,
                "Method 'GET /nosuch' not implemented",
                "",
                NotApplicable,
            ),
            (
                Pbs,
                404,
                "Not Found",
                "Path '/api2/json/nosuch' not found.",
                NotApplicable,
            ),
            (
                Pve,
                500,
                "cannot index groups: ha groups have been migrated to rules",
                "",
                NotApplicable,
            ),
            (
                Pve,
                500,
                "No QEMU guest agent configured",
                "",
                NotApplicable,
            ),
            (Pve, 500, "QEMU guest agent is not running", "", Unavailable),
            (
                Pve,
                500,
                "RRD error: realpath(/var/lib/rrdcached/db/pve-node-9.0/a): No such file or directory",
                "",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "datastore 'o' is unavailable: offline maintenance mode: ",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "datastore 'usb' is not mounted",
                NotApplicable,
            ),
            (Pve, 500, "zfsutils-linux not installed", "", NotApplicable),
            (
                Pve,
                500,
                "rados_connect failed - No such file or directory",
                "",
                NotApplicable,
            ),
            (
                Pve,
                500,
                "rados_connect failed - Connection timed out",
                "",
                Unavailable,
            ),
            (
                Pve,
                500,
                "binary not installed: /usr/bin/ceph-mon",
                "",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "command \"zpool\" \"list\" failed - status code: 1 - The ZFS modules are not loaded.",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "failed to execute \"pvs\" - No such file or directory (os error 2)",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "command \"smartctl\" \"-H\" \"/dev/vda\" failed - status code: 1",
                NotApplicable,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "unable to open chunk store at \"/mnt/lost/.chunks\" - No such file or directory",
                NotApplicable,
            ),
            (
                Pve,
                500,
                "storage 'old' does not support backups",
                "",
                NotApplicable,
            ),
            (Pve, 500, "storage 'old' is disabled", "", NotApplicable),
            (Pve, 500, "storage 'nas' is not online", "", Unavailable),
            (
                Pve,
                500,
                "Configuration file 'nodes/a/qemu-server/9.conf' does not exist",
                "",
                ObjectGone,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "no such datastore 'nosuch'",
                ObjectGone,
            ),
            (
                Pve,
                400,
                "Parameter verification failed.",
                r#"{"errors":{"foo":"not defined"}}"#,
                Invalid,
            ),
            (
                Pbs,
                400,
                "Bad Request",
                "ENOENT: No such file or directory",
                Invalid,
            ),
            (
                Pve,
                500,
                "short read on command socket (16 != 0)",
                "",
                Unavailable,
            ),
            (Pve, 503, "", "", Unavailable),
        ] {
            let error = refused(product, status, reason, body);
            assert_eq!(error.outcome(), expected, "{error}");
        }
    }

    #[test]
    fn the_parameters_at_fault_are_named() {
        let error = refused(
            Product::Pve,
            400,
            "Parameter verification failed.",
            r#"{"data":null,"message":"x\n","errors":{"timeframe":"value 'minute' is not in the enumeration\n"}}"#,
        );
        assert!(error.to_string().ends_with(
            "refused with 400: Parameter verification failed. timeframe: value 'minute' is not in the enumeration"
        ), "{error}");
    }

    #[test]
    fn the_wrong_product_is_told_by_the_form_of_the_refusal() {
        let refusal = |product, server, body| {
            let reason = "Unauthorized";
            failure(&Refusal {
                product,
                status: 401,
                reason,
                body,
                server,
                node: None,
                shown: "token",
            })
            .to_string()
        };
        assert!(refusal(Product::Pve, "", "authentication failed").contains("type is \"pbs\""));
        assert!(refusal(Product::Pbs, "pve-api-daemon/3.0", "").contains("type is \"pve\""));
        assert!(refusal(Product::Pve, "pve-api-daemon/3.0", "").contains("expired or disabled"));
    }

    #[test]
    fn long_and_odd_texts_are_cut_and_cleaned() {
        let error = refused(
            Product::Pbs,
            500,
            "",
            &format!("a\x1b[31m\n{}", "é".repeat(2000)),
        );
        let text = error.to_string();
        assert!(!text.contains('\x1b') && !text.contains('\n'));
        assert!(text.chars().count() < 400);
    }
}
