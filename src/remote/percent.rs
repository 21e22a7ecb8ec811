//! Percent-encoding, of all but the unreserved characters of RFC 3986.

/// Encodes a path segment, a query's or form's value, or a cookie's.
pub fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}
