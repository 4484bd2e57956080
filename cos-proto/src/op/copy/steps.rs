//! How a copy goes from one phase to the next.

use super::{
    Copy, CopyOutcome, Phase, Tag,
    parts::{CopyParts, PART_BYTES_MAX},
    settling::Doubt,
};
use crate::{
    CallError, ETag, Error, ErrorKind, PartNumber, Reason, Rejected, Reply, Reported, UploadId,
    Verification,
    api::{self, Conditions, MetadataDirective},
    op::abort_upload::{STRAY, upload_is_gone},
};

impl Copy {
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.asked = false;
    }

    pub(super) fn over(&mut self, result: Result<CopyOutcome, Error>) {
        let stray = self.stray_possible;
        self.enter(Phase::Over(Some(result.map_err(|error| {
            let error = if stray { error.noting(STRAY) } else { error };
            error.at(self.destination.as_str())
        }))));
    }

    /// Ends with `error`, after aborting the upload, if there is one.
    pub(super) fn fail(&mut self, upload: Option<UploadId>, error: Error) {
        match upload {
            Some(upload) if !planted!(self.simulated, CopyLeavesUpload) => {
                self.enter(Phase::Abort { upload, error });
            }
            Some(_) | None => self.over(Err(error)),
        }
    }

    pub(super) fn succeed(
        &mut self,
        etag: ETag,
        verification: Verification,
        version_id: Option<String>,
    ) {
        self.over(Ok(CopyOutcome {
            etag,
            size: self.size(),
            verification,
            version_id,
            stray_possible: self.stray_possible,
        }));
    }

    pub(super) fn size(&self) -> u64 {
        self.meta.as_ref().map_or(0, |meta| meta.size)
    }

    /// The source is known: one call or parts.
    pub(super) fn plan(&mut self) {
        let size = self.size();
        if size <= self.limits.threshold.min(PART_BYTES_MAX) {
            return self.enter(Phase::Single);
        }
        let least = part_bytes_min!(self.simulated);
        match CopyParts::cut(size, self.limits.part_size, least).and_then(|parts| {
            // What Initiate cannot send is refused before anything is created.
            self.initiate_options()?;
            Ok(parts)
        }) {
            Ok(parts) => self.enter(Phase::Create(parts)),
            Err(error) => self.over(Err(error)),
        }
    }

    pub(super) fn initiate_options(&self) -> Result<api::ObjectOptions, Error> {
        let options = self.options.object().clone();
        match (&self.meta, self.options.metadata()) {
            (Some(meta), MetadataDirective::Copy) => options.described_as(meta),
            (_, MetadataDirective::Replaced) | (None, MetadataDirective::Copy) => Ok(options),
        }
    }

    /// All part copies have ended.
    pub(super) fn after_parts(&mut self) {
        let Phase::Parts { upload, parts, failure } =
            std::mem::replace(&mut self.phase, Phase::Over(None))
        else {
            return;
        };
        let all = parts.crc64().map_or(Reported::Absent, Reported::Value);
        let failure = failure.or_else(|| {
            compare(self.source_crc(), &all).err().map(|reason| {
                Error::new(ErrorKind::Corrupt, format!("the parts and the source: {reason}"))
            })
        });
        match failure {
            Some(error) => self.fail(Some(upload), error),
            None => self.enter(Phase::Complete { upload, parts }),
        }
    }

    pub(super) fn source_crc(&self) -> &Reported {
        if planted!(self.simulated, CopyCrcIgnored) {
            return &Reported::Absent;
        }
        self.meta.as_ref().map_or(&Reported::Absent, |meta| &meta.crc64)
    }

    /// The CRC that the copy must have, as far as it is known.
    pub(super) fn expected_crc(&self, parts: Option<&CopyParts>) -> Option<u64> {
        match self.source_crc() {
            Reported::Value(crc64) => Some(*crc64),
            Reported::Absent | Reported::Invalid(_) => parts.and_then(CopyParts::crc64),
        }
    }

    pub(super) fn copied(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let copied = api::copy_object::decode(reply)?;
        let verification = compare(self.source_crc(), &copied.crc64).map_err(Rejected::Retry)?;
        self.succeed(copied.etag, verification, copied.version_id);
        Ok(())
    }

    pub(super) fn created(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let upload = api::multipart::initiate::decode(reply)?;
        self.stray_possible |= reply.repeated();
        if let Some(recent) = &self.recent {
            recent.note_upload(&self.destination, &upload);
        }
        if let Phase::Create(parts) = std::mem::replace(&mut self.phase, Phase::Over(None)) {
            self.enter(Phase::Parts { upload, parts, failure: None });
        }
        Ok(())
    }

    pub(super) fn part_copied(
        &mut self,
        number: PartNumber,
        reply: &Reply,
    ) -> Result<(), Rejected> {
        let copied = api::multipart::upload_part_copy::decode(reply)?;
        if let Reported::Invalid(theirs) = &copied.crc64 {
            return Err(Rejected::Retry(Reason::Malformed(format!("element CRC64: {theirs:?}"))));
        }
        if let Phase::Parts { parts, .. } = &mut self.phase {
            parts.copied(number, copied);
        }
        Ok(())
    }

    pub(super) fn completed(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let completed = api::multipart::complete::decode(reply)?;
        let Phase::Complete { upload, parts } = &self.phase else { return Ok(()) };
        let expected = self.expected_crc(Some(parts));
        self.forget_upload(upload);
        let (etag, version_id) = (completed.etag, completed.version_id);
        match (expected, &completed.crc64) {
            (Some(_), Reported::Absent) => {
                let doubt = Doubt::Checksum { etag, version_id };
                self.enter(Phase::Verify { doubt, crc64: expected, upload: None });
            }
            (expected, reported) => {
                let ours = expected.map_or(Reported::Absent, Reported::Value);
                // It is there as it is: sending Complete again would not change it.
                let verification = compare(&ours, reported).map_err(Rejected::Final)?;
                self.succeed(etag, verification, version_id);
            }
        }
        Ok(())
    }

    pub(super) fn aborted(&mut self, failed: Option<&CallError>) {
        if let Phase::Abort { upload, error } =
            std::mem::replace(&mut self.phase, Phase::Over(None))
        {
            let left = failed.is_some_and(|failed| !upload_is_gone(failed));
            if !left {
                self.forget_upload(&upload);
            }
            self.over(Err(if left { error.noting(LEFT) } else { error }));
        }
    }

    /// Whether a copy replaces metadata in place: the object there always looks like the copy.
    pub(super) fn is_onto_itself(&self) -> bool {
        self.source.bucket().is_none() && *self.source.key() == self.destination
    }

    /// The error of a call that reads the source: what is wrong with that names it.
    pub(super) fn named(&self, error: CallError) -> Error {
        let error = error.into_error();
        let of_source = matches!(error.kind(), ErrorKind::PathNotFound | ErrorKind::Changed);
        error.at(if of_source { self.source.key().as_str() } else { self.destination.as_str() })
    }

    /// Skips the HEAD where the source is known or cannot be asked.
    pub(super) fn first_step(&mut self) {
        let foreign = self.source.bucket().is_some();
        if let Some(meta) = &self.meta {
            if self.options.source_conditions().hold_for(meta) {
                self.plan();
            } else {
                let error = Error::new(ErrorKind::Changed, "a condition on the source fails");
                self.over(Err(error.at(self.source.key().as_str())));
            }
        } else if foreign {
            self.over(Err(Error::new(
                ErrorKind::InvalidParameter,
                "a source in another bucket must be described by the caller",
            )));
        }
    }

    /// Conditions that pin the source to what is known of it; the caller's own hold for that.
    pub(super) fn pinned(&self) -> Conditions {
        match &self.meta {
            Some(meta) => Conditions::new().if_match(meta.etag.clone()),
            None => Conditions::new(),
        }
    }

    /// What a call that begins or has ended creates may be there, whatever the answer.
    pub(super) fn note_effect(&self, tag: Tag) {
        if let (Tag::Single | Tag::Complete | Tag::Verify, Some(recent)) = (tag, &self.recent) {
            recent.note_object(&self.destination);
        }
    }

    pub(super) fn forget_upload(&self, upload: &UploadId) {
        if let Some(recent) = &self.recent {
            recent.forget_upload(&self.destination, upload);
        }
    }
}

const LEFT: &str = "the unfinished upload could not be aborted; a sweep removes it";

/// Compares two of COS's checksums of the same bytes.
pub(super) fn compare(ours: &Reported, theirs: &Reported) -> Result<Verification, Reason> {
    match (ours, theirs) {
        (Reported::Value(ours), theirs) => theirs.verify(*ours),
        (ours, Reported::Value(theirs)) => ours.verify(*theirs),
        (Reported::Absent, Reported::Absent) => Ok(Verification::Unverified),
        (Reported::Invalid(text), _) | (_, Reported::Invalid(text)) => {
            Err(Reason::Malformed(format!("a CRC-64 that is no number: {text:?}")))
        }
    }
}
