//! The snapshots of a guest: `/nodes/{node}/{qemu,lxc}/{vmid}/snapshot`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Item, Privilege, Request, Scope, Source};

pub static QEMU_SNAPSHOTS_CALL: ApiCall = ApiCall::get("/nodes/{node}/qemu/{vmid}/snapshot")
    .needs(&[Privilege::new("VM.Audit", "/vms/{vmid}")]);

pub static LXC_SNAPSHOTS_CALL: ApiCall = ApiCall::get("/nodes/{node}/lxc/{vmid}/snapshot")
    .needs(&[Privilege::new("VM.Audit", "/vms/{vmid}")]);

/// In no particular order.
pub static GUEST_SNAPSHOTS: Source<Vec<Snapshot>> = Source::new(
    "guest_snapshots",
    Scope::EachGuest,
    &[&QEMU_SNAPSHOTS_CALL, &LXC_SNAPSHOTS_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken, Unix seconds.
    pub time: Option<f64>,
    /// Whether it holds the memory of a virtual machine that ran.
    pub has_memory: bool,
}

async fn fetch(asked: Asked<'_, Vec<Snapshot>>) -> Result<Fetched<Vec<Snapshot>>, CallError> {
    let Item::Guest { vmid, kind } = *asked.item else {
        let why = "only guests have snapshots";
        return Err(asked.session.not_applicable(&QEMU_SNAPSHOTS_CALL, why));
    };
    let call = match kind {
        GuestKind::Qemu => &QEMU_SNAPSHOTS_CALL,
        GuestKind::Lxc => &LXC_SNAPSHOTS_CALL,
    };
    let request = Request::of(call).node(asked.node()).fill("vmid", vmid);
    let answer = asked.session.get(request).await?;
    let snapshots = asked.session.read(&answer, call, parse).await?;
    Ok(Fetched::whole(snapshots))
}

/// Reads `/nodes/{node}/{qemu,lxc}/{vmid}/snapshot`. The entry `current` is the guest itself, and
/// always there.
pub fn parse(text: &str) -> Result<Vec<Snapshot>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        snaptime: Number,
        vmstate: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut by_name: BTreeMap<&str, Snapshot> = rows
        .iter()
        .filter_map(|row| {
            let snapshot = Snapshot {
                time: row.snaptime.quantity(),
                has_memory: row.vmstate.flag().unwrap_or(false),
            };
            Some((row.name.known()?, snapshot))
        })
        .collect();
    if by_name.is_empty() {
        return Err(Unreadable("it has no entry of the guest itself".to_owned()));
    }
    by_name.remove("current");
    Ok(by_name.into_values().collect())
}
