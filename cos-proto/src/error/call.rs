//! What can go wrong with one call, before an operation has made an error of it.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::StatusCode;

use super::{Error, ErrorKind, Remote};
use crate::{CallKind, UnixTime};

/// COS's answer to a call that it refused or could not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The status; 200 where the `<Error>` came inside a 200.
    pub status: StatusCode,
    /// The error code; `None` for a HEAD or a gateway's page.
    pub code: Option<String>,
    /// The message; empty if there is none.
    pub message: String,
    /// `x-cos-request-id`; `None` says that the answer did not come from COS itself.
    pub request_id: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The service's clock when it answered.
    pub date: Option<UnixTime>,
    /// The object's size, where a 416 tells it (`Content-Range: bytes */size`).
    pub object_size: Option<u64>,
}

/// What the adapter reports when an exchange gave no (complete) answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// One line for people.
    pub detail: String,
    /// The transport's own error.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// How an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection: nothing was sent.
    Connect,
    /// The peer's certificate was not accepted: nothing was sent, and trying again cannot help.
    Tls,
    /// `give_up_after` or an idle time-out passed.
    Timeout,
    /// The connection broke after something may have been sent.
    Broken,
    /// The answer is not HTTP.
    Malformed,
    /// The answer's body is longer than the call allows.
    ReplyTooLarge,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Whether the request may have reached COS.
    pub fn maybe_sent(&self) -> bool {
        !matches!(self.kind, FailureKind::Connect | FailureKind::Tls)
    }
}

/// Why an operation does not accept a 2xx reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The answer lacks something or cannot be read: which element or header, and why.
    Malformed(String),
    /// A checksum: what was expected and what came.
    Corrupt {
        /// The CRC-64 of the bytes on this side.
        ours: u64,
        /// COS's, or what its header held if that was not a number.
        theirs: String,
    },
    /// A body ended before its length was reached.
    Short {
        /// Bytes that arrived.
        got: u64,
        /// Bytes that were announced.
        expected: u64,
    },
    /// The object is not the one the operation began with.
    Changed,
    /// More bytes than the caller's limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Keys of a batch could not be deleted, for reasons that may pass.
    KeysFailed {
        /// How many.
        keys: usize,
    },
}

/// A call that failed for good, as an operation sees it.
#[derive(Clone, Debug)]
pub struct CallError {
    pub(crate) cause: Cause,
    /// Where the cause is no attempt's failure: that of the last attempt.
    pub(crate) last: Option<Box<Cause>>,
    pub(crate) call: CallKind,
    pub(crate) attempts: u32,
    /// Any attempt may have been executed: time-out, reset after sending, 5xx, cut reply.
    pub(crate) maybe_done: bool,
    /// When the first attempt was made, on the service's clock, or a little before that.
    pub(crate) asked_at: Option<UnixTime>,
}

/// The last attempt's failure.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Service(ServiceError),
    Transport(Failure),
    Rejected(Reason),
    Credentials(CredentialsFailed),
    /// Its URI would be too long to be one.
    Unsendable,
    /// The deadline passed before another attempt could be made.
    Deadline,
}

/// Why no credentials could be had.
#[derive(Clone, Debug)]
pub struct CredentialsFailed {
    detail: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl CredentialsFailed {
    /// One line for people; never the secret.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for CredentialsFailed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.detail)
    }
}

impl StdError for CredentialsFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl CallError {
    /// Whether any attempt may have been executed.
    pub fn maybe_done(&self) -> bool {
        self.maybe_done
    }

    pub(crate) fn service(&self) -> Option<&ServiceError> {
        match &self.cause {
            Cause::Service(error) => Some(error),
            Cause::Transport(_)
            | Cause::Rejected(_)
            | Cause::Credentials(_)
            | Cause::Unsendable
            | Cause::Deadline => None,
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.service()?.code.as_deref()
    }

    /// The status of the last answer that was an error.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.service().map(|error| error.status)
    }

