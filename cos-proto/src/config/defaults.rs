//! The values of parameters that are not given, for drivers and for clients on keys.

use std::{num::NonZeroUsize, time::Duration};

/// `chunksize`: bytes per part of an upload.
pub const DEFAULT_CHUNK_SIZE: u64 = 16 * 1024 * 1024;

/// `maxconcurrency`: requests in flight at most.
pub const DEFAULT_MAX_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9);

/// `connecttimeout`: how long a connection may take to be made.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// `idletimeout`: how long the body of an answer may bring nothing.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// `calldeadline`: how long one call may take over all its attempts.
pub const DEFAULT_CALL_DEADLINE: Duration = Duration::from_secs(300);
