//! What an object is to be besides its bytes.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    Encryption, PartOptions, StorageClass, TrafficLimit,
    header_value::{checked_value, header_value},
    names,
};
use crate::{Error, ErrorKind, ObjectMeta, encode::encode};

/// The headers of a new object: metadata, storage class, access, encryption (436/7749).
///
/// Values are checked when they are given, so that no request fails for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectOptions {
    /// Content headers and user metadata, as they are sent.
    described: HeaderMap,
    storage_class: Option<StorageClass>,
    acl: Option<Acl>,
    tags: Vec<(String, String)>,
    encryption: Encryption,
    overwrite: Overwrite,
    traffic_limit: Option<TrafficLimit>,
}

/// Who may access an object, of COS's canned lists (436/30752).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acl {
    /// As the bucket's.
    Default,
    /// The owner only.
    Private,
    /// Everyone may read.
    PublicRead,
    /// Every authenticated user may read.
    AuthenticatedRead,
}

/// Whether an object at the key may be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third case")]
pub enum Overwrite {
    /// The last writer wins.
    #[default]
    Allow,
    /// COS answers 409 `FileAlreadyExists`. Without effect in a bucket that has ever had versioning.
    Forbid,
}

/// The most bytes of all `x-cos-meta-*` names and values together.
const METADATA_BYTES_MAX: usize = 2048;
const TAGS_MAX: usize = 10;
const TAG_KEY_BYTES_MAX: usize = 127;
const TAG_VALUE_BYTES_MAX: usize = 255;

impl ObjectOptions {
    /// No options: COS's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// User metadata, `x-cos-meta-<name>`. COS knows names without case, and all names and values
    /// together may have 2048 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if the name is not of letters, digits and `-`, if the value
    /// is not visible ASCII, or if it is too much.
    pub fn metadata(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let full = format!("{}{name}", names::METADATA_PREFIX);
        // COS's front end drops names with '_', which then fails the signature.
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let refuse = |rule| Error::invalid_parameter(&full, value, rule);
        if name.is_empty() || !name.bytes().all(legal) {
            return Err(refuse("a metadata name is of letters, digits and '-'"));
        }
        let header = HeaderName::from_bytes(full.as_bytes())
            .map_err(|_| refuse("a metadata name must be a header name"))?;
        self.described.insert(header, checked_value(&full, value)?);
        let bytes: usize = self
            .described
            .iter()
            .filter(|(name, _)| name.as_str().starts_with(names::METADATA_PREFIX))
            .map(|(name, value)| name.as_str().len().saturating_add(value.len()))
            .sum();
        if bytes > METADATA_BYTES_MAX {
            return Err(refuse("all metadata names and values together have at most 2048 bytes"));
        }
        Ok(self)
    }

    /// `Content-Type`, the media type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if it is empty or not visible ASCII; likewise for the other
    /// content headers.
    pub fn content_type(self, value: &str) -> Result<Self, Error> {
        self.described(header::CONTENT_TYPE, value)
    }

    /// `Cache-Control`.
    pub fn cache_control(self, value: &str) -> Result<Self, Error> {
        self.described(header::CACHE_CONTROL, value)
    }

    /// `Content-Disposition`. A file name beyond ASCII goes into `filename*=UTF-8''…`, encoded.
    pub fn content_disposition(self, value: &str) -> Result<Self, Error> {
        self.described(header::CONTENT_DISPOSITION, value)
    }

    /// `Content-Encoding`. COS stores it; nothing is encoded or decoded.
    pub fn content_encoding(self, value: &str) -> Result<Self, Error> {
        self.described(header::CONTENT_ENCODING, value)
    }

    /// `Content-Language`.
    pub fn content_language(self, value: &str) -> Result<Self, Error> {
        self.described(header::CONTENT_LANGUAGE, value)
    }

    /// `Expires`, an HTTP date.
    pub fn expires(self, value: &str) -> Result<Self, Error> {
        self.described(header::EXPIRES, value)
    }

    /// The storage class.
    #[must_use]
    pub fn storage_class(mut self, class: StorageClass) -> Self {
        self.storage_class = Some(class);
        self
    }

