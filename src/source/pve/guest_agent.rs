//! What the guest agent inside a virtual machine tells: `/nodes/{node}/qemu/{vmid}/agent/…`.
//!
//! Only a machine that runs and is configured to have an agent is asked. An agent that is
//! configured but dead keeps a worker of the server waiting for three seconds.

use serde::Deserialize;

use super::guest_config::GUEST_CONFIG;
use crate::remote::error::{CallError, Failure};
use crate::source::json::{self, List, Number, Object, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Item, Privilege, Request, Scope, Source};

/// Since 9.0 the first or the second, before it the third.
const AGENT_PRIVILEGES: &[Privilege] = &[
    Privilege::new("VM.GuestAgent.Audit", "/vms/{vmid}"),
    Privilege::new("VM.GuestAgent.Unrestricted", "/vms/{vmid}"),
    Privilege::new("VM.Monitor", "/vms/{vmid}"),
];

pub static FILE_SYSTEMS_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/qemu/{vmid}/agent/get-fsinfo").needs_one_of(AGENT_PRIVILEGES);

pub static OPERATING_SYSTEM_CALL: ApiCall =
    ApiCall::get("/nodes/{node}/qemu/{vmid}/agent/get-osinfo").needs_one_of(AGENT_PRIVILEGES);

pub static GUEST_AGENT: Source<GuestAgent> = Source::new(
    "guest_agent",
    Scope::EachGuest,
    &[&FILE_SYSTEMS_CALL, &OPERATING_SYSTEM_CALL],
    |asked| Box::pin(fetch(asked)),
)
.alone();

/// Of one machine: whoever is root in it decides what its agent says.
const FILE_SYSTEMS: usize = 32;
/// Bytes; a longer text is not kept.
const TEXT_LENGTH: usize = 128;

#[derive(Debug, Default, Clone, PartialEq)]
pub struct GuestAgent {
    pub responds: bool,
    /// Sorted by mount point.
    pub file_systems: Vec<FileSystem>,
    pub operating_system: OperatingSystem,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct FileSystem {
    pub mount_point: Box<str>,
    /// Bytes.
    pub size: Option<f64>,
    pub used: Option<f64>,
}

/// Texts are empty where they are not known.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct OperatingSystem {
    /// `debian`, `mswindows` …
    pub id: Box<str>,
    /// For people.
    pub name: Box<str>,
    pub version: Box<str>,
    pub kernel: Box<str>,
}

async fn fetch(asked: Asked<'_, GuestAgent>) -> Result<Fetched<GuestAgent>, CallError> {
    let vmid = vmid_with_agent(&asked)
        .map_err(|why| asked.session.not_applicable(&FILE_SYSTEMS_CALL, why))?;
    let file_systems = match ask(&asked, &FILE_SYSTEMS_CALL, vmid, parse_file_systems).await {
        Ok(file_systems) => file_systems,
        Err(error) if is_dead_agent(&error) => return Ok(Fetched::whole(GuestAgent::default())),
        Err(error) => return Err(error),
    };
    let mut agent = GuestAgent {
        responds: true,
        file_systems,
        operating_system: OperatingSystem::default(),
    };
    match ask(&asked, &OPERATING_SYSTEM_CALL, vmid, parse_operating_system).await {
        Ok(operating_system) => {
            agent.operating_system = operating_system;
            Ok(Fetched::whole(agent))
        }
        Err(error) => Ok(Fetched::with_problems(agent, vec![error])),
    }
}

/// The machine to ask, or why there is nothing to ask it.
fn vmid_with_agent(asked: &Asked<'_, GuestAgent>) -> Result<u32, &'static str> {
    let Item::Guest {
        vmid,
        kind: GuestKind::Qemu,
    } = *asked.item
    else {
        return Err("only virtual machines have an agent");
    };
    let topology = asked.session.topology();
    let place = topology.guest(vmid, GuestKind::Qemu);
    if !place.is_some_and(|guest| guest.running) {
        return Err("the virtual machine does not run");
    }
    let config = asked.value(&GUEST_CONFIG, asked.item);
    if config.is_none_or(|config| config.agent != Some(true)) {
        return Err("no agent is known to be configured");
    }
    Ok(vmid)
}

async fn ask<T: Send + 'static>(
    asked: &Asked<'_, GuestAgent>,
    call: &'static ApiCall,
    vmid: u32,
    parse: fn(&str) -> Result<T, Unreadable>,
) -> Result<T, CallError> {
    let request = Request::of(call).node(asked.node()).fill("vmid", vmid);
    let answer = asked.session.get(request).await?;
    asked.session.read(&answer, call, parse).await
}

