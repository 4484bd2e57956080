//! The guard that reports each attempt exactly once.

use std::{fmt, sync::Arc};

use cos_proto::{Attempt, Failure, Observer, Transmit};
use tokio::time::Instant;

/// Reports its attempt when it is dropped: answered, failed or abandoned.
pub(crate) struct Watched {
    pub(crate) attempt: Attempt,
    observer: Arc<dyn Observer>,
    pub(crate) began: Instant,
}

impl Watched {
    pub(crate) fn new(observer: Arc<dyn Observer>, transmit: &Transmit) -> Self {
        Self { attempt: Attempt::new(transmit), observer, began: Instant::now() }
    }

    /// Notes the failure and passes it on.
    pub(crate) fn failed(&mut self, failure: Failure) -> Failure {
        self.attempt.failure = Some(failure.kind);
        failure
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.attempt.duration = self.began.elapsed();
        self.observer.attempt(&self.attempt);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attempt.fmt(out)
    }
}
