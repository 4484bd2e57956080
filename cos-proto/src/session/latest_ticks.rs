//! The caller's monotonic clock as the machines of a session were told it last: for those who note
//! when something happened, but are not told the time themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::Ticks;

/// The latest time that was told, in nanoseconds. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatestTicks(Arc<AtomicU64>);

impl LatestTicks {
    pub(crate) fn tell(&self, now: Ticks) {
        // 584 years after the caller's epoch it stands still.
        let nanos = u64::try_from(now.since_epoch().as_nanos()).unwrap_or(u64::MAX);
        // Events may be told later than they happened, so the latest time counts.
        self.0.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Ticks {
        Ticks::new(Duration::from_nanos(self.0.load(Ordering::Relaxed)))
    }
}
