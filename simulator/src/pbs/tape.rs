//! `GET /tape/drive`, `/tape/changer`, `/tape/media/list` and `/tape/backup`: empty without `Tape.Audit`.

use super::jobs::COLLECTION;
use super::{Call, permissions, route};
use crate::http::Answer;
use crate::json::{Object, array};
use crate::route::{Access, Kind, Parameter, Route};

pub(super) const DRIVE_ROUTE: Route = route("/tape/drive", Access::Everyone).with(&[
    Parameter::new("changer", Kind::Text),
    Parameter::new("query-activity", Kind::Boolean),
]);
pub(super) const CHANGER_ROUTE: Route = route("/tape/changer", Access::Everyone);
pub(super) const MEDIA_ROUTE: Route = route("/tape/media/list", Access::Everyone).with(&[
    Parameter::new("pool", Kind::Text),
    Parameter::new("update-status", Kind::Boolean),
    Parameter::new("update-status-changer", Kind::Text),
]);
pub(super) const BACKUP_ROUTE: Route = route("/tape/backup", Access::Everyone);

const CHANGER: &str = "library";
const DRIVE: &str = "lto9";
const POOL: &str = "weekly";

fn is_visible(call: &Call<'_>) -> bool {
    call.server.tape && permissions::holds(call.rights, "Tape.Audit")
}

pub(super) fn drives(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("changer");
    if !is_visible(call) || wanted.is_some_and(|wanted| wanted != CHANGER) {
        return Answer::data("[]");
    }
    let mut object = Object::new();
    if call.is_on("query-activity") {
        object.text("activity", "no-activity");
    }
    object
        .text("changer", CHANGER)
        .text("name", DRIVE)
        .text("path", "/dev/tape/by-id/scsi-LTO9A1-sg");
    Answer::data(&array([object.into_json(None)]))
}

pub(super) fn changers(call: &Call<'_>) -> Answer {
    if !is_visible(call) {
        return Answer::data("[]");
    }
    let mut object = Object::new();
    object
        .text("export-slots", "23,24")
        .text("name", CHANGER)
        .text("path", "/dev/tape/by-id/scsi-LIB01");
    Answer::data(&array([object.into_json(None)]))
}

pub(super) fn media(call: &Call<'_>) -> Answer {
    let wanted = call.request.parameter("pool");
    if !is_visible(call) || wanted.is_some_and(|wanted| wanted != POOL) {
        return Answer::data("[]");
    }
    let media = [
        ("TAPE01L9", "full", 14_400_000_000_000),
        ("TAPE02L9", "writable", 3_100_000_000_000),
        ("TAPE03L9", "damaged", 0),
    ]
    .into_iter()
    .zip(1_u8..)
    .map(|((label, status, used), number)| {
        let mut object = Object::new();
        object
            .int("bytes-used", used)
            .boolean("catalog", true)
            .int(
                "ctime",
                call.now - call.now.rem_euclid(86_400) - 30 * 86_400,
            )
            .boolean("expired", false)
            .text("label-text", label)
            .text("location", &format!("online-{CHANGER}"))
            .text("media-set-name", POOL)
            .text("pool", POOL)
            .int("seq-nr", i64::from(number) - 1)
            .text("status", status)
            .text(
                "uuid",
                &format!("7d0c41f2-3b8e-4e65-9a17-0c52ab6e810{number}"),
            );
        object.into_json(None)
    });
    Answer::data(&array(media))
}

pub(super) fn backup(call: &Call<'_>) -> Answer {
    let Some(store) = call.server.datastores.first().filter(|_| is_visible(call)) else {
        return call.listed("[]");
    };
    let mut object = Object::new();
    object
        .text("drive", DRIVE)
        .text("id", "tape-weekly")
        .int(
            "last-run-endtime",
            COLLECTION.last(call.now - 5_400) + 5_400,
        )
        .text("last-run-state", "OK")
        .int("next-run", COLLECTION.next(call.now))
        .text("pool", POOL)
        .text("schedule", &COLLECTION.text())
        .text("store", &store.name);
    call.listed(&array([object.into_json(None)]))
}
