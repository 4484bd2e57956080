//! How an upload cuts, counts and names what it sends.

use crate::{MemoryBudget, api::ObjectOptions, config::DEFAULT_CHUNK_SIZE, recent::Recent};

/// How an upload cuts, counts and names what it sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadOptions {
    /// Headers of the object.
    pub object: ObjectOptions,
    /// Bytes per part, 1 MiB (to which less is raised) to 5 GiB; doubled every 2000 parts.
    pub chunk_size: u64,
    /// Memory for sealed parts, shared by all writers; each has one chunk besides.
    pub budget: MemoryBudget,
    /// What becomes of the multipart upload when writing fails.
    pub on_failure: OnFailure,
    /// Where to note what was created.
    pub recent: Option<Recent>,
}

/// What becomes of a multipart upload when a writer on a key fails. A storage driver's writer
/// always keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum OnFailure {
    /// It is aborted if this writer created it.
    #[default]
    Abort,
    /// It stays, named by [`Upload::state`](crate::op::Upload::state).
    Keep,
}

impl UploadOptions {
    /// Parts of 16 MiB that share `budget`.
    pub fn new(budget: MemoryBudget) -> Self {
        Self {
            object: ObjectOptions::default(),
            chunk_size: DEFAULT_CHUNK_SIZE,
            budget,
            on_failure: OnFailure::Abort,
            recent: None,
        }
    }

    /// Other headers of the object.
    #[must_use]
    pub fn object(mut self, object: ObjectOptions) -> Self {
        self.object = object;
        self
    }

    /// Another part size; less than COS accepts is raised to that.
    #[must_use]
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk_size = bytes;
        self
    }

    /// What becomes of the upload on failure.
    #[must_use]
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Where to note what was created.
    #[must_use]
    pub fn recent(mut self, recent: Recent) -> Self {
        self.recent = Some(recent);
        self
    }
}
