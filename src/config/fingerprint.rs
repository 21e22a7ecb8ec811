//! SHA-256 fingerprints of certificates, in the form that PVE and PBS show.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// What is wrong with a text that should be a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    #[error("{0:?} is no hexadecimal digit")]
    Digit(char),
    #[error("it has {0} hexadecimal digits, a SHA-256 fingerprint has 64{hint}", hint = if *.0 == 40 { "; this looks like SHA-1" } else { "" })]
    Length(usize),
}

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of_der(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// With or without colons, in either case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut digits = Vec::with_capacity(64);
        for character in text.trim().chars().filter(|character| *character != ':') {
            let digit = character.to_digit(16).ok_or(FingerprintError::Digit(character))?;
            digits.push(digit as u8);
        }
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(FingerprintError::Length(digits.len()));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_told() {
        let error = |text: &str| text.parse::<Fingerprint>().unwrap_err().to_string();
        assert_eq!(error("AA:BX"), "'X' is no hexadecimal digit");
        assert!(error("AA:BB").starts_with("it has 4 hexadecimal digits"));
        assert!(error(&"AB".repeat(20)).ends_with("this looks like SHA-1"));
        assert!("é".repeat(64).parse::<Fingerprint>().is_err());
    }

    proptest! {
        #[test]
        fn every_form_of_a_fingerprint_is_the_same(bytes: [u8; 32]) {
            let fingerprint = Fingerprint(bytes);
            let shown = fingerprint.to_string();
            prop_assert_eq!(shown.parse(), Ok(fingerprint));
            prop_assert_eq!(shown.to_lowercase().replace(':', "").parse(), Ok(fingerprint));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
