//! Deletes a path: the object, everything below it, and every unfinished upload of either.
//!
//! ```text
//!        ┌─ HEAD key ──────────────── 200 ──▶ key ─────────────────────────┐
//!        ├─ GET key~upload ────────── ours ─▶ abort its upload ─▶ record ──┤
//! start ─┤                            else ─▶ left alone                   ├─▶ batches ─▶ done
//!        ├─ list key/ (all pages) ─┬─ …~upload ─▶ GET ─▶ abort ─▶ record ──┤
//!        │                         └─ other keys ──────────────────────────┘
//!        └─ list uploads, prefix key (all pages) ─▶ of key or below key/: abort
//! ```
//!
//! All run at once, bounded: a further page is asked for only while less than a page waits, and of
//! objects while fewer than three pages wait or are being deleted.
//! What this driver made in the last two minutes is added when the lists are over, since they lag.
//! Others may have deleted it since, and a deletion does not tell: while nothing else was found, a
//! HEAD asks for each such object.
//!
//! | found | then |
//! |---|---|
//! | object at the key, key below it, record of ours, upload that could be aborted | done |
//! | only objects that are remembered, and none of them is there | `PathNotFound` |
//! | nothing at all | `PathNotFound` |
//! | some keys failed | the others are deleted all the same; the error lists them |
//! | a list, the HEAD or the GET failed | nothing new is started; the error |
//!
//! Below the path an object named `…~upload` that is no record is deleted like any other. Beside
//! the path (`key~upload`) it belongs to somebody else and is left alone.

use std::collections::BTreeSet;

use super::{
    batches::{BATCH_KEYS_MAX, BatchId, Batches},
    failures::Failures,
    list_uploads::uploads_after,
    pages::{Pages, UploadsMarker},
    reaper::{NotOurs, Reaper, TaskId},
    record::{RECORD_SUFFIX, record_key},
};
use crate::{
    Call, CallError, Error, ErrorKind, Key, KeyFailure, Next, Operation, Rejected, Reply, Ticks,
    UploadId,
    api::{self, GetOptions, ListOptions},
    recent::{Recent, RecentMark},
};

/// Deletes the object at a key, all objects below `key/`, and their unfinished uploads.
///
/// Lists are eventually consistent: what neither they nor a direct GET shows yet, and this
/// driver did not write itself, is left for a later delete or sweep.
///
/// # Errors
/// [`ErrorKind::PathNotFound`] if nothing at all was found. [`Error::failures`] lists keys that
/// could not be deleted; all others are.
#[derive(Debug)]
pub struct DeleteTree {
    key: Key,
    /// `key/`
    below: String,
    head: Step,
    objects: Pages<String>,
    uploads: Pages<UploadsMarker>,
    batches: Batches,
    reaper: Reaper,
    failures: Failures,
    /// Recent objects that no list has shown so far.
    unseen_objects: BTreeSet<Key>,
    unseen_uploads: BTreeSet<(Key, UploadId)>,
    /// A recent object that is looked for.
    sought: Option<(Key, Step)>,
    /// When that began.
    seek_begun: RecentMark,
    found: bool,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// How much a recursive delete removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteOutcome {
    /// Objects, resume records among them.
    pub objects: u64,
    /// Unfinished uploads.
    pub uploads: u64,
}

