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
    let mut meta = ObjectMeta {
        size,
        etag: etag(headers)?,
        last_modified: None,
        crc64: Reported::Absent,
        content_type: None,
        storage_class: StorageClass::STANDARD,
        version_id: None,
        content_headers: BTreeMap::new(),
        metadata: BTreeMap::new(),
        encryption: BTreeMap::new(),
    };
    let (mut appendable, mut previous) = (false, None);
    // Going once through the fields there are costs less than asking for each that there may be.
    for (name, value) in headers {
        // Of several of one name, which stand together, the first counts.
        if previous.replace(name) == Some(name) {
            continue;
        }
        if *name == LAST_MODIFIED {
            meta.last_modified = UnixTime::parse_http_date(&shown(value));
        } else if *name == CONTENT_TYPE {
            meta.content_type = Some(shown(value).into_owned());
        } else if *name == names::CRC64 {
            meta.crc64 = Reported::parse(Some(&shown(value)));
        } else if *name == names::OBJECT_TYPE {
            appendable = value.as_bytes().eq_ignore_ascii_case(b"appendable");
        } else if *name == names::STORAGE_CLASS {
            meta.storage_class = StorageClass::from_wire(&shown(value));
        } else if *name == names::VERSION_ID {
            meta.version_id = Some(shown(value).into_owned());
        } else if CONTENT_HEADERS.contains(name) {
            meta.content_headers.insert(name.as_str().to_owned(), shown(value).into_owned());
        } else if let Some(name) = name.as_str().strip_prefix(names::METADATA_PREFIX) {
            meta.metadata.insert(name.to_owned(), shown(value).into_owned());
        } else if name.as_str().starts_with(names::SSE.as_str()) {
            meta.encryption.insert(name.as_str().to_owned(), shown(value).into_owned());
        }
    }
    if appendable {
        // The CRC of an appendable object is not promised to follow its appends.
        meta.crc64 = Reported::Absent;
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
    headers.get(name).map(shown)
}

/// What is not UTF-8 is shown as well as can be: it is somebody's metadata.
fn shown(value: &HeaderValue) -> Cow<'_, str> {
    // Nearly all is, and to see that is quicker than to look for what is not.
    str::from_utf8(value.as_bytes())
        .map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed)
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

    #[test]
    fn of_several_fields_of_one_name_the_first_counts() {
        let twice = |name, one, other| [(name, one), (name, other)];
        let fields = [
            twice("content-type", "a/b", "c/d"),
            twice("x-cos-hash-crc64ecma", "1", "2"),
            twice("x-cos-meta-colour", "red", "blue"),
            twice("cache-control", "no-store", "private"),
            twice("x-cos-server-side-encryption", "AES256", "cos/kms"),
            twice("etag", "\"e\"", "\"f\""),
        ];
        let meta = decode(head(200, fields.as_flattened()).headers(), 7).expect("an object");
        let only = |map: &BTreeMap<String, String>, name: &str, value: &str| {
            assert_eq!((map.len(), map.get(name).map(String::as_str)), (1, Some(value)));
        };
        assert_eq!((meta.size, meta.etag.as_str()), (7, "e"));
        assert_eq!((meta.content_type.as_deref(), meta.crc64), (Some("a/b"), Reported::Value(1)));
        only(&meta.metadata, "colour", "red");
        only(&meta.content_headers, "cache-control", "no-store");
        only(&meta.encryption, "x-cos-server-side-encryption", "AES256");
    }
}
