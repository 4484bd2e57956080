//! Copies an object inside COS: by one call, or by parts.
//!
//! | phase | answer | next |
//! |---|---|---|
//! | HEAD source | 200, at most the threshold and 5 GiB | PUT copy |
//! | | 200, larger | Create |
//! | | 404 | over: `PathNotFound` of the source |
//! | PUT copy | CRC of the copy = the source's, or one is unknown | over |
//! | | another CRC | the same again, then over: `Corrupt` |
//! | | failed, may have been executed | HEAD destination |
//! | Create | upload id | part copies, many in flight |
//! | part copies | one failed | those in flight end, then abort |
//! | | all copied, CRC of all = the source's, or one is unknown | Complete |
//! | | all copied, another CRC | abort: `Corrupt` |
//! | Complete | CRC in the answer | over, or `Corrupt` |
//! | | no CRC in the answer | HEAD destination, to compare |
//! | | upload gone, or may have been executed | HEAD destination |
//! | | refused | abort |
//! | HEAD destination | size and CRC are the source's | over |
//! | | else, or it failed | `OutcomeUnknown`, `UploadLost`, `Overwritten` (see `settle`); abort |
//! | abort | any | over: the first error |
//!
//! Every call that reads the source demands the ETag that the HEAD saw. A copy owns the upload
//! that it creates, so it aborts it on every failure.

mod parts;
mod settling;
mod steps;

use http::StatusCode;

use self::{parts::CopyParts, settling::Doubt};
use super::settle::Seen;
use crate::{
    Call, CallError, CopySource, ETag, Error, ErrorKind, Key, Next, ObjectMeta, Operation,
    PartNumber, Rejected, Reply, UploadId, Verification,
    api::{self, CompleteOptions, CopyOptions, GetOptions},
    recent::Recent,
};

/// When and how an object is copied by parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyLimits {
    /// An object of more bytes is copied by parts. COS copies at most 5 GiB by one call.
    pub threshold: u64,
    /// Bytes per part, 1 MiB to 5 GiB; more where 10 000 parts would not hold the object.
    pub part_size: u64,
}

impl Default for CopyLimits {
    /// 32 MiB each, as the registry's s3 driver has it.
    fn default() -> Self {
        Self { threshold: 32 * 1024 * 1024, part_size: 32 * 1024 * 1024 }
    }
}

impl CopyLimits {
    /// By parts above `threshold` bytes, of `part_size` bytes each; both are brought into COS's
    /// limits.
    pub fn new(threshold: u64, part_size: u64) -> Self {
        Self { threshold, part_size }
    }
}

/// Copies an object (436/10881, or 436/8287 by parts).
///
/// User metadata and content headers go along unless the options replace them. Storage class, ACL
/// and encryption are what the options say: COS never takes them from the source. A copy by parts
/// has no tags but those of the options.
///
/// # Errors
/// [`ErrorKind::PathNotFound`] and [`ErrorKind::Changed`] name the source; others the destination.
/// After [`ErrorKind::OutcomeUnknown`] the copy may be there or still appear.
#[derive(Debug)]
pub struct Copy {
    source: CopySource,
    destination: Key,
    options: CopyOptions,
    limits: CopyLimits,
    recent: Option<Recent>,
    /// The source, once it is known.
    meta: Option<ObjectMeta>,
    phase: Phase,
    /// Whether the phase's own call has been started.
    asked: bool,
    stray_possible: bool,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// A copy that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOutcome {
    /// The copy's entity tag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// Whether its CRC-64 was compared with the source's.
    pub verification: Verification,
    /// Its version, in buckets that have versions; not known after a lost answer.
    pub version_id: Option<String>,
    /// Whether COS may have created a second upload of the key, which only a sweep finds.
    pub stray_possible: bool,
}

/// One call of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub enum Tag {
    Head,
    Single,
    Create,
    Part(PartNumber),
    Complete,
    Verify,
    Abort,
}

#[derive(Debug)]
enum Phase {
    Head,
    Single,
    Create(CopyParts),
    Parts { upload: UploadId, parts: CopyParts, failure: Option<Error> },
    Complete { upload: UploadId, parts: CopyParts },
    Verify { doubt: Doubt, crc64: Option<u64>, upload: Option<UploadId> },
    Abort { upload: UploadId, error: Error },
    Over(Option<Result<CopyOutcome, Error>>),
}

