//! A token bucket over all retries of a driver, so that a fleet does not storm a throttled bucket.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::Ticks;

/// Each retry costs one token; success earns a part of one back, and time refills slowly.
///
/// A full budget is only read, so that threads whose calls succeed do not wait for each other. One
/// that spends while another refills may miss those tokens, and finds them next time.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// In tenths of a token.
    tenths: AtomicU32,
    /// Up to which period since the epoch time has refilled it.
    refilled: AtomicU64,
}

const TENTHS_MAX: u32 = 5_000;
const RETRY_COSTS: u32 = 10;
const SUCCESS_EARNS: u32 = 1;
/// One token each so often, so that a spent budget is never a dead end.
const REFILL_EVERY: Duration = Duration::from_millis(100);

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tenths: TENTHS_MAX.into(), refilled: 0.into() }
    }
}

impl RetryBudget {
    pub(super) fn spend(&self, now: Ticks) -> bool {
        self.refill(now);
        let spend = |tenths: u32| tenths.checked_sub(RETRY_COSTS);
        self.tenths.fetch_update(Relaxed, Relaxed, spend).is_ok()
    }

    pub(super) fn earn(&self) {
        if self.tenths.load(Relaxed) < TENTHS_MAX {
            self.add(SUCCESS_EARNS);
        }
    }

    fn refill(&self, now: Ticks) {
        let periods = now.since_epoch().as_millis().checked_div(REFILL_EVERY.as_millis());
        let now = periods.and_then(|periods| u64::try_from(periods).ok()).unwrap_or(u64::MAX);
        let refilled = self.refilled.fetch_max(now, Relaxed);
        let tokens = u32::try_from(now.saturating_sub(refilled)).unwrap_or(u32::MAX);
        self.add(tokens.saturating_mul(RETRY_COSTS));
    }

    fn add(&self, tenths: u32) {
        let add = |own: u32| Some(own.saturating_add(tenths).min(TENTHS_MAX));
        let _ = self.tenths.fetch_update(Relaxed, Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_spent_by_retries_and_refilled_by_success_and_time() {
        let budget = RetryBudget::default();
        for retry in 0..500 {
            assert!(budget.spend(Ticks::ZERO), "{retry}");
        }
        assert!(!budget.spend(Ticks::ZERO));
        for _ in 0..10 {
            budget.earn();
        }
        assert!(budget.spend(Ticks::ZERO));
        assert!(!budget.spend(Ticks::ZERO));
        assert!(budget.spend(Ticks::new(REFILL_EVERY)));
        assert!(!budget.spend(Ticks::new(REFILL_EVERY)));
    }

    #[test]
    fn a_time_told_late_refills_nothing() {
        let budget = RetryBudget::default();
        let at = |periods: u32| Ticks::new(REFILL_EVERY * periods);
        while budget.spend(at(3)) {}
        assert!(!budget.spend(at(2)));
        assert!(budget.spend(at(4)));
        assert!(!budget.spend(at(4)));
    }
}