    /// Who may access the object.
    #[must_use]
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acl = Some(acl);
        self
    }

    /// Adds a tag (436/35665).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for an eleventh tag, a key that is there already, a key that
    /// has not 1 to 127 bytes, or a value of more than 255 bytes.
    pub fn tag(mut self, key: &str, value: &str) -> Result<Self, Error> {
        let rule = if self.tags.len() >= TAGS_MAX {
            "an object has at most 10 tags"
        } else if key.is_empty() || key.len() > TAG_KEY_BYTES_MAX {
            "a tag's key has 1 to 127 bytes"
        } else if value.len() > TAG_VALUE_BYTES_MAX {
            "a tag's value has at most 255 bytes"
        } else if self.tags.iter().any(|(other, _)| other == key) {
            "the key of a tag occurs once"
        } else {
            self.tags.push((key.to_owned(), value.to_owned()));
            return Ok(self);
        };
        let tag = format!("{key}={value}");
        Err(Error::invalid_parameter(names::TAGGING.as_str(), &tag, rule))
    }

    /// How COS encrypts the object.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Whether an object at the key may be replaced.
    #[must_use]
    pub fn overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// How fast COS takes the bytes.
    #[must_use]
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Content headers and user metadata of an object that is to be copied by parts, where COS
    /// copies none itself.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if COS holds a value that cannot be sent.
    pub(crate) fn described_as(mut self, meta: &ObjectMeta) -> Result<Self, Error> {
        if let Some(value) = &meta.content_type {
            self = self.content_type(value)?;
        }
        for (name, value) in &meta.content_headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| Error::new(ErrorKind::InvalidParameter, error.to_string()))?;
            self = self.described(name, value)?;
        }
        for (name, value) in &meta.metadata {
            self = self.metadata(name, value)?;
        }
        Ok(self)
    }

    /// Whether there are content headers or user metadata.
    pub(crate) fn is_described(&self) -> bool {
        !self.described.is_empty()
    }

    pub(crate) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    pub(crate) fn overwrites(&self) -> Overwrite {
        self.overwrite
    }

    pub(crate) fn encrypted(&self) -> &Encryption {
        &self.encryption
    }

    /// What the parts of an object with these options need.
    pub(crate) fn part_options(&self) -> PartOptions {
        PartOptions {
            sse_c: self.encryption.sse_c().cloned(),
            source_sse_c: None,
            traffic_limit: self.traffic_limit,
        }
    }

    /// The limit of the request that carries the bytes, if that is one.
    pub(crate) fn limit(&self) -> Option<TrafficLimit> {
        self.traffic_limit
    }

    /// The headers of a request that creates the object, all but the traffic limit.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.extend(self.described.clone());
        if let Some(class) = &self.storage_class {
            headers.insert(names::STORAGE_CLASS, header_value(class.as_str()));
        }
        if let Some(acl) = self.acl {
            headers.insert(names::ACL, HeaderValue::from_static(acl.name()));
        }
        if !self.tags.is_empty() {
            headers.insert(names::TAGGING, header_value(&self.tagging()));
        }
        self.encryption.write(headers);
        self.overwrite.write(headers);
    }

    fn tagging(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.tags {
            let separator = if text.is_empty() { "" } else { "&" };
            let _ = write!(text, "{separator}{}={}", encode(key), encode(value));
        }
        text
    }

    fn described(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        if value.is_empty() {
            return Err(Error::invalid_parameter(name.as_str(), value, "must not be empty"));
        }
        let checked = checked_value(name.as_str(), value)?;
        self.described.insert(name, checked);
        Ok(self)
    }
}

impl Overwrite {
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if self == Self::Forbid {
            headers.insert(names::FORBID_OVERWRITE, HeaderValue::from_static("true"));
        }
    }
}

impl Acl {
    /// The name, as in `x-cos-acl`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::AuthenticatedRead => "authenticated-read",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{SseC, object_meta};

