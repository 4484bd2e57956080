//! A resumable writer: bytes become parts, an end makes them an object, or a record to go on from.
//!
//! | phase | calls, in order | next |
//! |---|---|---|
//! | opening | GET record ‖ HEAD; abort and delete a stale record | writing, or an error |
//! | writing | Create, then *claim* (PUT of the record with the id), then parts | ending |
//! | closing | parts; PUT of the record | over |
//! | committing | parts; Complete, or one PUT; HEAD if in doubt; DELETE record; strays | over |
//! | cancelling | parts in flight end; abort; DELETE record; strays | over |
//!
//! The record is written twice at most per writer, never two at a time: as claim, so that no part
//! is uploaded to an upload that nobody could find again, and by Close. A writer of a storage driver
//! never aborts on failure, since an earlier Close may be durable in that upload; but for one that it
//! created and that no record can name, because the claim was refused.

mod calls;
mod ending;
mod filling;
mod open;
mod options;
mod parts;
mod settling;
#[cfg(test)]
mod tests;

pub use self::{
    ending::UploadOutcome,
    open::Append,
    options::{OnFailure, UploadOptions},
};
use self::{
    ending::{EndTag, Ending, Goal},
    open::{OpenTag, Opened, Opening},
    parts::Parts,
};
use crate::{
    ETag, Error, ErrorKind, Key, Next, PartNumber, RecentMark, UnixTime, UploadId,
    op::{
        UploadState,
        abort_upload::STRAY,
        record::{PART_BYTES_MIN, record_key},
    },
};
use bytes::Bytes;

/// An upload from opening to its end.
#[derive(Debug)]
pub struct Upload {
    key: Key,
    options: UploadOptions,
    persist: Persist,
    phase: Phase,
    parts: Parts,
    multipart: Multipart,
    base: Option<ETag>,
    session: u64,
    /// The record as last made durable.
    durable: Option<UploadState>,
    record: RecordObject,
    /// Whether Close has something to say.
    unsaved: bool,
    /// Any attempt but the one that named our upload may have opened another.
    stray_possible: bool,
    /// The service's clock when Create was asked for, or before that.
    created_after: Option<UnixTime>,
    /// When the record's deletion began.
    drop_begun: RecentMark,
    created_here: bool,
    failure: Option<Error>,
    ended: Ended,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// Where an unfinished upload is remembered.
#[derive(Debug)]
enum Persist {
    /// In an object beside the key.
    Record(Key),
    /// With the caller, who takes [`Upload::state`].
    Caller,
}

#[derive(Debug)]
enum Phase {
    Opening(Box<Opening>),
    Writing,
    Ending(Ending),
    Over,
}

/// How far the multipart upload is.
#[derive(Debug)]
enum Multipart {
    None,
    Creating,
    /// Its id is in no durable record of this session yet.
    Unclaimed(UploadId),
    Claiming(UploadId),
    /// The claim failed, but may have been written.
    PerhapsClaimed(UploadId),
    Ready(UploadId),
}

/// Whether and how the application has ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    No,
    As(Goal),
    /// Committed or cancelled, and then closed.
    AndClosed(Goal),
}

impl Ended {
    fn goal(self) -> Option<Goal> {
        match self {
            Self::No => None,
            Self::As(goal) | Self::AndClosed(goal) => Some(goal),
        }
    }
}

/// Whether an object may stand at the record's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordObject {
    Absent,
    Possible,
}

/// One call of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, private_interfaces, reason = "opaque: it is only compared")]
#[non_exhaustive]
pub enum Tag {
    Open(OpenTag),
    Create,
    Claim,
    Part(PartNumber),
    End(EndTag),
}

impl Upload {
    /// The writer of a storage driver: its unfinished state is in the resume record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if the record's key would be too long.
    pub fn with_record(key: Key, append: Append, options: UploadOptions) -> Result<Self, Error> {
        let record = record_key(&key)?;
        let opening = Phase::Opening(Box::new(Opening::new(key.clone(), append)));
        let options = options.on_failure(OnFailure::Keep);
        Ok(Self::new(key, options, Persist::Record(record), opening))
    }

    /// A writer on any key; it overwrites what is there when it commits.
    pub fn start(key: Key, options: UploadOptions) -> Self {
        Self::new(key, options, Persist::Caller, Phase::Writing)
    }

    /// A writer that goes on from what [`Upload::state`] gave. A failure keeps the upload.
    pub fn resume(key: Key, state: UploadState, options: UploadOptions) -> Self {
        let options = options.on_failure(OnFailure::Keep);
        let mut upload = Self::new(key, options, Persist::Caller, Phase::Writing);
        upload.adopt(state);
        upload
    }

