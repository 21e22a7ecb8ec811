//! SHA-256 fingerprints of certificates, as Proxmox shows them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// SHA-256 of the DER form of a certificate. Written as upper-case pairs with colons, which is how
/// PVE and PBS show it; read with or without colons, in either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint is 32 pairs of hexadecimal digits, such as \"AB:CD:…\"; this has {digits} digits{}", if *.foreign { " and other characters" } else { "" })]
pub struct NotAFingerprint {
    /// Hexadecimal digits that there are; 40 are a SHA-1.
    pub digits: usize,
    /// Whether anything but digits and colons between pairs is in it.
    pub foreign: bool,
}

impl Fingerprint {
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let text = text.trim();
        let wrong = || NotAFingerprint {
            digits: text.chars().filter(char::is_ascii_hexdigit).count(),
            foreign: !text
                .chars()
                .all(|character| character.is_ascii_hexdigit() || character == ':'),
        };
        let pair = |pair: &[u8]| match pair {
            [high, low] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
            }
            _ => None,
        };
        let bytes: Option<Vec<u8>> = if text.contains(':') {
            text.split(':').map(|part| pair(part.as_bytes())).collect()
        } else {
            text.as_bytes().chunks(2).map(pair).collect()
        };
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

/// As `Display`: rustls prints certificate errors with `Debug`.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_spelling_is_read_back(digest: [u8; 32]) {
            let fingerprint = Fingerprint::from(digest);
            let text = fingerprint.to_string();
            prop_assert_eq!(text.parse(), Ok(fingerprint));
            prop_assert_eq!(text.to_lowercase().parse(), Ok(fingerprint));
            prop_assert_eq!(text.replace(':', "").parse(), Ok(fingerprint));
            prop_assert_eq!(format!("{fingerprint:?}"), text);
        }

        #[test]
        fn nothing_panics(text in ".{0,120}") {
            let read = text.parse::<Fingerprint>();
            prop_assert!(read.is_err() || text.len() >= 64);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let sha1 = "AB:".repeat(20);
        let error = sha1
            .trim_end_matches(':')
            .parse::<Fingerprint>()
            .unwrap_err();
        assert_eq!(
            error,
            NotAFingerprint {
                digits: 40,
                foreign: false
            }
        );
        let error = "SHA256:xyz".parse::<Fingerprint>().unwrap_err();
        assert!(
            error.foreign && error.to_string().ends_with("and other characters"),
            "{error}"
        );
        assert!(
            format!("{}:", "AB".repeat(32))
                .parse::<Fingerprint>()
                .is_err()
        );
    }

    #[test]
    fn it_is_the_sha_256_of_the_bytes() {
        let known = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
        assert_eq!(Fingerprint::of_der(b"").to_string(), known);
    }
}
