//! The guests that no backup job covers: `/cluster/backup-info/not-backed-up`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, GuestKind, Privilege, Request, Scope, Source};

pub static NOT_BACKED_UP_CALL: ApiCall =
    ApiCall::get("/cluster/backup-info/not-backed-up").needs(&[Privilege::new("Sys.Audit", "/")]);

/// Sorted by number.
pub static NOT_BACKED_UP: Source<Vec<(u32, GuestKind)>> = Source::new(
    "not_backed_up",
    Scope::Remote,
    &[&NOT_BACKED_UP_CALL],
    |asked| Box::pin(fetch(asked)),
);

async fn fetch(
    asked: Asked<'_, Vec<(u32, GuestKind)>>,
) -> Result<Fetched<Vec<(u32, GuestKind)>>, CallError> {
    let answer = asked.session.get(Request::of(&NOT_BACKED_UP_CALL)).await?;
    let guests = asked
        .session
        .read(&answer, &NOT_BACKED_UP_CALL, parse)
        .await?;
    Ok(Fetched::whole(guests))
}

/// Reads `/cluster/backup-info/not-backed-up`.
pub fn parse(text: &str) -> Result<Vec<(u32, GuestKind)>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Row<'a> {
        vmid: Number,
        #[serde(borrow)]
        r#type: Text<'a>,
    }

    let mut guests: Vec<(u32, GuestKind)> = json::envelope::<Rows<Row<'_>>>(text)?
        .0
        .iter()
        .filter_map(|row| {
            let vmid = row.vmid.quantity().filter(|vmid| *vmid > 0.0)?;
            Some((vmid as u32, GuestKind::parse(row.r#type.as_str())?))
        })
        .collect();
    guests.sort_unstable();
    guests.dedup();
    Ok(guests)
}
