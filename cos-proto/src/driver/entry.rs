//! What a driver says about a path.

use crate::{UnixTime, op::StatInfo};

/// A file or directory, as `stat` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The path, as the caller gave it.
    pub path: String,
    /// The size in bytes; 0 for a directory.
    pub size: u64,
    /// When it was written; `None` for a directory.
    pub modified: Option<UnixTime>,
    /// Whether it is a directory: something has a path below it.
    pub is_dir: bool,
}

impl FileInfo {
    pub(super) fn new(path: &str, info: &StatInfo) -> Self {
        Self {
            path: path.to_owned(),
            size: info.size,
            modified: info.modified,
            is_dir: info.is_dir,
        }
    }
}
