//! What the replies and failures of the end mean: what was published, what is in doubt.

use crate::{
    CallError, ETag, Error, ErrorKind, Rejected, Reply, Reported, UploadId, Verification, api,
    op::settle::{AfterComplete, Evidence, Intent, Seen, after_complete, put_needs_head, settle},
};

use super::{
    Multipart, Phase, RecordObject, Upload,
    ending::{Doubt, EndTag, Goal, Published, Step},
};

impl Upload {
    pub(super) fn on_end_reply(&mut self, tag: EndTag, reply: &Reply) -> Result<(), Rejected> {
        match tag {
            EndTag::SaveRecord => {
                Self::check_record(reply, &self.state())?;
                self.advance(Step::Finished);
            }
            EndTag::Complete => {
                if planted!(self.simulated, ErrorIn200Accepted, names_error(reply)) {
                    let (etag, verification) = (ETag::new(""), Verification::Verified);
                    self.published(Published { etag, version_id: None, verification });
                    return Ok(());
                }
                let completed = api::multipart::complete::decode(reply)?;
                let ours = self.parts.combined_crc64();
                let unread = planted!(self.simulated, WriteCrcIgnored);
                let theirs = if unread { Reported::Value(ours) } else { completed.crc64 };
                let verification = theirs.verify(ours).map_err(Rejected::Final)?;
                let (etag, version_id) = (completed.etag, completed.version_id);
                match verification {
                    Verification::Verified => {
                        self.published(Published { etag, version_id, verification });
                    }
                    Verification::Unverified => {
                        self.advance(Step::Verify(Doubt::NoCrc { etag, version_id }));
                    }
                }
            }
            EndTag::PutObject => {
                let written = api::put_object::decode(reply)?;
                let crc64 = self.parts.whole().1;
                let unread = planted!(self.simulated, WriteCrcIgnored);
                let theirs = if unread { Reported::Absent } else { written.crc64 };
                let verification = theirs.verify(crc64).map_err(Rejected::Retry)?;
                let (etag, version_id) = (written.etag, written.version_id);
                self.published(Published { etag, version_id, verification });
            }
            EndTag::Verify => {
                let meta = api::head_object::decode(reply)?;
                self.verified(&Seen::Object(meta));
            }
            EndTag::Abort => self.aborted(),
            EndTag::DropRecord => self.record_dropped(),
            EndTag::ListStrays => self.on_strays(reply)?,
            EndTag::AbortStray => self.stray_done(),
        }
        Ok(())
    }

    pub(super) fn on_end_error(&mut self, tag: EndTag, error: CallError) {
        let cancelling = self.ended.goal() == Some(Goal::Cancel);
        match tag {
            EndTag::Complete => self.on_complete_error(error),
            EndTag::PutObject => self.on_put_error(error),
            EndTag::Verify => self.verified(&Seen::from_error(&error)),
            EndTag::Abort if error.is_not_found() => self.aborted(),
            // The record names the upload: kept, so that a later sweep or writer finds it.
            EndTag::Abort if self.failure.is_some() => self.advance(Step::Finished),
            EndTag::DropRecord if error.is_not_found() => self.record_dropped(),
            EndTag::Abort | EndTag::DropRecord if !cancelling => self.go_to_strays(),
            EndTag::ListStrays => self.advance(Step::Finished),
            EndTag::AbortStray => self.stray_done(),
            EndTag::Abort => {
                // Once is enough: the end of a failed writer does not try it again.
                self.advance(Step::Finished);
                self.fail(error.into_error());
            }
            EndTag::SaveRecord | EndTag::DropRecord => self.fail(error.into_error()),
        }
    }

    fn on_complete_error(&mut self, error: CallError) {
        let evidence = match after_complete(&error) {
            AfterComplete::Fail if exists_already(&error) && error.maybe_done() => Evidence::None,
            AfterComplete::Fail => return self.fail(error.into_error()),
            AfterComplete::Head => Evidence::None,
            AfterComplete::HeadUploadGone => {
                Evidence::UploadGone { base: self.base.clone(), parts: self.parts.manifest().len() }
            }
        };
        self.advance(Step::Verify(Doubt::Ambiguous(evidence, Box::new(error))));
    }

