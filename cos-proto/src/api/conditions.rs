//! Preconditions on the object that is read.

use http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
};

use super::{
    header_value::{etag_value, header_value},
    names,
};
use crate::{ETag, ObjectMeta, UnixTime};

/// When an object is to be read at all (436/7753, 436/10881).
///
/// COS answers 412 (`PreconditionFailed`) to a failed condition, and 304 to a GET or HEAD of an
/// object that is what `if_none_match` and `if_modified_since` say the caller has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conditions {
    /// Only if the entity tag is this one.
    pub if_match: Option<ETag>,
    /// Only if the entity tag is another one.
    pub if_none_match: Option<ETag>,
    /// Only if the object was written after this.
    pub if_modified_since: Option<UnixTime>,
    /// Only if the object was not written after this.
    pub if_unmodified_since: Option<UnixTime>,
}

impl Conditions {
    /// No condition.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only if the entity tag is this one.
    #[must_use]
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.if_match = Some(etag);
        self
    }

    /// Only if the entity tag is another one.
    #[must_use]
    pub fn if_none_match(mut self, etag: ETag) -> Self {
        self.if_none_match = Some(etag);
        self
    }

    /// Only if the object was written after `time`.
    #[must_use]
    pub fn if_modified_since(mut self, time: UnixTime) -> Self {
        self.if_modified_since = Some(time);
        self
    }

    /// Only if the object was not written after `time`.
    #[must_use]
    pub fn if_unmodified_since(mut self, time: UnixTime) -> Self {
        self.if_unmodified_since = Some(time);
        self
    }

    /// Whether COS would serve the object that `meta` describes. A date beside an ETag does not
    /// count (RFC 9110, 13.2.2), and a date that nobody knows fulfils no condition.
    pub(crate) fn hold_for(&self, meta: &ObjectMeta) -> bool {
        let modified = meta.last_modified;
        let unchanged = match (&self.if_match, self.if_unmodified_since) {
            (Some(tag), _) => *tag == meta.etag,
            (None, Some(since)) => modified.is_some_and(|modified| modified <= since),
            (None, None) => true,
        };
        let wanted = match (&self.if_none_match, self.if_modified_since) {
            (Some(tag), _) => *tag != meta.etag,
            (None, Some(since)) => modified.is_some_and(|modified| modified > since),
            (None, None) => true,
        };
        unchanged && wanted
    }

    /// As conditions of a GET or HEAD.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        self.write_as(headers, [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]);
    }

    /// As conditions on the source of a copy.
    pub(crate) fn write_for_source(&self, headers: &mut HeaderMap) {
        self.write_as(
            headers,
            [
                names::COPY_IF_MATCH,
                names::COPY_IF_NONE_MATCH,
                names::COPY_IF_MODIFIED_SINCE,
                names::COPY_IF_UNMODIFIED_SINCE,
            ],
        );
    }

    fn write_as(&self, headers: &mut HeaderMap, names: [HeaderName; 4]) {
        let date = |time: &UnixTime| header_value(&time.to_http_date());
        let values = [
            self.if_match.as_ref().map(etag_value),
            self.if_none_match.as_ref().map(etag_value),
            self.if_modified_since.as_ref().map(date),
            self.if_unmodified_since.as_ref().map(date),
        ];
        for (name, value) in names.into_iter().zip(values) {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}
