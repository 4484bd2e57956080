//! What the model knows: a slot per path, the writers, and the calls under way.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Call, CallId, Millis, Model, ProcessId, WriterId,
    register::{Candidate, Moment, Owner, Register},
};

/// The object that stood at a path when an upload began: its version and content.
pub(super) type Base = Option<(u64, Bytes)>;

/// What a resume record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    pub(super) content: Bytes,
    pub(super) base: Base,
    pub(super) lineage: u64,
}

/// What a path may hold.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) object: Register<Bytes>,
    pub(super) record: Register<Resume>,
    pub(super) lineages: Vec<Lineage>,
    pub(super) effects: Vec<Effect>,
    /// Uploads that no record may name.
    pub(super) leaks: u64,
}

/// An upload over all writers that go on with it.
#[derive(Clone, Debug)]
pub(super) struct Lineage {
    pub(super) id: u64,
    pub(super) begun: Millis,
    /// Completed or aborted, perhaps.
    pub(super) ended: bool,
}

/// A call that may change a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    pub(super) call: CallId,
    pub(super) writer: Option<WriterId>,
    /// When it can do no more.
    pub(super) ended: u64,
}

/// A call under way.
#[derive(Clone, Debug)]
pub(super) struct Under {
    pub(super) id: CallId,
    pub(super) begun: Moment,
    pub(super) process: ProcessId,
    pub(super) call: Call,
}

#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) process: ProcessId,
    pub(super) key: String,
    pub(super) append: bool,
    pub(super) state: WriterState,
    pub(super) begun: Moment,
    pub(super) opened: Moment,
    /// What it may go on from.
    pub(super) starts: Vec<Resume>,
    pub(super) written: Vec<u8>,
    /// Whether it may have claimed, and so created an upload.
    pub(super) claims: bool,
    pub(super) claimed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriterState {
    Opening,
    Open,
    Failed,
    Closed,
    /// Committed or cancelled.
    Over,
    /// The same, and closed after that.
    OverAndClosed,
    Gone,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self {
            object: Register::new(),
            record: Register::new(),
            lineages: Vec::new(),
            effects: Vec::new(),
            leaks: 0,
        }
    }

    /// Its uploads may be completed or aborted.
    pub(super) fn end_lineages(&mut self, which: impl Fn(&Lineage) -> bool) {
        for lineage in self.lineages.iter_mut().filter(|lineage| which(lineage)) {
            lineage.ended = true;
        }
    }
}

impl Model {
    pub(super) fn moment(&mut self, at: Millis) -> Moment {
        self.seq += 1;
        self.now = Moment { seq: self.seq, at };
        self.now
    }

    pub(super) fn version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    /// The slot of a key. Deletes under way concern it from the start.
    pub(super) fn slot(&mut self, key: &str) -> &mut Slot {
        if !self.slots.contains_key(key) {
            let mut slot = Slot::new();
            for under in self.under.values() {
                if let Call::Delete { path } = &under.call
                    && covers(path, key)
                {
                    delete_from(&mut slot, under);
                }
            }
            self.slots.insert(key.to_owned(), slot);
        }
        self.slots.entry(key.to_owned()).or_insert_with(Slot::new)
    }

    /// A write to the object of `key` begins. Copies of it under way may copy this.
    pub(super) fn add_object(
        &mut self,
        key: &str,
        value: Option<Bytes>,
        under: &Under,
        once: bool,
    ) {
        let id = self.version();
        let noted =
            matches!(under.call, Call::Put { .. } | Call::Commit { .. } | Call::Rename { .. });
        let candidate = Candidate {
            id,
            value: value.clone(),
            owner: Owner::Call(under.id),
            process: (noted && value.is_some()).then_some(under.process),
            acknowledged: false,
            begun: under.begun,
            ended: u64::MAX,
            last: u64::MAX,
            dead: Moment::NEVER,
            once,
        };
        let object = &mut self.slot(key).object;
        let before = object.candidates.len();
        object.add(candidate);
        let added = object.candidates.len() > before;
        if added && let Some(content) = value {
            self.copy_on(key, &content);
        }
    }

