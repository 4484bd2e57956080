//! Aborts uploads that nobody works on any more, and removes the records that name them.
//!
//! ```text
//!        ┌─ list uploads, prefix ─ begun before the cut-off ─▶ GET its record ─ not in use ─▶ abort
//! start ─┤
//!        └─ list objects, prefix ─ …~upload, before the cut-off ─▶ GET ─ ours ─▶ abort ─▶ delete
//! ```
//!
//! The first list's answer sets the cut-off: the age before the time at which it was asked for, on the
//! service's clock, which its `Date` shows. The caller's clock may be wrong by days.
//!
//! | what | then |
//! |---|---|
//! | list without a `Date` before any other | asked for again, then the error |
//! | upload begun at or after the cut-off, or at an unknown time | left alone |
//! | upload begun before, its record written at or after it | left alone: someone resumes it |
//! | record written at or after the cut-off, by the list or by the GET | left alone |
//! | `…~upload` that is no record | left alone |
//! | some keys failed | the others are swept all the same; the error lists them |

use std::time::Duration;

use super::{
    batches::{BATCH_KEYS_MAX, BatchId, Batches},
    delete_tree::unaddressable,
    failures::Failures,
    list_uploads::uploads_after,
    pages::{Pages, UploadsMarker},
    reaper::{NotOurs, Reaper, TaskId},
    record::RECORD_SUFFIX,
};
use crate::{
    Call, CallError, Error, Key, Next, Operation, Reason, Rejected, Reply, UnixTime,
    api::{self, ListOptions},
};

/// Aborts the unfinished uploads below a prefix that are older than an age, and deletes the resume
/// records that were last written longer ago than that.
///
/// The age is counted back from when the sweep began, by the service's clock alone. An old upload
/// whose record was written since is in use and stays. A key-level tool's upload has no record, so
/// one that is kept open for longer is aborted: choose the age accordingly.
///
/// # Errors
/// [`Error::failures`] lists keys whose upload or record is left.
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if no list's answer has a `Date`; then
/// nothing was touched.
#[derive(Debug)]
pub struct Sweep {
    prefix: String,
    age: Duration,
    objects: Pages<String>,
    uploads: Pages<UploadsMarker>,
    batches: Batches,
    reaper: Reaper,
    failures: Failures,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// How much a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepOutcome {
    /// Uploads that were aborted.
    pub aborted: u64,
    /// Resume records that were deleted.
    pub records: u64,
}

/// One call of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, private_interfaces, reason = "opaque: only compared")]
pub enum Tag {
    Objects,
    Uploads,
    Reap(TaskId),
    Delete(BatchId),
}

