//! The vote from outside of a cluster: `/cluster/config/qdevice`.

use serde::Deserialize;

use crate::remote::error::CallError;
use crate::source::json::{self, Object, Text, Unreadable};
use crate::source::{ApiCall, Asked, Fetched, Privilege, Request, Scope, Source};

/// Answered by what the QDevice daemon of the asked node says of itself.
pub static QDEVICE_CALL: ApiCall =
    ApiCall::get("/cluster/config/qdevice").needs(&[Privilege::new("Sys.Audit", "/")]);

/// `None` where no QDevice is set up.
pub static QDEVICE: Source<Option<QDevice>> =
    Source::new("qdevice", Scope::Remote, &[&QDEVICE_CALL], |asked| {
        Box::pin(fetch(asked))
    });

/// In the daemon's own words.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct QDevice {
    pub algorithm: Box<str>,
    pub model: Box<str>,
    /// Address and port of the arbiter.
    pub qnetd_host: Box<str>,
    pub state: Box<str>,
    pub tie_breaker: Box<str>,
}

impl QDevice {
    /// Whether the arbiter is reached.
    pub fn is_connected(&self) -> bool {
        &*self.state == "Connected"
    }
}

async fn fetch(asked: Asked<'_, Option<QDevice>>) -> Result<Fetched<Option<QDevice>>, CallError> {
    let answer = asked.session.get(Request::of(&QDEVICE_CALL)).await?;
    let qdevice = asked.session.read(&answer, &QDEVICE_CALL, parse).await?;
    Ok(Fetched::whole(qdevice))
}

/// Reads `/cluster/config/qdevice`: an empty object without a QDevice.
pub fn parse(text: &str) -> Result<Option<QDevice>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Row<'a> {
        #[serde(borrow)]
        algorithm: Text<'a>,
        model: Text<'a>,
        state: Text<'a>,
        #[serde(rename = "QNetd host")]
        qnetd_host: Text<'a>,
        #[serde(rename = "Tie-breaker")]
        tie_breaker: Text<'a>,
    }

    let row: Row<'_> = json::envelope::<Object<Row<'_>>>(text)?.0;
    let qdevice = QDevice {
        algorithm: row.algorithm.to_boxed(),
        model: row.model.to_boxed(),
        qnetd_host: row.qnetd_host.to_boxed(),
        state: row.state.to_boxed(),
        tie_breaker: row.tie_breaker.to_boxed(),
    };
    Ok((qdevice != QDevice::default()).then_some(qdevice))
}
