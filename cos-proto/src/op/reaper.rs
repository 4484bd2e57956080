//! Aborts uploads and reads resume records on the way: what DeleteTree and Sweep share.
//!
//! | task | answer | then |
//! |---|---|---|
//! | read a record | ours, with an upload | abort that upload, then the record may be deleted |
//! | | ours, without one; damaged | the record may be deleted |
//! | | not ours (no magic, another version, too large) | as the task says: delete it, or leave it |
//! | | 404 | it is gone |
//! | | ours, written since the cut-off | left alone, with its upload |
//! | check a listed upload's record | ours, written since the cut-off | the upload is left alone |
//! | | anything else | abort the upload |
//! | abort an upload | 204, or 404 NoSuchUpload | gone; its record may be deleted |
//! | any | failed | the failure is noted; neither upload nor record is deleted |
//!
//! A record is deleted only after its upload is gone: it is the only thing that names it.

use std::collections::{BTreeMap, VecDeque};

use super::{
    abort_upload::upload_is_gone,
    failures::Failures,
    record::{NotARecord, RECORD_BYTES_MAX, RECORD_SUFFIX, UploadState, record_key},
};
use crate::{
    Call, CallError, FailureKind, Key, Rejected, Reply, UnixTime, UploadId,
    api::{self, GetOptions},
    error::Cause,
    recent::Recent,
};

/// Uploads to abort and records to read. Its owner bounds what it adds by [`held`](Self::held).
#[derive(Debug, Default)]
pub(crate) struct Reaper {
    queued: VecDeque<Task>,
    in_flight: BTreeMap<TaskId, Task>,
    begun: u64,
    /// What was written at or after this is in use.
    cut_off: Option<UnixTime>,
    aborted: u64,
    records: u64,
    /// Who is to forget uploads that are gone.
    recent: Option<Recent>,
    #[cfg(feature = "sim")]
    pub(super) simulated: crate::sim::Simulated,
}

/// Names one call of the reaper over all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId(u64);

/// What becomes of an object at a record's key that is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOurs {
    Delete,
    Leave,
}

#[derive(Debug)]
enum Task {
    Read { record: Key, not_ours: NotOurs },
    Check { record: Key, key: Key, upload: UploadId },
    Abort { key: Key, upload: UploadId, record: Option<Key> },
}

/// What a GET of a record's key found.
enum Found {
    Ours(Option<UploadId>),
    /// Ours, but the upload cannot be read from it.
    Damaged,
    InUse,
    Foreign,
    Nothing,
}

impl Reaper {
    /// From now on leaves alone what was written at or after `cut_off`, or after an earlier one that
    /// it was told before; the answer is the one that counts.
    pub(crate) fn spare_since(&mut self, cut_off: Option<UnixTime>) -> Option<UnixTime> {
        self.cut_off = match (self.cut_off, cut_off) {
            (Some(known), Some(told)) => Some(known.min(told)),
            (known, told) => known.or(told),
        };
        self.cut_off
    }

    /// What is gone is forgotten by `recent`.
    pub(crate) fn set_recent(&mut self, recent: Recent) {
        self.recent = Some(recent);
    }

    /// Reads `record`, aborts the upload it names, and then lets go of the record.
    pub(crate) fn read(&mut self, record: Key, not_ours: NotOurs) {
        self.queued.push_back(Task::Read { record, not_ours });
    }

    /// Aborts an upload; with a cut-off only if its record is not in use.
    pub(crate) fn abort(&mut self, key: Key, upload: UploadId) {
        let task = match (self.cut_off, record_key(&key)) {
            (Some(_), Ok(record)) => Task::Check { record, key, upload },
            _ => Task::Abort { key, upload, record: None },
        };
        self.queued.push_back(task);
    }

    /// How many tasks wait or are under way.
    pub(crate) fn held(&self) -> usize {
        self.queued.len().saturating_add(self.in_flight.len())
    }

    /// How many calls are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How many uploads were aborted; those that were gone already do not count.
    pub(crate) fn aborted(&self) -> u64 {
        self.aborted
    }

    /// How many records of ours were found that are not in use.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The next call to start.
    pub(crate) fn next(&mut self) -> Option<TaskId> {
        let task = self.queued.pop_front()?;
        self.begun = self.begun.saturating_add(1);
        let id = TaskId(self.begun);
        self.in_flight.insert(id, task);
        Some(id)
    }

