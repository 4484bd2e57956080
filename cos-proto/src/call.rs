//! One COS call as an unsigned description, and the reply to it.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::{CopySource, Key, Payload, UnixTime};

/// Which COS API a request calls. Named as CAM policies name the actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// PUT Object.
    PutObject,
    /// GET Object.
    GetObject,
    /// HEAD Object.
    HeadObject,
    /// DELETE Object.
    DeleteObject,
    /// DELETE Multiple Objects.
    DeleteMultipleObjects,
    /// PUT Object - Copy.
    PutObjectCopy,
    /// GET Bucket (List Objects).
    GetBucket,
    /// HEAD Bucket.
    HeadBucket,
    /// Initiate Multipart Upload.
    InitiateMultipartUpload,
    /// Upload Part.
    UploadPart,
    /// Upload Part - Copy.
    UploadPartCopy,
    /// Complete Multipart Upload.
    CompleteMultipartUpload,
    /// Abort Multipart Upload.
    AbortMultipartUpload,
    /// List Parts.
    ListParts,
    /// List Multipart Uploads.
    ListMultipartUploads,
}

impl CallKind {
    /// The action's name, as in `name/cos:PutObject`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::DeleteObject => "DeleteObject",
            Self::DeleteMultipleObjects => "DeleteMultipleObjects",
            Self::PutObjectCopy => "PutObjectCopy",
            Self::GetBucket => "GetBucket",
            Self::HeadBucket => "HeadBucket",
            Self::InitiateMultipartUpload => "InitiateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListParts => "ListParts",
            Self::ListMultipartUploads => "ListMultipartUploads",
        }
    }

    /// Whether COS may answer 200 before it has done the work, send spaces while it works, and say
    /// only in the body whether it failed (436/7742, 436/10881, 436/8287).
    pub const fn answers_late(self) -> bool {
        matches!(self, Self::CompleteMultipartUpload | Self::PutObjectCopy | Self::UploadPartCopy)
    }
}

/// Whether a call may be sent again after an attempt that may have been executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a call is one or the other")]
pub enum Replay {
    /// Twice has the effect of once, or the operation copes with the difference.
    Safe,
    /// Only after a failure before anything was sent.
    Unsafe,
}

/// How the adapter is to deliver the body of a 2xx reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters must handle all")]
pub enum ReplyMode {
    /// Whole, as one [`Event::Reply`](crate::Event::Reply), of at most so many bytes.
    Collect {
        /// A longer body is [`FailureKind::ReplyTooLarge`](crate::FailureKind::ReplyTooLarge).
        bytes_max: usize,
    },
    /// As [`Event::Head`](crate::Event::Head), data, [`Event::End`](crate::Event::End). A reply
    /// that is not 2xx is collected all the same, up to [`ERROR_BODY_MAX`].
    Stream,
}

/// The most that is read of the body of a reply that is not 2xx.
pub const ERROR_BODY_MAX: usize = 64 * 1024;

/// The most that is read of an XML reply. A page of 1000 keys of 850 bytes, each byte encoded as
/// `%XX` and repeated in no other element, stays below 4 MiB.
pub const XML_BODY_MAX: usize = 8 * 1024 * 1024;

/// Which permits an exchange may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters must handle all")]
pub enum Lane {
    /// Any permit.
    Control,
    /// The body of a part or a part copy: all but one permit together, if there is more than one.
    Bulk,
}

/// Whether a 200 may carry an `<Error>` document instead of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorIn200 {
    Never,
    Possible,
}

/// One logical call, unsigned: built anew for every attempt.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) kind: CallKind,
    pub(crate) method: Method,
    /// `None` addresses the bucket.
    pub(crate) key: Option<Key>,
    /// In wire order: COS routes on the first parameter, so a sub-resource comes first.
    pub(crate) query: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    pub(crate) headers: HeaderMap,
    pub(crate) copy_source: Option<CopySource>,
    pub(crate) body: Payload,
    pub(crate) replay: Replay,
    pub(crate) reply: ReplyMode,
    pub(crate) lane: Lane,
    pub(crate) error_in_200: ErrorIn200,
}

impl Call {
    pub(crate) fn new(kind: CallKind, method: Method, key: Option<Key>) -> Self {
        Self {
            kind,
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            copy_source: None,
            body: Payload::EMPTY,
            replay: Replay::Safe,
            reply: ReplyMode::Collect { bytes_max: XML_BODY_MAX },
            lane: Lane::Control,
            error_in_200: ErrorIn200::Never,
        }
    }

    /// Appends a query parameter; the first one appended is the first on the wire.
    pub(crate) fn query(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.query.push((name.into(), Cow::Owned(value.into())));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, body: Payload) -> Self {
        self.body = body;
        self
    }

    /// Which API this calls.
    pub fn kind(&self) -> CallKind {
        self.kind
    }
}

/// A collected 2xx reply.
#[derive(Clone, Debug)]
pub struct Reply {
    response: Response<Bytes>,
    repeated: bool,
    asked_at: Option<UnixTime>,
}

impl Reply {
    pub(crate) fn new(response: Response<Bytes>, repeated: bool) -> Self {
        Self { response, repeated, asked_at: None }
    }

    pub(crate) fn with_asked_at(mut self, asked_at: Option<UnixTime>) -> Self {
        self.asked_at = asked_at;
        self
    }

    /// When the call's first attempt was made, on the service's clock, or a little before that;
    /// `None` if the answer has no `Date`.
    pub fn asked_at(&self) -> Option<UnixTime> {
        self.asked_at
    }

    /// Whether an earlier attempt of the same call may have been executed as well.
    pub fn repeated(&self) -> bool {
        self.repeated
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        self.response.body()
    }

    /// The body, without copying.
    pub fn into_body(self) -> Bytes {
        self.response.into_body()
    }
}
