//! How a storage driver's writer opens: read the record and the object's head, then decide.
//!
//! | mode | record | object | then |
//! |---|---|---|---|
//! | create | none | any | start; `base` is the object's ETag |
//! | create | ours | any | abort its upload, delete it, start |
//! | append | ours | absent, or ETag = `base` | resume |
//! | append | ours | another | abort its upload, delete it, go on as without a record |
//! | append | none | absent | `PathNotFound` |
//! | append | none | zero length | start |
//! | append | none | longer | `AlreadyCommitted` |
//! | any | not ours | any | error; it is never overwritten or deleted |
//! | append | damaged | any | error |
//! | create | damaged | any | delete it, start |

use crate::{
    CallError, ETag, Error, ErrorKind, FailureKind, Key, ObjectMeta, Rejected, Reply, UnixTime,
    UploadId,
    error::Cause,
    op::{NotARecord, UploadState},
};

/// Whether a writer begins anew or goes on with what an earlier one has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the contract knows these two")]
pub enum Append {
    /// Discard what an earlier writer left uncommitted.
    No,
    /// Continue after it.
    Yes,
}

/// A step of opening; each is one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenTag {
    ReadRecord,
    Head,
    AbortStale,
    DropStale,
}

#[derive(Debug)]
pub(super) struct Opening {
    append: Append,
    key: Key,
    record: Read<Option<Result<UploadState, NotARecord>>>,
    head: Read<Option<ObjectMeta>>,
    discard: Discard,
    /// The service's clock, from an answer that came before any Create of ours.
    pub(super) service_time: Option<UnixTime>,
    #[cfg(feature = "sim")]
    pub(super) simulated: crate::sim::Simulated,
}

#[derive(Debug)]
enum Read<T> {
    Wanted,
    Asked,
    Got(T),
}

/// Getting rid of a stale record: its upload first, itself last.
#[derive(Debug)]
enum Discard {
    Undecided,
    Abort { upload: UploadId, asked: bool },
    Drop { asked: bool },
    Done,
}

/// What an opened writer begins with.
#[derive(Debug)]
pub(super) enum Opened {
    /// From nothing, over an object of this ETag.
    Start { base: Option<ETag> },
    /// After what an earlier writer closed.
    Resume(UploadState),
}

pub(super) enum Step {
    Call(OpenTag),
    Pending,
    Opened(Opened),
    Failed(Error),
}

