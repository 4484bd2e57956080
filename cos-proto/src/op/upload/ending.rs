//! How an upload ends: what Close, Commit and Cancel send, and in what order.

use crate::{
    Call, CallError, ETag, Error, ErrorKind, Next, UploadId, Verification,
    api::{self, CompleteOptions, ListUploadsOptions},
    op::{UploadState, settle::Evidence},
};

use super::{Persist, Phase, RecordObject, Tag, Upload};

/// What a writer was asked to end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Close,
    Commit,
    Cancel,
}

/// What an upload has ended as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadOutcome {
    /// The size in bytes.
    pub size: u64,
    /// The object's ETag, if it was committed.
    pub etag: Option<ETag>,
    /// Its version, if it was committed to a bucket that has versions.
    pub version_id: Option<String>,
    /// Whether COS's CRC-64 of the committed object was compared with ours.
    pub verification: Verification,
    /// How many parts COS gave no CRC-64 for.
    pub parts_unverified: u16,
    /// An attempt to open the multipart upload may have opened another, which only a sweep finds.
    pub stray_possible: bool,
    /// What resuming needs, if it was closed and is no storage driver's.
    pub state: Option<UploadState>,
}

/// One call of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndTag {
    SaveRecord,
    Complete,
    PutObject,
    Verify,
    Abort,
    DropRecord,
    ListStrays,
    AbortStray,
}

#[derive(Debug)]
pub(super) struct Ending {
    goal: Goal,
    pub(super) step: Step,
    /// Whether the step's call has been started.
    asked: bool,
    published: Option<Published>,
    pub(super) strays: Vec<UploadId>,
}

/// The object that a commit has made.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) etag: ETag,
    pub(super) version_id: Option<String>,
    pub(super) verification: Verification,
}

/// The steps in order; those that have nothing to do are passed over.
#[derive(Debug)]
pub(super) enum Step {
    Drain,
    Save,
    Publish,
    Verify(Doubt),
    Abort,
    DropRecord,
    ListStrays,
    AbortStrays,
    Finished,
}

/// Why the object is looked at once more.
#[derive(Debug)]
pub(super) enum Doubt {
    /// Complete succeeded, but its answer had no CRC-64.
    NoCrc { etag: ETag, version_id: Option<String> },
    /// The answer to the write got lost.
    Ambiguous(Evidence, Box<CallError>),
}

impl Ending {
    pub(super) fn new(goal: Goal) -> Self {
        Self { goal, step: Step::Drain, asked: false, published: None, strays: Vec::new() }
    }

    /// The end of a failed writer that created its upload itself.
    pub(super) fn aborting() -> Self {
        Self { step: Step::Abort, ..Self::new(Goal::Cancel) }
    }

    pub(super) fn is_aborting(&self) -> bool {
        self.goal == Goal::Cancel && matches!(self.step, Step::Abort | Step::Finished)
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.step, Step::Finished)
    }

    pub(super) fn next_abort(&mut self) -> Option<EndTag> {
        if self.asked || self.is_finished() {
            return None;
        }
        self.asked = true;
        Some(EndTag::Abort)
    }

    pub(super) fn advance(&mut self, step: Step) {
        self.step = step;
        self.asked = false;
    }
}

/// Whether the upload that a failed writer created is of no more use. After an unknown outcome or
/// a bad object it may still be completing.
pub(super) fn may_abort_after(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::OutcomeUnknown
            | ErrorKind::Corrupt
            | ErrorKind::UploadLost
            | ErrorKind::Overwritten
    )
}

impl Upload {
    pub(super) fn next_ending(&mut self) -> Next<Tag, Result<UploadOutcome, Error>> {
        loop {
            let Phase::Ending(ending) = &mut self.phase else { return Next::Pending };
            if ending.asked {
                return Next::Pending;
            }
            let goal = ending.goal;
            let tag = match &ending.step {
                Step::Drain => match self.drain(goal) {
                    Some(next) => return next,
                    None => continue,
                },
                Step::Save => EndTag::SaveRecord,
                Step::Publish if self.parts.any() => EndTag::Complete,
                Step::Publish => EndTag::PutObject,
                Step::Verify(_) => EndTag::Verify,
                Step::Abort => EndTag::Abort,
                Step::DropRecord => EndTag::DropRecord,
                Step::ListStrays => EndTag::ListStrays,
                Step::AbortStrays if ending.strays.is_empty() => {
                    ending.advance(Step::Finished);
                    continue;
                }
                Step::AbortStrays => EndTag::AbortStray,
                Step::Finished => return Next::Done(Ok(self.finish())),
            };
            ending.asked = true;
            if let (EndTag::DropRecord, Some(recent)) = (tag, &self.options.recent) {
                self.drop_begun = recent.mark();
            }
            self.note_effect(tag);
            return Next::Call(Tag::End(tag));
        }
    }

