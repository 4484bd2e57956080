//! The seven calls of a multipart upload.

pub(crate) mod abort;
pub(crate) mod complete;
pub(crate) mod initiate;
pub(crate) mod list_parts;
pub(crate) mod list_uploads;
pub(crate) mod upload_part;
pub(crate) mod upload_part_copy;

use http::HeaderMap;

pub(crate) use self::complete::CompleteOptions;
pub use self::{
    list_parts::{ListedPart, PartsPage},
    list_uploads::{ListUploadsOptions, ListedUpload, UploadsPage},
};
use super::{SseC, TrafficLimit};

/// What the requests for parts of an object carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartOptions {
    /// The object's key under SSE-C; every part carries it.
    pub(crate) sse_c: Option<SseC>,
    /// The key of a copy's source under SSE-C.
    pub(crate) source_sse_c: Option<SseC>,
    /// How fast COS takes the bytes of one part.
    pub(crate) traffic_limit: Option<TrafficLimit>,
}

impl PartOptions {
    fn write(&self, headers: &mut HeaderMap) {
        if let Some(key) = &self.sse_c {
            key.write(headers);
        }
        if let Some(limit) = self.traffic_limit {
            limit.write(headers);
        }
    }
}