fn is_dead_agent(error: &CallError) -> bool {
    matches!(
        error.failure(),
        Failure::Server { text, .. } if text.contains("guest agent is not running")
    )
}

/// Reads `…/agent/get-fsinfo`. An agent that does not know the command is answered for with 200
/// and `error` in the place of the list: then no file system is known.
pub fn parse_file_systems(text: &str) -> Result<Vec<FileSystem>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Reply<'a> {
        #[serde(borrow)]
        result: List<Object<Row<'a>>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        mountpoint: Text<'a>,
        #[serde(borrow)]
        r#type: Text<'a>,
        total_bytes: Number,
        used_bytes: Number,
    }

    let Object(reply) = json::envelope::<Object<Reply<'_>>>(text)?;
    let mut file_systems: Vec<FileSystem> = reply
        .result
        .0
        .iter()
        .filter(|Object(row)| !is_image(row.r#type.as_str()))
        .filter_map(|Object(row)| {
            Some(FileSystem {
                mount_point: Some(bounded(&row.mountpoint)).filter(|name| !name.is_empty())?,
                size: row.total_bytes.quantity(),
                used: row.used_bytes.quantity(),
            })
        })
        .filter(|file_system| file_system.size.is_some_and(|size| size > 0.0))
        .collect();
    file_systems.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    file_systems.dedup_by(|a, b| a.mount_point == b.mount_point);
    file_systems.truncate(FILE_SYSTEMS);
    Ok(file_systems)
}

/// Whether file systems of this type cannot be written, and so are always full.
fn is_image(file_system_type: &str) -> bool {
    ["iso9660", "udf", "CDFS", "squashfs", "erofs", "cramfs"].contains(&file_system_type)
}

/// Reads `…/agent/get-osinfo`, where an error is an answer as well.
pub fn parse_operating_system(text: &str) -> Result<OperatingSystem, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Reply<'a> {
        #[serde(borrow)]
        result: Object<Row<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        #[serde(borrow)]
        name: Text<'a>,
        #[serde(borrow)]
        pretty_name: Text<'a>,
        #[serde(borrow)]
        version_id: Text<'a>,
        #[serde(borrow)]
        kernel_release: Text<'a>,
    }

    let Object(reply) = json::envelope::<Object<Reply<'_>>>(text)?;
    let row = reply.result.0;
    let name = match row.pretty_name.known() {
        Some(_) => &row.pretty_name,
        None => &row.name,
    };
    Ok(OperatingSystem {
        id: bounded(&row.id),
        name: bounded(name),
        version: bounded(&row.version_id),
        kernel: bounded(&row.kernel_release),
    })
}

fn bounded(text: &Text<'_>) -> Box<str> {
    match text.known() {
        Some(text) if text.len() <= TEXT_LENGTH => Box::from(text),
        _ => Box::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_agent_is_an_answer_without_what_was_asked_for() {
        let error = r#"{"data":{"result":{"error":{"class":"CommandNotFound","desc":"x"}}}}"#;
        assert_eq!(parse_file_systems(error).unwrap(), []);
        assert_eq!(
            parse_operating_system(error).unwrap(),
            OperatingSystem::default()
        );
        for nothing in [
            r#"{"data":null}"#,
            r#"{"data":{"result":null}}"#,
            r#"{"data":{"result":[7]}}"#,
        ] {
            assert_eq!(parse_file_systems(nothing).unwrap(), [], "{nothing}");
        }
        assert!(parse_file_systems("<html>").is_err());
    }

    #[test]
    fn a_hostile_guest_makes_neither_many_series_nor_long_labels() {
        let rows: Vec<String> = (0..1000)
            .map(|number| format!(r#"{{"mountpoint":"/{number:04}","total-bytes":1}}"#))
            .collect();
        let text = format!(r#"{{"data":{{"result":[{}]}}}}"#, rows.join(","));
        assert_eq!(parse_file_systems(&text).unwrap().len(), FILE_SYSTEMS);

        let long = "x".repeat(TEXT_LENGTH + 1);
        let text =
            format!(r#"{{"data":{{"result":[{{"mountpoint":"{long}","total-bytes":1}}]}}}}"#);
        assert_eq!(parse_file_systems(&text).unwrap(), []);
        let text = format!(r#"{{"data":{{"result":{{"name":"{long}","id":"debian"}}}}}}"#);
        let system = parse_operating_system(&text).unwrap();
        assert_eq!((&*system.id, &*system.name), ("debian", ""));
    }
}
