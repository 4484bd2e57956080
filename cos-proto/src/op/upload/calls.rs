//! The upload as an operation: its calls while it opens and writes, and what their replies mean.

use super::{
    Multipart, Persist, Phase, Tag, Upload, UploadOutcome,
    ending::Goal,
    open::{OpenTag, Step},
};
use crate::{
    Call, CallError, Error, Next, Operation, Rejected, Reply, Reported, UnixTime,
    api::{self, GetOptions, ObjectOptions},
    op::{UploadState, record::RECORD_BYTES_MAX},
};

impl Operation for Upload {
    type Tag = Tag;
    type Output = Result<UploadOutcome, Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        if let Some(failure) = self.failure.clone() {
            return match self.phase {
                Phase::Over => Next::Pending,
                Phase::Opening(_) | Phase::Writing | Phase::Ending(_) => self.next_failed(failure),
            };
        }
        match &mut self.phase {
            Phase::Opening(opening) => match opening.next() {
                Step::Call(tag) => Next::Call(Tag::Open(tag)),
                Step::Pending => Next::Pending,
                Step::Opened(opened) => {
                    self.created_after = opening.service_time;
                    let append = opening.append();
                    self.opened(opened, append);
                    Next::Idle
                }
                Step::Failed(error) => {
                    self.fail(error);
                    self.next()
                }
            },
            Phase::Writing => self.next_transfer().map_or(Next::Idle, Next::Call),
            Phase::Ending(_) => self.next_ending(),
            Phase::Over => Next::Pending,
        }
    }

    fn call(&self, tag: Tag) -> Call {
        match tag {
            Tag::Open(tag) => self.open_call(tag),
            Tag::Create => api::multipart::initiate::call(&self.key, &self.options.object),
            Tag::Claim => self.record_call(&self.claim()),
            Tag::Part(number) => match self.upload_id() {
                Some(id) => api::multipart::upload_part::call(
                    &self.key,
                    id,
                    number,
                    self.parts.payload(number),
                    &self.options.object.part_options(),
                ),
                None => self.harmless_call(),
            },
            Tag::End(tag) => self.end_call(tag),
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
        self.parts.simulate(simulated, self.options.chunk_size);
        if let Phase::Opening(opening) = &mut self.phase {
            opening.simulated = simulated;
        }
    }

    fn on_reply(&mut self, tag: Tag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Open(tag) => self.on_open_reply(tag, &reply),
            Tag::Create => self.on_created(&reply),
            Tag::Claim => self.on_claimed(&reply),
            Tag::Part(number) => {
                let written = api::multipart::upload_part::decode(&reply)?;
                let crc64 = self.parts.crc64(number);
                let unread = planted!(self.simulated, WriteCrcIgnored);
                let theirs = if unread { Reported::Absent } else { written.crc64 };
                let verification = theirs.verify(crc64).map_err(Rejected::Retry)?;
                self.parts.acknowledge(number, written.etag, verification);
                Ok(())
            }
            Tag::End(tag) => {
                self.on_end_reply(tag, &reply)?;
                self.note_effect(tag);
                Ok(())
            }
        }
    }

    fn on_error(&mut self, tag: Tag, error: CallError) {
        match tag {
            Tag::Open(tag) => {
                let result = match &mut self.phase {
                    Phase::Opening(opening) => opening.on_error(tag, error),
                    Phase::Writing | Phase::Ending(_) | Phase::Over => Ok(()),
                };
                if let Err(error) = result {
                    self.fail(error);
                }
            }
            Tag::Create => {
                self.create_asked(error.asked_at);
                self.stray_possible |= error.maybe_done();
                self.multipart = Multipart::None;
                self.fail_unless_cancelling(error);
            }
            Tag::Claim => {
                if let Multipart::Claiming(id) = &self.multipart {
                    let id = id.clone();
                    self.multipart = if error.maybe_done() {
                        Multipart::PerhapsClaimed(id)
                    } else {
                        Multipart::Unclaimed(id)
                    };
                }
                self.note_record();
                self.fail_unless_cancelling(error);
            }
            Tag::Part(number) => {
                self.parts.discard(number);
                self.fail_unless_cancelling(error);
            }
            Tag::End(tag) => {
                self.on_end_error(tag, error);
                self.note_effect(tag);
            }
        }
    }
}