    /// What copies under way read may be this, too.
    pub(super) fn copy_on(&mut self, key: &str, content: &Bytes) {
        let copies: Vec<(Under, String)> = self
            .under
            .values()
            .filter_map(|under| match &under.call {
                Call::Rename { from, to } if key_of(from) == key && from != to => {
                    Some((under.clone(), key_of(to).to_owned()))
                }
                Call::CopyKey { from, to } if from == key && from != to => {
                    Some((under.clone(), to.clone()))
                }
                _ => None,
            })
            .collect();
        for (under, to) in copies {
            let once = content.len() as u64 > self.settings.copy_threshold;
            self.add_object(&to, Some(content.clone()), &under, once);
        }
    }

    /// A write to the record of `key` begins.
    pub(super) fn add_record(
        &mut self,
        key: &str,
        value: Option<Resume>,
        owner: Owner,
        begun: Moment,
        process: ProcessId,
    ) {
        let id = self.version();
        let process = value.is_some().then_some(process);
        self.slot(key).record.add(Candidate {
            id,
            value,
            owner,
            process,
            acknowledged: false,
            begun,
            ended: u64::MAX,
            last: u64::MAX,
            dead: Moment::NEVER,
            once: false,
        });
    }

    /// A call that may change the slot of `key` begins.
    pub(super) fn note_effect(&mut self, key: &str, call: CallId, writer: Option<WriterId>) {
        self.slot(key).effects.push(Effect { call, writer, ended: u64::MAX });
    }

    /// It has ended and can do no more.
    pub(super) fn end_effects(&mut self, call: CallId, now: Moment) {
        for slot in self.slots.values_mut() {
            for effect in slot.effects.iter_mut().filter(|effect| effect.call == call) {
                effect.ended = now.seq;
            }
        }
    }

    /// Whether anybody but `writer` may have changed the slot since.
    pub(super) fn is_disturbed(&self, key: &str, writer: Option<WriterId>, since: u64) -> bool {
        let Some(slot) = self.slots.get(key) else { return false };
        let by_call = slot
            .effects
            .iter()
            .any(|effect| effect.ended > since && (writer.is_none() || effect.writer != writer));
        by_call
            || self.writers.iter().any(|(id, other)| {
                Some(*id) != writer
                    && other.key == key
                    && matches!(other.state, WriterState::Opening | WriterState::Open)
            })
    }

    /// Whether faults were over when the call began, or never were.
    pub(super) fn is_calm(&self, under: &Under) -> bool {
        self.settings.fair || self.settled.is_some_and(|settled| under.begun.seq > settled)
    }

    /// What `process` remembers was noted after this.
    pub(super) fn remembers_since(&self, process: ProcessId) -> u64 {
        self.crashes.get(&process).copied().unwrap_or(0)
    }
}

/// A delete that concerns the slot begins.
pub(super) fn delete_from(slot: &mut Slot, under: &Under) {
    slot.object.add(nothing_by(under));
    slot.record.add(nothing_by(under));
    slot.object.begin_forgetting(under);
    slot.record.begin_forgetting(under);
    slot.effects.push(Effect { call: under.id, writer: None, ended: u64::MAX });
    slot.end_lineages(|_| true);
}

/// A deletion by this call.
pub(super) fn nothing_by<V>(under: &Under) -> Candidate<Option<V>> {
    Candidate {
        id: 0,
        value: None,
        owner: Owner::Call(under.id),
        process: None,
        acknowledged: false,
        begun: under.begun,
        ended: u64::MAX,
        last: u64::MAX,
        dead: Moment::NEVER,
        once: false,
    }
}

/// The key of a path.
pub(super) fn key_of(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Whether a delete of `path` concerns `key`.
pub(super) fn covers(path: &str, key: &str) -> bool {
    let path = key_of(path);
    key.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The slots, in the order of their keys.
pub(super) type Slots = BTreeMap<String, Slot>;
