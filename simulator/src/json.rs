//! Writing JSON as the two products do: keys in a random order (PVE), numbers as each product prints them.

use std::fmt::Write as _;

use crate::random::Random;

/// One JSON object whose fields come out in a random order where an order is given.
///
/// Fields are written into one scratch buffer, so that an answer of 50,000 guests costs no allocation per field.
#[derive(Debug, Default)]
pub(crate) struct Object {
    scratch: String,
    fields: Vec<(usize, usize)>,
}

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn field(&mut self, key: &str, write: impl FnOnce(&mut String)) -> &mut Self {
        let start = self.scratch.len();
        push_text(&mut self.scratch, key);
        self.scratch.push(':');
        write(&mut self.scratch);
        self.fields.push((start, self.scratch.len()));
        self
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.field(key, |out| push_text(out, value))
    }

    pub(crate) fn int(&mut self, key: &str, value: i64) -> &mut Self {
        self.field(key, |out| push(out, format_args!("{value}")))
    }

    /// A number as Perl prints it: whole numbers without a fraction.
    pub(crate) fn number(&mut self, key: &str, value: f64) -> &mut Self {
        self.field(key, |out| push(out, format_args!("{value}")))
    }

    /// A number as serde_json prints an `f64`: whole numbers as `1.0`.
    pub(crate) fn float(&mut self, key: &str, value: f64) -> &mut Self {
        self.field(key, |out| push(out, format_args!("{value:?}")))
    }

    pub(crate) fn boolean(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    pub(crate) fn null(&mut self, key: &str) -> &mut Self {
        self.raw(key, "null")
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.field(key, |out| out.push_str(json))
    }

    /// Appends the object to `out`, in random order if there is one, and leaves `self` empty for the next.
    pub(crate) fn finish(&mut self, order: Option<&mut Random>, out: &mut String) {
        if let Some(random) = order {
            random.shuffle(&mut self.fields);
        }
        out.push('{');
        for (i, (start, end)) in self.fields.drain(..).enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(self.scratch.get(start..end).unwrap_or_default());
        }
        out.push('}');
        self.scratch.clear();
    }

    pub(crate) fn into_json(mut self, order: Option<&mut Random>) -> String {
        let mut out = String::new();
        self.finish(order, &mut out);
        out
    }
}

/// `[a,b]` of values that are JSON already.
pub(crate) fn array<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let mut out = String::from("[");
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

pub(crate) fn text(value: &str) -> String {
    let mut out = String::new();
    push_text(&mut out, value);
    out
}

pub(crate) fn push_text(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                push(out, format_args!("\\u{:04x}", control as u32))
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    out.write_fmt(arguments).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut object = Object::new();
        object
            .text("name", "we\"ird\\name\n")
            .int("a", -1)
            .number("whole", 2.0)
            .float("f", 2.0)
            .boolean("b", true)
            .null("n");
        let json = object.into_json(Some(&mut Random::new(3)));
        assert!(
            json.contains("\"whole\":2,") || json.contains("\"whole\":2}"),
            "{json}"
        );
        assert!(json.contains("\"f\":2.0"), "{json}");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["name"], "we\"ird\\name\n");
        assert_eq!(value.as_object().unwrap().len(), 6);
    }
}