impl Copy {
    /// Copies `source` to `destination`.
    ///
    /// A source in another bucket must be described by [`with_source_meta`](Self::with_source_meta):
    /// this session can only ask its own.
    pub fn new(
        source: impl Into<CopySource>,
        destination: Key,
        options: CopyOptions,
        limits: CopyLimits,
    ) -> Self {
        Self {
            source: source.into(),
            destination,
            options,
            limits,
            recent: None,
            meta: None,
            phase: Phase::Head,
            asked: false,
            stray_possible: false,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// Says what a HEAD of the source has answered, which is then not asked for again. Conditions
    /// on the source are held against it.
    #[must_use]
    pub fn with_source_meta(mut self, meta: ObjectMeta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Notes what is created.
    #[must_use]
    pub fn with_recent(mut self, recent: Recent) -> Self {
        self.recent = Some(recent);
        self
    }
}

impl Operation for Copy {
    type Tag = Tag;
    type Output = Result<CopyOutcome, Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        if matches!(self.phase, Phase::Head) && !self.asked {
            self.first_step();
        }
        if let Phase::Parts { parts, failure, .. } = &mut self.phase {
            if failure.is_none()
                && let Some(number) = parts.start()
            {
                return Next::Call(Tag::Part(number));
            }
            if parts.in_flight() > 0 {
                return Next::Pending;
            }
            self.after_parts();
        }
        let tag = match &mut self.phase {
            Phase::Head => Tag::Head,
            Phase::Single => Tag::Single,
            Phase::Create(_) => Tag::Create,
            Phase::Complete { .. } => Tag::Complete,
            Phase::Verify { .. } => Tag::Verify,
            Phase::Abort { .. } => Tag::Abort,
            Phase::Over(Some(_)) => {
                let Phase::Over(Some(result)) =
                    std::mem::replace(&mut self.phase, Phase::Over(None))
                else {
                    return Next::Pending;
                };
                return Next::Done(result);
            }
            Phase::Parts { .. } | Phase::Over(None) => return Next::Pending,
        };
        if std::mem::replace(&mut self.asked, true) {
            return Next::Pending;
        }
        self.note_effect(tag);
        Next::Call(tag)
    }

    fn call(&self, tag: Tag) -> Call {
        let (key, source) = (&self.destination, &self.source);
        match (tag, &self.phase) {
            (Tag::Head, _) => {
                let options = GetOptions {
                    version_id: source.version_id().map(str::to_owned),
                    conditions: self.options.source_conditions().clone(),
                    sse_c: self.options.source_key().cloned(),
                    ..GetOptions::default()
                };
                api::head_object::call(source.key(), &options)
            }
            (Tag::Single, _) => {
                let options = self.options.clone().conditions(self.pinned());
                api::copy_object::call(key, source, &options)
            }
            (Tag::Create, _) => {
                // Checked in `plan`.
                let options = self.initiate_options().unwrap_or_default();
                api::multipart::initiate::call(key, &options)
            }
            (Tag::Part(number), Phase::Parts { upload, parts, .. }) => {
                let mut options = self.options.object().part_options();
                options.source_sse_c = self.options.source_key().cloned();
                let (range, etag) =
                    (parts.range(number), self.meta.as_ref().map(|meta| &meta.etag));
                api::multipart::upload_part_copy::call(
                    key,
                    upload,
                    number,
                    source,
                    Some(range),
                    &options,
                    etag,
                )
            }
            (Tag::Complete, Phase::Complete { upload, parts }) => {
                let options = CompleteOptions { overwrite: self.options.object().overwrites() };
                api::multipart::complete::call(key, upload, &parts.etags(), &options)
            }
            (Tag::Abort, Phase::Abort { upload, .. }) => api::multipart::abort::call(key, upload),
            // The last is for calls that have ended, which no machine asks for.
            (Tag::Verify | Tag::Part(_) | Tag::Complete | Tag::Abort, _) => {
                let sse_c = self.options.object().encrypted().sse_c().cloned();
                api::head_object::call(key, &GetOptions { sse_c, ..GetOptions::default() })
            }
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, tag: Tag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Head => {
                self.meta = Some(api::head_object::decode(&reply)?);
                self.plan();
            }
            Tag::Single => self.copied(&reply)?,
            Tag::Create => self.created(&reply)?,
            Tag::Part(number) => self.part_copied(number, &reply)?,
            Tag::Complete => self.completed(&reply)?,
            Tag::Verify => {
                let seen = Seen::Object(api::head_object::decode(&reply)?);
                self.verified(&seen);
            }
            Tag::Abort => self.aborted(None),
        }
        self.note_effect(tag);
        Ok(())
    }

    fn on_error(&mut self, tag: Tag, error: CallError) {
        match tag {
            Tag::Head => {
                // A HEAD answers 304 where a copy would answer 412.
                let refused = error.status() == Some(StatusCode::NOT_MODIFIED);
                let error = error.into_error().at(self.source.key().as_str());
                self.over(Err(if refused { error.with_kind(ErrorKind::Changed) } else { error }));
            }
            Tag::Create => {
                self.stray_possible |= error.maybe_done;
                let error = self.named(error);
                self.over(Err(error));
            }
            Tag::Part(_) => {
                let error = self.named(error);
                if let Phase::Parts { parts, failure, .. } = &mut self.phase {
                    parts.failed();
                    failure.get_or_insert(error);
                }
            }
            Tag::Single | Tag::Complete => self.commit_failed(error),
            Tag::Verify => self.verified(&Seen::from_error(&error)),
            Tag::Abort => self.aborted(Some(&error)),
        }
        self.note_effect(tag);
    }
}

#[cfg(test)]
mod tests;
