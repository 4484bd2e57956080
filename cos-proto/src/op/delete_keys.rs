//! Deletes many keys.
//!
//! ```text
//! keys ──1000 at a time──▶ POST ?delete (several in flight) ──all keys over──▶ done
//!                                     └─ a key's failure that may pass: again, these alone
//! ```
//!
//! A key that cannot be deleted does not keep the others from being deleted; the error lists it.

use super::{
    batches::{BATCH_KEYS_MAX, BatchId, Batches},
    failures::Failures,
};
use crate::{Call, CallError, Error, Key, Next, Operation, Rejected, Reply};

/// Deletes many keys in batches of 1000 (436/8289). A key that does not exist counts as deleted.
///
/// Keys are taken from the iterator as batches start: the policy's calls in flight bound how many
/// are held.
///
/// # Errors
/// [`Error::failures`] lists each key that is left with COS's code for it. After 1000 failures no
/// further batch is started.
#[derive(Debug)]
pub struct DeleteKeys<I> {
    keys: Option<I>,
    batches: Batches,
    failures: Failures,
}

/// One call of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub struct Tag(BatchId);

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedCount {
    /// Keys that COS deleted, or that did not exist.
    pub keys: u64,
}

impl<I: Iterator<Item = Key>> DeleteKeys<I> {
    /// Deletes all of `keys`.
    pub fn new(keys: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            keys: Some(keys.into_iter()),
            batches: Batches::default(),
            failures: Failures::default(),
        }
    }

    /// Takes one batch's keys from the iterator.
    fn fill(&mut self) {
        while self.batches.queued() < BATCH_KEYS_MAX {
            let Some(key) = self.keys.as_mut().and_then(Iterator::next) else {
                self.keys = None;
                return;
            };
            self.batches.push(key);
        }
    }
}

impl<I: Iterator<Item = Key>> Operation for DeleteKeys<I> {
    type Tag = Tag;
    type Output = Result<DeletedCount, Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        if !self.failures.stop() {
            self.fill();
            if let Some(id) = self.batches.next(self.keys.is_some()) {
                return Next::Call(Tag(id));
            }
        }
        if self.batches.in_flight() > 0 {
            return Next::Pending;
        }
        Next::Done(match self.failures.take_error("delete") {
            Some(error) => Err(error),
            None => Ok(DeletedCount { keys: self.batches.deleted() }),
        })
    }

    fn call(&self, Tag(id): Tag) -> Call {
        self.batches.call(id)
    }

    fn on_reply(&mut self, Tag(id): Tag, reply: Reply) -> Result<(), Rejected> {
        self.batches.on_reply(id, &reply, &mut self.failures)
    }

    fn on_error(&mut self, Tag(id): Tag, error: CallError) {
        self.batches.on_error(id, error, &mut self.failures);
    }
}

#[cfg(test)]
mod tests;