    pub(crate) fn call(&self, id: TaskId) -> Call {
        match self.in_flight.get(&id) {
            Some(Task::Read { record, .. } | Task::Check { record, .. }) => {
                api::get_object::call_collected(record, &GetOptions::default(), RECORD_BYTES_MAX)
            }
            Some(Task::Abort { key, upload, .. }) => api::multipart::abort::call(key, upload),
            // A machine asks only for calls that have not ended; this one would do no harm.
            None => api::head_bucket::call(),
        }
    }

    /// A reply. The answer is a key that may be deleted now.
    pub(crate) fn on_reply(&mut self, id: TaskId, reply: &Reply) -> Result<Option<Key>, Rejected> {
        let found = match self.in_flight.get(&id) {
            Some(Task::Read { .. } | Task::Check { .. }) => self.judge(reply)?,
            Some(Task::Abort { .. }) | None => Found::Nothing,
        };
        let Some(task) = self.in_flight.remove(&id) else { return Ok(None) };
        Ok(match task {
            Task::Abort { key, upload, record } => {
                self.aborted = self.aborted.saturating_add(1);
                self.forget(&key, &upload);
                record
            }
            Task::Read { .. } | Task::Check { .. } => self.found(task, found),
        })
    }

    /// A call that failed for good. The answer is a key that may be deleted now.
    pub(crate) fn on_error(
        &mut self,
        id: TaskId,
        error: CallError,
        failures: &mut Failures,
    ) -> Option<Key> {
        let task = self.in_flight.remove(&id)?;
        let too_large = matches!(
            &error.cause,
            Cause::Transport(failure) if failure.kind == FailureKind::ReplyTooLarge
        );
        match task {
            Task::Abort { key, upload, record } if upload_is_gone(&error) => {
                self.forget(&key, &upload);
                record
            }
            Task::Read { .. } | Task::Check { .. } if error.is_not_found() => {
                self.found(task, Found::Nothing)
            }
            Task::Read { .. } | Task::Check { .. } if too_large => self.found(task, Found::Foreign),
            Task::Abort { key, .. }
            | Task::Read { record: key, .. }
            | Task::Check { record: key, .. } => {
                failures.call(&[key], error);
                None
            }
        }
    }

    fn forget(&self, key: &Key, upload: &UploadId) {
        if let Some(recent) = &self.recent {
            recent.forget_upload(key, upload);
        }
    }

    fn judge(&self, reply: &Reply) -> Result<Found, Rejected> {
        let modified = reply.headers().get(http::header::LAST_MODIFIED);
        let modified =
            modified.and_then(|value| value.to_str().ok()).and_then(UnixTime::parse_http_date);
        let part_bytes_min = part_bytes_min!(self.simulated);
        Ok(match (UploadState::decode(reply, part_bytes_min)?, self.cut_off) {
            (Err(NotARecord::Foreign), _) => Found::Foreign,
            // Without a date nobody can say that it is old.
            (_, Some(cut_off))
                if modified.is_none_or(|at| at >= cut_off)
                    && !planted!(self.simulated, SweepIgnoresAge) =>
            {
                Found::InUse
            }
            (Err(NotARecord::Damaged), _) => Found::Damaged,
            (Ok(state), _) => Found::Ours(state.upload),
        })
    }

    fn found(&mut self, task: Task, found: Found) -> Option<Key> {
        match (task, found) {
            (Task::Read { record, .. }, Found::Ours(upload)) => {
                self.records = self.records.saturating_add(1);
                match (upload, upload_key(&record)) {
                    (Some(upload), Some(key)) if planted!(self.simulated, RecordDroppedFirst) => {
                        self.queued.push_back(Task::Abort { key, upload, record: None });
                        Some(record)
                    }
                    (Some(upload), Some(key)) => {
                        // Before anything else: it frees the memory of this task soonest.
                        self.queued.push_front(Task::Abort { key, upload, record: Some(record) });
                        None
                    }
                    _ => Some(record),
                }
            }
            (Task::Read { record, .. }, Found::Damaged) => {
                self.records = self.records.saturating_add(1);
                Some(record)
            }
            (Task::Read { record, not_ours: NotOurs::Delete }, Found::Foreign) => Some(record),
            (
                Task::Check { key, upload, .. },
                Found::Ours(_) | Found::Damaged | Found::Foreign | Found::Nothing,
            ) => {
                self.queued.push_front(Task::Abort { key, upload, record: None });
                None
            }
            (Task::Read { .. } | Task::Check { .. } | Task::Abort { .. }, _) => None,
        }
    }
}

/// The key whose upload a record names.
fn upload_key(record: &Key) -> Option<Key> {
    Key::new(record.as_str().strip_suffix(RECORD_SUFFIX)?).ok()
}
