//! What the headers of a reply say about an object.

use std::collections::BTreeMap;

use http::{
    HeaderMap, HeaderName,
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
        EXPIRES, LAST_MODIFIED,
    },
};

use super::{StorageClass, names};
use crate::{ETag, ObjectMeta, Reason, Rejected, Reported, UnixTime, object::ETAG_BYTES_MAX};

/// What a PUT of an object or part answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) etag: ETag,
    pub(crate) crc64: Reported,
    pub(crate) version_id: Option<String>,
}

impl Written {
    pub(crate) fn decode(headers: &HeaderMap) -> Result<Self, Rejected> {
        Ok(Self { etag: etag(headers)?, crc64: crc64(headers), version_id: version_id(headers) })
    }
}

/// An object of `size` bytes from the headers of a GET or HEAD.
pub(crate) fn decode(headers: &HeaderMap, size: u64) -> Result<ObjectMeta, Rejected> {
    let appendable = headers
        .get(names::OBJECT_TYPE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"appendable"));
    Ok(ObjectMeta {
        size,
        etag: etag(headers)?,
        last_modified: text(headers, &LAST_MODIFIED).as_deref().and_then(UnixTime::parse_http_date),
        // The CRC of an appendable object is not promised to follow its appends.
        crc64: if appendable { Reported::Absent } else { crc64(headers) },
        content_type: text(headers, &CONTENT_TYPE),
        storage_class: text(headers, &names::STORAGE_CLASS)
            .map_or(StorageClass::STANDARD, |text| StorageClass::from_wire(&text)),
        version_id: version_id(headers),
        content_headers: CONTENT_HEADERS
            .iter()
            .filter_map(|name| Some((name.as_str().to_owned(), text(headers, name)?)))
            .collect(),
        metadata: with_prefix(headers, names::METADATA_PREFIX, Prefix::Cut),
        encryption: with_prefix(headers, names::SSE.as_str(), Prefix::Keep),
    })
}

/// The header `ETag`, which COS always sends. One that no resume record could hold is refused here,
/// where nothing is lost yet.
pub(crate) fn etag(headers: &HeaderMap) -> Result<ETag, Rejected> {
    text(headers, &ETAG)
        .map(|text| ETag::new(&text))
        .filter(|etag| (1..=ETAG_BYTES_MAX).contains(&etag.as_str().len()))
        .ok_or_else(|| {
            let what = "no header ETag of 1 to 256 bytes".to_owned();
            Rejected::Retry(Reason::Malformed(what))
        })
}

/// The header `x-cos-hash-crc64ecma`.
pub(crate) fn crc64(headers: &HeaderMap) -> Reported {
    Reported::parse(text(headers, &names::CRC64).as_deref())
}

/// The header `x-cos-version-id`.
pub(crate) fn version_id(headers: &HeaderMap) -> Option<String> {
    text(headers, &names::VERSION_ID)
}

/// A header as text. What is not UTF-8 is shown as well as can be: it is somebody's metadata.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

const CONTENT_HEADERS: [HeaderName; 5] =
    [CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, EXPIRES];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Keep,
    Cut,
}

fn with_prefix(headers: &HeaderMap, prefix: &str, mode: Prefix) -> BTreeMap<String, String> {
    headers
        .keys()
        .filter_map(|name| {
            let rest = name.as_str().strip_prefix(prefix)?;
            let shown = if mode == Prefix::Cut { rest } else { name.as_str() };
            Some((shown.to_owned(), text(headers, name)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::head;

    #[test]
    fn an_etag_that_no_record_could_hold_is_refused() {
        let read = |tag: &str| etag(head(200, &[("etag", tag)]).headers());
        assert!(read(&format!("\"{}\"", "e".repeat(256))).is_ok());
        for tag in ["", "\"\"", &"e".repeat(257)] {
            assert!(matches!(read(tag), Err(Rejected::Retry(Reason::Malformed(_)))), "{tag}");
        }
    }
}
