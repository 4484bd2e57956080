//! A token bucket over all retries of a driver, so that a fleet does not storm a throttled bucket.

use std::time::Duration;

use crate::Ticks;

/// Each retry costs one token; success earns a part of one back, and time refills slowly.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// In tenths of a token.
    tenths: u32,
    refilled: Ticks,
}

const TENTHS_MAX: u32 = 5_000;
const RETRY_COSTS: u32 = 10;
const SUCCESS_EARNS: u32 = 1;
/// One token each so often, so that a spent budget is never a dead end.
const REFILL_EVERY: Duration = Duration::from_millis(100);

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tenths: TENTHS_MAX, refilled: Ticks::ZERO }
    }
}

impl RetryBudget {
    pub(super) fn spend(&mut self, now: Ticks) -> bool {
        let waited = now.saturating_since(self.refilled).as_millis();
        let periods = waited.checked_div(REFILL_EVERY.as_millis()).unwrap_or(0);
        let refill = u32::try_from(periods).unwrap_or(u32::MAX).saturating_mul(RETRY_COSTS);
        if refill > 0 {
            self.refilled = now;
            self.tenths = self.tenths.saturating_add(refill).min(TENTHS_MAX);
        }
        match self.tenths.checked_sub(RETRY_COSTS) {
            Some(left) => {
                self.tenths = left;
                true
            }
            None => false,
        }
    }

    pub(super) fn earn(&mut self) {
        self.tenths = self.tenths.saturating_add(SUCCESS_EARNS).min(TENTHS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_spent_by_retries_and_refilled_by_success_and_time() {
        let mut budget = RetryBudget::default();
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
}
