//! The guard that reports each attempt exactly once.

use std::fmt;

use cos_proto::{Attempt, Failure, Transmit};
use tokio::time::Instant;

use crate::permits::Permit;

/// Reports its attempt when it is dropped: answered, failed or abandoned.
pub(crate) struct Watched {
    pub(crate) attempt: Attempt,
    pub(crate) permit: Permit,
    pub(crate) began: Instant,
    /// If that has been noted; otherwise it is over when this is dropped.
    ended: Option<Instant>,
}

impl Watched {
    pub(crate) fn new(permit: Permit, transmit: &Transmit, began: Instant) -> Self {
        Self { attempt: Attempt::new(transmit), permit, began, ended: None }
    }

    /// The attempt was over then; what is left to do with its answer does not count.
    pub(crate) fn ended(&mut self, at: Instant) {
        self.ended = Some(at);
    }

    /// Notes the failure and passes it on.
    pub(crate) fn failed(&mut self, failure: Failure) -> Failure {
        self.attempt.failure = Some(failure.kind);
        failure
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let ended = self.ended.unwrap_or_else(Instant::now);
        self.attempt.duration = ended.saturating_duration_since(self.began);
        self.permit.observer().attempt(&self.attempt);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attempt.fmt(out)
    }
}