    /// What a call that begins or has ended creates may be there, whatever the answer.
    pub(super) fn note_effect(&mut self, tag: EndTag) {
        match tag {
            EndTag::SaveRecord => self.note_record(),
            EndTag::Complete | EndTag::PutObject | EndTag::Verify => {
                if let Some(recent) = &self.options.recent {
                    recent.note_object(&self.key);
                }
            }
            EndTag::Abort | EndTag::DropRecord | EndTag::ListStrays | EndTag::AbortStray => {}
        }
    }

    /// Brings sealed parts to COS first; a cancel only lets those in flight end.
    fn drain(&mut self, goal: Goal) -> Option<Next<Tag, Result<UploadOutcome, Error>>> {
        if goal != Goal::Cancel
            && let Some(tag) = self.next_transfer()
        {
            return Some(Next::Call(tag));
        }
        let early = planted!(self.simulated, RecordBeforeParts, goal == Goal::Close);
        if self.is_transferring() && !early {
            return Some(Next::Pending);
        }
        let left = planted!(self.simulated, RecordDroppedFirst);
        match goal {
            Goal::Close => match self.persist {
                Persist::Record(_) if self.unsaved || planted!(self.simulated, IdleCloseSaves) => {
                    self.advance(Step::Save);
                }
                Persist::Record(_) | Persist::Caller => self.advance(Step::Finished),
            },
            Goal::Commit => self.advance(Step::Publish),
            Goal::Cancel if left || planted!(self.simulated, CancelLeavesUpload) => {
                self.go_to_record();
            }
            Goal::Cancel if self.upload_id().is_some() => self.advance(Step::Abort),
            Goal::Cancel => self.go_to_record(),
        }
        None
    }

    pub(super) fn advance(&mut self, step: Step) {
        if let Phase::Ending(ending) = &mut self.phase {
            ending.advance(step);
        }
    }

    /// After the write or the abort: the record, then strays.
    pub(super) fn go_to_record(&mut self) {
        if self.record == RecordObject::Possible {
            self.advance(Step::DropRecord);
        } else {
            self.go_to_strays();
        }
    }

    /// Only a storage driver may take others' uploads of the key for its own.
    pub(super) fn go_to_strays(&mut self) {
        let known = self.created_after.is_some() && matches!(self.persist, Persist::Record(_));
        self.advance(if self.stray_possible && known { Step::ListStrays } else { Step::Finished });
    }

    pub(super) fn published(&mut self, published: Published) {
        let put_beside_upload = !self.parts.any() && self.upload_id().is_some();
        if let Phase::Ending(ending) = &mut self.phase {
            ending.published = Some(published);
        }
        if put_beside_upload {
            self.advance(Step::Abort);
        } else {
            self.forget_upload();
            if planted!(self.simulated, RecordLeftByCommit) {
                return self.go_to_strays();
            }
            self.go_to_record();
        }
    }

    fn finish(&mut self) -> UploadOutcome {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        let (goal, published) = match phase {
            Phase::Ending(ending) => (ending.goal, ending.published),
            Phase::Opening(_) | Phase::Writing | Phase::Over => (Goal::Close, None),
        };
        let verification =
            published.as_ref().map_or(Verification::Unverified, |made| made.verification);
        let (etag, version_id) = match published {
            Some(made) => (Some(made.etag), made.version_id),
            None => (None, None),
        };
        let keeps_state = goal == Goal::Close && matches!(self.persist, Persist::Caller);
        UploadOutcome {
            size: self.parts.size(),
            etag,
            version_id,
            verification,
            parts_unverified: self.parts.unverified(),
            stray_possible: self.stray_possible,
            state: keeps_state.then(|| self.state()),
        }
    }

    pub(super) fn end_call(&self, tag: EndTag) -> Call {
        let (Phase::Ending(ending), id) = (&self.phase, self.upload_id()) else {
            return self.harmless_call();
        };
        match (tag, id, &self.persist) {
            (EndTag::SaveRecord, ..) => self.record_call(&self.state()),
            (EndTag::Complete, Some(id), _) => {
                let mut options = CompleteOptions::default();
                options.overwrite = self.options.object.overwrites();
                api::multipart::complete::call(&self.key, id, &self.parts.manifest(), &options)
            }
            (EndTag::PutObject, ..) => {
                api::put_object::call(&self.key, &self.options.object, self.parts.whole().0)
            }
            (EndTag::Abort, Some(id), _) => api::multipart::abort::call(&self.key, id),
            (EndTag::DropRecord, _, Persist::Record(record)) => {
                api::delete_object::call(record, None)
            }
            (EndTag::ListStrays, ..) => {
                api::multipart::list_uploads::call(&ListUploadsOptions::new(self.key.as_str()))
            }
            (EndTag::AbortStray, ..) => match ending.strays.last() {
                Some(stray) => api::multipart::abort::call(&self.key, stray),
                None => self.harmless_call(),
            },
            (EndTag::Verify | EndTag::Complete | EndTag::Abort | EndTag::DropRecord, ..) => {
                self.head_call()
            }
        }
    }
}
