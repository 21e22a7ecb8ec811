//! What an endpoint of one of the old exporters answers: the samples of one remote in the text
//! format, with what is not known of it as comments at the end.

use bytes::Bytes;

use crate::fleet::remote::Lack;
use crate::metric::block::Block;
use crate::metric::exposition::{self, Format};
use crate::metric::family::Family;
use crate::metric::lines::Lines;

/// Declares the families of an old exporter, in the order of its exposition.
macro_rules! families {
    ($($name:ident = $kind:ident($text:literal, $help:literal, $labels:expr);)*) => {
        $(pub(super) static $name: $crate::metric::family::Family =
            $crate::metric::family::Family::$kind($text, $help, $labels);)*
        /// Each family of the view, in the order of its exposition.
        pub static FAMILIES: &[&$crate::metric::family::Family] = &[$(&$name),*];
    };
}

/// The samples of one remote, with what is not known of it.
pub struct Answer {
    families: &'static [&'static Family],
    block: Block,
    /// By the part of the answer that is lacking, in its order.
    pub lacks: Vec<(&'static str, Lack)>,
}

impl Answer {
    pub(super) fn new(
        families: &'static [&'static Family],
        lines: Vec<Lines>,
        lacks: Vec<(&'static str, Lack)>,
    ) -> Self {
        Self {
            families,
            block: Block::from_lines(lines),
            lacks,
        }
    }

    /// What is lacking, a line each.
    pub fn complaints(&self) -> impl Iterator<Item = String> {
        /// A cluster that has just been started on has thousands.
        const OF_EACH: usize = 5;

        self.lacks
            .chunk_by(|(a, _), (b, _)| a == b)
            .flat_map(|lacks| {
                let told = lacks.iter().take(OF_EACH).map(|(part, lack)| {
                    let line = format!("{part}: {lack}");
                    line.replace(['\n', '\r'], " ")
                });
                let more = lacks.len().saturating_sub(OF_EACH);
                let part = lacks.first().map(|(part, _)| *part).unwrap_or_default();
                let rest = (more > 0).then(|| format!("{part}: and {more} more"));
                told.chain(rest)
            })
    }

    /// The body in the text format; what is lacking stands at its end, as comments.
    pub fn body(&self, gzip: bool) -> Bytes {
        let mut comments = String::new();
        for complaint in self.complaints() {
            comments.push_str(&format!("# partial: {complaint}\n"));
        }
        let blocks = [&self.block];
        if gzip {
            exposition::assemble_gzip(Format::Text, self.families, &blocks, &comments)
        } else {
            exposition::assemble(Format::Text, self.families, &blocks, &comments)
        }
    }
}
