//! Tape drives, changers and media: `/tape/drive`, `/tape/changer` and `/tape/media/list`, as the
//! server remembers them. No device is touched: asking one takes the lock that a backup waits for.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Number, Rows, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Session, Source};

/// Open to every token, filtered; the role Audit has no right here.
pub static DRIVES_CALL: ApiCall =
    ApiCall::get("/tape/drive").filtered_by(&[Privilege::new("Tape.Audit", "/tape/drive")]);
/// Open to every token, filtered.
pub static CHANGERS_CALL: ApiCall =
    ApiCall::get("/tape/changer").filtered_by(&[Privilege::new("Tape.Audit", "/tape/changer")]);
/// Open to every token, filtered.
pub static MEDIA_CALL: ApiCall =
    ApiCall::get("/tape/media/list").filtered_by(&[Privilege::new("Tape.Audit", "/tape/pool")]);

pub static TAPE: Source<Tape> = Source::new(
    "pbs_tape",
    Scope::Remote,
    &[&DRIVES_CALL, &CHANGERS_CALL, &MEDIA_CALL],
    |asked| Box::pin(fetch(asked)),
);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tape {
    pub drives: Vec<Drive>,
    pub changers: Vec<Changer>,
    pub media: Vec<Medium>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    pub name: Box<str>,
    /// Empty for a drive of its own.
    pub changer: Box<str>,
    pub device: Device,
    /// Whether a task holds it.
    pub busy: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Changer {
    pub name: Box<str>,
    pub device: Device,
}

/// What the server has found out about a device; empty where it is not there.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Device {
    pub vendor: Box<str>,
    pub model: Box<str>,
    pub serial: Box<str>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Medium {
    pub uuid: Box<str>,
    /// Empty for one that belongs to none.
    pub pool: Box<str>,
    /// `writable`, `full`, `unknown`, `damaged` or `retired`.
    pub status: Box<str>,
    /// Whether what is on it may be written over.
    pub expired: bool,
    pub used_bytes: Option<f64>,
}

async fn fetch(asked: Asked<'_, Tape>) -> Result<Fetched<Tape>, CallError> {
    let session = asked.session;
    let media = Request::of(&MEDIA_CALL).with("update-status", "0");
    let drives = ask(session, Request::of(&DRIVES_CALL), parse_drives).await;
    let changers = ask(session, Request::of(&CHANGERS_CALL), parse_changers).await;
    let media = ask(session, media, parse_media).await;
    match (drives, changers, media) {
        (Err(error), Err(_), Err(_)) => Err(error),
        (drives, changers, media) => {
            let mut problems = Vec::new();
            let tape = Tape {
                drives: known(drives, &mut problems),
                changers: known(changers, &mut problems),
                media: known(media, &mut problems),
            };
            Ok(Fetched::with_problems(tape, problems))
        }
    }
}

async fn ask<T: Send + 'static>(
    session: &Session,
    request: Request<'_>,
    parse: fn(&str) -> Result<Vec<T>, Unreadable>,
) -> Result<Vec<T>, CallError> {
    let call = request.call();
    let answer = session.get(request).await?;
    session.read(&answer, call, parse).await
}

fn known<T>(list: Result<Vec<T>, CallError>, problems: &mut Vec<CallError>) -> Vec<T> {
    list.unwrap_or_else(|error| {
        problems.push(error);
        Vec::new()
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DeviceRow<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    changer: Text<'a>,
    vendor: Text<'a>,
    model: Text<'a>,
    serial: Text<'a>,
    state: Text<'a>,
}

impl DeviceRow<'_> {
    fn device(&self) -> Device {
        Device {
            vendor: self.vendor.to_boxed(),
            model: self.model.to_boxed(),
            serial: self.serial.to_boxed(),
        }
    }
}

/// The rows that have a name, by it.
fn device_rows(text: &str) -> Result<Vec<DeviceRow<'_>>, Unreadable> {
    let mut rows = json::envelope::<Rows<DeviceRow<'_>>>(text)?.0;
    rows.retain(|row| row.name.known().is_some());
    rows.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    rows.dedup_by(|a, b| a.name == b.name);
    Ok(rows)
}

/// Reads `/tape/drive`, which has a `state` only while a task holds the drive.
pub fn parse_drives(text: &str) -> Result<Vec<Drive>, Unreadable> {
    let rows = device_rows(text)?;
    let drives = rows.iter().map(|row| Drive {
        name: row.name.to_boxed(),
        changer: row.changer.to_boxed(),
        device: row.device(),
        busy: row.state.known().is_some(),
    });
    Ok(drives.collect())
}

/// Reads `/tape/changer`.
pub fn parse_changers(text: &str) -> Result<Vec<Changer>, Unreadable> {
    let rows = device_rows(text)?;
    let changers = rows.iter().map(|row| Changer {
        name: row.name.to_boxed(),
        device: row.device(),
    });
    Ok(changers.collect())
}

/// Reads `/tape/media/list`; by the interface description, as no recording has a medium.
pub fn parse_media(text: &str) -> Result<Vec<Medium>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        uuid: Text<'a>,
        pool: Text<'a>,
        status: Text<'a>,
        expired: Number,
        bytes_used: Number,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut media: Vec<Medium> = rows
        .iter()
        .filter(|row| row.uuid.known().is_some())
        .map(|row| Medium {
            uuid: row.uuid.to_boxed(),
            pool: row.pool.to_boxed(),
            status: row.status.to_boxed(),
            expired: row.expired.flag().unwrap_or(false),
            used_bytes: row.bytes_used.quantity(),
        })
        .collect();
    media.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    media.dedup_by(|a, b| a.uuid == b.uuid);
    Ok(media)
}