    /// 404 by status, since a HEAD's answer has no code.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND) && self.code() != Some("NoSuchBucket")
    }

    /// The error a caller gets when the operation has nothing better to say.
    pub(crate) fn into_error(self) -> Error {
        let answer = match (&self.cause, self.last.as_deref()) {
            (Cause::Service(answer), _) | (_, Some(Cause::Service(answer))) => Some(answer),
            _ => None,
        };
        let remote = Remote {
            call: self.call,
            status: answer.map(|answer| answer.status),
            code: answer.and_then(|answer| answer.code.clone()),
            request_id: answer.and_then(|answer| answer.request_id.clone()),
            attempts: self.attempts,
            maybe_done: self.maybe_done,
        };
        let mut error = self.cause.into_error(self.call);
        if let Some(last) = self.last
            && error.source().is_none()
        {
            error = error.with_source(Arc::new(last.into_error(self.call)));
        }
        error.with_remote(remote)
    }
}

impl Cause {
    fn into_error(self, call: CallKind) -> Error {
        match self {
            Self::Service(error) => service_error(&error, call),
            Self::Transport(failure) => {
                let kind = match failure.kind {
                    FailureKind::Malformed | FailureKind::ReplyTooLarge => ErrorKind::Malformed,
                    FailureKind::Connect
                    | FailureKind::Tls
                    | FailureKind::Timeout
                    | FailureKind::Broken => ErrorKind::Transport,
                };
                let error = Error::new(kind, failure.detail);
                match failure.source {
                    Some(source) => error.with_source(source),
                    None => error,
                }
            }
            Self::Rejected(reason) => rejected_error(&reason),
            Self::Credentials(failed) => {
                Error::new(ErrorKind::Credentials, failed.to_string()).with_source(Arc::new(failed))
            }
            Self::Unsendable => Error::new(
                ErrorKind::InvalidParameter,
                "a key, prefix or other parameter makes the URI longer than 65 534 bytes",
            ),
            Self::Deadline => Error::new(ErrorKind::Transport, "the call's deadline passed"),
        }
    }

    /// Whether an attempt ended so.
    pub(crate) fn is_of_an_attempt(&self) -> bool {
        match self {
            Self::Service(_) | Self::Transport(_) | Self::Rejected(_) => true,
            Self::Credentials(_) | Self::Unsendable | Self::Deadline => false,
        }
    }
}

fn service_error(error: &ServiceError, call: CallKind) -> Error {
    let status = usual_status(error);
    let throttled = matches!(error.code.as_deref(), Some("SlowDown" | "TooManyRequests"))
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let kind = match (status, error.code.as_deref()) {
        // Archived, or without a bucket: neither absent nor forbidden.
        (_, Some("NoSuchBucket" | "InvalidObjectState")) => ErrorKind::Service,
        (_, Some("NoSuchKey" | "NoSuchCopySource" | "NoSuchVersion")) => ErrorKind::PathNotFound,
        (StatusCode::NOT_FOUND, None) if call != CallKind::HeadBucket => ErrorKind::PathNotFound,
        (_, Some("FileAlreadyExists")) => ErrorKind::AlreadyExists,
        (_, Some("NoSuchUpload" | "InvalidUploadStatus")) => ErrorKind::UploadLost,
        (StatusCode::PRECONDITION_FAILED, _) => ErrorKind::Changed,
        (StatusCode::NOT_MODIFIED, _) => ErrorKind::NotModified,
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (_, Some("ExpiredToken")) => {
            ErrorKind::Denied
        }
        _ if throttled => ErrorKind::Throttled { retry_after: error.retry_after },
        _ => ErrorKind::Service,
    };
    let hint = match error.code.as_deref() {
        Some("PathStyleDomainForbidden") => {
            " (the endpoint must be the bucket's own host: <bucket>.cos.<region>.myqcloud.com)"
        }
        _ => "",
    };
    Error::new(kind, format!("{}{hint}", error.message))
}

