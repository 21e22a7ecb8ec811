//! What one collector says of one remote, rendered.

use super::family::Family;
use super::lines::Lines;

/// Rendered lines of any number of families, immutable. It is shared rather than cloned, and
/// held while a newer generation takes its place.
#[derive(Debug, Default)]
pub struct Block {
    /// Each family once, none without a sample.
    parts: Vec<Lines>,
}

impl Block {
    pub fn empty() -> Self {
        Self::default()
    }

    /// Puts the lines of each family together, families in the order of their first sample.
    /// Families without a sample are left out.
    pub fn from_lines(lines: impl IntoIterator<Item = Lines>) -> Self {
        let mut parts: Vec<Lines> = Vec::new();
        for lines in lines {
            if lines.samples() == 0 {
                continue;
            }
            let name = lines.family().name;
            match parts.iter_mut().find(|part| part.family().name == name) {
                Some(part) => part.append(&lines),
                None => parts.push(lines),
            }
        }
        // A block lives as long as its generation, and buffers grow by doubling.
        for part in &mut parts {
            part.shrink_to_fit();
        }
        parts.shrink_to_fit();
        Self { parts }
    }

    /// The lines of `family`, or none if it has no sample here.
    pub fn lines_of(&self, family: &Family) -> Option<&[u8]> {
        self.parts()
            .find_map(|(known, lines)| (known.name == family.name).then_some(lines))
    }

    /// Each family with its lines.
    pub fn parts(&self) -> impl Iterator<Item = (&'static Family, &[u8])> {
        self.parts
            .iter()
            .map(|part| (part.family(), part.as_bytes()))
    }

    pub fn families(&self) -> impl Iterator<Item = &'static Family> {
        self.parts.iter().map(Lines::family)
    }

    /// The number of samples of all families.
    pub fn samples(&self) -> usize {
        self.parts.iter().map(Lines::samples).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// So that [`assemble`](super::assemble) takes blocks as they are held: plain, borrowed or shared.
impl AsRef<Self> for Block {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::labels::LabelBlock;
    use super::*;

    static A: Family = Family::gauge("a", "First", &[]);
    static B: Family = Family::gauge("b", "Second", &["x"]);

    #[test]
    fn lines_of_one_family_lie_together() {
        let mut x = LabelBlock::new();
        let mut lines = [Lines::of(&B), Lines::of(&A), Lines::of(&B), Lines::of(&A)];
        lines[0].push(x.push("x", "1"), 1_u64);
        lines[1].push(&LabelBlock::new(), 2_u64);
        lines[2].push(x.clear().push("x", "2"), 3_u64);
        let block = Block::from_lines(lines);
        assert_eq!(block.samples(), 3);
        assert_eq!(
            block
                .families()
                .map(|family| family.name)
                .collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(block.lines_of(&B).unwrap(), b"b{x=\"1\"} 1\nb{x=\"2\"} 3\n");
        assert_eq!(block.lines_of(&A).unwrap(), b"a 2\n");
    }

    #[test]
    fn a_family_without_a_sample_is_not_there() {
        let block = Block::from_lines([Lines::of(&A)]);
        assert!(block.is_empty());
        assert_eq!(block.lines_of(&A), None);
        assert_eq!(Block::empty().samples(), 0);
    }
}
