//! The caller's monotonic clock as the machines of a session were told it last: for those who note
//! when something happened, but are not told the time themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::Ticks;

/// The latest time that was told, in seconds, rounded up. Cloning shares it.
///
/// It is told several times a call, and written only once a second: each write of shared memory
/// makes the other threads wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatestTicks(Arc<AtomicU64>);

impl LatestTicks {
    pub(crate) fn tell(&self, now: Ticks) {
        let since = now.since_epoch();
        let seconds = since.as_secs().saturating_add(u64::from(since.subsec_nanos() > 0));
        // Events may be told later than they happened, so the latest time counts.
        if seconds > self.0.load(Relaxed) {
            self.0.fetch_max(seconds, Relaxed);
        }
    }

    pub(crate) fn get(&self) -> Ticks {
        Ticks::new(Duration::from_secs(self.0.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_time_counts_in_seconds_rounded_up() {
        let latest = LatestTicks::default();
        for (told, shown) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (500, 2), (2000, 2)] {
            latest.tell(Ticks::new(Duration::from_millis(told)));
            assert_eq!(latest.get(), Ticks::new(Duration::from_secs(shown)), "{told} ms");
        }
    }
}
