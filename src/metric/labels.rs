//! The labels of an entity, rendered once and appended to each of its samples.

/// Rendered labels, `{remote="a",id="qemu/100"} `, with the space that comes before the value.
///
/// The buffer is kept by [`clear`](Self::clear), so that one block serves all entities of a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelBlock(Vec<u8>);

impl LabelBlock {
    const CLOSE: &[u8] = b"} ";

    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Forgets the labels, not the buffer.
    pub fn clear(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    /// Appends a label. `name` is a valid label name that the block does not hold yet; `value` may
    /// be anything.
    pub fn push(&mut self, name: &str, value: &str) -> &mut Self {
        debug_assert!(is_label_name(name), "{name:?} is no label name");
        let separator = if self.0.is_empty() {
            b'{'
        } else {
            self.0.truncate(self.0.len() - Self::CLOSE.len());
            b','
        };
        self.0.push(separator);
        write_label(name, value, &mut self.0);
        self.0.extend_from_slice(Self::CLOSE);
        self
    }

    /// Makes `extended` these labels and one more, in its own buffer: the labels of a part (a
    /// disk, an interface) of the entity that this block names.
    pub fn extended<'a>(&self, name: &str, value: &str, extended: &'a mut Self) -> &'a Self {
        extended.0.clear();
        extended.0.extend_from_slice(&self.0);
        extended.push(name, value)
    }

    /// What stands between the name and the value of a sample.
    pub fn as_bytes(&self) -> &[u8] {
        if self.0.is_empty() { b" " } else { &self.0 }
    }

    /// Writes these labels and one more without keeping them.
    pub(super) fn write_with(&self, name: &str, value: &str, out: &mut Vec<u8>) {
        debug_assert!(is_label_name(name), "{name:?} is no label name");
        match self.0.strip_suffix(Self::CLOSE) {
            Some(open) => {
                out.extend_from_slice(open);
                out.push(b',');
            }
            None => out.push(b'{'),
        }
        write_label(name, value, out);
        out.extend_from_slice(Self::CLOSE);
    }

    /// The names of the labels in their order.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn names(&self) -> Vec<&str> {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        let mut names = Vec::new();
        let mut rest = text.strip_prefix('{').unwrap_or_default();
        while let Some((name, after)) = rest.split_once("=\"") {
            names.push(name);
            let mut escaped = false;
            let end = after.find(|character| {
                let ends = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                ends
            });
            rest = end
                .and_then(|end| after.get(end + 1..))
                .and_then(|rest| rest.strip_prefix(','))
                .unwrap_or_default();
        }
        names
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`, which every version of Prometheus takes unquoted.
pub(super) fn is_label_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn write_label(name: &str, value: &str, out: &mut Vec<u8>) {
    out.reserve(name.len() + value.len() + "=\"\"} ".len());
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    write_escaped(value, out);
    out.push(b'"');
}

/// Both formats escape the backslash, the quote and the line feed, and nothing else.
fn write_escaped(value: &str, out: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    // Nearly all values have nothing to escape, and are then one copy.
    while let Some(at) = rest.iter().position(|byte| escape(*byte).is_some()) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some((byte, after)) = special.split_first() {
            out.extend_from_slice(escape(*byte).unwrap_or_default());
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}

const fn escape(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'\\' => Some(b"\\\\"),
        b'"' => Some(b"\\\""),
        b'\n' => Some(b"\\n"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(value: &str) -> String {
        let mut block = LabelBlock::new();
        block.push("name", value);
        String::from_utf8(block.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn labels_stand_in_the_order_they_were_pushed() {
        let mut block = LabelBlock::new();
        assert_eq!(block.as_bytes(), b" ");
        block.push("remote", "a").push("id", "qemu/100");
        assert_eq!(block.as_bytes(), br#"{remote="a",id="qemu/100"} "#);
        assert_eq!(block.names(), ["remote", "id"]);
        block.clear();
        assert_eq!(block.as_bytes(), b" ");
        assert!(block.names().is_empty());
    }

    #[test]
    fn quote_backslash_and_line_feed_are_escaped_and_nothing_else_is() {
        assert_eq!(rendered(r#"a"b"#), r#"{name="a\"b"} "#);
        assert_eq!(rendered(r"a\b"), r#"{name="a\\b"} "#);
        assert_eq!(rendered("a\nb"), r#"{name="a\nb"} "#);
        assert_eq!(rendered("\\\n\""), r#"{name="\\\n\""} "#);
        let odd = "\0\r\t\u{7f}\u{2028}\u{202e}\u{feff}é漢🦀} # 1";
        assert_eq!(rendered(odd), format!("{{name=\"{odd}\"}} "));
    }

    #[test]
    fn an_extended_block_leaves_the_first_one_alone() {
        let mut block = LabelBlock::new();
        let mut scratch = LabelBlock::new();
        block.push("id", r#"a",x="b\"#);
        block.extended("device", "scsi0", &mut scratch);
        assert_eq!(scratch.as_bytes(), br#"{id="a\",x=\"b\\",device="scsi0"} "#);
        assert_eq!(scratch.names(), ["id", "device"]);
        block.extended("device", "scsi1", &mut scratch);
        assert_eq!(scratch.as_bytes(), br#"{id="a\",x=\"b\\",device="scsi1"} "#);
        LabelBlock::new().extended("device", "x", &mut scratch);
        assert_eq!(scratch.as_bytes(), br#"{device="x"} "#);
    }
}