/// The status of an answer; of an `<Error>` inside a 200 the one that its code has elsewhere
/// (436/7730), where that makes a difference.
fn usual_status(error: &ServiceError) -> StatusCode {
    match error.code.as_deref() {
        _ if !error.status.is_success() => error.status,
        Some(
            "AccessDenied"
            | "AccessForbidden"
            | "InvalidAccessKeyId"
            | "NoProcessAuthority"
            | "PathStyleDomainForbidden"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch",
        ) => StatusCode::FORBIDDEN,
        Some("PreconditionFailed") => StatusCode::PRECONDITION_FAILED,
        Some("KmsFreqControl" | "ServiceUnavailable") => StatusCode::SERVICE_UNAVAILABLE,
        _ => error.status,
    }
}

/// The error that a reply not accepted is, as far as the reason tells.
pub(crate) fn rejected_error(reason: &Reason) -> Error {
    let text = reason.to_string();
    let kind = match reason {
        Reason::Malformed(_) => ErrorKind::Malformed,
        Reason::Corrupt { .. } => ErrorKind::Corrupt,
        Reason::Short { .. } => ErrorKind::Transport,
        Reason::Changed => ErrorKind::Changed,
        &Reason::TooLarge { limit } => ErrorKind::TooLarge { limit },
        Reason::KeysFailed { .. } => ErrorKind::Service,
    };
    Error::new(kind, text)
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => out.write_str(what),
            Self::Corrupt { ours, theirs } => {
                write!(out, "CRC-64 of the bytes here {ours}, of COS {theirs}")
            }
            Self::Short { got, expected } => {
                write!(out, "the body ended after {got} of {expected} bytes")
            }
            Self::Changed => out.write_str("the ETag or the size is another one"),
            Self::TooLarge { limit } => write!(out, "more than {limit} bytes"),
            Self::KeysFailed { keys } => write!(out, "{keys} keys could not be deleted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: &str) -> ErrorKind {
        let error = ServiceError {
            status: StatusCode::from_u16(status).expect("a status"),
            code: Some(code.to_owned()),
            ..ServiceError::default()
        };
        service_error(&error, CallKind::CompleteMultipartUpload).kind().clone()
    }

    #[test]
    fn an_error_inside_a_200_is_of_the_kind_that_it_is_elsewhere() {
        let throttled = ErrorKind::Throttled { retry_after: None };
        for (status, code, expected) in [
            (400, "ExpiredToken", ErrorKind::Denied),
            (400, "InvalidPart", ErrorKind::Service),
            (403, "AccessDenied", ErrorKind::Denied),
            (403, "AccessForbidden", ErrorKind::Denied),
            (403, "InvalidAccessKeyId", ErrorKind::Denied),
            (403, "InvalidObjectState", ErrorKind::Service),
            (403, "NoProcessAuthority", ErrorKind::Denied),
            (403, "PathStyleDomainForbidden", ErrorKind::Denied),
            (403, "RequestTimeTooSkewed", ErrorKind::Denied),
            (403, "SignatureDoesNotMatch", ErrorKind::Denied),
            (404, "NoSuchBucket", ErrorKind::Service),
            (404, "NoSuchCopySource", ErrorKind::PathNotFound),
            (404, "NoSuchKey", ErrorKind::PathNotFound),
            (404, "NoSuchUpload", ErrorKind::UploadLost),
            (404, "NoSuchVersion", ErrorKind::PathNotFound),
            (409, "FileAlreadyExists", ErrorKind::AlreadyExists),
            (412, "PreconditionFailed", ErrorKind::Changed),
            (429, "TooManyRequests", throttled.clone()),
            (500, "InternalError", ErrorKind::Service),
            (503, "KmsFreqControl", throttled.clone()),
            (503, "ServiceUnavailable", throttled.clone()),
            (503, "SlowDown", throttled),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code}");
            assert_eq!(kind(200, code), expected, "200 {code}");
        }
    }
}
