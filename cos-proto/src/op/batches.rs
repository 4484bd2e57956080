//! Deletes many keys, in batches: what DeleteKeys, DeleteTree and Sweep share.
//!
//! | a batch's reply | then |
//! |---|---|
//! | names no key | all its keys are deleted |
//! | names a key that was not asked for | nothing is known: the same call again |
//! | names keys with codes that may pass (InternalError, PathConflict …) | the others are deleted; the same call again for these alone, after the machine's pause |
//! | names keys with other codes (AccessDenied …) | these are failures, the others are deleted |
//! | attempts spent, or the call failed as a whole | the batch's remaining keys are failures |

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::failures::Failures;
use crate::{
    Call, CallError, Key, KeyFailure, Reason, Rejected, Reply, api,
    error::Cause,
    recent::{Recent, RecentMark},
};

pub(crate) use crate::api::delete_objects::KEYS_MAX as BATCH_KEYS_MAX;

/// Keys to delete and the calls that delete them. Its owner bounds what it pushes by
/// [`held`](Self::held).
#[derive(Debug, Default)]
pub(crate) struct Batches {
    queued: VecDeque<Key>,
    in_flight: BTreeMap<BatchId, Flight>,
    begun: u64,
    deleted: u64,
    /// Who is to forget what is deleted.
    recent: Option<Recent>,
}

/// Names one batch over all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchId(u64);

/// A batch that is being deleted.
#[derive(Debug)]
struct Flight {
    batch: Batch,
    begun: RecentMark,
}

#[derive(Debug)]
enum Batch {
    /// By DELETE Object: a lone key, or one that XML cannot carry unchanged.
    One(Key),
    Many {
        keys: Vec<Key>,
        /// What the last reply said about the keys that are left.
        refused: Vec<KeyFailure>,
    },
}

impl Batches {
    /// What is deleted is forgotten by `recent`.
    pub(crate) fn set_recent(&mut self, recent: Recent) {
        self.recent = Some(recent);
    }

    /// What a call that begins now may make forget.
    pub(crate) fn mark(&self) -> RecentMark {
        self.recent.as_ref().map(Recent::mark).unwrap_or_default()
    }

    /// A key turned out not to be there, by a call that began then.
    pub(crate) fn forget(&self, key: &Key, begun: RecentMark) {
        if let Some(recent) = &self.recent {
            recent.forget_object(key, begun);
        }
    }

    pub(crate) fn push(&mut self, key: Key) {
        self.queued.push_back(key);
    }

    /// How many keys wait or are being deleted.
    pub(crate) fn held(&self) -> usize {
        let flying: usize = self.in_flight.values().map(|flight| flight.batch.keys()).sum();
        self.queued.len().saturating_add(flying)
    }

    /// How many keys COS has deleted, or found deleted already.
    pub(crate) fn deleted(&self) -> u64 {
        self.deleted
    }

    /// How many keys wait.
    pub(crate) fn queued(&self) -> usize {
        self.queued.len()
    }

    /// How many batches are being deleted.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The next batch to start: full ones at once, the rest when `more` keys will not come.
    pub(crate) fn next(&mut self, more: bool) -> Option<BatchId> {
        if self.queued.is_empty() || (more && self.queued.len() < BATCH_KEYS_MAX) {
            return None;
        }
        let whole = self.queued.iter().take(BATCH_KEYS_MAX);
        let keys = whole.take_while(|key| api::delete_objects::can_carry(key)).count();
        let batch = match keys {
            0 | 1 => Batch::One(self.queued.pop_front()?),
            _ => Batch::Many { keys: self.queued.drain(..keys).collect(), refused: Vec::new() },
        };
        self.begun = self.begun.saturating_add(1);
        let id = BatchId(self.begun);
        self.in_flight.insert(id, Flight { batch, begun: self.mark() });
        Some(id)
    }

    #[cfg(test)]
    pub(crate) fn ids(&self) -> Vec<BatchId> {
        self.in_flight.keys().copied().collect()
    }

