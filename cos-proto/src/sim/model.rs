//! The reference model: says of every call of a history whether its outcome is allowed.
//!
//! It shares nothing with the driver but the kinds of errors. It is told of every call when it
//! begins and when it ends, in the order of virtual time, and keeps the *set* of states that the
//! bucket may be in.
//!
//! | part | holds |
//! |---|---|
//! | `register` | one value of the bucket: what it may be, since when, until when |
//! | `state` | a slot per key (object and resume record), the writers, the calls under way |
//! | `objects`, `opens`, `writers`, `tree` | what calls about these mean, at their begin and at their end |
//! | `failures` | which errors can be right, and whether they leave a doubt |
//!
//! It never gives a false alarm: where concurrency or a lost answer leaves a doubt, everything that
//! may be is allowed. What only one process touches is checked exactly.

mod call;
mod failures;
mod objects;
mod opens;
mod register;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod writers;

use std::collections::BTreeMap;

pub(super) use self::call::{
    Call, CallId, Entry, Failure, Millis, Outcome, ProcessId, Violation, WriterId,
};
pub(super) use self::objects::FLAWS_MAX;
use self::{
    register::{Candidate, Moment, Owner},
    state::{Slots, Under, Writer, key_of},
};
use bytes::Bytes;

/// What the model must know of the world it judges.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long it takes at most until a write or a deletion shows in lists of objects.
    pub(crate) list_lag: Millis,
    /// How long a process remembers what it created itself.
    pub(crate) memory: Millis,
    /// The size of a writer's parts.
    pub(crate) chunk_size: u64,
    /// The least size of a part, of a tail that Close makes one.
    pub(crate) part_bytes_min: u64,
    /// The most bytes that one writer holds back: what was written beyond is in acknowledged parts.
    pub(crate) writer_bytes_max: u64,
    /// Larger objects are copied by parts.
    pub(crate) copy_threshold: u64,
    /// Nothing goes wrong from the start.
    pub(crate) fair: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            list_lag: 0,
            memory: 120_000,
            chunk_size: 1024,
            part_bytes_min: 256,
            writer_bytes_max: u64::MAX,
            copy_threshold: 0,
            fair: false,
        }
    }
}

/// All states that the bucket may be in.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    settings: Settings,
    slots: Slots,
    writers: BTreeMap<WriterId, Writer>,
    under: BTreeMap<CallId, Under>,
    /// When each process crashed last.
    crashes: BTreeMap<ProcessId, u64>,
    /// When faults were over.
    settled: Option<u64>,
    /// The last version before that.
    settled_version: Option<u64>,
    calls: u64,
    seq: u64,
    now: Moment,
    versions: u64,
}

