//! What all operations of a client share.

use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cos_proto::{MemoryBudget, Now, Policy, Session, Ticks, UnixTime};
use tokio::time::Instant;

use crate::{credentials::SingleFlight, permits::Permits, transport::Transport};

pub(crate) struct Shared {
    pub(crate) session: Session,
    pub(crate) transport: Transport,
    pub(crate) permits: Arc<Permits>,
    pub(crate) credentials: SingleFlight,
    pub(crate) idle_timeout: Duration,
    /// One call at a time.
    pub(crate) policy: Policy,
    pub(crate) max_concurrency: NonZeroUsize,
    pub(crate) chunk_size: u64,
    pub(crate) budget: MemoryBudget,
    pub(crate) clock: Clock,
    pub(crate) seeds: Seeds,
}

impl Shared {
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(crate) fn instant(&self, at: Ticks) -> Instant {
        self.clock.instant(at)
    }

    /// As many calls of one operation at a time as there are permits.
    pub(crate) fn bulk_policy(&self) -> Policy {
        self.policy.clone().in_flight_max(self.max_concurrency)
    }
}

/// The clocks of a client: the monotonic one is counted from when it was made.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now() }
    }

    pub(crate) fn now(self) -> Now {
        Now { ticks: Ticks::new(self.epoch.elapsed()), unix: unix_now() }
    }

    pub(crate) fn instant(self, at: Ticks) -> Instant {
        self.epoch + at.since_epoch()
    }
}

/// Seeds for machines: unlike from client to client and from machine to machine.
pub(crate) struct Seeds {
    keys: RandomState,
    given: AtomicU64,
}

impl Seeds {
    pub(crate) fn new() -> Self {
        Self { keys: RandomState::new(), given: AtomicU64::new(0) }
    }

    pub(crate) fn next(&self) -> u64 {
        self.keys.hash_one(self.given.fetch_add(1, Ordering::Relaxed))
    }
}

/// The wall clock.
pub(crate) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
