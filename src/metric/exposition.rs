//! One body out of many blocks.

use std::collections::HashMap;
use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::block::Block;
use super::family::Family;

/// The text formats that every Prometheus reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The `Content-Type` of a body. Prometheus 3 fails a scrape without a valid one.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What a body must end with.
    const fn end(self) -> &'static [u8] {
        match self {
            Self::Text => b"",
            Self::OpenMetrics => b"# EOF\n",
        }
    }
}

/// Writes a body: the families in `order`, each with its header once and the lines of all
/// `blocks`, then `own`, the program's own metrics in the same format and without `# EOF`.
///
/// `order` also selects: families outside it are left out, and so are those without a sample.
pub fn assemble<B: AsRef<Block>>(
    format: Format,
    order: &[&'static Family],
    blocks: &[B],
    own: &str,
) -> Bytes {
    with_parts(format, order, blocks, own, |parts| parts.concat().into())
}

/// Writes the same body compressed, and never holds it as a whole. Level 1, which costs a fraction
/// of the default level for a body that a scraper unpacks at once.
pub fn assemble_gzip<B: AsRef<Block>>(
    format: Format,
    order: &[&'static Family],
    blocks: &[B],
    own: &str,
) -> Bytes {
    /// Expositions shrink to a sixth or less; a buffer of that size is not grown.
    const EXPECTED_RATIO: usize = 6;
    const HEADER_AND_TRAILER: usize = 64;

    with_parts(format, order, blocks, own, |parts| {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let buffer = Vec::with_capacity(length / EXPECTED_RATIO + HEADER_AND_TRAILER);
        let mut encoder = GzEncoder::new(buffer, Compression::fast());
        let written = parts.iter().try_for_each(|part| encoder.write_all(part));
        #[expect(clippy::expect_used, reason = "writing to a Vec does not fail")]
        written
            .and_then(|()| encoder.finish())
            .expect("compress into memory")
            .into()
    })
}

/// Puts the parts of a body in order.
fn with_parts<B: AsRef<Block>>(
    format: Format,
    order: &[&'static Family],
    blocks: &[B],
    own: &str,
    write: impl FnOnce(&[&[u8]]) -> Bytes,
) -> Bytes {
    let positions: HashMap<&str, usize> = order
        .iter()
        .enumerate()
        .map(|(position, family)| (family.name, position))
        .collect();
    let mut lines_by_family: Vec<Vec<&[u8]>> = vec![Vec::new(); order.len()];
    for block in blocks {
        for (family, lines) in block.as_ref().parts() {
            if let Some(group) = positions
                .get(family.name)
                .and_then(|position| lines_by_family.get_mut(*position))
            {
                group.push(lines);
            }
        }
    }

    let mut headers = Vec::new();
    let mut header_ends = Vec::new();
    for (family, group) in order.iter().zip(&lines_by_family) {
        if !group.is_empty() {
            family.write_header(format, &mut headers);
        }
        header_ends.push(headers.len());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    for (group, end) in lines_by_family.iter().zip(header_ends) {
        parts.push(headers.get(start..end).unwrap_or_default());
        parts.extend(group);
        start = end;
    }
    parts.push(own.as_bytes());
    parts.push(format.end());
    write(&parts)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use super::super::labels::LabelBlock;
    use super::super::lines::Lines;
    use super::*;

    static UP: Family = Family::gauge("up", "Whether it is up", &["id"]);
    static SENT: Family = Family::counter("sent_bytes_total", "Bytes sent", &["id"]);
    static UNUSED: Family = Family::gauge("unused", "Nothing", &[]);

    fn block(id: &str) -> Arc<Block> {
        let mut labels = LabelBlock::new();
        labels.push("id", id);
        let mut sent = Lines::of(&SENT);
        sent.push(&labels, 2_u64);
        let mut up = Lines::of(&UP);
        up.push(&labels, true);
        Arc::new(Block::from_lines([sent, up]))
    }

    fn text(format: Format, order: &[&'static Family], own: &str) -> String {
        let body = assemble(format, order, &[block("a"), block("b")], own);
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn families_are_contiguous_across_blocks() {
        assert_eq!(
            text(Format::Text, &[&UP, &UNUSED, &SENT], "# own\n"),
            "# HELP up Whether it is up\n\
             # TYPE up gauge\n\
             up{id=\"a\"} 1\n\
             up{id=\"b\"} 1\n\
             # HELP sent_bytes_total Bytes sent\n\
             # TYPE sent_bytes_total counter\n\
             sent_bytes_total{id=\"a\"} 2\n\
             sent_bytes_total{id=\"b\"} 2\n\
             # own\n"
        );
    }

    #[test]
    fn open_metrics_ends_with_eof_and_selection_is_by_order() {
        assert_eq!(
            text(Format::OpenMetrics, &[&SENT], ""),
            "# HELP sent_bytes Bytes sent\n\
             # TYPE sent_bytes counter\n\
             # UNIT sent_bytes bytes\n\
             sent_bytes_total{id=\"a\"} 2\n\
             sent_bytes_total{id=\"b\"} 2\n\
             # EOF\n"
        );
        assert_eq!(
            assemble::<Block>(Format::OpenMetrics, &[], &[], ""),
            "# EOF\n"
        );
        assert_eq!(assemble::<Block>(Format::Text, &[&UP], &[], ""), "");
    }

    #[test]
    fn a_compressed_body_is_the_body() {
        for format in [Format::Text, Format::OpenMetrics] {
            let order: &[&'static Family] = &[&UP, &UNUSED, &SENT];
            let packed = assemble_gzip(format, order, &[block("a"), block("b")], "# own\n");
            let mut unpacked = String::new();
            flate2::read::GzDecoder::new(&*packed)
                .read_to_string(&mut unpacked)
                .unwrap();
            assert_eq!(unpacked, text(format, order, "# own\n"));
        }
    }
}
