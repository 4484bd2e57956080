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

    /// The thread's pace on top of a time-out.
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
            if timeout.after > left.into() {
                timeout = NextTimeout { after: left.into(), reason: Timeout::PerCall, ..timeout };
            }
        }
        Ok(timeout)
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
