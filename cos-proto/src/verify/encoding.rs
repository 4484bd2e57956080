//! Percent-encoding and its undoing as the service does it, apart from the client's own.

use std::fmt::Write as _;

/// What a `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself, as in a path.
    Plus,
    /// A space, as in a query.
    Space,
}

/// Decodes once; `None` for a `%` that two hex digits do not follow, and for what is not UTF-8.
pub(crate) fn decode(text: &str, plus: Plus) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                decoded.push(u8::try_from((high << 4) | low).ok()?);
            }
            b'+' if plus == Plus::Space => decoded.push(b' '),
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).ok()
}

/// Decodes once, or leaves the text alone if it cannot be.
pub(super) fn decode_lossy(text: &str) -> String {
    decode(text, Plus::Plus).unwrap_or_else(|| text.to_owned())
}

/// Percent-encodes all but `A-Z a-z 0-9 - _ . ~`, in upper-case hex.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
