//! What names and describes objects, uploads and parts on the wire.

use std::{collections::BTreeMap, fmt, num::NonZeroU16};

use crate::{Error, ErrorKind, UnixTime, api::StorageClass, short_text::ShortText};

/// An entity tag, opaque: compared for equality, never taken for an MD5.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(ShortText);

/// The longest tag that a reply to a write or a HEAD may have; COS's have some 40 bytes. A resume
/// record must hold it.
pub(crate) const ETAG_BYTES_MAX: usize = 256;

impl ETag {
    /// Takes the text of a header or an element, with or without its quotes.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        Self(text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).into())
    }

    /// Takes the tag itself, as [`as_str`](Self::as_str) gave it.
    pub(crate) fn verbatim(tag: &str) -> Self {
        Self(tag.into())
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The tag in quotes, as headers and elements carry it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.as_str())
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ETag({})", self.as_str())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The name that COS gives a multipart upload, opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

/// The longest upload id that is accepted; COS's have some 75 bytes.
pub(crate) const UPLOAD_ID_BYTES_MAX: usize = 512;

impl UploadId {
    /// Checks an upload id: 1 to 512 visible ASCII characters.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=UPLOAD_ID_BYTES_MAX).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("upload id {text:?}: must be 1 to 512 visible ASCII characters"),
            ))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The number of a part, 1 to 10 000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(NonZeroU16);

impl PartNumber {
    /// The first part.
    pub const FIRST: Self = Self(NonZeroU16::MIN);
    /// The last part that COS allows.
    pub const MAX: u16 = 10_000;

    /// Checks a number.
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).filter(|number| number.get() <= Self::MAX).map(Self)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// The part after this one, unless this is the last.
    pub fn next(self) -> Option<Self> {
        Self::new(self.get().saturating_add(1))
    }
}

impl fmt::Debug for PartNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Part {}", self.0)
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// What a HEAD or GET says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMeta {
    /// The size of the whole object in bytes.
    pub size: u64,
    /// Its entity tag.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Option<UnixTime>,
    /// CRC-64/XZ of the whole object, if COS knows it.
    pub crc64: crate::crc64::Reported,
    /// Its media type.
    pub content_type: Option<String>,
    /// `STANDARD` unless COS says otherwise.
    pub storage_class: StorageClass,
    /// The version, in buckets that have had versioning.
    pub version_id: Option<String>,
    /// `Cache-Control`, `Content-Disposition`, `Content-Encoding`, `Content-Language`, `Expires` as
    /// stored, by lower-case name.
    pub content_headers: BTreeMap<String, String>,
    /// User metadata, by name without `x-cos-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Server-side encryption headers (`x-cos-server-side-encryption*`), by lower-case name.
    pub encryption: BTreeMap<String, String>,
}