    fn on_put_error(&mut self, error: CallError) {
        if put_needs_head(&error) {
            self.advance(Step::Verify(Doubt::Ambiguous(Evidence::None, Box::new(error))));
        } else {
            self.fail(error.into_error());
        }
    }

    fn intent(&self) -> Intent {
        let crc64 =
            if self.parts.any() { self.parts.combined_crc64() } else { self.parts.whole().1 };
        let intent = Intent::new(self.parts.size(), crc64);
        #[cfg(feature = "sim")]
        let intent = Intent { simulated: self.simulated, ..intent };
        intent
    }

    /// The HEAD is back: does it show what was written?
    fn verified(&mut self, seen: &Seen) {
        let intent = self.intent();
        let Phase::Ending(ending) = &mut self.phase else { return };
        match std::mem::replace(&mut ending.step, Step::Finished) {
            Step::Verify(Doubt::NoCrc { etag, version_id }) => match seen {
                // Another writer's object would have another ETag, and says nothing about ours.
                Seen::Object(meta) if meta.etag == etag => match meta.crc64.verify(intent.crc64) {
                    Ok(verification) => {
                        self.published(Published { etag, version_id, verification });
                    }
                    Err(reason) => {
                        let text = format!("{reason}; the object may be bad, it was not deleted");
                        self.fail(Error::new(ErrorKind::Corrupt, text));
                    }
                },
                Seen::Object(_) | Seen::Absent | Seen::Failed => {
                    let verification = Verification::Unverified;
                    self.published(Published { etag, version_id, verification });
                }
            },
            Step::Verify(Doubt::Ambiguous(evidence, cause)) => {
                let exists = exists_already(&cause);
                let version_id = match seen {
                    Seen::Object(meta) => meta.version_id.clone(),
                    Seen::Absent | Seen::Failed => None,
                };
                match settle(&intent, &evidence, seen).into_result(*cause) {
                    Ok((etag, verification)) => {
                        self.published(Published { etag, version_id, verification });
                    }
                    Err(error) if exists => self.fail(error.with_kind(ErrorKind::AlreadyExists)),
                    Err(error) => self.fail(error),
                }
            }
            step @ (Step::Drain
            | Step::Save
            | Step::Publish
            | Step::Abort
            | Step::DropRecord
            | Step::ListStrays
            | Step::AbortStrays
            | Step::Finished) => ending.step = step,
        }
    }

    fn aborted(&mut self) {
        self.forget_upload();
        self.multipart = Multipart::None;
        if self.failure.is_some() {
            self.advance(Step::Finished);
        } else {
            self.go_to_record();
        }
    }

    fn record_dropped(&mut self) {
        self.forget_record();
        let left = self.upload_id().is_some() && self.ended.goal() == Some(Goal::Cancel);
        if left && planted!(self.simulated, RecordDroppedFirst) {
            self.record = RecordObject::Absent;
            return self.advance(Step::Abort);
        }
        self.go_to_strays();
    }

    /// Uploads of exactly this key that began after ours was asked for, and are not ours.
    fn on_strays(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let page = api::multipart::list_uploads::decode(reply)?;
        let (own, since) = (self.upload_id().cloned(), self.created_after);
        let strays = page.uploads.into_iter().filter(|upload| {
            upload.key == self.key.as_str()
                && Some(&upload.upload_id) != own.as_ref()
                && upload.initiated >= since
        });
        let strays: Vec<UploadId> = strays.map(|upload| upload.upload_id).collect();
        if let Phase::Ending(ending) = &mut self.phase {
            ending.strays = strays;
            ending.advance(Step::AbortStrays);
        }
        Ok(())
    }

    fn stray_done(&mut self) {
        if let Phase::Ending(ending) = &mut self.phase {
            ending.strays.pop();
            ending.advance(Step::AbortStrays);
        }
    }
}

/// A forbidden overwrite: by another's object, or by that of an earlier attempt.
fn exists_already(error: &CallError) -> bool {
    error.code() == Some("FileAlreadyExists")
}

/// Whether a 200 is an error.
#[cfg(feature = "sim")]
fn names_error(reply: &Reply) -> bool {
    reply.body().windows(6).any(|text| text == b"<Error")
}
