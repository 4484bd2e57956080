//! The time-outs of an exchange, where the connection waits for its socket.
//!
//! ureq bounds phases and whole calls, but no time "until the head is in", and no single read of the
//! body alone. It does all its waiting in the thread that asks, so that thread says how long.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use ureq::{Error, Timeout, unversioned::transport::NextTimeout};

/// How long the connections that this thread uses may wait.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// For everything.
    pub(crate) until: Option<Instant>,
    /// For a single read.
    pub(crate) idle: Option<Duration>,
}

thread_local! {
    static PACE: Cell<Pace> = const { Cell::new(Pace { until: None, idle: None }) };
}

impl Pace {
    /// Does something at this pace.
    pub(crate) fn keep<T>(self, work: impl FnOnce() -> T) -> T {
        let _reset = Reset(PACE.replace(self));
        work()
    }

    /// The thread's pace on top of a time-out. A wait for longer than a second may end up to an
    /// eighth too early: see [`is_over`](Self::is_over).
    ///
    /// # Errors
    /// There is no time left.
    pub(super) fn apply(timeout: NextTimeout) -> Result<NextTimeout, Error> {
        let pace = PACE.get();
        let mut timeout = NextTimeout { per_read: pace.idle.map(Into::into), ..timeout };
        if let Some(until) = pace.until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout(Timeout::PerCall));
            }
            let left = stepped(left).into();
            if timeout.after > left {
                timeout = NextTimeout { after: left, reason: Timeout::PerCall, ..timeout };
            }
        }
        Ok(timeout)
    }

    /// Whether there is no time left for anything.
    pub(super) fn is_over() -> bool {
        PACE.get().until.is_some_and(|until| until <= Instant::now())
    }
}

/// A little less, so that what is left changes rarely: ureq tells the socket of every change, which
/// costs a system call for each write and each read.
fn stepped(left: Duration) -> Duration {
    match u64::try_from(left.as_millis()) {
        Ok(millis) if millis >= 1000 => {
            let step = 1 << (millis.ilog2() - 3);
            Duration::from_millis(millis - millis % step)
        }
        _ => left,
    }
}

/// Goes back to the pace before, also when the work panics.
struct Reset(Pace);

impl Drop for Reset {
    fn drop(&mut self) {
        PACE.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_changes_rarely_and_is_never_more() {
        let mut seen = std::collections::BTreeSet::new();
        for millis in 0..300_000 {
            let left = Duration::from_micros(millis * 1000 + 7);
            let stepped = stepped(left);
            assert!(stepped <= left && stepped > left * 7 / 8, "{stepped:?} of {left:?}");
            if millis >= 1000 {
                seen.insert(stepped);
            }
        }
        assert!(seen.len() < 80, "{} values", seen.len());
        assert_eq!(stepped(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn the_pace_holds_while_its_work_runs_and_no_longer() {
        let given = NextTimeout::default();
        assert_eq!(Pace::apply(given).unwrap(), given);
        let idle = Duration::from_secs(7);
        let late =
            Pace { until: Some(Instant::now() + Duration::from_secs(3600)), idle: Some(idle) };
        late.keep(|| {
            let paced = Pace::apply(given).unwrap();
            assert_eq!((paced.reason, paced.per_read), (Timeout::PerCall, Some(idle.into())));
            assert!(paced.after < given.after);
            let over = Pace { until: Some(Instant::now()), idle: None };
            assert!(matches!(
                over.keep(|| Pace::apply(given)),
                Err(Error::Timeout(Timeout::PerCall))
            ));
            assert_eq!(Pace::apply(given).unwrap().per_read, Some(idle.into()));
        });
        assert_eq!(Pace::apply(given).unwrap(), given);
    }
}