impl Opening {
    pub(super) fn new(key: Key, append: Append) -> Self {
        Self {
            append,
            key,
            record: Read::Wanted,
            head: Read::Wanted,
            discard: Discard::Undecided,
            service_time: None,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    pub(super) fn append(&self) -> Append {
        self.append
    }

    pub(super) fn next(&mut self) -> Step {
        if matches!(self.record, Read::Wanted) {
            self.record = Read::Asked;
            return Step::Call(OpenTag::ReadRecord);
        }
        if matches!(self.head, Read::Wanted) {
            self.head = Read::Asked;
            return Step::Call(OpenTag::Head);
        }
        let (Read::Got(record), Read::Got(head)) = (&self.record, &self.head) else {
            return Step::Pending;
        };
        if matches!(self.discard, Discard::Undecided) {
            let unseen = planted!(self.simulated, BaseIgnored);
            match decide(self.append, record.as_ref(), head.as_ref().filter(|_| !unseen)) {
                Ok(Decision::Keep) => self.discard = Discard::Done,
                Ok(Decision::Resume(state)) => return Step::Opened(Opened::Resume(state)),
                Ok(Decision::Discard(Some(upload)))
                    if !planted!(self.simulated, StaleUploadLeft) =>
                {
                    self.discard = Discard::Abort { upload, asked: false };
                }
                Ok(Decision::Discard(_)) => self.discard = Discard::Drop { asked: false },
                Err(error) => return Step::Failed(error),
            }
        }
        match &mut self.discard {
            Discard::Abort { asked: asked @ false, .. } => {
                *asked = true;
                Step::Call(OpenTag::AbortStale)
            }
            Discard::Drop { asked: asked @ false } => {
                *asked = true;
                Step::Call(OpenTag::DropStale)
            }
            Discard::Done if planted!(self.simulated, CommittedReopened, head.is_some()) => {
                start(Append::No, head.as_ref(), &self.key)
            }
            Discard::Done => start(self.append, head.as_ref(), &self.key),
            Discard::Undecided | Discard::Abort { .. } | Discard::Drop { .. } => Step::Pending,
        }
    }

    /// The upload that [`OpenTag::AbortStale`] aborts.
    pub(super) fn stale_upload(&self) -> Option<&UploadId> {
        match &self.discard {
            Discard::Abort { upload, .. } => Some(upload),
            Discard::Undecided | Discard::Drop { .. } | Discard::Done => None,
        }
    }

    pub(super) fn on_record(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let part_bytes_min = part_bytes_min!(self.simulated);
        self.record = Read::Got(Some(UploadState::decode(reply, part_bytes_min)?));
        Ok(())
    }

    pub(super) fn on_head(&mut self, meta: ObjectMeta) {
        self.head = Read::Got(Some(meta));
    }

    pub(super) fn on_discarded(&mut self, tag: OpenTag) {
        self.discard = match tag {
            OpenTag::AbortStale => Discard::Drop { asked: false },
            OpenTag::ReadRecord | OpenTag::Head | OpenTag::DropStale => Discard::Done,
        };
    }

    /// A missing record, object or upload is an answer; anything else fails the opening.
    pub(super) fn on_error(&mut self, tag: OpenTag, error: CallError) -> Result<(), Error> {
        if let Some(date) = error.service().and_then(|service| service.date) {
            self.service_time = self.service_time.max(Some(date));
        }
        let too_large = matches!(
            &error.cause,
            Cause::Transport(failure) if failure.kind == FailureKind::ReplyTooLarge
        );
        match tag {
            OpenTag::ReadRecord if error.is_not_found() => self.record = Read::Got(None),
            OpenTag::ReadRecord if too_large => {
                self.record = Read::Got(Some(Err(NotARecord::Foreign)));
            }
            OpenTag::Head if error.is_not_found() => self.head = Read::Got(None),
            OpenTag::AbortStale | OpenTag::DropStale if error.is_not_found() => {
                self.on_discarded(tag);
            }
            OpenTag::ReadRecord | OpenTag::Head | OpenTag::AbortStale | OpenTag::DropStale => {
                return Err(error.into_error());
            }
        }
        Ok(())
    }
}

enum Decision {
    Keep,
    Resume(UploadState),
    /// The record with its upload.
    Discard(Option<UploadId>),
}

fn decide(
    append: Append,
    record: Option<&Result<UploadState, NotARecord>>,
    head: Option<&ObjectMeta>,
) -> Result<Decision, Error> {
    let refuse = |reason: NotARecord| {
        Error::new(ErrorKind::Malformed, format!("at the key of the resume record stands {reason}"))
    };
    match (record, append) {
        (None, _) => Ok(Decision::Keep),
        (Some(Err(NotARecord::Damaged)), Append::No) => Ok(Decision::Discard(None)),
        (Some(Err(reason)), _) => Err(refuse(*reason)),
        (Some(Ok(state)), Append::Yes)
            if head.is_none() || head.map(|meta| &meta.etag) == state.base.as_ref() =>
        {
            Ok(Decision::Resume(state.clone()))
        }
        (Some(Ok(state)), _) => Ok(Decision::Discard(state.upload.clone())),
    }
}

/// What follows when there is no record (any more).
fn start(append: Append, head: Option<&ObjectMeta>, key: &Key) -> Step {
    match (append, head) {
        (Append::No, _) => Step::Opened(Opened::Start { base: head.map(|meta| meta.etag.clone()) }),
        (Append::Yes, None) => {
            Step::Failed(Error::new(ErrorKind::PathNotFound, "").at(key.as_str()))
        }
        (Append::Yes, Some(meta)) if meta.size == 0 => {
            Step::Opened(Opened::Start { base: Some(meta.etag.clone()) })
        }
        (Append::Yes, Some(meta)) => Step::Failed(
            Error::new(
                ErrorKind::AlreadyCommitted { size: meta.size },
                "COS cannot append to a committed object",
            )
            .at(key.as_str()),
        ),
    }
}
