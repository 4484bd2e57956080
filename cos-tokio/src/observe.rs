//! The guard that reports each attempt exactly once.

use std::fmt;

use cos_proto::{Attempt, Failure, Transmit};
use tokio::time::Instant;

use crate::permits::Permit;

/// Reports its attempt when it is dropped: answered, failed or abandoned.
pub(crate) struct Watched {
    pub(crate) attempt: Attempt,
    /// Given back before the end of a streamed answer.
    pub(crate) permit: Permit,
    pub(crate) began: Instant,
}

impl Watched {
    pub(crate) fn new(permit: Permit, transmit: &Transmit, began: Instant) -> Self {
        Self { attempt: Attempt::new(transmit), permit, began }
    }

    /// Notes when the attempt was over, if it is over now.
    pub(crate) fn over(&mut self, at: Instant) {
        self.attempt.duration = at.saturating_duration_since(self.began);
    }

    /// Notes the failure and passes it on.
    pub(crate) fn failed(&mut self, failure: Failure) -> Failure {
        self.attempt.failure = Some(failure.kind);
        failure
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.attempt.duration.is_zero() {
            self.attempt.duration = self.began.elapsed();
        }
        self.permit.observer().attempt(&self.attempt);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attempt.fmt(out)
    }
}