impl Sweep {
    /// Sweeps what begins with `prefix` (the whole bucket if empty) and is older than `age`, which is
    /// rounded up to whole seconds. Times of COS are whole seconds, too: nothing younger is swept, and
    /// what is only a few seconds older may be left.
    pub fn new(prefix: impl Into<String>, age: Duration) -> Self {
        Self {
            prefix: prefix.into(),
            age,
            objects: Pages::new(String::new()),
            uploads: Pages::new(UploadsMarker::default()),
            batches: Batches::default(),
            reaper: Reaper::default(),
            failures: Failures::default(),
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    fn start(&mut self) -> Option<Tag> {
        if self.failures.stop() {
            return None;
        }
        if let Some(id) = self.reaper.next() {
            return Some(Tag::Reap(id));
        }
        let room = self.reaper.held() < BATCH_KEYS_MAX && self.batches.held() < BATCH_KEYS_MAX;
        if room && self.uploads.start() {
            return Some(Tag::Uploads);
        }
        if room && self.objects.start() {
            return Some(Tag::Objects);
        }
        let more = !self.objects.is_over() || !self.uploads.is_over() || self.reaper.held() > 0;
        self.batches.next(more).map(Tag::Delete)
    }

    fn in_flight(&self) -> bool {
        self.objects.is_under_way()
            || self.uploads.is_under_way()
            || self.reaper.in_flight() > 0
            || self.batches.in_flight() > 0
    }

    /// What was begun or written before this is old. Lists are asked for at different times and may
    /// be answered by clocks that differ a little: the earliest counts.
    fn cut_off(&mut self, list: &Reply) -> Result<UnixTime, Rejected> {
        let partial = u64::from(self.age.subsec_nanos() > 0);
        let age = Duration::from_secs(self.age.as_secs().saturating_add(partial));
        let mut cut_off = list.asked_at().map(|asked_at| asked_at - age);
        if planted!(self.simulated, SweepIgnoresAge) {
            cut_off = Some(UnixTime::from_secs(i64::MAX));
        }
        self.reaper
            .spare_since(cut_off)
            .ok_or_else(|| Rejected::Retry(Reason::Malformed("a list without a valid Date".into())))
    }
}

fn is_old(at: Option<UnixTime>, cut_off: UnixTime) -> bool {
    at.is_some_and(|at| at < cut_off)
}

impl Operation for Sweep {
    type Tag = Tag;
    type Output = Result<SweepOutcome, Error>;

    fn next(&mut self) -> Next<Self::Tag, Self::Output> {
        if let Some(tag) = self.start() {
            return Next::Call(tag);
        }
        if self.in_flight() {
            return Next::Pending;
        }
        Next::Done(match self.failures.take_error("sweep") {
            Some(error) => Err(error.at(&*self.prefix)),
            None => {
                Ok(SweepOutcome { aborted: self.reaper.aborted(), records: self.batches.deleted() })
            }
        })
    }

    fn call(&self, tag: Self::Tag) -> Call {
        match tag {
            Tag::Objects => api::list_objects::call(
                &ListOptions::new(&*self.prefix).marker(&**self.objects.marker()),
            ),
            Tag::Uploads => api::multipart::list_uploads::call(&uploads_after(
                &self.prefix,
                self.uploads.marker(),
            )),
            Tag::Reap(id) => self.reaper.call(id),
            Tag::Delete(id) => self.batches.call(id),
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
        self.reaper.simulated = simulated;
    }

    fn on_reply(&mut self, tag: Self::Tag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Objects => {
                let page = api::list_objects::decode(&reply)?;
                let cut_off = self.cut_off(&reply)?;
                let entries = page.entries();
                self.objects.advance(page.next_marker.filter(|_| page.is_truncated), entries)?;
                for object in page.objects {
                    if object.key.ends_with(RECORD_SUFFIX) && is_old(object.last_modified, cut_off)
                    {
                        match Key::new(object.key) {
                            Ok(key) => self.reaper.read(key, NotOurs::Leave),
                            Err(error) => self.failures.key(unaddressable(&error)),
                        }
                    }
                }
            }
            Tag::Uploads => {
                let page = api::multipart::list_uploads::decode(&reply)?;
                let cut_off = self.cut_off(&reply)?;
                self.uploads.advance(UploadsMarker::after(&page), page.entries())?;
                for upload in page.uploads {
                    if is_old(upload.initiated, cut_off) {
                        match Key::new(upload.key) {
                            Ok(key) => self.reaper.abort(key, upload.upload_id),
                            Err(error) => self.failures.key(unaddressable(&error)),
                        }
                    }
                }
            }
            Tag::Reap(id) => {
                if let Some(key) = self.reaper.on_reply(id, &reply)? {
                    self.batches.push(key);
                }
            }
            Tag::Delete(id) => {
                return self.batches.on_reply(id, &reply, &mut self.failures);
            }
        }
        Ok(())
    }

    fn on_error(&mut self, tag: Self::Tag, error: CallError) {
        match tag {
            Tag::Objects => {
                self.objects.end();
                self.failures.fatal(error);
            }
            Tag::Uploads => {
                self.uploads.end();
                self.failures.fatal(error);
            }
            Tag::Reap(id) => {
                if let Some(key) = self.reaper.on_error(id, error, &mut self.failures) {
                    self.batches.push(key);
                }
            }
            Tag::Delete(id) => {
                self.batches.on_error(id, error, &mut self.failures);
            }
        }
    }
}

#[cfg(test)]
mod tests;