    /// The error names the parameter and shows the rule.
    #[track_caller]
    fn assert_refused(result: Result<ObjectOptions, Error>, name: &str, rule: &str) {
        let error = result.expect_err(name);
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(rule), "{text}");
    }

    fn options() -> ObjectOptions {
        ObjectOptions::new()
    }

    #[test]
    fn metadata_must_survive_every_middle_box() {
        for name in ["", "a_b", "a b", "a:b", "é", "a.b"] {
            assert_refused(options().metadata(name, "v"), "x-cos-meta-", "letters, digits and '-'");
        }
        for value in [" v", "v ", "a\nb", "a\tb", "é", "\u{7f}"] {
            assert_refused(options().metadata("a", value), "x-cos-meta-a", "visible ASCII");
        }
    }

    #[test]
    fn metadata_has_at_most_2048_bytes_by_name_and_value() {
        // "x-cos-meta-a" has 12 bytes.
        assert!(options().metadata("a", &"v".repeat(2036)).is_ok());
        assert_refused(options().metadata("a", &"v".repeat(2037)), "x-cos-meta-a", "2048");
        let half = options().metadata("a", &"v".repeat(1012)).expect("half");
        assert!(half.clone().metadata("b", &"v".repeat(1012)).is_ok());
        assert_refused(half.clone().metadata("b", &"v".repeat(1013)), "x-cos-meta-b", "2048");
        // The same name replaces the value, in any case.
        assert!(half.metadata("A", &"v".repeat(2036)).is_ok());
    }

    #[test]
    fn content_headers_must_be_values() {
        type Set = fn(ObjectOptions, &str) -> Result<ObjectOptions, Error>;
        let setters: [(&str, Set); 6] = [
            ("content-type", ObjectOptions::content_type),
            ("cache-control", ObjectOptions::cache_control),
            ("content-disposition", ObjectOptions::content_disposition),
            ("content-encoding", ObjectOptions::content_encoding),
            ("content-language", ObjectOptions::content_language),
            ("expires", ObjectOptions::expires),
        ];
        for (name, set) in setters {
            assert_refused(set(options(), ""), name, "empty");
            assert_refused(set(options(), "a\r\nx: y"), name, "visible ASCII");
            assert!(set(options(), "a; b=\"c\"").is_ok());
        }
    }

    #[test]
    fn tags_are_at_most_ten_with_distinct_keys() {
        assert_refused(options().tag("", "v"), "x-cos-tagging", "1 to 127");
        assert_refused(options().tag(&"k".repeat(128), "v"), "x-cos-tagging", "1 to 127");
        assert_refused(options().tag("k", &"v".repeat(256)), "x-cos-tagging", "255");
        let one = options().tag(&"k".repeat(127), &"v".repeat(255)).expect("a tag");
        assert_refused(one.tag(&"k".repeat(127), ""), "x-cos-tagging", "once");
        let ten = (0..10).try_fold(options(), |options, n| options.tag(&n.to_string(), "v"));
        assert_refused(ten.expect("ten").tag("x", "v"), "x-cos-tagging", "10");
    }

    #[test]
    fn what_is_described_carries_over_to_a_copy_by_parts() {
        let options = options()
            .content_type("text/plain")
            .and_then(|options| options.cache_control("no-cache"))
            .and_then(|options| options.metadata("a", "b"))
            .expect("options");
        let mut headers = HeaderMap::new();
        options.write(&mut headers);
        headers.insert(header::ETAG, HeaderValue::from_static("e"));
        let meta = object_meta::decode(&headers, 0).expect("meta");
        assert_eq!(ObjectOptions::new().described_as(&meta).expect("described"), options);
    }

    #[test]
    fn parts_need_the_key_and_the_limit() {
        let key = SseC::new([7; 32]);
        let limit = TrafficLimit::new(819_200).expect("a limit");
        let part = options()
            .encryption(Encryption::SseC(key.clone()))
            .traffic_limit(limit)
            .storage_class(StorageClass::COLD)
            .part_options();
        assert_eq!(
            part,
            PartOptions { sse_c: Some(key), traffic_limit: Some(limit), source_sse_c: None }
        );
        assert_eq!(options().encryption(Encryption::SseCos).part_options(), PartOptions::default());
    }
}
