//! Answers in, exposition out.

use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const AGENT: &str = r#"{"data":[{"key":"agent","value":"1"}]}"#;
const NO_AGENT: &str = r#"{"data":[{"key":"cores","value":1}]}"#;

const FILE_SYSTEMS: &str = r#"{"data":{"result":[
    {"mountpoint":"/","name":"sda1","type":"ext4","used-bytes":1234,"total-bytes":10434,"total-bytes-privileged":10991,"disk":[]},
    {"mountpoint":"/boot/efi","name":"sda15","type":"vfat","used-bytes":"61","total-bytes":"129"},
    {"mountpoint":"/","name":"dup","used-bytes":1,"total-bytes":2},
    {"mountpoint":"C:\\","type":"NTFS","total-bytes":5},
    {"mountpoint":"/media","type":"iso9660","used-bytes":7,"total-bytes":7},
    {"mountpoint":"/empty","type":"ext4","total-bytes":0,"used-bytes":0},null]}}"#;

const OPERATING_SYSTEM: &str = r#"{"data":{"result":{"name":"Debian GNU/Linux","id":"debian","version-id":"12",
    "kernel-release":"6.1.0-40-amd64","pretty-name":"Debian GNU/Linux 12 (bookworm)","machine":"x86_64"}}}"#;

/// A running virtual machine 100, a stopped one 101, a container.
fn cluster() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_700_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[{"type":"node","node":"a","status":"online"},
                {"type":"qemu","vmid":100,"node":"a","status":"running"},
                {"type":"qemu","vmid":101,"node":"a","status":"stopped"},
                {"type":"lxc","vmid":110,"node":"a","status":"running"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"node","name":"a","online":1}]}"#,
        )
        .with("/nodes/a/qemu/100/pending", AGENT)
        .with("/nodes/a/qemu/101/pending", AGENT)
}

/// With an agent that would answer for any guest.
fn answering() -> AnswerTable {
    [100, 101].into_iter().fold(cluster(), |answers, vmid| {
        let agent = format!("/nodes/a/qemu/{vmid}/agent");
        answers
            .with(&format!("{agent}/get-fsinfo"), FILE_SYSTEMS)
            .with(&format!("{agent}/get-osinfo"), OPERATING_SYSTEM)
    })
}

async fn exposed(answers: AnswerTable) -> Vec<String> {
    walk::exposed(&GUEST_AGENT, answers).await
}

#[tokio::test]
async fn a_running_machine_with_an_agent_tells_its_file_systems_and_its_system() {
    assert_eq!(
        exposed(answering()).await,
        [
            r#"pve_guest_agent_up{id="qemu/100",remote="r"} 1"#,
            r#"pve_guest_filesystem_size_bytes{id="qemu/100",mountpoint="/",remote="r"} 10434"#,
            r#"pve_guest_filesystem_size_bytes{id="qemu/100",mountpoint="/boot/efi",remote="r"} 129"#,
            r#"pve_guest_filesystem_size_bytes{id="qemu/100",mountpoint="C:\\",remote="r"} 5"#,
            r#"pve_guest_filesystem_used_bytes{id="qemu/100",mountpoint="/",remote="r"} 1234"#,
            r#"pve_guest_filesystem_used_bytes{id="qemu/100",mountpoint="/boot/efi",remote="r"} 61"#,
            r#"pve_guest_os_info{id="qemu/100",kernel="6.1.0-40-amd64",name="Debian GNU/Linux 12 (bookworm)",os="debian",remote="r",version="12"} 1"#,
        ]
    );
}

#[tokio::test]
async fn only_running_machines_with_an_agent_in_their_configuration_are_asked() {
    for (config, expected) in [
        (
            AGENT,
            vec![
                "/nodes/a/qemu/100/agent/get-fsinfo",
                "/nodes/a/qemu/100/agent/get-osinfo",
            ],
        ),
        (NO_AGENT, vec![]),
        (r#"{"data":[]}"#, vec![]),
    ] {
        let answers = answering().with("/nodes/a/qemu/100/pending", config);
        let asked = answers.asked();
        exposed(answers).await;
        let mut asked = asked.lock().unwrap().clone();
        asked.retain(|path| path.contains("/agent/"));
        assert_eq!(asked, expected, "{config}");
    }
}

#[tokio::test]
async fn a_dead_agent_is_asked_once() {
    let path = "/nodes/a/qemu/100/agent/get-fsinfo";
    let answers = cluster().with_status(path, 500, "QEMU guest agent is not running");
    let asked = answers.asked();
    exposed(answers).await;
    let mut asked = asked.lock().unwrap().clone();
    asked.retain(|path| path.contains("/agent/"));
    assert_eq!(asked, [path]);
}

#[tokio::test]
async fn a_dead_agent_is_told_and_other_errors_are_not_taken_for_one() {
    let path = "/nodes/a/qemu/100/agent/get-fsinfo";
    let dead = cluster().with_status(path, 500, "QEMU guest agent is not running");
    assert_eq!(
        exposed(dead).await,
        [r#"pve_guest_agent_up{id="qemu/100",remote="r"} 0"#]
    );
    for other in ["No QEMU guest agent configured", "got timeout"] {
        let lines = exposed(cluster().with_status(path, 500, other)).await;
        assert!(lines.is_empty(), "{lines:?}");
    }
}

#[tokio::test]
async fn an_agent_that_does_not_know_the_commands_is_up() {
    let error = r#"{"data":{"result":{"error":{"class":"CommandNotFound","desc":"x"}}}}"#;
    let lines = exposed(
        cluster()
            .with("/nodes/a/qemu/100/agent/get-fsinfo", error)
            .with("/nodes/a/qemu/100/agent/get-osinfo", error),
    )
    .await;
    assert_eq!(lines, [r#"pve_guest_agent_up{id="qemu/100",remote="r"} 1"#]);
}
