//! The samples of one family, as the lines that both text formats share.

use super::family::{Family, Kind};
use super::labels::LabelBlock;

/// A number as both text formats write it.
pub trait Value: Copy {
    fn write(self, out: &mut Vec<u8>);
}

/// Integers never go through `f64`, which is exact up to 2^53 only.
macro_rules! integer_value {
    ($($integer:ty)*) => {$(
        impl Value for $integer {
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(self).as_bytes());
            }
        }
    )*};
}

integer_value!(u32 u64 usize i32 i64);

/// `1` or `0`.
impl Value for bool {
    fn write(self, out: &mut Vec<u8>) {
        out.push(if self { b'1' } else { b'0' });
    }
}

/// The shortest digits that read back as the same number; whole numbers without a fraction.
impl Value for f64 {
    fn write(self, out: &mut Vec<u8>) {
        /// Below it every whole `f64` is the integer it looks like.
        const EXACT: f64 = (1_u64 << 53) as f64;

        if self.fract() == 0.0 && self.abs() < EXACT {
            return (self as i64).write(out);
        }
        if self.is_finite() {
            out.extend_from_slice(zmij::Buffer::new().format_finite(self).as_bytes());
        } else if self.is_nan() {
            out.extend_from_slice(b"NaN");
        } else if self > 0.0 {
            out.extend_from_slice(b"+Inf");
        } else {
            out.extend_from_slice(b"-Inf");
        }
    }
}

/// The samples of one family. They carry no timestamp, and so serve both formats.
///
/// In debug builds every sample is held against the labels that the family declares.
#[derive(Debug)]
pub struct Lines {
    family: &'static Family,
    bytes: Vec<u8>,
    samples: usize,
}

impl Lines {
    pub fn of(family: &'static Family) -> Self {
        Self::with_capacity(family, 0)
    }

    /// `capacity` in bytes; about 80 for a sample with two labels. The last generation's size is
    /// the best guess: a buffer that grows on the way doubles the cost of a sample.
    pub fn with_capacity(family: &'static Family, capacity: usize) -> Self {
        debug_assert!(
            family.kind != Kind::Histogram,
            "{}: histograms are the program's own",
            family.name
        );
        Self {
            family,
            bytes: Vec::with_capacity(capacity),
            samples: 0,
        }
    }

    /// Appends a sample.
    pub fn push(&mut self, labels: &LabelBlock, value: impl Value) {
        self.check_labels(labels, None);
        self.bytes.extend_from_slice(self.family.name.as_bytes());
        self.bytes.extend_from_slice(labels.as_bytes());
        self.finish(value);
    }

    /// Appends a sample if its value is known. What is not known is absent, never zero.
    pub fn push_known(&mut self, labels: &LabelBlock, value: Option<impl Value>) {
        if let Some(value) = value {
            self.push(labels, value);
        }
    }

    /// Appends a sample with the labels of `labels` and one more.
    pub fn push_with(&mut self, labels: &LabelBlock, name: &str, label: &str, value: impl Value) {
        self.check_labels(labels, Some(name));
        self.bytes.extend_from_slice(self.family.name.as_bytes());
        labels.write_with(name, label, &mut self.bytes);
        self.finish(value);
    }

    /// Appends one sample a state: 1 for `current`, 0 for the others. A `current` that is none of
    /// `states`, as a newer version may have, stands after them. Empty is no state.
    pub fn state_set(&mut self, labels: &LabelBlock, name: &str, states: &[&str], current: &str) {
        for state in states {
            self.push_with(labels, name, state, *state == current);
        }
        if !current.is_empty() && !states.contains(&current) {
            self.push_with(labels, name, current, true);
        }
    }

    /// Appends a sample with labels that the declaration does not have, because the operator
    /// chooses them.
    pub fn push_open(&mut self, labels: &LabelBlock, value: impl Value) {
        self.bytes.extend_from_slice(self.family.name.as_bytes());
        self.bytes.extend_from_slice(labels.as_bytes());
        self.finish(value);
    }

    pub fn family(&self) -> &'static Family {
        self.family
    }

    pub fn samples(&self) -> usize {
        self.samples
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes in more lines of the same family.
    pub(super) fn append(&mut self, more: &Self) {
        self.bytes.extend_from_slice(&more.bytes);
        self.samples += more.samples;
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    fn finish(&mut self, value: impl Value) {
        value.write(&mut self.bytes);
        self.bytes.push(b'\n');
        self.samples += 1;
    }

    #[cfg(debug_assertions)]
    fn check_labels(&self, labels: &LabelBlock, more: Option<&str>) {
        let mut names = labels.names();
        names.extend(more);
        names.sort_unstable();
        let mut declared = self.family.labels.to_vec();
        declared.sort_unstable();
        assert_eq!(
            names, declared,
            "{}: a sample's labels are not the declared ones",
            self.family.name
        );
    }

    #[cfg(not(debug_assertions))]
    fn check_labels(&self, _: &LabelBlock, _: Option<&str>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    static UP: Family = Family::gauge("up", "Whether it is up", &[]);
    static STATE: Family = Family::gauge("state", "The state it is in", &["id", "state"]);

    fn text(value: impl Value) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_exact() {
        assert_eq!(text(u64::MAX), "18446744073709551615");
        assert_eq!(text(9_007_199_254_740_993_u64), "9007199254740993");
        assert_eq!(text(i64::MIN), "-9223372036854775808");
        assert_eq!(text(7_u32), "7");
        assert_eq!(text(true), "1");
        assert_eq!(text(false), "0");
    }

    #[test]
    fn floats_are_short_and_whole_ones_plain() {
        assert_eq!(text(0.0), "0");
        assert_eq!(text(-0.0), "0");
        assert_eq!(text(1.0), "1");
        assert_eq!(text(-42.0), "-42");
        assert_eq!(text(1_764_000_000.0), "1764000000");
        assert_eq!(text(0.1), "0.1");
        assert_eq!(text(1.0 / 3.0), "0.3333333333333333");
        assert_eq!(text(f64::INFINITY), "+Inf");
        assert_eq!(text(f64::NEG_INFINITY), "-Inf");
        assert_eq!(text(f64::NAN), "NaN");
        assert_eq!(text(-f64::NAN), "NaN");
        for extreme in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e23, -1e16] {
            assert_eq!(text(extreme).parse::<f64>().unwrap(), extreme);
        }
    }

    #[test]
    fn a_state_set_has_one_sample_a_state() {
        let mut labels = LabelBlock::new();
        labels.push("id", "qemu/100");
        let mut lines = Lines::of(&STATE);
        lines.state_set(&labels, "state", &["started", "stopped"], "stopped");
        assert_eq!(
            lines.as_bytes(),
            b"state{id=\"qemu/100\",state=\"started\"} 0\n\
              state{id=\"qemu/100\",state=\"stopped\"} 1\n"
        );
        assert_eq!(lines.samples(), 2);
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let mut lines = Lines::of(&UP);
        lines.push_known(&LabelBlock::new(), None::<u64>);
        assert_eq!(lines.samples(), 0);
        lines.push_known(&LabelBlock::new(), Some(1_u64));
        assert_eq!(lines.as_bytes(), b"up 1\n");
    }

    #[test]
    #[should_panic(expected = "not the declared ones")]
    #[cfg(debug_assertions)]
    fn labels_other_than_the_declared_ones_are_noticed() {
        Lines::of(&STATE).push(&LabelBlock::new(), 1_u64);
    }
}
