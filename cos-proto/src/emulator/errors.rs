//! What the service refuses with (COS product page 436/7730).

use std::borrow::Cow;

use http::StatusCode;

/// The codes that the emulator uses, each with its status and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    AccessDenied,
    AccessForbidden,
    AppendPositionErr,
    BadDigest,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    EntityTooLarge,
    EntityTooSmall,
    ExpiredToken,
    FileAlreadyExists,
    IncompleteBody,
    InternalError,
    InvalidAccessKeyId,
    InvalidArgument,
    InvalidBucketName,
    InvalidCopySource,
    InvalidDigest,
    InvalidObjectName,
    InvalidObjectState,
    InvalidPart,
    InvalidPartOrder,
    InvalidRange,
    InvalidRequest,
    InvalidTag,
    InvalidUri,
    KeyTooLong,
    MalformedXml,
    MethodNotAllowed,
    MissingContentLength,
    NoSuchBucket,
    NoSuchKey,
    NoSuchTagSet,
    NoSuchUpload,
    NoSuchVersion,
    NotSupportedStorageClass,
    ObjectNotAppendable,
    PathStyleDomainForbidden,
    PreconditionFailed,
    RequestTimeTooSkewed,
    RestoreNonArchiveObject,
    SignatureDoesNotMatch,
    XmlSizeLimit,
}

impl Code {
    /// Status, code and message on the wire.
    fn wire(self) -> (u16, &'static str, &'static str) {
        use Code as C;
        match self {
            C::AccessDenied => (403, "AccessDenied", "Access Denied."),
            C::AccessForbidden => {
                (403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
            }
            C::AppendPositionErr => (409, "AppendPositionErr", "Position not equal object length."),
            C::BadDigest => {
                (400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
            }
            C::BucketAlreadyOwnedByYou => (
                409,
                "BucketAlreadyOwnedByYou",
                "The bucket that you try to create already exists, and you own it.",
            ),
            C::BucketNotEmpty => {
                (409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            }
            C::EntityTooLarge => (
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed object size.",
            ),
            C::EntityTooSmall => (
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed object size.",
            ),
            C::ExpiredToken => (400, "ExpiredToken", "The provided token has expired."),
            C::FileAlreadyExists => (
                409,
                "FileAlreadyExists",
                "The object already exists and overwriting is forbidden.",
            ),
            C::IncompleteBody => (
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length header.",
            ),
            C::InternalError => {
                (500, "InternalError", "We encountered an internal error. Please try again.")
            }
            C::InvalidAccessKeyId => (
                403,
                "InvalidAccessKeyId",
                "The access key Id you provided does not exist in our records",
            ),
            C::InvalidArgument => (400, "InvalidArgument", "Invalid Argument."),
            C::InvalidBucketName => {
                (400, "InvalidBucketName", "The specified bucket is not valid.")
            }
            C::InvalidCopySource => (400, "InvalidCopySource", "The copy source is invalid."),
            C::InvalidDigest => (400, "InvalidDigest", "The Content-MD5 you specified is invalid."),
            C::InvalidObjectName => (
                400,
                "InvalidObjectName",
                "The key contains a control character that is not allowed.",
            ),
            C::InvalidObjectState => (
                403,
                "InvalidObjectState",
                "The operation is not valid for the current state of the object.",
            ),
            C::InvalidPart => {
                (400, "InvalidPart", "One or more of the specified parts could not be found.")
            }
            C::InvalidPartOrder => {
                (400, "InvalidPartOrder", "The list of parts was not in ascending order.")
            }
            C::InvalidRange => (416, "InvalidRange", "The requested range cannot be satisfied."),
            C::InvalidRequest => (400, "InvalidRequest", "Invalid Request."),
            C::InvalidTag => (400, "InvalidTag", "The tag is invalid."),
            C::InvalidUri => (400, "InvalidURI", "Couldn't parse the specified URI."),
            C::KeyTooLong => (400, "KeyTooLong", "Your key is too long."),
            C::MalformedXml => (
                400,
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate.",
            ),
            C::MethodNotAllowed => (
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            ),
            C::MissingContentLength => {
                (411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
            }
            C::NoSuchBucket => (404, "NoSuchBucket", "The specified bucket does not exist."),
            C::NoSuchKey => (404, "NoSuchKey", "The specified key does not exist."),
            C::NoSuchTagSet => (404, "NoSuchTagSet", "The TagSet does not exist."),
            C::NoSuchUpload => {
                (404, "NoSuchUpload", "The specified multipart upload does not exist.")
            }
            C::NoSuchVersion => (404, "NoSuchVersion", "The specified version does not exist."),
            C::NotSupportedStorageClass => {
                (400, "NotSupportedStorageClass", "The storage class is not supported.")
            }
            C::ObjectNotAppendable => (409, "ObjectNotAppendable", "The object is not appendable."),
            C::PathStyleDomainForbidden => (
                403,
                "PathStyleDomainForbidden",
                "The bucket you are attempting to access must be addressed using COS \
                 virtual-styled domain.",
            ),
            C::PreconditionFailed => (412, "PreconditionFailed", "Precondition not match."),
            C::RequestTimeTooSkewed => (
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            C::RestoreNonArchiveObject => (
                405,
                "RestoreNonArchiveObject",
                "The object is not archived and cannot be restored.",
            ),
            C::SignatureDoesNotMatch => {
                (403, "SignatureDoesNotMatch", "The Signature you specified is invalid.")
            }
            C::XmlSizeLimit => (400, "XMLSizeLimit", "The XML you provided is too large."),
        }
    }

    /// With another message than usual.
    pub(super) fn saying(self, message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), ..self.into() }
    }
}

/// A request that the service refuses.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// Further elements, between Message and Resource.
    pub(super) extra: Vec<(&'static str, String)>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// One that no [`Code`] stands for.
    pub(super) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.into(),
            message: message.into(),
            extra: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub(super) fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.extra.push((element, text.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        let (status, code, message) = code.wire();
        Self::new(status, code, message)
    }
}

/// An argument that is out of its range or not understood.
pub(super) fn invalid(what: impl Into<String>) -> Refusal {
    Code::InvalidArgument.saying(what)
}
