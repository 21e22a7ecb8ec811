//! Tape drives, changers and media.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::labels::LabelBlock;
use crate::metric::lines::Lines;
use crate::source::pbs::tape::{self, Changer, Device, Drive, Medium};

pub static TAPE: Collector = Collector {
    name: "tape",
    about: "Tape drives, changers, and media by pool and status, without touching a device; needs Tape.Audit on /tape, which the role Audit does not have.",
    product: Product::Pbs,
    class: Class::Background,
    // Without the right, which few tokens have, it can only fail.
    by_default: false,
    interval: Duration::from_secs(5 * 60),
    sources: &[&tape::TAPE],
    reads: &[],
    families: &[
        &DRIVE_BUSY,
        &DRIVE_INFO,
        &CHANGER_INFO,
        &MEDIA,
        &MEDIA_EXPIRED,
        &MEDIA_USED,
    ],
    collect,
};

const POOL_LABELS: &[&str] = &["pool", "remote"];

static DRIVE_BUSY: Family = Family::gauge(
    "pbs_tape_drive_busy",
    "Whether a task holds the tape drive",
    &["drive", "remote"],
)
.unrecorded();
static DRIVE_INFO: Family = Family::gauge(
    "pbs_tape_drive_info",
    "Changer and make of a tape drive",
    &["changer", "drive", "model", "remote", "serial", "vendor"],
);
static CHANGER_INFO: Family = Family::gauge(
    "pbs_tape_changer_info",
    "Make of a tape changer",
    &["changer", "model", "remote", "serial", "vendor"],
);
static MEDIA: Family = Family::gauge(
    "pbs_tape_media",
    "Number of tapes of the pool with the status",
    &["pool", "remote", "status"],
)
.unrecorded();
static MEDIA_EXPIRED: Family = Family::gauge(
    "pbs_tape_media_expired",
    "Number of tapes of the pool that may be written over",
    POOL_LABELS,
)
.unrecorded();
static MEDIA_USED: Family = Family::gauge(
    "pbs_tape_media_used_bytes",
    "Bytes on the tapes of the pool; absent where no tape tells",
    POOL_LABELS,
)
.unrecorded();

const STATUSES: &[&str] = &["writable", "full", "unknown", "damaged", "retired"];

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let Some(tape) = inputs.get(&tape::TAPE) else {
        return Vec::new();
    };
    let mut lines = drive_lines(&tape.drives, inputs.remote);
    lines.push(changer_lines(&tape.changers, inputs.remote));
    lines.extend(media_lines(&tape.media, inputs.remote));
    lines
}

fn drive_lines(drives: &[Drive], remote: &str) -> Vec<Lines> {
    let mut busy = Lines::of(&DRIVE_BUSY);
    let mut info = Lines::of(&DRIVE_INFO);
    let mut labels = LabelBlock::new();
    for drive in drives {
        labels
            .clear()
            .push("drive", &drive.name)
            .push("remote", remote);
        busy.push(&labels, drive.busy);
        labels
            .clear()
            .push("changer", &drive.changer)
            .push("drive", &drive.name);
        push_make(&mut labels, &drive.device, remote);
        info.push(&labels, true);
    }
    vec![busy, info]
}

fn changer_lines(changers: &[Changer], remote: &str) -> Lines {
    let mut info = Lines::of(&CHANGER_INFO);
    let mut labels = LabelBlock::new();
    for changer in changers {
        labels.clear().push("changer", &changer.name);
        push_make(&mut labels, &changer.device, remote);
        info.push(&labels, true);
    }
    info
}

fn push_make(labels: &mut LabelBlock, device: &Device, remote: &str) {
    labels
        .push("model", &device.model)
        .push("remote", remote)
        .push("serial", &device.serial)
        .push("vendor", &device.vendor);
}

/// The tapes of one pool.
#[derive(Default)]
struct Pool<'m> {
    by_status: BTreeMap<&'m str, usize>,
    expired: usize,
    used: Option<f64>,
}

fn pools(media: &[Medium]) -> BTreeMap<&str, Pool<'_>> {
    let mut pools: BTreeMap<&str, Pool<'_>> = BTreeMap::new();
    for medium in media {
        let pool = pools.entry(&medium.pool).or_default();
        *pool.by_status.entry(&medium.status).or_default() += 1;
        pool.expired += usize::from(medium.expired);
        if let Some(bytes) = medium.used_bytes {
            pool.used = Some(pool.used.unwrap_or_default() + bytes);
        }
    }
    pools
}