    pub(crate) fn call(&self, id: BatchId) -> Call {
        match self.in_flight.get(&id).map(|flight| &flight.batch) {
            Some(Batch::One(key)) => api::delete_object::call(key, None),
            Some(Batch::Many { keys, .. }) => api::delete_objects::call(keys),
            // A machine asks only for calls that have not ended; this one would do no harm.
            None => api::head_bucket::call(),
        }
    }

    /// A reply.
    pub(crate) fn on_reply(
        &mut self,
        id: BatchId,
        reply: &Reply,
        failures: &mut Failures,
    ) -> Result<(), Rejected> {
        let Some(Flight { batch, begun }) = self.in_flight.get_mut(&id) else { return Ok(()) };
        match batch {
            Batch::Many { keys, refused } => {
                let all = decode(reply, keys)?;
                let (again, failed): (Vec<_>, Vec<_>) = all.into_iter().partition(may_pass);
                let named: BTreeSet<&str> =
                    again.iter().chain(&failed).map(|failure| &*failure.key).collect();
                for key in keys.iter().filter(|key| !named.contains(key.as_str())) {
                    deleted(&mut self.deleted, self.recent.as_ref(), key, *begun);
                }
                let left: BTreeSet<&str> = again.iter().map(|failure| &*failure.key).collect();
                keys.retain(|key| left.contains(key.as_str()));
                failures.keys(failed);
                if !keys.is_empty() {
                    *refused = again;
                    return Err(Rejected::Retry(Reason::KeysFailed { keys: keys.len() }));
                }
            }
            Batch::One(key) => deleted(&mut self.deleted, self.recent.as_ref(), key, *begun),
        }
        self.in_flight.remove(&id);
        Ok(())
    }

    /// A call that failed for good.
    pub(crate) fn on_error(&mut self, id: BatchId, error: CallError, failures: &mut Failures) {
        let Some(Flight { batch, begun }) = self.in_flight.remove(&id) else { return };
        match batch {
            Batch::One(key) if error.is_not_found() => {
                deleted(&mut self.deleted, self.recent.as_ref(), &key, begun);
            }
            Batch::One(key) => failures.call(&[key], error),
            Batch::Many { refused, .. } if is_partial(&error) => failures.keys(refused),
            Batch::Many { keys, .. } => failures.call(&keys, error),
        }
    }
}

impl Batch {
    fn keys(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many { keys, .. } => keys.len(),
        }
    }
}

/// The failures among `keys`. One of another key must be of ours in a form that we do not know.
fn decode(reply: &Reply, keys: &[Key]) -> Result<Vec<KeyFailure>, Rejected> {
    let failures = api::delete_objects::decode(reply)?;
    let asked: BTreeSet<&str> = keys.iter().map(Key::as_str).collect();
    match failures.iter().find(|failure| !asked.contains(&*failure.key)) {
        Some(KeyFailure { key, code, .. }) => Err(Rejected::Retry(Reason::Malformed(format!(
            "{code} for a key that was not to be deleted: {key:?}"
        )))),
        None => Ok(failures),
    }
}

/// Whether the last attempt was answered key by key.
fn is_partial(error: &CallError) -> bool {
    matches!(error.cause, Cause::Rejected(Reason::KeysFailed { .. }))
}

/// Whether a key's failure may pass by itself (436/8289, 436/7730).
fn may_pass(failure: &KeyFailure) -> bool {
    matches!(
        &*failure.code,
        "InternalError"
            | "InternalErrror"
            | "ServiceUnavailable"
            | "SlowDown"
            | "TooManyRequests"
            | "RequestTimeout"
            | "RequestTimeOut"
            | "PathConflict"
    )
}

fn deleted(count: &mut u64, recent: Option<&Recent>, key: &Key, begun: RecentMark) {
    *count = count.saturating_add(1);
    if let Some(recent) = recent {
        recent.forget_object(key, begun);
    }
}
