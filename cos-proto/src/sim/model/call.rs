//! What clients ask for, and what comes of it, in the model's terms.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// Virtual time in milliseconds.
pub(crate) type Millis = u64;

/// One process: what it remembers is lost when it crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId(pub(crate) u32);

/// One call from its begin to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallId(pub(super) u64);

/// One writer; the world numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WriterId(pub(crate) u64);

/// What a client asks for. Paths begin with a slash, keys do not; the key of a path is the path
/// without it (the root directory is empty).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the driver's methods")]
pub(crate) enum Call {
    Put {
        path: String,
        content: Bytes,
    },
    Get {
        path: String,
    },
    Read {
        path: String,
        offset: u64,
    },
    Open {
        path: String,
        append: bool,
        writer: WriterId,
    },
    Write {
        writer: WriterId,
        content: Bytes,
    },
    Close {
        writer: WriterId,
    },
    Commit {
        writer: WriterId,
    },
    Cancel {
        writer: WriterId,
    },
    Stat {
        path: String,
    },
    List {
        path: String,
    },
    /// Directories in `skips` are not entered.
    Walk {
        from: String,
        skips: BTreeSet<String>,
    },
    Rename {
        from: String,
        to: String,
    },
    Delete {
        path: String,
    },
    /// Of all that is older than `age` on the service's clock.
    Sweep {
        age: Millis,
    },
    PutKey {
        key: String,
        content: Bytes,
    },
    GetKey {
        key: String,
    },
    HeadKey {
        key: String,
    },
    DeleteKey {
        key: String,
    },
    CopyKey {
        from: String,
        to: String,
    },
    /// A multipart upload without a resume record.
    UploadKey {
        key: String,
        content: Bytes,
    },
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done, and there is nothing more to say.
    Done,
    /// What was read, to its end.
    Content(Bytes),
    /// A read that broke off.
    Prefix {
        /// What came before.
        got: Bytes,
        /// Why.
        error: Failure,
    },
    /// A writer is open.
    Opened {
        /// The bytes there are already.
        size: u64,
    },
    /// There is an object or a directory.
    Info {
        /// Of the object; 0 for a directory.
        size: u64,
        /// Which of both.
        is_dir: bool,
    },
    /// A directory's children, as full paths.
    Names(Vec<String>),
    /// What a walk met.
    Entries(Vec<Entry>),
    /// It failed.
    Failed(Failure),
}

impl Call {
    /// What it is called in tables.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Get { .. } => "get",
            Self::Read { .. } => "read",
            Self::Open { .. } => "open",
            Self::Write { .. } => "write",
            Self::Close { .. } => "close",
            Self::Commit { .. } => "commit",
            Self::Cancel { .. } => "cancel",
            Self::Stat { .. } => "stat",
            Self::List { .. } => "list",
            Self::Walk { .. } => "walk",
            Self::Rename { .. } => "rename",
            Self::Delete { .. } => "delete",
            Self::Sweep { .. } => "sweep",
            Self::PutKey { .. } => "put_key",
            Self::GetKey { .. } => "get_key",
            Self::HeadKey { .. } => "head_key",
            Self::DeleteKey { .. } => "delete_key",
            Self::CopyKey { .. } => "copy_key",
            Self::UploadKey { .. } => "upload_key",
        }
    }
}

impl Outcome {
    /// What it is called in tables: of a failure, its kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Content(_) => "content",
            Self::Prefix { .. } => "broken",
            Self::Opened { .. } => "opened",
            Self::Info { .. } => "info",
            Self::Names(_) => "names",
            Self::Entries(_) => "entries",
            Self::Failed(failure) => kind_name(&failure.kind),
        }
    }
}

/// Contents are told by length and begin, so that stories can be read.
fn brief(content: &Bytes) -> String {
    format!("{} bytes {}", content.len(), hex::encode(content.slice(..content.len().min(8))))
}

impl Call {
    /// For a story.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Put { path, content } => format!("put {path} {}", brief(content)),
            Self::PutKey { key, content } => format!("put_key {key} {}", brief(content)),
            Self::UploadKey { key, content } => format!("upload_key {key} {}", brief(content)),
            Self::Write { writer, content } => format!("write {writer:?} {}", brief(content)),
            call => format!("{call:?}"),
        }
    }
}

impl Outcome {
    /// For a story.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Content(content) => format!("content {}", brief(content)),
            Self::Prefix { got, error } => format!("broke off after {}: {error:?}", brief(got)),
            outcome => format!("{outcome:?}"),
        }
    }
}

fn kind_name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::PathNotFound => "PathNotFound",
        ErrorKind::InvalidPath => "InvalidPath",
        ErrorKind::InvalidOffset { .. } => "InvalidOffset",
        ErrorKind::AlreadyCommitted { .. } => "AlreadyCommitted",
        ErrorKind::AlreadyExists => "AlreadyExists",
        ErrorKind::UploadLost => "UploadLost",
        ErrorKind::Overwritten => "Overwritten",
        ErrorKind::OutcomeUnknown => "OutcomeUnknown",
        ErrorKind::Changed => "Changed",
        ErrorKind::NotModified => "NotModified",
        ErrorKind::Corrupt => "Corrupt",
        ErrorKind::Throttled { .. } => "Throttled",
        ErrorKind::Denied => "Denied",
        ErrorKind::TooLarge { .. } => "TooLarge",
        ErrorKind::InvalidParameter => "InvalidParameter",
        ErrorKind::Misuse => "Misuse",
        ErrorKind::Credentials => "Credentials",
        ErrorKind::Service => "Service",
        ErrorKind::Transport => "Transport",
        ErrorKind::Malformed => "Malformed",
    }
}

/// One thing that a walk met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the driver's entries")]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) is_dir: bool,
    pub(crate) size: u64,
}

/// Why a call failed: what the model needs of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error's kind.
    pub(crate) kind: ErrorKind,
    /// The COS call that failed.
    pub(crate) call: Option<&'static str>,
    /// Whether any attempt of that call may have been executed.
    pub(crate) maybe_done: bool,
    /// How often that call was sent.
    pub(crate) attempts: u32,
}

impl Failure {
    /// A failure of this kind that says nothing about a COS call.
    #[cfg(test)]
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, call: None, maybe_done: true, attempts: 0 }
    }

    /// Whether who failed so leaves an upload of its own that it would abort otherwise: it may still
    /// be completing, or nothing can be signed any more.
    pub(in crate::sim) fn leaves_upload(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::OutcomeUnknown
                | ErrorKind::Corrupt
                | ErrorKind::UploadLost
                | ErrorKind::Overwritten
                | ErrorKind::Credentials
        )
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let remote = error.remote();
        Self {
            kind: error.kind().clone(),
            call: remote.map(|remote| remote.call.name()),
            maybe_done: remote.is_none_or(|remote| remote.maybe_done),
            attempts: remote.map_or(0, |remote| remote.attempts),
        }
    }
}

/// An outcome that the model does not allow: a bug, of the driver or of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(String);

impl Violation {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}
