//! Errors, told apart by who is to blame and by what a caller can do about them.

mod call;

use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use http::StatusCode;

pub use self::call::{CallError, CredentialsFailed, Failure, FailureKind, Reason, ServiceError};
pub(crate) use self::call::{Cause, rejected_error};
use crate::CallKind;

/// Why an operation failed.
///
/// [`kind`](Self::kind) is what a program branches on; [`remote`](Self::remote) says which call
/// failed, how COS answered, and after how many attempts; `Display` is one line for people.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    /// The store's name, set by a storage driver: its contract wants it in every message.
    driver: Option<&'static str>,
    /// The caller's path, or the key where the caller named a key.
    path: Option<String>,
    detail: String,
    remote: Option<Remote>,
    failures: Vec<KeyFailure>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such object or version, and nothing below the path.
    PathNotFound,
    /// The path is outside the registry's grammar, or the key outside COS's rules.
    InvalidPath,
    /// The offset is negative.
    InvalidOffset {
        /// The offset as given.
        offset: i64,
    },
    /// An object with content stands at the path: COS cannot append to it.
    AlreadyCommitted {
        /// Its size in bytes.
        size: u64,
    },
    /// A write that must not overwrite found an object.
    AlreadyExists,
    /// The multipart upload is gone and the object was not made from it.
    UploadLost,
    /// The multipart upload is gone and somebody else's object stands at the path.
    Overwritten,
    /// Whether the write took effect could not be found out; it may still do so.
    OutcomeUnknown,
    /// The object changed while it was being read, or is not the one that a condition demands.
    Changed,
    /// The object is the one that a condition says the caller has (304).
    NotModified,
    /// A checksum did not match. The object may be bad; it was not deleted.
    Corrupt,
    /// COS asks for fewer requests.
    Throttled {
        /// How long COS asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// The credentials do not allow this, or are not accepted.
    Denied,
    /// More bytes than the given limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A parameter was refused.
    InvalidParameter,
    /// A method was called when it may not be (write after commit …).
    Misuse,
    /// No credentials could be had.
    Credentials,
    /// COS refused or failed in another way; see [`Error::remote`].
    Service,
    /// The connection failed, or took too long.
    Transport,
    /// The peer's answer is not what the protocol says.
    Malformed,
}

/// The failed call of an [`Error`] that came over the network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Remote {
    /// Which API was called.
    pub call: CallKind,
    /// The last answer's status, if there was one.
    pub status: Option<StatusCode>,
    /// The last answer's error code, such as `NoSuchKey`; a HEAD has none.
    pub code: Option<String>,
    /// The last answer's `x-cos-request-id`.
    pub request_id: Option<String>,
    /// How often the call was sent.
    pub attempts: u32,
    /// Whether any of the attempts may have been executed.
    pub maybe_done: bool,
}

/// One key that a recursive delete could not remove.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFailure {
    /// The key.
    pub key: String,
    /// COS's error code for it.
    pub code: String,
    /// COS's message for it.
    pub message: String,
}

impl KeyFailure {
    pub(crate) fn new(key: String, code: String, message: String) -> Self {
        Self { key, code, message }
    }
}