impl Upload {
    pub(super) fn record_call(&self, state: &UploadState) -> Call {
        let Persist::Record(key) = &self.persist else {
            // Never asked for: a caller's state is not sent anywhere.
            return self.harmless_call();
        };
        let options = ObjectOptions::default().encryption(self.options.object.encrypted().clone());
        // A damaged one must not take the place of what an earlier Close made durable.
        api::put_object::call_with_digest(key, &options, state.to_bytes())
    }

    /// A record's PUT is good when COS has the bytes that were sent.
    pub(super) fn check_record(reply: &Reply, state: &UploadState) -> Result<(), Rejected> {
        let crc64 = crate::Crc64::of(&state.to_bytes());
        api::put_object::decode(reply)?.crc64.verify(crc64).map_err(Rejected::Retry)?;
        Ok(())
    }

    pub(super) fn on_created(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let id = api::multipart::initiate::decode(reply)?;
        self.create_asked(reply.asked_at());
        self.stray_possible |= reply.repeated();
        self.created_here = true;
        if let Some(recent) = &self.options.recent {
            recent.note_upload(&self.key, &id);
        }
        self.multipart = match &self.persist {
            Persist::Record(_) if !planted!(self.simulated, ClaimSkipped) => {
                Multipart::Unclaimed(id)
            }
            Persist::Record(_) | Persist::Caller => Multipart::Ready(id),
        };
        Ok(())
    }

    /// What began before Create was asked for is somebody else's. Nothing is known of that by a writer
    /// that did not open by the service's clock.
    fn create_asked(&mut self, at: Option<UnixTime>) {
        self.created_after =
            self.created_after.map(|opened| at.map_or(opened, |at| at.max(opened)));
    }

    pub(super) fn on_claimed(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let claim = self.claim();
        Self::check_record(reply, &claim)?;
        if let Multipart::Claiming(id) = &self.multipart {
            self.multipart = Multipart::Ready(id.clone());
        }
        self.durable = Some(claim);
        self.note_record();
        Ok(())
    }

    pub(super) fn fail_unless_cancelling(&mut self, error: CallError) {
        if self.ended.goal() != Some(Goal::Cancel) {
            self.fail(error.into_error());
        }
    }

    pub(super) fn open_call(&self, tag: OpenTag) -> Call {
        let (Persist::Record(record), Phase::Opening(opening)) = (&self.persist, &self.phase)
        else {
            return self.harmless_call();
        };
        match tag {
            OpenTag::ReadRecord => {
                api::get_object::call_collected(record, &self.read_options(), RECORD_BYTES_MAX)
            }
            OpenTag::Head => self.head_call(),
            OpenTag::AbortStale => match opening.stale_upload() {
                Some(id) => api::multipart::abort::call(&self.key, id),
                None => self.harmless_call(),
            },
            OpenTag::DropStale => api::delete_object::call(record, None),
        }
    }

    pub(super) fn head_call(&self) -> Call {
        api::head_object::call(&self.key, &self.read_options())
    }

    pub(super) fn read_options(&self) -> GetOptions {
        let mut options = GetOptions::new();
        options.sse_c = self.options.object.encrypted().sse_c().cloned();
        options
    }

    /// For a tag that the state does not allow; the machine never asks for one.
    pub(super) fn harmless_call(&self) -> Call {
        self.head_call()
    }

    pub(super) fn on_open_reply(&mut self, tag: OpenTag, reply: &Reply) -> Result<(), Rejected> {
        let Phase::Opening(opening) = &mut self.phase else { return Ok(()) };
        opening.service_time = opening.service_time.max(api::date(reply.headers()));
        match tag {
            OpenTag::ReadRecord => opening.on_record(reply)?,
            OpenTag::Head => opening.on_head(api::head_object::decode(reply)?),
            OpenTag::AbortStale | OpenTag::DropStale => opening.on_discarded(tag),
        }
        Ok(())
    }
}
