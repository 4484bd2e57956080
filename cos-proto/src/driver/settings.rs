//! What a driver is set up with.

use std::{num::NonZeroUsize, time::Duration};

use crate::{
    RootDirectory,
    api::ObjectOptions,
    config::{self, Config},
    op::{CopyLimits, Fetch},
};

/// The values that all operations of a driver share. Where they come from the driver's parameters,
/// those have checked them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DriverSettings {
    /// What stands before every path in its key.
    pub root_directory: RootDirectory,
    /// Bytes per part of a writer; every writer holds one chunk of this size.
    pub chunk_size: u64,
    /// How many requests are in flight at most.
    pub max_concurrency: NonZeroUsize,
    /// How many parts one copy has in flight at most, within `max_concurrency`.
    pub copy_concurrency: NonZeroUsize,
    /// When and how a move copies by parts.
    pub copy_limits: CopyLimits,
    /// Storage class and encryption of what the driver writes. Encryption by a customer's own key
    /// is for operations on keys: a driver does not send that with its reads.
    pub object_options: ObjectOptions,
    /// The most bytes that `get_content` reads.
    pub content_limit: u64,
    /// How long one call may take over all its attempts.
    pub call_deadline: Duration,
    /// The bug that a simulation has planted.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub planted: crate::sim::Planted,
    /// The service's least size of a part that is not the last: 1 MiB, smaller in simulations.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub part_bytes_min: u64,
}

impl Default for DriverSettings {
    /// The defaults of the parameters: parts of 16 MiB, 10 requests, 64 MiB of content, 5 minutes.
    fn default() -> Self {
        Self {
            root_directory: RootDirectory::default(),
            chunk_size: config::DEFAULT_CHUNK_SIZE,
            max_concurrency: config::DEFAULT_MAX_CONCURRENCY,
            copy_concurrency: config::DEFAULT_MAX_CONCURRENCY,
            copy_limits: CopyLimits::default(),
            object_options: ObjectOptions::default(),
            content_limit: Fetch::DEFAULT_LIMIT,
            call_deadline: config::DEFAULT_CALL_DEADLINE,
            #[cfg(feature = "sim")]
            planted: crate::sim::Planted::Nothing,
            #[cfg(feature = "sim")]
            part_bytes_min: crate::op::record::PART_BYTES_MIN,
        }
    }
}

impl From<&Config> for DriverSettings {
    fn from(config: &Config) -> Self {
        Self {
            root_directory: config.root_directory().clone(),
            chunk_size: config.chunk_size(),
            max_concurrency: config.max_concurrency(),
            copy_concurrency: config.multipart_copy_concurrency(),
            copy_limits: CopyLimits::new(
                config.multipart_copy_threshold(),
                config.multipart_copy_part_size(),
            ),
            object_options: config.object_options(),
            call_deadline: config.call_deadline(),
            ..Self::default()
        }
    }
}

impl DriverSettings {
    /// Memory that all writers share beyond the chunk that each owns.
    pub fn memory_budget(&self) -> u64 {
        let writers = u64::try_from(self.max_concurrency.get()).unwrap_or(u64::MAX);
        self.chunk_size.saturating_mul(writers)
    }

    /// How many calls that move many bytes are in flight at most: one permit stays free for others.
    pub(super) fn bulk_concurrency(&self) -> NonZeroUsize {
        let others = self.max_concurrency.get().saturating_sub(1);
        NonZeroUsize::new(others).unwrap_or(self.max_concurrency)
    }
}