impl Error {
    /// An error of this kind; `detail` is the rest of its one line.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            driver: None,
            path: None,
            detail: detail.into(),
            remote: None,
            failures: Vec::new(),
            source: None,
        }))
    }

    /// A parameter was refused: which, its value, and the rule it breaks.
    pub fn invalid_parameter(name: &str, value: &str, rule: &str) -> Self {
        Self::new(ErrorKind::InvalidParameter, format!("parameter {name} = {value:?}: {rule}"))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The caller's path (a driver) or key (a client) that this is about.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The name of the storage driver, if the error came through one.
    pub fn driver(&self) -> Option<&'static str> {
        self.0.driver
    }

    /// The call that failed, if the error came over the network.
    pub fn remote(&self) -> Option<&Remote> {
        self.0.remote.as_ref()
    }

    /// COS's error code, such as `NoSuchKey`.
    pub fn code(&self) -> Option<&str> {
        self.remote()?.code.as_deref()
    }

    /// COS's id of the failed request, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.remote()?.request_id.as_deref()
    }

    /// The keys that a delete could not remove.
    pub fn failures(&self) -> &[KeyFailure] {
        &self.0.failures
    }

    /// Names the path or key, unless it is named already.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.0.path.get_or_insert_with(|| path.into());
        self
    }

    /// Adds to the one line what a caller should know besides.
    #[must_use]
    pub(crate) fn noting(mut self, note: &str) -> Self {
        if !self.0.detail.is_empty() {
            self.0.detail.push_str("; ");
        }
        self.0.detail.push_str(note);
        self
    }

    /// Names the driver and replaces a key by the caller's path.
    #[must_use]
    pub(crate) fn in_driver(mut self, driver: &'static str, path: &str) -> Self {
        self.0.driver = Some(driver);
        self.0.path = Some(path.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn with_remote(mut self, remote: Remote) -> Self {
        self.0.remote = Some(remote);
        self
    }

    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    #[must_use]
    pub(crate) fn with_failures(mut self, failures: Vec<KeyFailure>) -> Self {
        self.0.failures = failures;
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn StdError + Send + Sync>) -> Self {
        self.0.source = Some(source);
        self
    }
}

impl ErrorKind {
    fn text(&self) -> &'static str {
        match self {
            Self::PathNotFound => "path not found",
            Self::InvalidPath => "invalid path",
            Self::InvalidOffset { .. } => "invalid offset",
            Self::AlreadyCommitted { .. } => "already committed",
            Self::AlreadyExists => "already exists",
            Self::UploadLost => "upload lost",
            Self::Overwritten => "overwritten by another writer",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Changed => "changed while being read",
            Self::NotModified => "not modified",
            Self::Corrupt => "checksum mismatch",
            Self::Throttled { .. } => "throttled",
            Self::Denied => "denied",
            Self::TooLarge { .. } => "too large",
            Self::InvalidParameter => "invalid parameter",
            Self::Misuse => "misuse",
            Self::Credentials => "no credentials",
            Self::Service => "service error",
            Self::Transport => "transport error",
            Self::Malformed => "malformed answer",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(driver) = inner.driver {
            write!(out, "{driver}: ")?;
        }
        out.write_str(inner.kind.text())?;
        if let ErrorKind::InvalidOffset { offset } = &inner.kind {
            write!(out, ": {offset} for path")?;
        } else if let ErrorKind::AlreadyCommitted { size } = &inner.kind {
            write!(out, " ({size} bytes)")?;
        } else if let ErrorKind::TooLarge { limit } = &inner.kind {
            write!(out, " (limit {limit} bytes)")?;
        } else if let ErrorKind::Throttled { retry_after: Some(after) } = &inner.kind {
            write!(out, " (retry after {} s)", after.as_secs())?;
        }
        if let Some(path) = &inner.path {
            write!(out, ": {path}")?;
        }
        if !inner.detail.is_empty() {
            write!(out, ": {}", inner.detail)?;
        }
        if let Some(remote) = &inner.remote {
            write!(out, " ({remote})")?;
        }
        for failure in inner.failures.iter().take(FAILURES_SHOWN) {
            write!(out, "; {}: {}", failure.key, failure.code)?;
        }
        match inner.failures.len().checked_sub(FAILURES_SHOWN) {
            Some(more @ 1..) => write!(out, "; and {more} more"),
            _ => Ok(()),
        }
    }
}

/// How many failed keys an error's text names.
const FAILURES_SHOWN: usize = 3;

impl fmt::Display for Remote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.call.name())?;
        if let Some(status) = self.status {
            write!(out, ", status {}", status.as_u16())?;
        }
        if let Some(code) = &self.code {
            write!(out, " {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(out, ", request id {id}")?;
        }
        write!(out, ", attempts {}", self.attempts)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        out.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("path", &inner.path)
            .field("detail", &inner.detail)
            .field("remote", &inner.remote)
            .field("failures", &inner.failures)
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::PathNotFound => io::ErrorKind::NotFound,
            ErrorKind::InvalidPath
            | ErrorKind::InvalidOffset { .. }
            | ErrorKind::InvalidParameter
            | ErrorKind::Misuse => io::ErrorKind::InvalidInput,
            ErrorKind::AlreadyCommitted { .. } | ErrorKind::AlreadyExists => {
                io::ErrorKind::AlreadyExists
            }
            ErrorKind::Denied | ErrorKind::Credentials => io::ErrorKind::PermissionDenied,
            ErrorKind::Corrupt | ErrorKind::Malformed | ErrorKind::Changed => {
                io::ErrorKind::InvalidData
            }
            ErrorKind::UploadLost
            | ErrorKind::Overwritten
            | ErrorKind::OutcomeUnknown
            | ErrorKind::NotModified
            | ErrorKind::Throttled { .. }
            | ErrorKind::TooLarge { .. }
            | ErrorKind::Service
            | ErrorKind::Transport => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
