//! Text as header values.

use http::HeaderValue;

use crate::{ETag, Error, ErrorKind, encode::encode};

/// The value of a header from text that was checked where it came in. Should it not be legal all
/// the same, it is sent encoded: COS then refuses it, which is better than leaving out a condition.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_str(&encode(text)))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// An entity tag, quoted as conditions carry it.
pub(crate) fn etag_value(etag: &ETag) -> HeaderValue {
    header_value(&etag.quoted())
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