/// One call of a recursive delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, private_interfaces, reason = "opaque: only compared")]
pub enum Tag {
    Head,
    Objects,
    Uploads,
    Seek,
    Reap(TaskId),
    Delete(BatchId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ready,
    UnderWay,
    Over,
}

impl DeleteTree {
    /// Deletes `key` and everything below it.
    pub fn new(key: Key) -> Self {
        let mut reaper = Reaper::default();
        // A key too long to have a record has none.
        if let Ok(record) = record_key(&key) {
            reaper.read(record, NotOurs::Leave);
        }
        Self {
            below: format!("{key}/"),
            key,
            head: Step::Ready,
            objects: Pages::new(String::new()),
            uploads: Pages::new(UploadsMarker::default()),
            batches: Batches::default(),
            reaper,
            failures: Failures::default(),
            unseen_objects: BTreeSet::new(),
            unseen_uploads: BTreeSet::new(),
            sought: None,
            seek_begun: RecentMark::default(),
            found: false,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// Also deletes what `recent` remembers there at `now`, and makes it forget what is gone.
    #[must_use]
    pub fn with_recent(mut self, recent: Recent, now: Ticks) -> Self {
        self.unseen_objects =
            recent.objects_below(now, &self.key, &self.below).into_iter().collect();
        self.unseen_uploads =
            recent.uploads_below(now, &self.key, &self.below).into_iter().collect();
        // These two are looked at anyway.
        self.unseen_objects.remove(&self.key);
        self.batches.set_recent(recent.clone());
        self.reaper.set_recent(recent);
        self
    }

    fn start(&mut self) -> Option<Tag> {
        if self.failures.stop() {
            return None;
        }
        if self.head == Step::Ready {
            self.head = Step::UnderWay;
            return Some(Tag::Head);
        }
        if let Some(id) = self.reaper.next() {
            return Some(Tag::Reap(id));
        }
        if self.has_room_for_objects() && self.objects.start() {
            return Some(Tag::Objects);
        }
        if self.reaper.held() < PAGE && self.uploads.start() {
            return Some(Tag::Uploads);
        }
        if let Some((_, step @ Step::Ready)) = &mut self.sought {
            *step = Step::UnderWay;
            self.seek_begun = self.batches.mark();
            return Some(Tag::Seek);
        }
        let more = self.sources_open();
        self.batches.next(more).map(Tag::Delete)
    }

    /// While one batch is being deleted the page after it is on its way.
    fn has_room_for_objects(&self) -> bool {
        let keys = &self.batches;
        self.reaper.held() < PAGE && keys.queued() < PAGE && keys.held() < HELD_KEYS_MAX
    }

    /// Whether further keys to delete may come.
    fn sources_open(&self) -> bool {
        self.head != Step::Over
            || !self.objects.is_over()
            || !self.uploads.is_over()
            || self.reaper.held() > 0
    }

    fn in_flight(&self) -> bool {
        self.head == Step::UnderWay
            || matches!(self.sought, Some((_, Step::UnderWay)))
            || self.objects.is_under_way()
            || self.uploads.is_under_way()
            || self.reaper.in_flight() > 0
            || self.batches.in_flight() > 0
    }

    /// An object below the path; a record is read first.
    fn delete(&mut self, key: Key) {
        let record = key.as_str().ends_with(RECORD_SUFFIX);
        if record && planted!(self.simulated, DeleteForgetsRecords) {
            return;
        }
        if record {
            self.reaper.read(key, NotOurs::Delete);
        } else {
            self.batches.push(key);
        }
    }

    fn is_within(&self, key: &Key) -> bool {
        *key == self.key || key.as_str().starts_with(&self.below)
    }

    /// What this driver wrote lately and no list has shown, a page at a time. Whether there was
    /// any.
    fn add_recent(&mut self) -> bool {
        if planted!(self.simulated, DeleteTrustsLists) {
            return false;
        }
        let mut added = false;
        while self.batches.held() < PAGE && self.reaper.held() < PAGE {
            if let Some(key) = self.unseen_objects.pop_first() {
                if !self.anything_found() && !key.as_str().ends_with(RECORD_SUFFIX) {
                    self.sought = Some((key, Step::Ready));
                    return true;
                }
                self.delete(key);
            } else if let Some((key, upload)) = self.unseen_uploads.pop_first() {
                self.reaper.abort(key, upload);
            } else {
                break;
            }
            added = true;
        }
        added
    }

    fn anything_found(&self) -> bool {
        self.found || self.reaper.records() > 0 || self.reaper.aborted() > 0
    }

    /// What became of the recent object that was looked for.
    fn seek_ended(&mut self, there: bool) {
        let Some((key, _)) = self.sought.take() else { return };
        if there {
            self.found = true;
            self.batches.push(key);
        } else {
            self.batches.forget(&key, self.seek_begun);
        }
    }

    fn on_objects(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let page = api::list_objects::decode(reply)?;
        let more = page.is_truncated && !planted!(self.simulated, DeleteStopsAtPage);
        let entries = page.entries();
        self.objects.advance(page.next_marker.filter(|_| more), entries)?;
        self.found |= !page.objects.is_empty();
        for object in page.objects {
            match Key::new(object.key) {
                Ok(key) => {
                    self.unseen_objects.remove(&key);
                    self.delete(key);
                }
                Err(error) => self.failures.key(unaddressable(&error)),
            }
        }
        Ok(())
    }

    fn on_uploads(&mut self, reply: &Reply) -> Result<(), Rejected> {
        let page = api::multipart::list_uploads::decode(reply)?;
        self.uploads.advance(UploadsMarker::after(&page), page.entries())?;
        for upload in page.uploads {
            // A key that is none begins with no key's text and a slash.
            if let Ok(key) = Key::new(upload.key)
                && self.is_within(&key)
            {
                self.unseen_uploads.remove(&(key.clone(), upload.upload_id.clone()));
                self.reaper.abort(key, upload.upload_id);
            }
        }
        Ok(())
    }
}

/// COS listed a key that it would not take in a request.
pub(super) fn unaddressable(error: &Error) -> KeyFailure {
    let key = error.path().unwrap_or_default().to_owned();
    KeyFailure::new(key, "InvalidObjectName".into(), error.to_string())
}

/// A list's page: the next is asked for only while fewer wait.
const PAGE: usize = BATCH_KEYS_MAX;
/// The next page of objects is asked for only while fewer keys wait or are being deleted.
const HELD_KEYS_MAX: usize = 3 * PAGE;

impl Operation for DeleteTree {
    type Tag = Tag;
    type Output = Result<DeleteOutcome, Error>;

    fn next(&mut self) -> Next<Self::Tag, Self::Output> {
        loop {
            if let Some(tag) = self.start() {
                return Next::Call(tag);
            }
            if self.in_flight() {
                return Next::Pending;
            }
            if self.failures.stop() || !self.add_recent() {
                break;
            }
        }
        let found = self.anything_found();
        Next::Done(match self.failures.take_error("delete") {
            Some(error) => Err(error.at(self.key.as_str())),
            None if !found => Err(Error::new(ErrorKind::PathNotFound, "").at(self.key.as_str())),
            None => Ok(DeleteOutcome {
                objects: self.batches.deleted(),
                uploads: self.reaper.aborted(),
            }),
        })
    }

    fn call(&self, tag: Self::Tag) -> Call {
        match tag {
            Tag::Head => api::head_object::call(&self.key, &GetOptions::default()),
            Tag::Objects => {
                let sibling = planted!(self.simulated, DeleteTakesSibling);
                let below = if sibling { self.key.as_str() } else { &*self.below };
                let options = ListOptions::new(below).marker(&**self.objects.marker());
                api::list_objects::call(&options)
            }
            Tag::Uploads => api::multipart::list_uploads::call(&uploads_after(
                self.key.as_str(),
                self.uploads.marker(),
            )),
            Tag::Seek => {
                let sought = self.sought.as_ref().map_or(&self.key, |(key, _)| key);
                api::head_object::call(sought, &GetOptions::default())
            }
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
            Tag::Head => {
                self.head = Step::Over;
                self.found = true;
                self.batches.push(self.key.clone());
            }
            Tag::Seek => self.seek_ended(true),
            Tag::Objects => return self.on_objects(&reply),
            Tag::Uploads => return self.on_uploads(&reply),
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
            Tag::Head => {
                self.head = Step::Over;
                if !error.is_not_found() {
                    self.failures.fatal(error);
                }
            }
            // Whatever else is wrong: it may be there, and to delete it is what was asked for.
            Tag::Seek => self.seek_ended(!error.is_not_found()),
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
