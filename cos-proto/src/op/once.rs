//! An operation that is one call.

use crate::{Error, Next};

/// Where an operation of one call stands: ready, under way, answered.
#[derive(Debug, Default)]
pub(crate) enum Once<T> {
    #[default]
    Ready,
    UnderWay,
    Over(Result<T, Error>),
}

impl<T> Once<T> {
    /// Starts the call, waits for it, then gives its result.
    pub(crate) fn next(&mut self) -> Next<(), Result<T, Error>> {
        match std::mem::replace(self, Self::UnderWay) {
            Self::Ready => Next::Call(()),
            Self::UnderWay => Next::Pending,
            Self::Over(result) => Next::Done(result),
        }
    }
}