fn media_lines(media: &[Medium], remote: &str) -> Vec<Lines> {
    let mut by_status = Lines::of(&MEDIA);
    let mut expired = Lines::of(&MEDIA_EXPIRED);
    let mut used = Lines::of(&MEDIA_USED);
    let mut labels = LabelBlock::new();
    for (name, mut pool) in pools(media) {
        labels.clear().push("pool", name).push("remote", remote);
        for status in STATUSES {
            let number = pool.by_status.remove(status).unwrap_or_default();
            by_status.push_with(&labels, "status", status, number);
        }
        for (status, number) in &pool.by_status {
            by_status.push_with(&labels, "status", status, *number);
        }
        expired.push(&labels, pool.expired);
        used.push_known(&labels, pool.used);
    }
    vec![by_status, expired, used]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    fn table() -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1_800_000_000)
            .with(
                "/tape/drive",
                r#"{"data":[
                {"name":"d1","path":"/dev/sg1","changer":"lib","changer-drivenum":1,
                 "vendor":"HP","model":"Ultrium","serial":"X1","state":"UPID:pbs1:…"},
                {"name":"d0","path":"/dev/sg0"}]}"#,
            )
            .with(
                "/tape/changer",
                r#"{"data":[{"name":"lib","path":"/dev/sg4","export-slots":"15,16","vendor":"HP"}]}"#,
            )
            .with(
                "/tape/media/list?update-status=0",
                r#"{"data":[
                {"label-text":"A1","uuid":"1","pool":"weekly","status":"full","location":"offline",
                 "expired":false,"catalog":true,"ctime":1,"bytes-used":700},
                {"label-text":"A2","uuid":"2","pool":"weekly","status":"full","expired":true,
                 "bytes-used":"300"},
                {"label-text":"A3","uuid":"3","status":"melted"}]}"#,
            )
    }

    #[tokio::test]
    async fn drives_changers_and_media_are_told_without_asking_a_device() {
        let asked_a_device = table().with_status(
            "/tape/media/list",
            400,
            "the changer was asked for its state",
        );
        let lines = walk::exposed(&TAPE, asked_a_device).await;
        let media = |pool: &str, status: &str, number: u8| {
            format!(r#"pbs_tape_media{{pool="{pool}",remote="r",status="{status}"}} {number}"#)
        };
        let mut expected: Vec<String> = [
            r#"pbs_tape_drive_busy{drive="d0",remote="r"} 0"#,
            r#"pbs_tape_drive_busy{drive="d1",remote="r"} 1"#,
            r#"pbs_tape_drive_info{changer="",drive="d0",model="",remote="r",serial="",vendor=""} 1"#,
            r#"pbs_tape_drive_info{changer="lib",drive="d1",model="Ultrium",remote="r",serial="X1",vendor="HP"} 1"#,
            r#"pbs_tape_changer_info{changer="lib",model="",remote="r",serial="",vendor="HP"} 1"#,
        ]
        .map(str::to_owned)
        .to_vec();
        expected.extend(STATUSES.iter().map(|status| media("", status, 0)));
        expected.push(media("", "melted", 1));
        expected.extend(
            STATUSES
                .iter()
                .map(|status| media("weekly", status, if *status == "full" { 2 } else { 0 })),
        );
        expected.extend(
            [
                r#"pbs_tape_media_expired{pool="",remote="r"} 0"#,
                r#"pbs_tape_media_expired{pool="weekly",remote="r"} 1"#,
                r#"pbs_tape_media_used_bytes{pool="weekly",remote="r"} 1000"#,
            ]
            .map(str::to_owned),
        );
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn one_list_that_fails_does_not_cost_the_others() {
        let answers = table()
            .with_status("/tape/changer", 500, "odd")
            .with(
                "/tape/drive",
                r#"{"data":[null,{"path":"/dev/sg0"},{"name":"d","state":null},{"name":"d"}]}"#,
            )
            .with(
                "/tape/media/list?update-status=0",
                r#"{"data":[{"status":"full"}]}"#,
            );
        assert_eq!(
            walk::exposed(&TAPE, answers).await,
            [
                r#"pbs_tape_drive_busy{drive="d",remote="r"} 0"#,
                r#"pbs_tape_drive_info{changer="",drive="d",model="",remote="r",serial="",vendor=""} 1"#,
            ]
        );
        let nothing = AnswerTable::new(Product::Pbs, 1_800_000_000);
        assert_eq!(walk::exposed(&TAPE, nothing).await, [""; 0]);
    }
}
