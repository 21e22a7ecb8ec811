//! What the token may: `/access/permissions`, the same call in both products, open to every token
//! for its own rights.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::{self, Number, Object, Unreadable};
use super::{ApiCall, Privilege, Request, Session};
use crate::remote::error::CallError;

pub static PERMISSIONS_CALL: ApiCall = ApiCall::get("/access/permissions");

/// Privileges by path; each with whether it holds for what is below the path.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Permissions(BTreeMap<String, BTreeMap<String, bool>>);

impl Permissions {
    /// Whether there is no right at all.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }

    /// Whether a privilege is held on the whole of a path.
    pub fn has(&self, privilege: &str, path: &str) -> bool {
        let mut at = path;
        loop {
            if let Some(held) = self.0.get(at) {
                let propagates = held.get(privilege).copied();
                return propagates.is_some_and(|propagates| propagates || at == path);
            }
            // What is not listed has the rights of what is above it.
            match at.rsplit_once('/') {
                Some(("", "")) | None => return false,
                Some(("", _)) => at = "/",
                Some((above, _)) => at = above,
            }
        }
    }

    /// Whether a privilege is held on a path, or on anything below it.
    pub fn has_below(&self, privilege: &str, path: &str) -> bool {
        let is_below = |at: &str| {
            path == "/"
                || at
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let mut below = self.0.iter().filter(|(at, _)| is_below(at));
        self.has(privilege, path) || below.any(|(_, held)| held.contains_key(privilege))
    }

    /// Whether one of these privileges is held on everything below a path, as far as is told: what is
    /// closed to the token altogether is not listed.
    pub fn has_on_all_below(&self, privileges: &[&str], path: &str) -> bool {
        let below = format!("{path}/");
        let mut listed = self.0.iter().filter(|(at, _)| at.starts_with(&below));
        privileges.iter().any(|name| self.has(name, &below))
            && listed.all(|(_, held)| privileges.iter().any(|name| held.contains_key(*name)))
    }

    /// What is lacking for a call about whatever there is.
    pub fn missing(&self, call: &ApiCall) -> Vec<Privilege> {
        call.lacking(|privilege| self.has(privilege.name, privilege.root()))
    }
}

/// Asks for the rights of the token.
pub async fn ask(session: &Session) -> Result<Permissions, CallError> {
    let answer = session.get(Request::of(&PERMISSIONS_CALL)).await?;
    session.read(&answer, &PERMISSIONS_CALL, parse).await
}

/// Reads `/access/permissions`: PVE writes 1, PBS `true`.
pub fn parse(text: &str) -> Result<Permissions, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(transparent)]
    struct Held(BTreeMap<String, Number>);

    let paths: BTreeMap<String, Object<Held>> = json::envelope(text)?;
    let held = |Object(Held(held)): Object<Held>| {
        held.into_iter()
            .map(|(name, number)| (name, number.flag().unwrap_or(false)))
            .collect()
    };
    Ok(Permissions(
        paths
            .into_iter()
            .map(|(path, privileges)| (path, held(privileges)))
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, name: &str, path: &str) -> bool {
        parse(&format!("{{\"data\":{text}}}"))
            .unwrap()
            .has(name, path)
    }

    #[test]
    fn rights_come_from_the_path_or_from_above_it() {
        let audit = r#"{"/":{"Sys.Audit":1},"/vms":{"VM.Audit":1}}"#;
        assert!(has(audit, "Sys.Audit", "/"));
        assert!(has(audit, "Sys.Audit", "/system/status"));
        assert!(has(audit, "VM.Audit", "/vms/100"));
        assert!(
            !has(audit, "Sys.Audit", "/vms"),
            "what is listed is all there is"
        );
        assert!(!has(audit, "VM.Audit", "/"));
        assert!(!has("{}", "Sys.Audit", "/"));
        assert!(
            !has(r#"{"/":{"Sys.Audit":0}}"#, "Sys.Audit", "/nodes"),
            "it does not propagate"
        );
        assert!(has(r#"{"/":{"Sys.Audit":0}}"#, "Sys.Audit", "/"));
        assert!(has(r#"{"/":{"Sys.Audit":true}}"#, "Sys.Audit", "/system"));
    }

    #[test]
    fn any_of_several_rights_may_be_enough() {
        static CALL: ApiCall = ApiCall::get("/x").needs_one_of(&[
            Privilege::new("VM.GuestAgent.Audit", "/vms/{vmid}"),
            Privilege::new("VM.Monitor", "/vms/{vmid}"),
        ]);
        let missing = |text: &str| parse(text).unwrap().missing(&CALL);
        assert_eq!(missing(r#"{"data":{"/vms":{"VM.Monitor":1}}}"#), []);
        assert_eq!(
            missing(r#"{"data":{"/vms":{"VM.Audit":1}}}"#),
            [Privilege::new("VM.GuestAgent.Audit", "/vms/{vmid}")]
        );
    }

    #[test]
    fn a_right_on_a_part_is_a_right_to_a_part_of_the_list() {
        let narrow = parse(r#"{"data":{"/vms/100":{"VM.Audit":1},"/pool":{}}}"#).unwrap();
        assert!(!narrow.has("VM.Audit", "/vms"));
        assert!(narrow.has_below("VM.Audit", "/vms") && narrow.has_below("VM.Audit", "/"));
        assert!(narrow.has_below("VM.Audit", "/vms/100"));
        assert!(!narrow.has_below("VM.Audit", "/vms/10") && !narrow.has_below("Sys.Audit", "/"));
    }

    #[test]
    fn all_below_is_what_comes_down_and_is_not_taken_away() {
        let all = |text: &str| {
            let permissions = parse(&format!(r#"{{"data":{text}}}"#)).unwrap();
            permissions
                .has_on_all_below(&["Datastore.Audit", "Datastore.AllocateSpace"], "/storage")
        };
        assert!(all(r#"{"/":{"Datastore.Audit":1}}"#));
        assert!(all(
            r#"{"/storage":{"Datastore.AllocateSpace":1},"/storage/nas":{"Datastore.Audit":0}}"#
        ));
        assert!(
            !all(r#"{"/storage":{"Datastore.Audit":0}}"#),
            "it does not come down"
        );
        assert!(
            !all(r#"{"/storage/nas":{"Datastore.Audit":1}}"#),
            "there may be others"
        );
        assert!(!all(
            r#"{"/storage":{"Datastore.Audit":1},"/storage/nas":{"Permissions.Modify":1}}"#
        ));
        assert!(!all("{}"));
    }
}
