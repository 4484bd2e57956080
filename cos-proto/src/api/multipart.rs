//! The seven calls of a multipart upload.

pub(crate) mod abort;
pub(crate) mod complete;
pub(crate) mod initiate;
pub(crate) mod list_parts;
pub(crate) mod list_uploads;
pub(crate) mod upload_part;
pub(crate) mod upload_part_copy;

use http::HeaderMap;

pub use self::{
    complete::CompleteOptions,
    list_parts::{ListedPart, PartsPage},
    list_uploads::{ListUploadsOptions, ListedUpload, UploadsPage},
};
use super::{SseC, TrafficLimit};

/// What the requests for parts of an object carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartOptions {
    /// The object's key under SSE-C; every part carries it.
    pub sse_c: Option<SseC>,
    /// The key of a copy's source under SSE-C.
    pub source_sse_c: Option<SseC>,
    /// How fast COS takes the bytes of one part.
    pub traffic_limit: Option<TrafficLimit>,
}

impl PartOptions {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// The object's key under SSE-C.
    #[must_use]
    pub fn sse_c(mut self, key: SseC) -> Self {
        self.sse_c = Some(key);
        self
    }

    /// The key of a copy's source under SSE-C.
    #[must_use]
    pub fn source_sse_c(mut self, key: SseC) -> Self {
        self.source_sse_c = Some(key);
        self
    }

    /// How fast COS takes the bytes of one part.
    #[must_use]
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    fn write(&self, headers: &mut HeaderMap) {
        if let Some(key) = &self.sse_c {
            key.write(headers);
        }
        if let Some(limit) = self.traffic_limit {
            limit.write(headers);
        }
    }
}
