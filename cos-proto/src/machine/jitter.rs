//! How long a call backs off: exponential with full jitter, from a small seeded generator.

use std::time::Duration;

use super::Policy;
use crate::split_mix::SplitMix64;

/// The same seed gives the same pauses.
#[derive(Debug)]
pub(super) struct Jitter(SplitMix64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The pause after the `failures`-th failure in a row (1, 2 …), no shorter than COS asked for.
    pub(super) fn pause(
        &mut self,
        policy: &Policy,
        failures: u32,
        asked: Option<Duration>,
    ) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let ceiling =
            policy.backoff_base.saturating_mul(1_u32 << doublings).min(policy.backoff_max);
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        let jittered = Duration::from_nanos(self.0.next().checked_rem(nanos).unwrap_or(0));
        asked.map_or(jittered, |asked| asked.saturating_add(jittered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_a_doubling_ceiling_and_above_what_cos_asked() {
        let policy = Policy::default();
        let mut jitter = Jitter::new(7);
        for failures in 1..100 {
            let ceiling = policy.backoff_base * 2_u32.pow((failures - 1).min(20));
            let pause = jitter.pause(&policy, failures, None);
            assert!(pause < ceiling.min(policy.backoff_max), "{failures}: {pause:?}");
        }
        let asked = Duration::from_secs(5);
        assert!(jitter.pause(&policy, 1, Some(asked)) >= asked);
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        let pauses = |seed| {
            let mut jitter = Jitter::new(seed);
            (1..20).map(|n| jitter.pause(&Policy::default(), n, None)).collect::<Vec<_>>()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }
}
