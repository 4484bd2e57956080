//! What the headers of a reply say about an object.

use std::{borrow::Cow, collections::BTreeMap};

use http::{
    HeaderMap, HeaderName, HeaderValue,
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
    let mut meta = ObjectMeta {
        size,
        etag: etag(headers)?,
        last_modified: text(headers, &LAST_MODIFIED).as_deref().and_then(UnixTime::parse_http_date),
        // The CRC of an appendable object is not promised to follow its appends.
        crc64: if appendable { Reported::Absent } else { crc64(headers) },
        content_type: text(headers, &CONTENT_TYPE).map(Cow::into_owned),
        storage_class: text(headers, &names::STORAGE_CLASS)
            .map_or(StorageClass::STANDARD, |text| StorageClass::from_wire(&text)),
        version_id: version_id(headers),
        content_headers: BTreeMap::new(),
        metadata: BTreeMap::new(),
        encryption: BTreeMap::new(),
    };
    for (name, value) in headers {
        let text = name.as_str();
        let (kind, shown) = if let Some(rest) = text.strip_prefix(names::METADATA_PREFIX) {
            (&mut meta.metadata, rest)
        } else if text.starts_with(names::SSE.as_str()) {
            (&mut meta.encryption, text)
        } else if CONTENT_HEADERS.contains(name) {
            (&mut meta.content_headers, text)
        } else {
            continue;
        };
        // The first of a name counts, as everywhere.
        kind.entry(shown.to_owned()).or_insert_with(|| readable(value).into_owned());
    }
    Ok(meta)
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
    text(headers, &names::VERSION_ID).map(Cow::into_owned)
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    headers.get(name).map(readable)
}

/// What is not UTF-8 is shown as well as can be: it is somebody's metadata.
fn readable(value: &HeaderValue) -> Cow<'_, str> {
    // Nearly all are, and to find only that out is shorter.
    match str::from_utf8(value.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(value.as_bytes()),
    }
}

const CONTENT_HEADERS: [HeaderName; 5] =
    [CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, EXPIRES];

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
