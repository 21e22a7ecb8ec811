//! Versions of the products, as far as calls and parameters depend on them.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads `9.1.8`, `9.1`, `9.0.0~11` or `7.4-17` of PVE's `/version`.
    pub fn parse_pve(version: &str) -> Option<Self> {
        let mut parts = version.split(['.', '-', '~', '+']).map(leading_number);
        Some(Self {
            major: parts.next()??,
            minor: parts.next().flatten().unwrap_or(0),
            patch: parts.next().flatten().unwrap_or(0),
        })
    }

    /// Reads PBS' `/version`, where `version` is `4.2` and `release` is `1` for 4.2.1.
    pub fn parse_pbs(version: &str, release: &str) -> Option<Self> {
        let mut parsed = Self::parse_pve(version)?;
        if let Some(patch) = leading_number(release) {
            parsed.patch = patch;
        }
        Some(parsed)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_both_products_are_read_and_compare() {
        let pve = |text| Version::parse_pve(text);
        assert_eq!(pve("9.1.8"), Some(Version::new(9, 1, 8)));
        assert_eq!(pve("9.1"), Some(Version::new(9, 1, 0)));
        assert_eq!(pve("7.4-17"), Some(Version::new(7, 4, 17)));
        assert_eq!(pve("9.0.0~11"), Some(Version::new(9, 0, 0)));
        assert_eq!(pve(""), None);
        assert_eq!(pve("x.1"), None);
        assert_eq!(pve("99999999999.1"), None);
        assert_eq!(Version::parse_pbs("4.2", "1"), Some(Version::new(4, 2, 1)));
        assert_eq!(Version::parse_pbs("3.4", ""), Some(Version::new(3, 4, 0)));
        assert!(Version::new(9, 0, 8) > Version::new(8, 4, 14));
        assert_eq!(Version::new(9, 0, 8).to_string(), "9.0.8");
    }
}
