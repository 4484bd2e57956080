//! Aborts uploads that nobody works on any more, and removes the records that name them.
//!
//! ```text
//!        ┌─ list uploads, prefix ─ begun before the cut-off ─▶ GET its record ─ not in use ─▶ abort
//! start ─┤
//!        └─ list objects, prefix ─ …~upload, before the cut-off ─▶ GET ─ ours ─▶ abort ─▶ delete
//! ```
//!
//! | what | then |
//! |---|---|
//! | upload begun at or after the cut-off, or at an unknown time | left alone |
//! | upload begun before, its record written at or after it | left alone: someone resumes it |
//! | record written at or after the cut-off, by the list or by the GET | left alone |
//! | `…~upload` that is no record | left alone |
//! | some keys failed | the others are swept all the same; the error lists them |

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
    Call, CallError, Error, Key, Next, Operation, Rejected, Reply, UnixTime,
    api::{self, ListOptions},
};

/// Aborts the unfinished uploads below a prefix that were begun before a point in time, and
/// deletes the resume records that were last written before it.
///
/// An old upload whose record was written since is in use and stays. So is every part of an
/// upload that a key-level tool keeps open for longer than that: choose the cut-off accordingly.
///
/// # Errors
/// [`Error::failures`] lists keys whose upload or record is left.
#[derive(Debug)]
pub struct Sweep {
    prefix: String,
    cut_off: UnixTime,
    objects: Pages<String>,
    uploads: Pages<UploadsMarker>,
    batches: Batches,
    reaper: Reaper,
    failures: Failures,
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
    /// Sweeps what begins with `prefix` (the whole bucket if empty) and is older than `cut_off` on
    /// the service's clock.
    pub fn new(prefix: impl Into<String>, cut_off: UnixTime) -> Self {
        Self {
            prefix: prefix.into(),
            cut_off,
            objects: Pages::new(String::new()),
            uploads: Pages::new(UploadsMarker::default()),
            batches: Batches::default(),
            reaper: Reaper::sparing(cut_off),
            failures: Failures::default(),
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

    fn is_old(&self, at: Option<UnixTime>) -> bool {
        at.is_some_and(|at| at < self.cut_off)
    }
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

    fn on_reply(&mut self, tag: Self::Tag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Objects => {
                let page = api::list_objects::decode(&reply)?;
                self.objects.advance(page.next_marker.filter(|_| page.is_truncated))?;
                for object in page.objects {
                    if object.key.ends_with(RECORD_SUFFIX) && self.is_old(object.last_modified) {
                        match Key::new(object.key) {
                            Ok(key) => self.reaper.read(key, NotOurs::Leave),
                            Err(error) => self.failures.key(unaddressable(&error)),
                        }
                    }
                }
            }
            Tag::Uploads => {
                let page = api::multipart::list_uploads::decode(&reply)?;
                self.uploads.advance(UploadsMarker::after(&page))?;
                for upload in page.uploads {
                    if self.is_old(upload.initiated) {
                        match Key::new(upload.key) {
                            Ok(key) => self.reaper.abort(key, upload.upload_id),
                            Err(error) => self.failures.key(unaddressable(&error)),
                        }
                    }
                }
            }
            Tag::Reap(id) => {
                if let Some(key) = self.reaper.on_reply(id, &reply) {
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
