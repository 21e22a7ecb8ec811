//! What a server answers, before it is put into HTTP.

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::Value;

use crate::random::Random;

/// The answer of a call.
#[derive(Clone)]
pub(crate) enum Answer {
    Good(Arc<Body>),
    /// A status with its text; each product has its own form for it.
    Error(u16, String),
    /// A 400 of PVE that names the parameter.
    BadParameter(String, String),
    /// A good one that takes its time.
    Late(Arc<Body>, Duration),
}

/// A body, compressed at most once.
pub(crate) struct Body {
    pub(crate) plain: Bytes,
    gzip: OnceLock<Bytes>,
    zlib: OnceLock<Bytes>,
}

impl Body {
    pub(crate) fn new(plain: impl Into<Bytes>) -> Arc<Self> {
        Arc::new(Self { plain: plain.into(), gzip: OnceLock::new(), zlib: OnceLock::new() })
    }

    pub(crate) fn gzip(&self) -> Bytes {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.plain).and_then(|()| encoder.finish()).unwrap_or_default().into()
        };
        self.gzip.get_or_init(compress).clone()
    }

    pub(crate) fn zlib(&self) -> Bytes {
        let compress = || {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.plain).and_then(|()| encoder.finish()).unwrap_or_default().into()
        };
        self.zlib.get_or_init(compress).clone()
    }
}

/// An object whose keys stand in no order, as those of a Perl hash do.
pub(crate) struct Object(Vec<(&'static str, Value)>);

impl Object {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    pub(crate) fn with_some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(crate) fn write(mut self, random: &mut Random, out: &mut String) {
        random.shuffle(&mut self.0);
        out.push('{');
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push('"');
            out.push_str(key);
            out.push_str("\":");
            out.push_str(&value.to_string());
        }
        out.push('}');
    }
}

/// `{"data":[…]}` of objects in no order.
pub(crate) fn list(mut rows: Vec<Object>, random: &mut Random) -> Arc<Body> {
    random.shuffle(&mut rows);
    ordered_list(rows, random)
}

/// `{"data":[…]}` of objects in this order.
pub(crate) fn ordered_list(rows: Vec<Object>, random: &mut Random) -> Arc<Body> {
    let mut text = String::with_capacity(64 + rows.len() * 300);
    text.push_str("{\"data\":");
    write_list(rows, random, &mut text);
    text.push('}');
    Body::new(text)
}

/// `{"data":{"data":[…]}}`, the form of exported points.
pub(crate) fn points(rows: Vec<Object>, random: &mut Random) -> Arc<Body> {
    let mut text = String::with_capacity(64 + rows.len() * 100);
    text.push_str("{\"data\":{\"data\":");
    write_list(rows, random, &mut text);
    text.push_str("}}");
    Body::new(text)
}

fn write_list(rows: Vec<Object>, random: &mut Random, text: &mut String) {
    text.push('[');
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        row.write(random, text);
    }
    text.push(']');
}

/// `{"data":…}`.
pub(crate) fn data(value: Value) -> Arc<Body> {
    Body::new(format!("{{\"data\":{value}}}"))
}