impl Model {
    /// An empty bucket.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Slots::new(),
            writers: BTreeMap::new(),
            under: BTreeMap::new(),
            crashes: BTreeMap::new(),
            settled: None,
            settled_version: None,
            calls: 0,
            seq: 0,
            now: Moment::START,
            versions: 0,
        }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, at: Millis, process: ProcessId, call: Call) -> CallId {
        self.calls += 1;
        let id = CallId(self.calls);
        let begun = self.moment(at);
        let under = Under { id, begun, process, call };
        match &under.call {
            Call::Put { path, content } => self.begin_put(&under, key_of(path), content, false),
            Call::PutKey { key, content } => self.begin_put(&under, key, content, false),
            Call::UploadKey { key, content } => self.begin_put(&under, key, content, true),
            Call::DeleteKey { key } => self.begin_delete_key(&under, key),
            Call::CopyKey { from, to } => self.begin_copy(&under, from, to, false),
            Call::Rename { from, to } if from == to => {}
            Call::Rename { from, to } => {
                self.begin_copy(&under, key_of(from), key_of(to), true);
            }
            Call::Open { path, append, writer } => {
                self.begin_open(&under, path, *append, *writer);
            }
            Call::Write { writer, content } => self.begin_write(&under, *writer, content),
            Call::Close { writer } => self.begin_close(&under, *writer),
            Call::Commit { writer } => self.begin_commit(&under, *writer),
            Call::Cancel { writer } => self.begin_cancel(&under, *writer),
            Call::Delete { path } => self.begin_delete(&under, path),
            Call::Sweep { age } => self.begin_sweep(&under, *age),
            Call::Get { .. }
            | Call::Read { .. }
            | Call::Stat { .. }
            | Call::List { .. }
            | Call::Walk { .. }
            | Call::GetKey { .. }
            | Call::HeadKey { .. } => {}
        }
        self.under.insert(id, under);
        id
    }

    /// A call ends.
    ///
    /// # Errors
    /// The violation if nothing allows this outcome.
    pub(crate) fn end(
        &mut self,
        at: Millis,
        id: CallId,
        outcome: Outcome,
    ) -> Result<(), Violation> {
        let Some(under) = self.under.remove(&id) else {
            return Err(Violation::new(format!("{id:?} is not under way")));
        };
        let now = self.moment(at);
        let result = self.judge_end(&under, outcome, now);
        self.prune();
        result
    }

    fn judge_end(&mut self, under: &Under, outcome: Outcome, now: Moment) -> Result<(), Violation> {
        match &under.call {
            Call::Put { path: key, .. }
            | Call::PutKey { key, .. }
            | Call::UploadKey { key, .. } => self.end_put(under, key_of(key), outcome, now),
            Call::Get { path: key } | Call::GetKey { key } => {
                self.end_get(under, key_of(key), 0, outcome, now)
            }
            Call::Read { path, offset } => self.end_get(under, key_of(path), *offset, outcome, now),
            Call::HeadKey { key } => self.end_head(under, key, outcome, now),
            Call::DeleteKey { key } => self.end_delete_key(under, key, outcome, now),
            Call::CopyKey { from, to } => self.end_copy(under, from, to, false, outcome, now),
            Call::Rename { from, to } if from == to => {
                self.end_rename_onto_itself(under, from, outcome, now)
            }
            Call::Rename { from, to } => {
                self.end_copy(under, key_of(from), key_of(to), true, outcome, now)
            }
            Call::Open { path, append, writer } => {
                self.end_open(under, path, *append, *writer, outcome, now)
            }
            Call::Write { writer, content } => {
                self.end_write(under, *writer, content, outcome, now)
            }
            Call::Close { writer } => self.end_close(under, *writer, outcome, now),
            Call::Commit { writer } => self.end_commit(under, *writer, outcome, now),
            Call::Cancel { writer } => self.end_cancel(under, *writer, outcome, now),
            Call::Stat { path } => self.end_stat(under, path, outcome, now),
            Call::List { path } => self.end_list(under, path, outcome),
            Call::Walk { from, skips } => self.end_walk(under, from, skips, outcome),
            Call::Delete { path } => self.end_delete(under, path, outcome, now),
            Call::Sweep { .. } => self.end_sweep(under, outcome, now),
        }
    }

    /// Forgets what no call can meet any more.
    fn prune(&mut self) {
        let oldest = self.under.values().map(|under| under.begun).min_by_key(|begun| begun.seq);
        let oldest = oldest.unwrap_or(self.now);
        // A list shows what was there a lag before.
        let lag = self.settings.list_lag + 2;
        for slot in self.slots.values_mut() {
            slot.object.prune(oldest, lag);
            slot.record.prune(oldest, lag);
        }
    }

    /// A writer is forgotten without an end.
    pub(crate) fn drop_writer(&mut self, at: Millis, writer: WriterId) {
        let now = self.moment(at);
        self.forget_writer(writer, now);
    }

    /// A process crashes: what it has under way is never answered.
    pub(crate) fn crash(&mut self, at: Millis, process: ProcessId) {
        let now = self.moment(at);
        self.crashes.insert(process, now.seq);
        self.forget_writers_of(process, now);
        let of_process = |under: &&Under| under.process == process;
        let dying: Vec<Under> = self.under.values().filter(of_process).cloned().collect();
        for under in dying {
            self.under.remove(&under.id);
            let owner = Owner::Call(under.id);
            for slot in self.slots.values_mut() {
                slot.object.give_up(owner, now);
                slot.record.give_up(owner, now);
                // It may have aborted what was opened while it was under way.
                if slot.effects.iter().any(|effect| effect.call == under.id) {
                    slot.end_lineages(|_| true);
                }
                slot.object.end_forgetting(&under, now);
                slot.record.end_forgetting(&under, now);
            }
            match &under.call {
                Call::UploadKey { key, .. } | Call::CopyKey { to: key, .. } => {
                    self.slot(key).leaks += 1;
                }
                Call::Rename { to, .. } => self.slot(key_of(to)).leaks += 1,
                Call::Open { path, .. } => self.slot(key_of(path)).end_lineages(|_| true),
                Call::Commit { writer } | Call::Cancel { writer } => {
                    if let Some(key) = self.writers.get(writer).map(|writer| writer.key.clone()) {
                        self.slot(&key).end_lineages(|_| true);
                    }
                }
                _ => {}
            }
        }
    }

    /// The service has stored these damaged bytes for a PUT of this key.
    pub(crate) fn damaged(&mut self, at: Millis, key: &str, content: Bytes) {
        let now = self.moment(at);
        let object = &self.slot(key).object;
        // Whose they are, if only one can have sent them.
        let mut senders = object.candidates.iter().filter(|candidate| {
            candidate.is_alive() && candidate.value.is_some() && candidate.last == u64::MAX
        });
        let whose =
            match (senders.next().map(|sender| (sender.owner, sender.ended)), senders.next()) {
                (Some((Owner::Call(call), u64::MAX)), None) => Some(call),
                _ => None,
            };
        self.copy_on(key, &content);
        let id = self.version();
        self.slot(key).object.add(Candidate {
            id,
            value: Some(content),
            owner: Owner::Damage(whose),
            process: None,
            acknowledged: false,
            begun: now,
            ended: now.seq,
            last: now.seq,
            dead: Moment::NEVER,
            once: false,
        });
    }

    /// Faults are over and nothing is late any more. From now on a call may not fail for reasons
    /// of the network.
    pub(crate) fn settle(&mut self, at: Millis) {
        let now = self.moment(at);
        self.settled = Some(now.seq);
        self.settled_version = Some(self.versions);
        let under = &self.under;
        for slot in self.slots.values_mut() {
            slot.object.settle(now);
            slot.record.settle(now);
            for effect in &mut slot.effects {
                if !under.contains_key(&effect.call) {
                    effect.ended = effect.ended.min(now.seq);
                }
            }
        }
    }

    /// How many uploads of a key may be open that no record names, those aside that the network
    /// made by delivering a Create more than once.
    pub(crate) fn unnamed_uploads_allowed(&self, key: &str) -> u64 {
        self.slots.get(key).map_or(0, |slot| slot.leaks)
    }

    /// Whether a resume record may, and whether it must not be missing, beside an object's key.
    pub(crate) fn record_at_end(&self, key: &str) -> (bool, bool) {
        let Some(slot) = self.slots.get(key) else { return (false, false) };
        let may = slot.record.may_be(self.seq, Option::is_some);
        (may, !slot.record.may_be(self.seq, Option::is_none))
    }

    /// The keys that calls have been about so far.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.slots.keys().map(String::as_str)
    }
}