    fn new(key: Key, options: UploadOptions, persist: Persist, phase: Phase) -> Self {
        Self {
            parts: Parts::new(options.chunk_size.max(PART_BYTES_MIN), options.budget.clone()),
            key,
            options,
            persist,
            phase,
            multipart: Multipart::None,
            base: None,
            session: 1,
            durable: None,
            record: RecordObject::Absent,
            unsaved: true,
            stray_possible: false,
            created_after: None,
            drop_begun: RecentMark::default(),
            created_here: false,
            failure: None,
            ended: Ended::No,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// Whether bytes may be pushed: not while it opens, nor after an end or a failure.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Writing) && self.failure.is_none()
    }

    /// How many bytes [`push`](Self::push) would take now.
    pub fn capacity(&self) -> u64 {
        if self.is_open() { self.parts.capacity() } else { 0 }
    }

    /// The bytes there were when it opened and those pushed since.
    pub fn size(&self) -> u64 {
        self.parts.size()
    }

    /// Takes as many bytes as fit and gives the rest back; poll, and push again when there is
    /// [capacity](Self::capacity). A large piece is shared, not copied, so it should own its
    /// allocation: a small slice of a large buffer would keep the whole buffer.
    pub fn push(&mut self, bytes: Bytes) -> Bytes {
        if !self.is_open() || bytes.is_empty() {
            return bytes;
        }
        let offered = bytes.len();
        let rest = self.parts.push(bytes);
        self.pushed(offered > rest.len(), !rest.is_empty());
        rest
    }

    /// Copies as many bytes as fit and says how many those were.
    pub fn push_slice(&mut self, bytes: &[u8]) -> usize {
        if !self.is_open() || bytes.is_empty() {
            return 0;
        }
        let taken = self.parts.push_slice(bytes);
        self.pushed(taken > 0, taken < bytes.len());
        taken
    }

    fn pushed(&mut self, any: bool, rest: bool) {
        self.unsaved |= any;
        if rest && self.parts.is_exhausted() {
            let size = self.parts.size();
            let text = format!("10 000 parts of this chunk size hold no more than {size} bytes");
            self.fail(Error::new(ErrorKind::TooLarge { limit: size }, text));
        }
    }

    /// Checks that bytes may be written, for an adapter whose writer must refuse them.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after an end; the failure itself after one.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.check_not_ended()
    }

    /// Ends by making everything durable without publishing it.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after a Close; after a commit or cancel it is fine, once.
    pub fn close(&mut self) -> Result<(), Error> {
        if let Ended::As(goal @ (Goal::Commit | Goal::Cancel)) = self.ended
            && self.failure.is_none()
        {
            self.ended = Ended::AndClosed(goal);
            return Ok(());
        }
        self.end(Goal::Close)
    }

