//! The emulator's clock: the caller's, shifted.

use std::time::Duration;

use crate::UnixTime;

/// A point of the emulator's time, in unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) i64);

impl Moment {
    pub(super) fn unix(self) -> UnixTime {
        UnixTime::from_secs(self.0.div_euclid(1000))
    }

    pub(super) fn secs(self) -> i64 {
        self.unix().as_secs()
    }

    pub(super) fn http_date(self) -> String {
        self.unix().to_http_date()
    }

    pub(super) fn iso8601(self) -> String {
        self.unix().to_iso8601()
    }

    pub(super) fn after(self, lag: Duration) -> Self {
        Self(self.0.saturating_add(millis(lag)))
    }
}

/// What is added to the caller's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    offset_ms: i64,
}

impl Clock {
    pub(super) fn new(skew_seconds: i64) -> Self {
        Self { offset_ms: skew_seconds.saturating_mul(1000) }
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.offset_ms = self.offset_ms.saturating_add(millis(by));
    }

    pub(super) fn shift(&mut self, seconds: i64) {
        self.offset_ms = self.offset_ms.saturating_add(seconds.saturating_mul(1000));
    }

    pub(super) fn at(self, caller_ms: i64) -> Moment {
        Moment(caller_ms.saturating_add(self.offset_ms))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
