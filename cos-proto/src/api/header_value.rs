//! Text as header values.

use std::fmt;

use http::HeaderValue;

use crate::{ETag, Error, ErrorKind, encode::encode};

/// The value of a header from text that was checked where it came in. Should it not be legal all
/// the same, it is sent encoded: COS then refuses it, which is better than leaving out a condition.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_str(&encode(text)))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A value of ASCII that is known to be short, such as a range. It is put together on the stack, so
/// that its only allocation is the value's own; what is too long takes the usual way.
pub(crate) fn short_value(text: fmt::Arguments<'_>) -> HeaderValue {
    let mut short = Short { bytes: [0; 64], length: 0 };
    fmt::write(&mut short, text)
        .ok()
        .and_then(|()| HeaderValue::from_bytes(short.bytes.get(..short.length)?).ok())
        .unwrap_or_else(|| header_value(&text.to_string()))
}

struct Short {
    bytes: [u8; 64],
    length: usize,
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.saturating_add(text.len());
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// An entity tag, quoted as conditions carry it.
pub(crate) fn etag_value(etag: &ETag) -> HeaderValue {
    short_value(format_args!("\"{}\"", etag.as_str()))
}

/// Checks text of the caller's that goes into the header `name`: visible ASCII and inner spaces.
/// COS signs the bytes it sees, and what lies between us may trim or re-encode anything else.
pub(crate) fn checked_value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    let legal = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !legal || text.starts_with(' ') || text.ends_with(' ') {
        return Err(Error::invalid_parameter(
            name,
            text,
            "must be visible ASCII with no space at either end; encode anything else",
        ));
    }
    HeaderValue::from_str(text)
        .map_err(|error| Error::new(ErrorKind::InvalidParameter, format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_whether_it_is_short_or_not() {
        for length in [0, 1, 63, 64, 65, 200] {
            let text = "x".repeat(length);
            assert_eq!(short_value(format_args!("{text}")), text);
            assert_eq!(short_value(format_args!("{}{text}", 7_u64)), format!("7{text}"));
        }
        assert_eq!(short_value(format_args!("a\nb")), "a%0Ab");
        assert_eq!(short_value(format_args!("é")), "é".as_bytes());
    }
}