    /// Ends by publishing the object.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after an end.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.end(Goal::Commit)
    }

    /// Ends by dropping everything, what earlier writers closed included.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after an end.
    pub fn cancel(&mut self) -> Result<(), Error> {
        self.end(Goal::Cancel)
    }

    fn end(&mut self, goal: Goal) -> Result<(), Error> {
        self.check_not_ended()?;
        if !self.is_open() {
            return Err(Error::new(ErrorKind::Misuse, "the writer is not open yet"));
        }
        self.ended = Ended::As(goal);
        match goal {
            Goal::Close if self.parts.tail() >= part_bytes_min!(self.simulated) => {
                self.parts.seal_tail();
            }
            Goal::Commit if planted!(self.simulated, CommitDropsTail) => {}
            Goal::Commit if self.parts.any() => self.parts.seal_tail(),
            Goal::Cancel => self.parts.discard_unsent(),
            Goal::Close | Goal::Commit => {}
        }
        self.phase = Phase::Ending(Ending::new(goal));
        Ok(())
    }

    fn check_not_ended(&self) -> Result<(), Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let already = match self.ended.goal() {
            None => return Ok(()),
            Some(Goal::Close) => "already closed",
            Some(Goal::Commit) => "already committed",
            Some(Goal::Cancel) => "already cancelled",
        };
        Err(Error::new(ErrorKind::Misuse, already).at(self.key.as_str()))
    }

    /// What resuming needs: all that was written, after a close; at any other time what COS has
    /// acknowledged without a gap. Its [size](UploadState::size) says where to go on.
    pub fn state(&self) -> UploadState {
        let (parts, tail) = self.parts.checkpoint();
        UploadState {
            session: self.session,
            upload: self.upload_id().cloned(),
            base: self.base.clone(),
            parts,
            tail,
        }
    }

    fn upload_id(&self) -> Option<&UploadId> {
        match &self.multipart {
            Multipart::None | Multipart::Creating => None,
            Multipart::Unclaimed(id)
            | Multipart::Claiming(id)
            | Multipart::PerhapsClaimed(id)
            | Multipart::Ready(id) => Some(id),
        }
    }

    fn adopt(&mut self, state: UploadState) {
        self.parts.resume(&state.parts, state.tail.clone());
        self.base.clone_from(&state.base);
        self.session = state.session.saturating_add(1);
        self.multipart = match (&state.upload, &self.persist) {
            (None, _) => Multipart::None,
            (Some(id), Persist::Record(_)) => Multipart::Unclaimed(id.clone()),
            (Some(id), Persist::Caller) => Multipart::Ready(id.clone()),
        };
        self.durable = Some(state);
        self.unsaved = false;
    }

    fn opened(&mut self, opened: Opened, append: Append) {
        match opened {
            Opened::Start { base } => {
                self.base = base;
                self.unsaved = append == Append::No;
            }
            Opened::Resume(state) => {
                self.record = RecordObject::Possible;
                self.adopt(state);
            }
        }
        self.phase = Phase::Writing;
    }

    fn fail(&mut self, error: Error) {
        let stray = self.stray_possible && self.failure.is_none();
        let error = if stray { error.noting(STRAY) } else { error };
        self.failure.get_or_insert(error.at(self.key.as_str()));
    }

    /// The next call that brings sealed parts to COS, if one can start now.
    fn next_transfer(&mut self) -> Option<Tag> {
        if !self.parts.has_unsent() {
            return None;
        }
        match &self.multipart {
            Multipart::None => {
                self.multipart = Multipart::Creating;
                Some(Tag::Create)
            }
            Multipart::Unclaimed(id) => {
                self.multipart = Multipart::Claiming(id.clone());
                self.note_record();
                Some(Tag::Claim)
            }
            Multipart::Ready(_) => self.parts.start().map(Tag::Part),
            Multipart::Creating | Multipart::Claiming(_) | Multipart::PerhapsClaimed(_) => None,
        }
    }

    fn is_transferring(&self) -> bool {
        self.parts.has_started()
            || matches!(self.multipart, Multipart::Creating | Multipart::Claiming(_))
    }

    /// Whether no record can name the upload that this session has created.
    fn is_unnamed(&self) -> bool {
        matches!(self.multipart, Multipart::Unclaimed(_))
            && !planted!(self.simulated, RefusedClaimLeavesUpload)
    }

    /// The record that names the upload in the state that is durable already.
    fn claim(&self) -> UploadState {
        let mut state = self.durable.clone().unwrap_or_default();
        state.session = self.session;
        state.upload = self.upload_id().cloned();
        state.base.clone_from(&self.base);
        state
    }

    /// A record is about to be written, or that has ended: it may be there, whatever the answer.
    fn note_record(&mut self) {
        self.record = RecordObject::Possible;
        if let (Some(recent), Persist::Record(key)) = (&self.options.recent, &self.persist) {
            recent.note_object(key);
        }
    }

    /// The upload is completed or aborted.
    fn forget_upload(&self) {
        if let (Some(recent), Some(id)) = (&self.options.recent, self.upload_id()) {
            recent.forget_upload(&self.key, id);
        }
    }

    /// The record is deleted.
    fn forget_record(&self) {
        if let (Some(recent), Persist::Record(key)) = (&self.options.recent, &self.persist) {
            recent.forget_object(key, self.drop_begun);
        }
    }

    fn next_failed(&mut self, error: Error) -> Next<Tag, Result<UploadOutcome, Error>> {
        self.parts.discard_unsent();
        let unneeded = self.options.on_failure == OnFailure::Abort || self.is_unnamed();
        let abort = (unneeded && self.created_here || planted!(self.simulated, FailedPartAborts))
            && ending::may_abort_after(&error);
        if abort {
            if self.is_transferring() {
                return Next::Pending;
            }
            let aborting = matches!(&self.phase, Phase::Ending(ending) if ending.is_aborting());
            if !aborting && self.upload_id().is_some() {
                self.phase = Phase::Ending(Ending::aborting());
            }
            if let Phase::Ending(ending) = &mut self.phase
                && ending.is_aborting()
                && !ending.is_finished()
            {
                return match ending.next_abort() {
                    Some(tag) => Next::Call(Tag::End(tag)),
                    None => Next::Pending,
                };
            }
        }
        self.parts.discard_all();
        self.phase = Phase::Over;
        Next::Done(Err(error))
    }
}
