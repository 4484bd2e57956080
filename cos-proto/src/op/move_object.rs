//! Moves an object: a copy, and when that is confirmed, the deletion of the source.
//!
//! | phase | answer | next |
//! |---|---|---|
//! | source = destination | HEAD 200 | over: nothing to do, nothing is deleted |
//! | | HEAD 404 | over: `PathNotFound` |
//! | copy | confirmed | DELETE source |
//! | | failed, also without certainty | over: the error; the source is never deleted |
//! | DELETE source | 204, or 404 | over |
//! | | failed | over: the error says that the object is at both keys |
//!
//! Resume records do not move: one beside the destination is dead, since its `base` is another
//! object now.

use super::{
    copy::{self, Copy, CopyLimits, CopyOutcome},
    once::Once,
};
use crate::{
    Call, CallError, CopySource, Error, Key, Next, Operation, Rejected, Reply, Verification,
    api::{self, CopyOptions, GetOptions, SseC},
    recent::{Recent, RecentMark},
};

/// Moves an object within the bucket; an object at the destination is replaced.
///
/// # Errors
/// Those of [`struct@Copy`], with the source in place. If the copy is there and the source cannot be
/// deleted, the error says so; moving again completes it.
#[derive(Debug)]
pub struct Move {
    source: Key,
    /// The key of a source under SSE-C.
    source_sse_c: Option<SseC>,
    destination: Key,
    copy: Copy,
    recent: Option<Recent>,
    phase: Phase,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// One call of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub enum Tag {
    Head,
    Copy(copy::Tag),
    Delete,
}

#[derive(Debug)]
enum Phase {
    /// Source and destination are the same.
    Same(Once<CopyOutcome>),
    Copy,
    Delete {
        copied: Result<CopyOutcome, Error>,
        state: Once<()>,
        begun: RecentMark,
    },
}

impl Move {
    /// Moves `source` to `destination`.
    pub fn new(source: Key, destination: Key, options: CopyOptions, limits: CopyLimits) -> Self {
        let phase = if source == destination { Phase::Same(Once::Ready) } else { Phase::Copy };
        let from = CopySource::new(source.clone());
        let source_sse_c = options.source_key().cloned();
        let copy = Copy::new(from, destination.clone(), options, limits);
        Self {
            source,
            source_sse_c,
            destination,
            copy,
            recent: None,
            phase,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// Notes what is created and forgets what is deleted.
    #[must_use]
    pub fn with_recent(mut self, recent: Recent) -> Self {
        self.copy = self.copy.with_recent(recent.clone());
        self.recent = Some(recent);
        self
    }

    fn deleted(&mut self, result: Result<(), Error>) {
        let Phase::Delete { state, begun, .. } = &mut self.phase else { return };
        if let (Ok(()), Some(recent)) = (&result, &self.recent) {
            recent.forget_object(&self.source, *begun);
        }
        *state = Once::Over(result);
    }
}

impl Operation for Move {
    type Tag = Tag;
    type Output = Result<CopyOutcome, Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        if planted!(self.simulated, MoveOntoItselfDeletes, matches!(self.phase, Phase::Same(_))) {
            self.phase = Phase::Copy;
        }
        if matches!(self.phase, Phase::Copy) {
            match self.copy.next() {
                Next::Call(tag) => return Next::Call(Tag::Copy(tag)),
                Next::Pending => return Next::Pending,
                Next::Idle => return Next::Idle,
                Next::Done(Err(error))
                    if !planted!(self.simulated, SourceDeletedAfterFailedCopy) =>
                {
                    return Next::Done(Err(error));
                }
                Next::Done(copied) => {
                    let begun = self.recent.as_ref().map(Recent::mark).unwrap_or_default();
                    self.phase = Phase::Delete { copied, state: Once::Ready, begun };
                }
            }
        }
        match &mut self.phase {
            Phase::Same(state) => match state.next() {
                Next::Call(()) => Next::Call(Tag::Head),
                Next::Done(result) => Next::Done(result),
                Next::Pending | Next::Idle => Next::Pending,
            },
            Phase::Delete { copied, state, .. } => match (state.next(), copied) {
                (Next::Call(()), _) => Next::Call(Tag::Delete),
                (Next::Done(Err(error)), _) => Next::Done(Err(error)),
                (Next::Done(Ok(())), copied) => Next::Done(copied.clone()),
                (Next::Pending | Next::Idle, _) => Next::Pending,
            },
            Phase::Copy => Next::Pending,
        }
    }

    fn call(&self, tag: Tag) -> Call {
        match tag {
            Tag::Head => {
                let sse_c = self.source_sse_c.clone();
                api::head_object::call(&self.source, &GetOptions { sse_c, ..GetOptions::new() })
            }
            Tag::Copy(tag) => self.copy.call(tag),
            Tag::Delete => api::delete_object::call(&self.source, None),
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
        self.copy.simulate(simulated);
    }

    fn on_reply(&mut self, tag: Tag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Head => {
                let meta = api::head_object::decode(&reply)?;
                self.phase = Phase::Same(Once::Over(Ok(CopyOutcome {
                    etag: meta.etag,
                    size: meta.size,
                    verification: Verification::Unverified,
                    version_id: meta.version_id,
                    stray_possible: false,
                })));
            }
            Tag::Copy(tag) => return self.copy.on_reply(tag, reply),
            Tag::Delete => self.deleted(Ok(())),
        }
        Ok(())
    }

    fn on_error(&mut self, tag: Tag, error: CallError) {
        match tag {
            Tag::Head => {
                let error = error.into_error().at(self.source.as_str());
                self.phase = Phase::Same(Once::Over(Err(error)));
            }
            Tag::Copy(tag) => self.copy.on_error(tag, error),
            Tag::Delete if error.is_not_found() => self.deleted(Ok(())),
            Tag::Delete => {
                let note = format!(
                    "{} was copied to {} but could not be deleted: the object is at both",
                    self.source, self.destination
                );
                let error = error.into_error().noting(&note).at(self.source.as_str());
                self.deleted(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests;
