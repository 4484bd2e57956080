//! What a copy makes of an answer to its PUT or Complete that leaves a doubt.

use super::{Copy, Phase, steps::compare};
use crate::{
    CallError, ETag, Error, ErrorKind, Reason, Reported, UploadId, Verification,
    error::Cause,
    op::settle::{self, AfterComplete, Evidence, Intent, Seen, Settled},
};

/// Why the destination is looked at.
#[derive(Debug)]
pub(super) enum Doubt {
    /// The copy is there, but the answer had no CRC.
    Checksum { etag: ETag, version_id: Option<String> },
    /// It may be there.
    Outcome { cause: CallError, evidence: Evidence },
    /// An object is there that must not be overwritten; it may be the copy itself.
    Exists { cause: CallError },
}

impl Copy {
    /// The PUT copy or the Complete failed.
    pub(super) fn commit_failed(&mut self, cause: CallError) {
        let phase = std::mem::replace(&mut self.phase, Phase::Over(None));
        let (upload, parts) = if let Phase::Complete { upload, parts } = phase {
            (Some(upload), Some(parts))
        } else {
            (None, None)
        };
        let crc64 = self.expected_crc(parts.as_ref());
        let exists = cause.code() == Some("FileAlreadyExists") && cause.maybe_done;
        let doubt = match settle::after_complete(&cause) {
            _ if exists => Doubt::Exists { cause },
            AfterComplete::Fail => {
                // After another CRC the upload is completed: nothing is left to abort.
                let done = matches!(&cause.cause, Cause::Rejected(Reason::Corrupt { .. }));
                let error = self.named(cause);
                return self.fail(upload.filter(|_| !done), error);
            }
            AfterComplete::Head => Doubt::Outcome { cause, evidence: Evidence::None },
            AfterComplete::HeadUploadGone => {
                let parts = parts.map_or(0, |parts| parts.etags().len());
                Doubt::Outcome { cause, evidence: Evidence::UploadGone { base: None, parts } }
            }
        };
        if crc64.is_none() || self.is_onto_itself() {
            // What stands there cannot prove anything.
            return self.settle(doubt, None, upload, &Seen::Failed);
        }
        self.enter(Phase::Verify { doubt, crc64, upload });
    }

    /// The destination's HEAD has been answered, or could not be had.
    pub(super) fn verified(&mut self, seen: &Seen) {
        if let Phase::Verify { doubt, crc64, upload } =
            std::mem::replace(&mut self.phase, Phase::Over(None))
        {
            self.settle(doubt, crc64, upload, seen);
        }
    }

    fn settle(&mut self, doubt: Doubt, crc64: Option<u64>, upload: Option<UploadId>, seen: &Seen) {
        let intent = Intent::new(self.size(), crc64.unwrap_or_default());
        #[cfg(feature = "sim")]
        let intent = Intent { simulated: self.simulated, ..intent };
        match doubt {
            Doubt::Checksum { etag, version_id } => {
                let reported = match seen {
                    Seen::Object(meta) if meta.etag == etag => &meta.crc64,
                    // Somebody's later object says nothing about the copy.
                    Seen::Object(_) | Seen::Absent | Seen::Failed => &Reported::Absent,
                };
                match compare(&crc64.map_or(Reported::Absent, Reported::Value), reported) {
                    Ok(verification) => self.succeed(etag, verification, version_id),
                    Err(reason) => {
                        self.over(Err(Error::new(ErrorKind::Corrupt, reason.to_string())));
                    }
                }
            }
            Doubt::Exists { cause } => match settle::settle(&intent, &Evidence::None, seen) {
                Settled::Committed { etag, verification } => {
                    self.succeed(etag, verification, None);
                }
                Settled::OutcomeUnknown | Settled::UploadLost | Settled::Overwritten => {
                    let error = self.named(cause);
                    self.fail(upload, error);
                }
            },
            Doubt::Outcome { cause, evidence } => {
                let gone = evidence != Evidence::None;
                match settle::settle(&intent, &evidence, seen) {
                    // A size and an ETag's form are no proof where a source may be deleted next.
                    Settled::Committed { etag, verification: Verification::Verified } => {
                        self.succeed(etag, Verification::Verified, None);
                    }
                    Settled::Committed { .. } | Settled::OutcomeUnknown => {
                        let error = cause.into_error().with_kind(ErrorKind::OutcomeUnknown);
                        self.fail(upload, error);
                    }
                    settled @ (Settled::UploadLost | Settled::Overwritten) => {
                        if let Err(error) = settled.into_result(cause) {
                            self.fail(upload.filter(|_| !gone), error);
                        }
                    }
                }
            }
        }
    }
}
